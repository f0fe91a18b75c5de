"""Avatars, for people who are signed in: in lists of members, in the administration, on one's own page."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import avatars
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.auth import required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.prepared import SANDBOX
from bulletdrop.web.threads import in_thread


@signed_in
async def avatar(request: Request, user_id: str, version: str) -> HTTPResponse:
    """A person's picture. Its address changes with it, so that browsers keep it."""
    (await required_caller(request)).needs_person()
    data = await in_thread(request, _read, user_id, version)
    headers = {
        "cache-control": "private, max-age=31536000, immutable",
        "content-security-policy": SANDBOX,
        "x-content-type-options": "nosniff",
    }
    return HTTPResponse(data, content_type="image/webp", headers=headers)


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(avatar, "/avatars/<user_id:str>/<version:str>", methods=["GET"], name="page_avatar")


def _read(site: Site, user_id: str, version: str) -> bytes:
    key = avatars.avatar_key(site, user_id)
    if not key.endswith(f"-{version}.webp"):
        raise NotFound("There is no picture of this person.")
    with site.storage.open(key) as file:
        return file.read()
