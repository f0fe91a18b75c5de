"""Whom the pages about oneself let in."""

from __future__ import annotations

from tests.web.rows.row import persons_page

PAGES = {
    "GET /account": persons_page(200),
    "POST /account": persons_page(303, form={"bio": "hello"}),
    "POST /account/avatar": persons_page(400),
    "POST /account/avatar/remove": persons_page(303),
    "GET /account/sessions": persons_page(200),
    "POST /account/sessions": persons_page(303, form={"end": "nothing"}),
    "GET /account/keys": persons_page(200),
    "POST /account/keys": persons_page(400),
    "GET /account/data": persons_page(200),
    "POST /account/data": persons_page(400, form={"password": "not this one"}),
    "GET /pair": persons_page(200),
    "POST /pair": persons_page(404, form={"user_code": "BBBB-BBBB"}),
}
