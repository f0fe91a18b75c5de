"""What one running web server holds: the site, its thread pools, its cache. Kept in `app.ctx`, never in a module."""

from __future__ import annotations

import itertools
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeAlias

from sanic import Request, Sanic

from bulletdrop.config import Config
from bulletdrop.core.certificate import Served
from bulletdrop.core.site import Site
from bulletdrop.errors import Unavailable
from bulletdrop.web.cache import Cache
from bulletdrop.web.gate import Gate
from bulletdrop.web.meter import Meter
from bulletdrop.web.patience import most_answers
from bulletdrop.web.peers import Network, parse_proxies
from bulletdrop.web.pools import Pools
from bulletdrop.web.ranges import http_date
from bulletdrop.web.texts import Texts
from bulletdrop.web.waiting import Waiting

App: TypeAlias = Sanic[Any, Any]


@dataclass
class Web:
    """One server's state. `site` is there from the start of the server to its end."""

    # As it was written down; `config` is what counts now.
    written: Config
    pools: Pools
    cache: Cache
    gate: Gate
    # Answers from files that are on their way.
    answers: Gate
    proxies: tuple[Network, ...] = ()
    # One of several processes on one socket; their parent has the data folder.
    is_worker: bool = False
    instance: str = field(default_factory=lambda: secrets.token_hex(8))
    opened: Site | None = None
    runner: Any = None
    ticking: Any = None
    # The certificate in use, where this server itself speaks https.
    tls: Served | None = None
    # What tells the network that this server is here, and its end.
    announcement: Any = None
    saying_goodbye: Any = None
    # When the server is stopping: the moment (monotonic) at which uploads still under way are refused.
    stop_at: float | None = None
    # Requests by key since they were last written down.
    uses: Counter[str] = field(default_factory=Counter)
    # Where the last of them came from.
    used_from: dict[str, str] = field(default_factory=dict)
    # Bytes served and API requests by account, likewise.
    meter: Meter = field(default_factory=Meter)
    # Refreshes under way or just done, by refresh token: two tabs that wake together share one (see `auth`).
    rotations: dict[str, Any] = field(default_factory=dict)
    # Texts in colours that were asked for last.
    texts: Texts = field(default_factory=Texts)
    # Who waits for what is still on its way; there from the making of the server.
    arrivals: Waiting = field(init=False)
    # Work that goes on after its answer; asyncio itself keeps no hold of it.
    background: set[Any] = field(default_factory=set)
    _prefix: str = field(default_factory=lambda: secrets.token_hex(5))
    _count: Any = field(default_factory=itertools.count)
    _date: tuple[int, bytes, str] = (0, b"", "")

    @property
    def config(self) -> Config:
        """The settings: those of the open site, which change while it runs."""
        return self.written if self.opened is None else self.opened.config

    @property
    def site(self) -> Site:
        """The open site. Raises Unavailable before the start and after the end."""
        if self.opened is None:
            raise Unavailable("The server is starting or stopping. Try again in a moment.", retry_after=2)
        return self.opened

    def date_line(self) -> bytes:
        """The Date header, ready to send; formatted once a second."""
        now = int(time.time())
        if now != self._date[0]:
            value = http_date(datetime.fromtimestamp(now, UTC))
            self._date = (now, f"date: {value}\r\n".encode("ascii"), value)
        return self._date[1]

    def date_value(self) -> str:
        """The value of the Date header."""
        self.date_line()
        return self._date[2]

    def next_request_id(self) -> str:
        """An id for one request: unique, short, and cheap enough for every thumbnail.

        Of one length, for it stands in refusals: those that say the same are then of one length too.
        """
        return f"{self._prefix}{next(self._count):06x}"


def make_web(config: Config) -> Web:
    """The state of a server that has not started yet."""
    gate = Gate(total=config.max_open_uploads, per_address=config.max_open_uploads_per_address)
    # For the limit that a process has by itself; `running` asks for more.
    total, per_address = most_answers(1024)
    return Web(
        written=config,
        pools=Pools(),
        cache=Cache(config.cache_mb * 1024 * 1024),
        gate=gate,
        answers=Gate(total=total, per_address=per_address, noun="downloads"),
        proxies=parse_proxies(config.trusted_proxies),
    )


def web_of(request: Request) -> Web:
    """The state of the server that this request came to."""
    web: Web = request.app.ctx.web
    return web


def web_of_app(app: App) -> Web:
    """The state of this server."""
    web: Web = app.ctx.web
    return web
