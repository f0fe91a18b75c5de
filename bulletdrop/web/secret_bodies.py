"""A new secret's body: JSON, or a form with files, which are encrypted as they arrive: no plain byte is on the disk."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request

from bulletdrop.clock import parse_expiry
from bulletdrop.core.drops.intake import Incoming
from bulletdrop.core.sharing.secrets import MOST_FILES, MOST_SEALED_TEXT, Draft, Part, Wishes
from bulletdrop.errors import BadBody, EmptyFile, Invalid
from bulletdrop.web.body import MB, Body, declared_length, too_big
from bulletdrop.web.context import web_of
from bulletdrop.web.partials import Partial, check_free_disk
from bulletdrop.web.parts import Limits, MultipartSink, boundary_of
from bulletdrop.web.wishes import idempotency_key

FIELDS = frozenset({"content", "note", "passphrase", "max_views", "expires_at", "team", "mode", "csrf"})
# A text with each character escaped.
_MOST_JSON = 8 * MB
# What a form has beside its files.
_FORM_OVERHEAD = 2 * MB

_Short = Annotated[str, msgspec.Meta(max_length=2000)]


class SecretIn(Struct, forbid_unknown_fields=True):
    """A new secret. `max_views` null: any number of openings until `expires_at`, which is a time, a date or a span."""

    content: str
    note: _Short = ""
    passphrase: _Short | None = None
    max_views: int | None = 1
    expires_at: _Short | None = None
    team: _Short | None = None
    mode: _Short = "server"


@dataclass
class SecretBody:
    """What came: attachments in the draft, already encrypted, and everything else as it was sent."""

    draft: Draft
    names: list[str]
    wanted: SecretIn
    csrf: str | None

    def wishes(self, request: Request, passphrase_hash: str | None) -> Wishes:
        """What was asked for, in its types. Raises Invalid with the field."""
        return Wishes(
            note=self.wanted.note,
            max_views=self.wanted.max_views,
            expires_at=_expiry(request, self.wanted.expires_at),
            team=self.wanted.team or None,
            mode=self.wanted.mode,
            passphrase_hash=passphrase_hash,
            idempotency_key=idempotency_key(request),
        )


@contextlib.asynccontextmanager
async def received_secret(request: Request) -> AsyncIterator[SecretBody]:
    """Take in the body of a new secret, of a route with `stream=True`. What is not kept is removed after the block.

    All its files together are at most as large as one file may be.
    Raises: TooBig, DiskFull, TooSlow, Truncated, BadBody, BadName, EmptyFile, Invalid. Nothing is kept then.
    """
    web = web_of(request)
    draft = Draft(web.site)
    draft.part()
    try:
        kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
        if kind == "application/json":
            yield SecretBody(draft, [], await _json(request), None)
        else:
            yield await _form(request, draft)
    finally:
        # Also when the client left, which raises CancelledError. Unlinking may take its time.
        try:
            web.pools.receiving.submit(draft.discard)
        except RuntimeError:  # The pool is closed: the server stops.
            draft.discard()


async def _json(request: Request) -> SecretIn:
    whole = bytearray()
    async for pieces in Body(request, limit=_MOST_JSON).batches():
        whole += b"".join(pieces)
    try:
        return msgspec.json.decode(bytes(whole), type=SecretIn)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        named = message.split("`")
        field = where.rstrip("`").removeprefix("$.") or (named[1] if len(named) == 3 else "")
        raise Invalid(f"{message}.", field=field or None) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        # Without its cause: that would quote what was sent.
        raise BadBody("The body is no JSON.") from None


async def _form(request: Request, draft: Draft) -> SecretBody:
    web = web_of(request)
    most = web.config.max_file_size
    declared = declared_length(request)
    if declared is not None and declared > most + _FORM_OVERHEAD:
        raise too_big(most, declared)
    limits = Limits(web.site.temporary, most, MOST_FILES, web.config.min_free_disk)
    check_free_disk(limits.folder, limits.min_free_disk, declared or 0)
    sink = _Sink(limits, boundary_of(request.headers.get("content-type", "")), draft)
    loop, pool = asyncio.get_running_loop(), web.pools.receiving
    try:
        async for pieces in Body(request, limit=most + _FORM_OVERHEAD).batches():
            await loop.run_in_executor(pool, sink.feed, pieces)
        whole = await loop.run_in_executor(pool, sink.finish)
    except BaseException:
        # Waits for the batch under way, so that nothing is written after the draft was discarded.
        await asyncio.shield(loop.run_in_executor(pool, sink.abort))
        raise
    fields = {name: values[-1] for name, values in whole.fields.items()}
    return SecretBody(draft, [file.filename for file in whole.files], _wanted(fields), fields.get("csrf"))


def _wanted(fields: Mapping[str, str]) -> SecretIn:
    views = fields.get("max_views", "1").strip()
    if views and not (views.isascii() and views.isdigit() and len(views) < 10):
        raise Invalid("How often it can be opened is a whole number, or left empty.", field="max_views")
    return SecretIn(
        content=fields.get("content", ""),
        note=fields.get("note", ""),
        passphrase=fields.get("passphrase") or None,
        max_views=int(views) if views else None,
        expires_at=fields.get("expires_at", "").strip() or None,
        team=fields.get("team", "").strip() or None,
        mode=fields.get("mode", "server"),
    )


def _expiry(request: Request, text: str | None) -> datetime | None:
    if not text:
        return None
    try:
        return parse_expiry(text, now=web_of(request).site.clock.now())
    except (ValueError, OverflowError):
        message = "expires_at is a time such as 2026-12-24T18:00:00Z, a date, or a span such as 12h or 7d."
        raise Invalid(message, field="expires_at") from None


class _SealedPartial(Partial):
    """A file on its way in, encrypted at once."""

    def __init__(self, part: Part, filename: str) -> None:
        # Not the file that Partial opens: the draft's part has its own.
        self._part = part
        self.path = part.path
        self.filename = filename

    @property
    def size(self) -> int:  # type: ignore[override]
        """Plain bytes so far."""
        return self._part.size

    def write(self, data: bytes) -> None:
        """See `Partial`."""
        self._part.write(data)

    def finish(self) -> Incoming:
        """See `Partial`. What it hashes to is not asked."""
        if not self._part.size:
            raise EmptyFile(f"“{self.filename[:60]}” is empty. Nothing was kept.", field="file")
        self._part.finish()
        return Incoming(self.path, self._part.size, "", self.filename)

    def abort(self) -> None:
        """See `Partial`."""
        self._part.abort()


class _Sink(MultipartSink):
    """The form of a new secret."""

    known = FIELDS
    needs_file = False
    most_field_bytes = MOST_SEALED_TEXT + MB

    def __init__(self, limits: Limits, boundary: str, draft: Draft) -> None:
        super().__init__(limits, boundary, hash_body=False)
        self._draft = draft

    def make_partial(self, filename: str) -> Partial:
        """See `MultipartSink`."""
        return _SealedPartial(self._draft.part(), filename)
