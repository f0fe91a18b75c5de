"""Whom albums let in. alice owns the one that is asked for, private and her own; bob, charlie and the admin do not."""

from __future__ import annotations

from dataclasses import replace

from tests.support.server import Server
from tests.web.kit import upload
from tests.web.rows.row import page, row


def an_album(server: Server) -> dict[str, str]:
    """A private album of alice's with one private drop in it."""
    drop = upload(server.alice, is_public="false")
    made = server.alice.post("/api/v1/albums", json={"title": "Harbour", "is_public": False}).json()
    path = f"/api/v1/albums/{made['id']}/items"
    server.alice.post(path, json={"ids": [drop["id"]]}).raise_for_status()
    return {"album_id": made["id"], "upload_id": drop["id"], "slug": made["slug"]}


_THEIRS = {"alice": 200, "cookie": 200, "params": an_album}
ROWS = {
    "get_albums": row(200),
    "post_albums": row(201, reader=403, body={"title": "Harbour"}),
    "get_albums_album_id": row(404, reader=200, **_THEIRS),
    "patch_albums_album_id": row(404, reader=403, **_THEIRS),
    "delete_albums_album_id": row(404, reader=403, **{**_THEIRS, "alice": 204, "cookie": 204}),
    "get_albums_album_id_items": row(404, reader=200, **_THEIRS),
    "post_albums_album_id_items": row(404, reader=403, **_THEIRS, body={"ids": []}),
    "put_albums_album_id_items": row(404, reader=403, **_THEIRS, body={"ids": []}),
    "patch_albums_album_id_items_upload_id": row(404, reader=403, **{**_THEIRS, "alice": 204, "cookie": 204}),
    "delete_albums_album_id_items_upload_id": row(404, reader=403, **{**_THEIRS, "alice": 204, "cookie": 204}),
}

# A key acts on pages as its person does, as far as its scopes go.
_EDIT = page(302, 303, 404, 303, 404, params=an_album, reader=403)
_OWNERS_ALONE = page(404, 200, 404, 200, 404, params=an_album)
PAGES = {
    "GET /a/<slug:str>": _OWNERS_ALONE,
    "GET /a/<slug:str>/zip": _OWNERS_ALONE,
    "GET /a/<slug:str>/i/<upload_id:str>": _OWNERS_ALONE,
    "GET /albums": page(302, 200, 200, 200, 200),
    "POST /albums": page(302, 303, 303, 303, 303, reader=403, form={"title": "Harbour"}),
    "GET /albums/<album_id:str>": page(302, 200, 404, 200, 404, params=an_album),
    "POST /albums/<album_id:str>": replace(_EDIT, form={"do": "about", "title": "Port"}),
    "GET /albums/<album_id:str>/add": page(302, 200, 404, 200, 404, params=an_album),
    "POST /albums/<album_id:str>/add": _EDIT,
    "GET /drops/<upload_id:str>/albums": page(302, 200, 404, 200, 404, params=an_album),
    "POST /drops/<upload_id:str>/albums": replace(_EDIT, form={"title": "Port"}),
}
