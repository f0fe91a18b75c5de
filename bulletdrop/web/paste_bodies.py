"""A new paste's body: JSON from programs and from our script, a form from a page without one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec import Struct
from sanic import Request

from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.models import Team
from bulletdrop.core.people.callers import Caller
from bulletdrop.errors import BadBody, Invalid
from bulletdrop.web.api.schemas import Moment
from bulletdrop.web.body import Body
from bulletdrop.web.context import web_of
from bulletdrop.web.parts import Limits, MultipartSink, boundary_of
from bulletdrop.web.wishes import hashed_terms, idempotency_key, in_team, moment_of

# Beside the text: the other fields.
_BESIDE = 64 * 1024
# Programs that write JSON in ASCII send three times the bytes of most letters beyond it.
_ESCAPED = 3
_SMALL = 64 * 1024
_FIELDS = frozenset(
    {"content", "title", "language", "filename", "description", "expires_at", "is_public", "password", "max_views",
     "custom_name", "domain", "slug_style", "team", "csrf"}
)  # fmt: skip
_Line = Annotated[str, msgspec.Meta(max_length=2000)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]


class PasteIn(Struct, forbid_unknown_fields=True):
    """A new paste. Without a language, `filename` and the text's beginning tell it, or it is plain."""

    content: str
    title: _Line = ""
    language: _Line = ""
    filename: _Line = ""
    description: Annotated[str, msgspec.Meta(max_length=20_000)] = ""
    expires_at: Moment | None = None
    is_public: bool = True
    password: _Password | None = None
    max_views: int | None = None
    custom_name: _Line | None = None
    domain: _Line | None = None
    slug_style: _Line | None = None
    team: _Line | None = None


class PasteSent(Struct):
    """What came, and the CSRF token of a form."""

    wanted: PasteIn
    csrf: str | None = None
    # As they were sent, for showing the form again.
    fields: dict[str, str] = {}


async def received_paste(request: Request) -> PasteSent:
    """Take in the body of a new paste, of a route with `stream=True`.

    Raises: TooBig, TooSlow, Truncated, BadBody, Invalid with the field.
    """
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    most = _ESCAPED * web_of(request).config.paste_max_bytes + _BESIDE
    if kind == "application/json":
        return PasteSent(_decoded(await _whole(request, most)))
    if kind == "multipart/form-data":
        fields = await _form(request, most)
    elif kind == "application/x-www-form-urlencoded":
        fields = _pairs(await _whole(request, _SMALL))
    else:
        raise BadBody("Send the text as application/json or as a form.")
    return PasteSent(_wanted(request, fields), fields.get("csrf"), fields)


async def wishes_of_paste(request: Request, caller: Caller, wanted: PasteIn) -> tuple[Wishes, Team | None]:
    """What was asked for beside the text, and the team that it is for.

    Raises: Invalid with the field; what `in_team` raises.
    """
    source = request.headers.get("x-bulletdrop-source", "web" if request.ctx.by_cookie else "api").lower()
    wishes = Wishes(
        custom_name=wanted.custom_name or None,
        expires_at=wanted.expires_at,
        is_public=wanted.is_public,
        title=wanted.title,
        description=wanted.description,
        domain=wanted.domain,
        slug_style=wanted.slug_style or None,
        source=source if source in ("web", "tray", "cli", "api") else "api",
        idempotency_key=idempotency_key(request),
        team_id=wanted.team or None,
    )
    terms: Mapping[str, Any] = {"password": wanted.password, "max_views": wanted.max_views}
    wishes = replace(wishes, **await hashed_terms(request, terms))
    return await in_team(request, caller, wishes)


async def _whole(request: Request, most: int) -> bytes:
    whole = bytearray()
    async for pieces in Body(request, limit=most).batches():
        whole += b"".join(pieces)
    return bytes(whole)


def _decoded(data: bytes) -> PasteIn:
    try:
        return msgspec.json.decode(data, type=PasteIn)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        named = message.split("`")
        field = where.rstrip("`").removeprefix("$.") or (named[1] if len(named) == 3 else "")
        raise Invalid(f"{message}.", field=field or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadBody("The body is no JSON.") from error


async def _form(request: Request, most: int) -> dict[str, str]:
    web = web_of(request)
    limits = Limits(web.site.temporary, 0, 0, 0)
    sink = _Sink(limits, boundary_of(request.headers.get("content-type", "")), hash_body=False)
    sink.most_field_bytes = most
    try:
        async for pieces in Body(request, limit=most).batches():
            sink.feed(pieces)
        whole = sink.finish()
    except BaseException:
        sink.abort()
        raise
    return {name: values[-1] for name, values in whole.fields.items()}


def _pairs(data: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(data.decode("ascii"), keep_blank_values=True, max_num_fields=50, errors="strict"))
    except ValueError as error:
        raise BadBody("This form cannot be read. Reload the page and try again.") from error


def _wanted(request: Request, fields: Mapping[str, str]) -> PasteIn:
    most = fields.get("max_views", "").strip()
    if most and not (most.isascii() and most.isdigit()):
        raise Invalid("How often it can be seen is a whole number, or left empty.", field="max_views")
    return PasteIn(
        # Browsers end the lines of a text field with two characters, whatever was typed (HTML, 4.10.22.4).
        content=fields.get("content", "").replace("\r\n", "\n"),
        title=fields.get("title", ""),
        language=fields.get("language", ""),
        filename=fields.get("filename", ""),
        description=fields.get("description", ""),
        expires_at=moment_of(request, fields.get("expires_at", "").strip(), "expires_at"),
        is_public=fields.get("is_public", "yes").strip().lower() in ("yes", "true", "1", "on"),
        password=fields.get("password") or None,
        max_views=int(most[:15]) if most else None,
        custom_name=fields.get("custom_name", "").strip() or None,
        domain=fields.get("domain"),
        slug_style=fields.get("slug_style") or None,
        team=fields.get("team") or None,
    )


class _Sink(MultipartSink):
    """The form of a new paste: fields alone."""

    known = _FIELDS
    needs_file = False
