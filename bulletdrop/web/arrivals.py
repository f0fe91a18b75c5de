"""Arrivals: requests for what is still on its way wait for it; pages are told of it by server-sent events.

The bytes, and a chat robot's look at the page, wait as long as people wait for a picture. Most robots give up after
three to ten seconds and say so nowhere; still they are not answered sooner: one that left shows the bare link and asks
again the next time, while a card that says "on its way" is kept for weeks. Who left gives the place free at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.database import using
from bulletdrop.core.drops import reservations
from bulletdrop.core.drops.found import find_page, is_theirs_at
from bulletdrop.core.drops.reservations import Arrival
from bulletdrop.core.models import Upload
from bulletdrop.core.names.chosen import is_handed_out
from bulletdrop.core.names.places import Place
from bulletdrop.core.site import Site
from bulletdrop.errors import Gone, NotFound, StillArriving, TooMany
from bulletdrop.web import negotiating, seeing
from bulletdrop.web.auth import address_of, caller_of
from bulletdrop.web.context import App, Web, web_of, web_of_app
from bulletdrop.web.patience import most_waiting, unsent
from bulletdrop.web.peers import neighbours
from bulletdrop.web.robots import is_robot
from bulletdrop.web.seeing import NOTHING
from bulletdrop.web.threads import in_thread
from bulletdrop.web.waiting import Waiter, Waiting

# The longest that a request waits, in seconds; HEAD only asks how things stand.
WAIT = 25.0
_HEAD_WAIT = 1.0
# When to ask again, in seconds.
_AGAIN = 5
# A comment this often keeps proxies from closing a silent stream (nginx: 60 s), and finds out who is gone. In seconds.
_HEARTBEAT = 15.0
# Browsers come back by themselves: nothing is held for ever. In seconds.
_LONGEST_STREAM = 600.0
_STREAM_HEADERS = {
    "cache-control": "no-store",
    "x-robots-tag": "noindex",
    # nginx would keep the events until its buffer is full.
    "x-accel-buffering": "no",
}

Again = Callable[[], Awaitable[HTTPResponse]]
# A slug that may be on its way, and how a drop is found: a use case and its arguments.
Find = Callable[..., Upload]


class OnItsWay(Exception):
    """At a slug something is on its way, or has come for its own people alone."""

    def __init__(self, arrival: Arrival) -> None:
        super().__init__(arrival.slug)
        self.arrival = arrival


def find_arrived(site: Site, slug: str, find: Find, *args: str, place: Place) -> Upload:
    """What `find` gives, unless strangers are to be told that it is on its way: then its drop is not asked for.

    Raises: OnItsWay; what `find` raises.
    """
    if len(slug) == site.config.slug_length and is_handed_out(slug):
        arrival = reservations.find_arrival(site, slug, place=place)
        if arrival is not None:
            raise OnItsWay(arrival)
    return find(site, *args, place=place)


def find_at_once(site: Site, slug: str, find: Find, *args: str, place: Place) -> Upload:
    """What `find` gives, for those who may see what lies at the slug."""
    return find(site, *args, place=place)


async def is_theirs(request: Request, slug: str) -> bool:
    """True when the drop with this slug has come and is the asker's, or in a team of theirs."""
    caller = await caller_of(request)
    return caller is not None and await in_thread(request, is_theirs_at, caller, slug)


def attach(app: App) -> None:
    """Add the stream's address, and the end of all waiting when the server stops."""
    app.add_route(events, "/<name>/arrival", methods=["GET"], name="arrival")
    app.register_listener(_stop, "before_server_stop")


def made(web: Web) -> Waiting:
    """The list of those who wait in this process, which asks its database."""

    def ask(site: Site, slugs: Sequence[str]) -> Mapping[str, Arrival]:
        with using(site.db):
            return reservations.look(site, slugs)

    async def look(slugs: Sequence[str]) -> Mapping[str, Arrival]:
        return await asyncio.get_running_loop().run_in_executor(web.pools.database, ask, web.site, slugs)

    # For the limit that a process has by itself; `running` asks for more.
    total, per_address = most_waiting(1024)
    return Waiting(look, total=total, per_address=per_address)


async def instead(
    request: Request, name: str, nothing: NotFound, again: Again, arrival: Arrival | None = None
) -> HTTPResponse:
    """The answer where no drop can be shown at `/{name}`, which may still be on its way.

    Args:
        name: as it was asked for, with the ending of the bytes or without.
        nothing: why no drop can be shown.
        again: answers as if the request came now. Raises NotFound or OnItsWay.
        arrival: how things stand, where that is known.
    Raises: `nothing` for what is not on its way; StillArriving and Gone for bytes.
    """
    stem, dot, ending = name.rpartition(".")
    slug = stem if dot and ending else name
    wants_bytes = slug != name or negotiating.wants_bytes(request)
    arrival = arrival or await _look(request, slug)
    if request.method not in ("GET", "HEAD"):
        raise nothing
    if arrival is None:
        if len(slug) != web_of(request).config.slug_length:
            raise nothing
        # It may have come between the two questions: its row goes in the transaction that makes the drop.
        return await again()
    if arrival.state == "waiting" and (wants_bytes or (is_robot(request) and request.method == "GET")):
        seconds = _HEAD_WAIT if request.method == "HEAD" else WAIT
        answer, now = await _wait_for(request, arrival, seconds, again)
        if answer is not None:
            return answer
        if now is None:
            raise NotFound(NOTHING)
        arrival = now
    if wants_bytes:
        raise _refusal(arrival)
    # Here, because the pages use this module's neighbours.
    from bulletdrop.web.pages.arriving import arriving_page

    page: HTTPResponse = await arriving_page(request, arrival)
    return page


