"""Chevereto's API 1, as much of it as uploads need: `POST /api/1/upload`, answered as JSON, text or a redirect."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.names import urls
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Invalid
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.context import App, web_of
from bulletdrop.web.foreign import METHODS, Sent, Shape, speaking, take

_FORMATS = ("json", "txt", "redirect")
# As their interface for expirations takes them: ISO 8601 durations of one or several units.
_DURATION = re.compile(
    r"P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?(?:T(?:(\d{1,5})H)?(?:(\d{1,6})M)?(?:(\d{1,7})S)?)?"
)


def _problem(request: Request, status: int, error: BulletDropError) -> HTTPResponse:
    told = {"message": error.message, "code": status, "context": error.code}
    return json_answer({"status_code": status, "error": told, "status_txt": HTTPStatus(status).phrase}, status=status)


SHAPE = Shape(
    files=frozenset({"source"}),
    known=frozenset({"key", "format", "name", "title", "description", "tags", "expiration"}),
    key_field="key",
    schemes=frozenset({"bearer"}),
    problem=_problem,
)


@speaking(SHAPE, "POST")
async def upload(request: Request) -> HTTPResponse:
    """Take in one picture."""
    site = web_of(request).site
    asked = request.args.get("format") or ""

    def wishes(fields: dict[str, list[str]]) -> Wishes:
        given = {name: values[-1].strip() for name, values in fields.items()}
        _check_format(given.get("format") or asked or "json")
        ends = given.get("expiration")
        return Wishes(
            title=given.get("title", ""),
            description=given.get("description", ""),
            tags=tuple(tag.strip() for tag in given.get("tags", "").split(",") if tag.strip()),
            expires_at=_end(site, ends) if ends else None,
            source="api",
        )

    sent = await take(request, SHAPE, wishes)
    form = sent.last("format") or asked or "json"
    if form == "txt":
        return HTTPResponse(urls.direct_url(site, sent.kept.upload), content_type="text/plain; charset=utf-8")
    if form == "redirect":
        return redirect(urls.page_url(site, sent.kept.upload))
    done = {"message": "image uploaded", "code": 200}
    return json_answer({"status_code": 200, "success": done, "image": _shown(site, sent), "status_txt": "OK"})


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(upload, "/api/1/upload", methods=list(METHODS), name="chevereto_upload", stream=True)


def _check_format(form: str) -> None:
    if form not in _FORMATS:
        raise Invalid(f"format is one of {', '.join(_FORMATS)}.", field="format")


def _end(site: Site, text: str) -> datetime:
    found = _DURATION.fullmatch(text.upper())
    if found is None or not any(found.groups()):
        raise Invalid("expiration is a duration such as PT5M, PT3H or P7D.", field="expiration")
    years, months, weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    whole = timedelta(days=365 * years + 30 * months + 7 * weeks + days, hours=hours, minutes=minutes, seconds=seconds)
    try:
        return site.clock.now() + whole
    except OverflowError as error:
        raise Invalid("expiration is too far away.", field="expiration") from error


def _shown(site: Site, sent: Sent) -> dict[str, Any]:
    """An image as Chevereto describes it."""
    upload = sent.kept.upload
    blob = upload.blob
    direct, page, thumbnail = (make(site, upload) for make in (urls.direct_url, urls.page_url, urls.thumbnail_url))
    name, _, extension = upload.filename.rpartition(".")
    made = f"{upload.created_at:%Y-%m-%d %H:%M:%S}"
    file = {"filename": upload.filename, "name": name, "mime": blob.mime, "extension": extension, "url": direct}
    return {
        **file,
        "size": blob.size,
        "width": blob.width or 0,
        "height": blob.height or 0,
        "date": made,
        "date_gmt": made,
        "title": upload.title or name,
        "description": upload.description or None,
        "nsfw": 0,
        "original_filename": upload.original_filename,
        "views": 0,
        "id_encoded": upload.slug,
        "url_viewer": page,
        "url_short": page,
        "display_url": direct,
        "display_width": blob.width or 0,
        "display_height": blob.height or 0,
        "image": {**file, "size": blob.size},
        "thumb": {
            "filename": f"{name}.webp",
            "name": name,
            "mime": "image/webp",
            "extension": "webp",
            "url": thumbnail,
        },
        "delete_url": urls.deletion_url(site, upload),
    }
