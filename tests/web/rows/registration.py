"""Whom the routes of registration let in: everybody, and then what they send decides."""

from __future__ import annotations

from tests.web.rows.row import open_to_all, persons_only

NEW = {"username": "somebody", "email": "somebody@example.org", "password": "correct horse battery"}
TOKEN = {"token": "never was"}

ROWS = {
    "get_auth_registration": open_to_all(200),
    "post_auth_register": open_to_all(403, body=NEW),
    "post_auth_verify_email": open_to_all(401, body=TOKEN),
    "post_auth_resend": open_to_all(202, body={"identifier": "nobody"}),
    "post_auth_forgot": open_to_all(202, body={"identifier": "nobody"}),
    "post_auth_reset": open_to_all(401, body={**TOKEN, "password": "another good battery"}),
    "post_auth_invite": open_to_all(403, body={"code": "never was"}),
    "post_account_email": persons_only(403, body={"email": "new@example.org", "password": "not this one"}),
    "post_auth_email_confirm": open_to_all(401, body=TOKEN),
    "post_auth_email_undo": open_to_all(401, body=TOKEN),
}
