"""Whom the routes of the account let in."""

from __future__ import annotations

from tests.web.kit import png
from tests.web.rows.row import page, persons_only, row

ROWS = {
    "get_account": row(200, reader=403),
    "put_account": persons_only(200),
    "put_account_avatar": persons_only(200, content=png(64, 64)),
    "delete_account_avatar": persons_only(204),
    "get_account_export": persons_only(200),
    "post_account_delete_request": persons_only(403, body={"password": "not this one"}),
}

# Nobody in these tests has a picture.
PAGES = {
    "GET /avatars/<user_id:str>/<version:str>": page(
        302, 404, 404, 403, 403, params=lambda _: {"user_id": "nobody", "version": "1"}
    ),
}
