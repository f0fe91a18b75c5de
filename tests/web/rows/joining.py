"""Whom the pages of registration let in."""

from __future__ import annotations

from tests.web.rows.row import everybody, page, persons_page

TOKEN = {"token": "never was"}
NEW = {"username": "x", "email": "x@example.org", "password": "long enough to be one"}

PAGES = {
    "GET /register": page(200, 302, 302, 302, 302),
    "POST /register": everybody(403, refused=401, form=NEW),
    "GET /register/done": everybody(200),
    "GET /invite": page(200, 302, 302, 302, 302),
    "GET /verify": everybody(200, refused=401),
    "POST /verify": everybody(401, form=TOKEN),
    "GET /forgot": everybody(200, refused=401),
    "POST /forgot": everybody(200, refused=401, form={"identifier": "nobody"}),
    "GET /reset": everybody(200, refused=401),
    "POST /reset": everybody(401, form={**TOKEN, "password": "another good battery"}),
    "GET /email": everybody(200, refused=401),
    "POST /email": everybody(401, form={"confirm": "never was"}),
    "GET /account/email": persons_page(200),
    "POST /account/email": persons_page(403, form={"email": "new@example.org", "password": "not this one"}),
}