async def _wait_for(
    request: Request, arrival: Arrival, seconds: float, again: Again
) -> tuple[HTTPResponse | None, Arrival | None]:
    """Wait until the drop can be shown. Returns the answer, or how things stand when the time is over."""
    web, deadline = web_of(request), monotonic() + seconds
    now: Arrival | None = arrival
    try:
        with web.arrivals.entered(neighbours(address_of(request)), arrival) as waiter, _Left(request, waiter) as left:
            while now is not None and now.state == "waiting":
                if not await waiter.wait(deadline - monotonic()) or web.arrivals.is_over or left.happened:
                    break
                try:
                    return await again(), None
                except (NotFound, OnItsWay):
                    waiter.seen = now = await _look(request, arrival.slug)
                    if now is None:
                        # As above: it came in between, or it is gone.
                        return await again(), None
    except TooMany:
        # All places are taken, for which pages look again by themselves: as if the time were over.
        return None, arrival
    return None, now


def _refusal(arrival: Arrival) -> NotFound | Gone:
    if arrival.state == "ended":
        return Gone("Nothing will come at this address.")
    if arrival.state == "late":
        return NotFound("This did not arrive. Ask whoever sent the link.")
    return StillArriving("This is still on its way. Ask again in a moment.", retry_after=_AGAIN)


async def events(request: Request, name: str) -> HTTPResponse | None:
    """A stream that says once that something is to be seen at `/{name}` now: `arrived`, or `ended`.

    Raises: NotFound where there is nothing, TooMany when too many wait already.
    """
    # Here, because the public addresses use this module.
    from bulletdrop.web.public import plain

    slug = plain(name)
    arrival, said = await _said(request, slug)
    if request.method == "HEAD":
        return HTTPResponse(content_type="text/event-stream", headers=_STREAM_HEADERS)
    if said or arrival is None:
        # It has come between the page and its stream.
        return HTTPResponse(_event(said), content_type="text/event-stream", headers=_STREAM_HEADERS)
    web = web_of(request)
    with web.arrivals.entered(neighbours(address_of(request)), arrival) as waiter, _Left(request, waiter) as left:
        response = await request.respond(content_type="text/event-stream", headers=_STREAM_HEADERS)
        assert response is not None
        await response.send("retry: 2000\n\n")
        until = monotonic() + _LONGEST_STREAM
        while not (said or web.arrivals.is_over or left.happened or monotonic() > until):
            if await waiter.wait(_HEARTBEAT):
                waiter.seen, said = await _said(request, slug)
            elif left.is_silent():
                left.cut()
                return None
            else:
                await response.send(": on its way\n\n")
                left.sent()
        if said:
            await response.send(_event(said))
        await response.eof()
    return None


def _event(said: str) -> str:
    return f"event: {said}\ndata:\n\n"


async def _said(request: Request, slug: str) -> tuple[Arrival | None, str]:
    """How things stand, and the event to send: empty while there is nothing new for who asks.

    Raises: NotFound where there is nothing at all.
    """
    place = request.ctx.place
    arrival, upload = await web_of(request).arrivals.once(
        slug, place, lambda: in_thread(request, _stand, slug, place=place)
    )
    if arrival is None:
        if upload is not None and (upload.is_public or await seeing.is_theirs(request, upload)):
            return None, "arrived"
        raise NotFound(NOTHING)
    if await is_theirs(request, slug):
        return arrival, "arrived"
    return arrival, "" if arrival.state == "waiting" else "ended"


def _stand(site: Site, slug: str, *, place: Place) -> tuple[Arrival | None, Upload | None]:
    """What is to be told of a slug; its drop, where there is nothing to be told of it."""
    arrival = reservations.find_arrival(site, slug, place=place)
    if arrival is not None:
        return arrival, None
    try:
        return None, find_page(site, slug, place=place)
    except NotFound:
        return None, None


async def _look(request: Request, slug: str) -> Arrival | None:
    place = request.ctx.place
    return await web_of(request).arrivals.once(
        slug, ("look", place), lambda: in_thread(request, reservations.find_arrival, slug, place=place)
    )


class _Left:
    """Notices that a client has gone: when it shuts its side, or when it confirms nothing that was sent."""

    def __init__(self, request: Request, waiter: Waiter) -> None:
        self._protocol: Any = None if request.transport is None else request.transport.get_protocol()
        self._waiter = waiter
        self._since = 0.0
        self.happened = False

    def __enter__(self) -> _Left:
        if self._protocol is not None:
            self._protocol.left = self._leave
            if self._protocol.input_ended:
                self._leave()
        return self

    def __exit__(self, *error: object) -> None:
        if self._protocol is not None:
            self._protocol.left = None

    def _leave(self) -> None:
        self.happened = True
        self._waiter.wake()

    def sent(self) -> None:
        """A heartbeat went out."""
        self._since = monotonic()

    def is_silent(self) -> bool:
        """True when what was sent with the last heartbeat has not been confirmed since."""
        transport = self._protocol.transport if self._protocol is not None else None
        if transport is None or not self._since:
            return False
        original = transport.get_extra_info("socket")
        waiting = transport.get_write_buffer_size() + (unsent(original.fileno()) if original is not None else 0)
        return bool(waiting)

    def cut(self) -> None:
        """Let go of the connection at once, with what it has not taken."""
        if self._protocol is not None:
            self._protocol.abort()


async def _stop(app: App) -> None:
    web_of_app(app).arrivals.stop()
