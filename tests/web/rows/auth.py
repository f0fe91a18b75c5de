"""Whom the routes of set-up, signing in and the document let in."""

from __future__ import annotations

from tests.web.rows.row import open_to_all, persons_only, row

ROWS = {
    "post_setup": open_to_all(400),
    "post_auth_login": open_to_all(400),
    "post_auth_totp": open_to_all(401, body={"code": "123456"}),
    "post_auth_recovery": open_to_all(401, body={"code": "AAAAA-AAAAA"}),
    "post_auth_refresh": open_to_all(401, cookie=200, admin=200),
    "post_auth_logout": persons_only(204),
    "get_auth_me": row(200),
    "get_openapi_json": open_to_all(200),
}
