"""Archives: a zip that is written while its client reads it. Each step in a thread; a client that leaves ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Iterator
from threading import Lock
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.web.auth import address_of
from bulletdrop.web.context import web_of
from bulletdrop.web.disposition import content_disposition


async def send_archive(
    request: Request, pieces: Generator[bytes], *, name: str, account: str = ""
) -> HTTPResponse | None:
    """Answer with a zip as it comes. It cannot be asked for in parts, and says no length: it is nowhere whole.

    Args:
        pieces: the zip. Closed afterwards, also when the client left in the middle.
        name: what it is saved as.
        account: the id of the account that the bytes count for; empty where there is no limit to them.
    Raises: TooMany when there are too many answers on their way to this address.
    """
    headers = {
        "content-disposition": content_disposition(name, attachment=True),
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-robots-tag": "noindex",
    }
    if request.method == "HEAD":
        pieces.close()
        return HTTPResponse(b"", content_type="application/zip", headers=headers)
    web = web_of(request)
    under_way, is_whole = Lock(), True
    loop, pool = asyncio.get_running_loop(), web.pools.sending
    try:
        with web.answers.entered(address_of(request)):
            # The first step before the head: what cannot be begun is still answered as what it is.
            piece = await loop.run_in_executor(pool, _next, pieces, under_way)
            is_whole = False
            response = await request.respond(content_type="application/zip", headers=headers)
            while piece:
                # Before we wait for the client: one that leaves meanwhile ends this here.
                if account:
                    web.meter.served[account] += len(piece)
                await response.send(piece)
                piece = await loop.run_in_executor(pool, _next, pieces, under_way)
            await response.eof()
            is_whole = True
    finally:
        transport: Any = request.transport
        if not is_whole and transport is not None:
            # What went wrong in the middle must not look like the end of a whole zip.
            transport.abort()
        # A client that leaves: what it holds open is closed now and not some day.
        await loop.run_in_executor(pool, _end, pieces, under_way)
    return None


def _next(pieces: Iterator[bytes], under_way: Lock) -> bytes:
    with under_way:
        return next(pieces, b"")


def _end(pieces: Generator[bytes], under_way: Lock) -> None:
    # The step that a client did not wait for may still be under way in another thread.
    with under_way:
        pieces.close()
