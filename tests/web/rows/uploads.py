"""Whom the routes of drops let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.kit import png, upload
from tests.web.rows.row import row


def a_drop(server: Server) -> dict[str, str]:
    """One of alice's drops."""
    return {"upload_id": upload(server.alice)["id"]}


ROWS = {
    "post_uploads": row(400, reader=403),
    "put_uploads_upload_id": row(201, reader=403, params=lambda _: {"upload_id": "a.png"}, content=png()),
    "get_uploads": row(200),
    "get_uploads_upload_id": row(404, alice=200, reader=200, cookie=200, params=a_drop),
    "patch_uploads_upload_id": row(404, alice=200, reader=403, cookie=200, params=a_drop),
    "delete_uploads_upload_id": row(404, alice=200, reader=403, cookie=200, params=a_drop),
    "post_uploads_upload_id_restore": row(404, alice=200, reader=403, cookie=200, params=a_drop),
}
