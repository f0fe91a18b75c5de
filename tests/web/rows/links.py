"""Whom the routes and pages of share links let in."""

from __future__ import annotations

from typing import Any

from tests.support.server import Server
from tests.web.kit import png, upload
from tests.web.rows.row import everybody, page, row
from tests.web.rows.uploads import a_drop


def make_link(server: Server, **terms: Any) -> dict[str, Any]:
    """A share link of alice's to a private drop of hers."""
    drop = upload(server.alice, png(), named="private.png", is_public="false")
    made = server.alice.post(f"/api/v1/uploads/{drop['id']}/share", json=terms)
    assert made.status_code == 201, made.text
    link: dict[str, Any] = made.json()
    return link


def a_link(server: Server) -> dict[str, str]:
    """One of alice's links."""
    return {"token": make_link(server)["token"]}


def a_file(server: Server) -> dict[str, str]:
    """The bytes behind one of alice's links."""
    return {**a_link(server), "name": "file.png"}


def an_album(server: Server) -> dict[str, str]:
    """One of alice's albums."""
    return {"album_id": server.alice.post("/api/v1/albums", json={"title": "Holidays"}).json()["id"]}


def an_album_link(server: Server) -> dict[str, str]:
    """A link to one of alice's albums."""
    made = server.alice.post(f"/api/v1/albums/{an_album(server)['album_id']}/share", json={})
    return {"token": made.json()["token"]}


ROWS = {
    "post_uploads_upload_id_share": row(404, alice=201, reader=403, cookie=201, params=a_drop),
    "post_albums_album_id_share": row(404, alice=201, reader=403, cookie=201, params=an_album),
    "get_share_links": row(200, reader=403),
    "get_share_links_token": row(404, alice=200, reader=403, cookie=200, params=a_link),
    "patch_share_links_token": row(404, alice=200, reader=403, cookie=200, params=a_link),
    "delete_share_links_token": row(404, alice=204, reader=403, cookie=204, params=a_link),
}

PAGES = {
    "GET /l/<token:str>": everybody(200, refused=401, params=a_link),
    "GET /l/<token:str>/zip": everybody(200, refused=401, params=an_album_link),
    "GET /l/<token:str>/<name:str>": everybody(200, refused=401, params=a_file),
    "GET /l/<token:str>/i/<name:str>": everybody(404, refused=401, params=a_link),
}
# Whoever has such an address may: it is what it is for.
BY_LINK = set(PAGES)
PAGES |= {
    "GET /links": page(302, 200, 200, 200, 200, reader=403),
    "GET /links/<token:str>": page(302, 200, 404, 200, 404, reader=403, params=a_link),
    "POST /links/<token:str>": page(302, 303, 404, 303, 404, reader=403, params=a_link, form={"note": "n"}),
    "GET /drops/<upload_id:str>/share": page(302, 200, 404, 200, 404, reader=403, params=a_drop),
    "POST /drops/<upload_id:str>/share": page(302, 303, 404, 303, 404, reader=403, params=a_drop, form={"note": "n"}),
    "GET /albums/<album_id:str>/share": page(302, 200, 404, 200, 404, reader=403, params=an_album),
    "POST /albums/<album_id:str>/share": page(302, 303, 404, 303, 404, reader=403, params=an_album, form={"note": "n"}),
}
