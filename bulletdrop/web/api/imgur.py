"""Imgur's API 3, as much as uploads need: `POST /3/image` and `/3/upload`, `DELETE /3/image/{deletehash}`, credits."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import uploads
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.names import urls
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.context import App, web_of
from bulletdrop.web.foreign import METHODS, Sent, Shape, sender_of, speaking, take
from bulletdrop.web.problems import WrongMethod
from bulletdrop.web.threads import in_thread

_TOKEN = 32
# Our own limits are said where they are reached (429).
_CREDITS, _ENOUGH = ("UserLimit", "UserRemaining", "UserReset", "ClientLimit", "ClientRemaining"), 10_000
_UPLOADS = frozenset({"image", "upload", "image.json", "upload.json"})


def _problem(request: Request, status: int, error: BulletDropError) -> HTTPResponse:
    data = {"error": error.message, "request": request.path, "method": request.method}
    return json_answer({"data": data, "success": False, "status": status}, status=status)


SHAPE = Shape(
    files=frozenset({"image", "video"}),
    known=frozenset({"type", "name", "title", "description"}),
    key_field="",
    schemes=frozenset({"bearer", "client-id"}),
    problem=_problem,
)


@speaking(SHAPE, "GET", "POST")
async def answer(request: Request, what: str) -> HTTPResponse:
    """Take in one picture; or say how many more are allowed, which some tools ask before anything else."""
    if what == "credits" and request.method == "GET":
        await sender_of(request, SHAPE, "uploads:write")
        return json_answer({"data": dict.fromkeys(_CREDITS, _ENOUGH), "success": True, "status": 200})
    if what not in _UPLOADS:
        raise NotFound("There is nothing at this address.")
    if request.method != "POST":
        raise WrongMethod("This address does not take this method.")
    return await _upload(request)


async def _upload(request: Request) -> HTTPResponse:
    # Tools that send the bytes alone say the rest in the address.
    query = {name: list(values) for name, values in request.get_args(keep_blank_values=True).items()}

    def wishes(fields: dict[str, list[str]]) -> Wishes:
        given = {**query, **fields}
        return Wishes(
            title=(given.get("title") or [""])[-1], description=(given.get("description") or [""])[-1], source="api"
        )

    sent = await take(request, SHAPE, wishes)
    return json_answer({"data": _shown(web_of(request).site, sent), "success": True, "status": 200})


@speaking(SHAPE, "DELETE")
async def delete(request: Request, deletehash: str) -> HTTPResponse:
    """Put a drop into the trash. The hash is the right to it, as the deletion link is; the key says who asks."""
    await sender_of(request, SHAPE, "uploads:write")
    token, slug = deletehash[:_TOKEN], deletehash[_TOKEN:]
    await in_thread(request, uploads.delete_by_token, slug, token)
    return json_answer({"data": True, "success": True, "status": 200})


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(answer, "/3/<what:str>", methods=list(METHODS), name="imgur", stream=True)
    app.add_route(delete, "/3/image/<deletehash:str>", methods=list(METHODS), name="imgur_delete")


def _shown(site: Site, sent: Sent) -> dict[str, Any]:
    """An image as Imgur describes it. What we know nothing of is as of one that nobody has seen or judged."""
    upload = sent.kept.upload
    blob = upload.blob
    return {
        "id": upload.slug,
        "title": upload.title or None,
        "description": upload.description or None,
        "datetime": int(upload.created_at.timestamp()),
        "type": blob.mime,
        "animated": blob.frames > 1 or blob.mime.startswith("video/"),
        "width": blob.width or 0,
        "height": blob.height or 0,
        "size": blob.size,
        "views": 0,
        "bandwidth": 0,
        "vote": None,
        "favorite": False,
        "nsfw": None,
        "section": None,
        "account_url": sent.caller.username,
        "account_id": 0,
        "is_ad": False,
        "in_most_viral": False,
        "in_gallery": False,
        "has_sound": False,
        "tags": [],
        "ad_type": 0,
        "ad_url": "",
        "edited": "0",
        "deletehash": urls.deletion_token(site, upload) + upload.slug,
        "name": upload.original_filename,
        "link": urls.direct_url(site, upload),
    }
