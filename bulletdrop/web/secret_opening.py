"""Opening a secret over HTTP: for the API and for the page alike. Nobody need be signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from threading import Lock

from sanic import Request

from bulletdrop.core.sharing import secrets
from bulletdrop.core.sharing.secrets import Fetch, Opened
from bulletdrop.errors import Gone, NeedsPassword
from bulletdrop.web.agents import in_words
from bulletdrop.web.auth import address_of
from bulletdrop.web.context import web_of
from bulletdrop.web.disposition import content_disposition
from bulletdrop.web.guesses import guess
from bulletdrop.web.threads import in_hash_thread, in_thread

# Pieces of this many frames travel together.
_FRAMES = 8


async def opened(request: Request, secret_id: str, passphrase: str | None) -> Opened:
    """Open a secret once.

    Raises: Gone, in the same words for what was and what never was; NeedsPassword, WrongPassphrase, TooMany: nothing
        is opened then.
    """
    secret = await in_thread(request, secrets.find_secret, secret_id)
    address = secrets.shortened(address_of(request))
    agent = in_words(request.headers.get("user-agent", ""))
    if secret.passphrase_hash is not None:
        if not passphrase:
            raise NeedsPassword("This secret asks for a passphrase.", subject=f"secret {secret.id}", field="passphrase")
        async with guess(request, f"secret {secret.id}"):
            await in_hash_thread(request, secrets.check_passphrase, secret, passphrase, address=address, agent=agent)
    return await in_thread(request, secrets.open_secret, secret, address=address, agent=agent)


async def send_attachment(request: Request, secret_id: str, place: str, pass_: str) -> None:
    """Send an attachment, decrypted while it goes out, always as a download. After the last byte it may be destroyed.

    Raises: Gone without a pass that counts.
    """
    if not (place.isascii() and place.isdigit() and len(place) < 4):
        raise Gone(secrets.FILE_GONE)
    fetch = await in_thread(request, secrets.begin_fetch, secret_id, int(place), pass_)
    loop, pool, under_way = asyncio.get_running_loop(), web_of(request).pools.sending, Lock()
    try:
        # Before the head goes out: what does not open is an error and no broken download.
        piece = await loop.run_in_executor(pool, _next, fetch.pieces, under_way)
        headers = {
            "content-disposition": content_disposition(fetch.file.name, attachment=True),
            "content-length": str(fetch.file.size),
            "x-content-type-options": "nosniff",
        }
        response = await request.respond(content_type="application/octet-stream", headers=headers)
        while piece:
            await response.send(piece)
            piece = await loop.run_in_executor(pool, _next, fetch.pieces, under_way)
        await response.eof()
    finally:
        await loop.run_in_executor(pool, _close, fetch, under_way)
    done = partial(secrets.fetched, owner=fetch.owner, size=fetch.file.size)
    await in_thread(request, done, secret_id, int(place))


def _next(pieces: Iterator[bytes], under_way: Lock) -> bytes:
    with under_way:
        return b"".join(piece for _, piece in zip(range(_FRAMES), pieces, strict=False))


def _close(fetch: Fetch, under_way: Lock) -> None:
    # The step that a client did not wait for may still be under way in another thread.
    with under_way:
        fetch.close()
