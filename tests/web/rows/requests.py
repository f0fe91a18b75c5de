"""Whom requests for files let in. The link itself is for anybody who has it."""

from __future__ import annotations

from dataclasses import replace

from tests.support.server import Server
from tests.web.kit import path_of
from tests.web.rows.row import everybody, page, row


def a_request(server: Server) -> dict[str, str]:
    """A request of alice's, into a private album of hers."""
    album = server.alice.post("/api/v1/albums", json={"title": "Regatta", "is_public": False}).json()
    made = server.alice.post("/api/v1/upload-requests", json={"album_id": album["id"], "title": "Pictures"}).json()
    return {"request_id": made["id"], "token": path_of(made["url"]).removeprefix("/r/")}


_THEIRS = {"alice": 200, "cookie": 200, "reader": 403, "params": a_request}
ROWS = {
    "get_upload_requests": row(200, reader=403),
    "post_upload_requests": row(404, reader=403, body={"album_id": "nothing", "title": "Pictures"}),
    "get_upload_requests_request_id": row(404, **_THEIRS),
    "patch_upload_requests_request_id": row(404, **_THEIRS),
    "delete_upload_requests_request_id": row(404, **{**_THEIRS, "alice": 204, "cookie": 204}),
}

_EDIT = page(302, 303, 404, 303, 404, params=a_request, reader=403)
PAGES = {
    "GET /links/requests": page(302, 200, 200, 200, 200, reader=403),
    "POST /links/requests": page(302, 303, 303, 303, 303, reader=403, form={"title": "Pictures"}),
    "GET /links/requests/<request_id:str>": page(302, 200, 404, 200, 404, reader=403, params=a_request),
    "POST /links/requests/<request_id:str>": replace(_EDIT, form={"do": "close"}),
    "GET /r/<token:str>": everybody(200, params=a_request),
    # A form without files: let in, and then refused.
    "POST /r/<token:str>": everybody(400, params=a_request),
}
# Whoever has the link may send: see `test_requests`.
BY_LINK = ("GET /r/<token:str>", "POST /r/<token:str>")
