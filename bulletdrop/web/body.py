"""A request's body as it arrives: in batches, with limits on its size, its speed and its patience."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import monotonic
from typing import Any

from sanic import Request
from sanic.exceptions import BadRequest

from bulletdrop.errors import BadBody, TooBig, TooSlow, Truncated, Unavailable
from bulletdrop.web.context import web_of
from bulletdrop.web.protocol import BodyCutOff

MB = 1024 * 1024

# Batches are large enough to be worth a thread, and smaller when many uploads share the memory.
_BATCH = MB
_LEAST_BATCH = 256 * 1024
_ALL_BATCHES = 32 * MB
# The average rate counts after this, and no client may be silent for longer than that, in seconds.
GRACE = 10.0
SILENCE = 30.0
# Whose limit on a file's size it is.
SERVERS, PLANS = "This server", "Your plan"


def declared_length(request: Request) -> int | None:
    """What the client says its body has, in bytes; None when it does not say. A hint: the bytes decide."""
    value = request.headers.get("content-length")
    if value is None or request.headers.get("transfer-encoding"):
        return None
    return int(value) if value.isdigit() else None


def megabytes(size: int) -> str:
    """A size for people: `214 MB`, `1.5 MB`, `300 KB`."""
    if size < MB:
        return f"{max(1, round(size / 1024))} KB" if size >= 1000 else f"{size} bytes"
    return f"{size / MB:.1f} MB" if size % MB and size < 10 * MB else f"{round(size / MB)} MB"


class Body:
    """Reads one request's body.

    Args:
        request: the request, of a route with `stream=True`.
        limit: bytes that are read at most.
        whose: whose limit that is, for the refusal.
    """

    def __init__(self, request: Request, *, limit: int, whose: str = SERVERS) -> None:
        self._web = web_of(request)
        self._stream: Any = request.stream
        self._limit = limit
        self._whose = whose
        self._waited = 0.0
        self.received = 0

    @property
    def ended(self) -> bool:
        """True when the last byte has been read."""
        return not self._stream.request_body

    async def batches(self) -> AsyncIterator[list[bytes]]:
        """The body in lists of pieces, about a megabyte each.

        Raises: TooBig, TooSlow, Truncated, BadBody for broken chunked encoding, Unavailable when the server stops.
        """
        batch: list[bytes] = []
        size = 0
        while (piece := await self._piece()) is not None:
            batch.append(piece)
            size += len(piece)
            if size >= self._batch_size():
                yield batch
                batch, size = [], 0
        if batch:
            yield batch

    async def drain(self) -> None:
        """Read the rest and drop it."""
        async for _ in self.batches():
            pass

    def _batch_size(self) -> int:
        return max(_LEAST_BATCH, min(_BATCH, _ALL_BATCHES // max(1, self._web.gate.count)))

    async def _piece(self) -> bytes | None:
        if not self._stream.request_body:
            return None
        started = monotonic()
        patience = self._patience()
        try:
            async with asyncio.timeout(patience):
                piece: bytes | None = await self._stream.read()
        except TimeoutError:
            self._too_late()
        except BodyCutOff:
            raise Truncated("The upload ended before it was complete. Nothing was kept.") from None
        except BadRequest as error:
            raise BadBody("The upload's chunked encoding is broken. Nothing was kept.") from error
        # Only waiting for the client counts, not our own disk.
        self._waited += monotonic() - started
        if piece is not None:
            self.received += len(piece)
            if self.received > self._limit:
                raise too_big(self._limit, whose=self._whose)
        if self._stream.request_body is True and not self._stream.request_bytes_left:
            self._stream.request_body = None
        return piece

    def _patience(self) -> float:
        """Seconds to wait for the next bytes."""
        patience = SILENCE
        rate = self._web.config.min_upload_rate
        if rate:
            patience = min(patience, max(GRACE, self.received / rate) - self._waited)
        if self._web.stop_at is not None:
            patience = min(patience, self._web.stop_at - monotonic())
        return max(0.0, patience)

    def _too_late(self) -> None:
        if self._web.stop_at is not None and monotonic() >= self._web.stop_at:
            raise Unavailable("The server is stopping. Send the file again in a moment.", retry_after=5)
        raise TooSlow("The upload came too slowly and was cut off. Nothing was kept; try again on a better connection.")


def too_big(limit: int, actual: int | None = None, *, whose: str = SERVERS) -> TooBig:
    """The error for a body beyond the limit, which it names; `actual` is its size where it is known."""
    has = "this upload has more" if actual is None else f"this upload has {megabytes(actual)}"
    return TooBig(f"Too large. {whose} takes up to {megabytes(limit)}; {has}.", field="file")
