"""Hosts: what the name that a request asks for stands for. A name that is not ours is refused, on every route.

`Host` is only looked up, and no link is ever built from it. X-Forwarded-Host and Forwarded are read by nobody.
"""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from sanic import Request
from sanic.exceptions import BadRequest
from sanic.response import HTTPResponse, redirect

from bulletdrop.config import Config
from bulletdrop.core.models import Upload
from bulletdrop.core.names import domains
from bulletdrop.core.names.known import Known, Table, known
from bulletdrop.core.names.places import MAIN_PLACE, Place
from bulletdrop.core.names.spelling import is_address
from bulletdrop.core.names.urls import is_everybodys, public_base
from bulletdrop.errors import NotFound, UnknownHost
from bulletdrop.web.context import App, Web, web_of
from bulletdrop.web.threads import in_thread

ASK = "/api/v1/domains/ask"
# Answered under any name: supervisors and proxies ask by whatever name they have, and the error page has its looks.
_ANYWHERE = ("/health", "/ready", ASK)
_LOOKS = "/static/"
# What a domain shows beside drops, by the first part of the path; all else belongs to the main address. So do secrets,
# whose page asks the API.
_SHARED = frozenset({"i", "u", "l", "a", "r", "embed", "oembed", "unlock", "avatars", "robots.txt", "favicon.ico"})
_BYTES = frozenset({"bytes_by_id", "bytes_by_user", "by_name", "robots"})
# Names that routers and systems give a machine at home (RFC 6762, RFC 8375, and what is in use).
_AT_HOME = (".local", ".lan", ".home", ".home.arpa", ".internal", ".localdomain", ".fritz.box")
_HOST = re.compile(r"(\[[0-9A-Fa-f:.%]+\]|[^\s:/@\[\]]+?)\.?(?::\d{0,5})?")
_OWN = Place(kind="own")
# Names that are remembered at once: whoever sends others all the time costs a look each, and no memory.
_MOST = 1000
_REFUSAL = (
    "You reached a BulletDrop server by a name that it does not have. Open it by its own address. If you run it: set"
    " public_url to the address that people use, or add the name to hosts, or offer it under Administration → Domains."
)


def attach(app: App) -> None:
    """Look at the name of every request, after its beginning and before anything else."""
    app.ctx.hosts = Hosts(app.ctx.web)
    app.register_middleware(_settle, "request")


class Hosts:
    """The names that were asked for in the last second, and what they stand for. For the event loop's thread alone."""

    def __init__(self, web: Web) -> None:
        self._web = web
        self._seen: dict[str, Place | None] = {}
        self._config: Config | None = None
        self._table: Table | None = None

    def find(self, request: Request, host: str) -> Place | Awaitable[Place | None] | None:
        """What a name stands for: None for a stranger's. To be awaited where the database or the system is asked.

        Args:
            host: lower case, without a port.
        """
        site = self._web.site
        # Both are replaced as a whole by each look at the database, once a second.
        if site.config is not self._config or known(site) is not self._table or len(self._seen) > _MOST:
            self._seen, self._config, self._table = {}, site.config, known(site)
        if host in self._seen:
            return self._seen[host]
        found = self._of_table(host, site.config)
        if isinstance(found, tuple):
            return self._own_host(request, host, *found)
        if found is None and host.startswith(f"{_machine()}."):
            return self._full_name(host)
        self._seen[host] = found
        return found

    def _of_table(self, host: str, config: Config) -> Place | tuple[Known, str] | None:
        if host == _host_of(public_base(config)):
            return MAIN_PLACE
        if config.content_url and host == _host_of(config.content_url):
            return Place(kind="content", host=host)
        found = known(self._web.site).find(host)
        if found is not None:
            return found if found[1] else Place(kind="domain", domain_key=found[0].id, host=host)
        return _OWN if is_own_name(host, config) else None

    async def _own_host(self, request: Request, host: str, domain: Known, label: str) -> Place | None:
        seen = self._seen
        user_id = await in_thread(request, domains.find_owner, domain.id, label)
        place = None if user_id is None else Place("domain", domain.id, host, user_id)
        if place is None and is_own_name(host, self._web.config):
            place = _OWN
        seen[host] = place
        return place

    async def _full_name(self, host: str) -> Place | None:
        """This machine's name with its network's, which only the system knows; it may have to ask a name server."""
        seen = self._seen
        full = await asyncio.get_running_loop().run_in_executor(None, _full_machine)
        seen[host] = _OWN if host == full else None
        return seen[host]


def is_own_name(host: str, config: Config) -> bool:
    """True for what this machine is called without anybody having set it, and for the setting `hosts`."""
    if is_address(host) or host == "localhost" or host.endswith(".localhost"):
        return True
    if host in {name.lower().rstrip(".") for name in config.hosts}:
        return True
    machine = _machine()
    return host == machine or (host.startswith(machine) and host.removeprefix(machine) in _AT_HOME)


def asked_host(request: Request) -> str | None:
    """The name that a request asks for, in lower case and without its port; empty for one that cannot be read.

    Returns: None for no name at all, as in HTTP/1.0.
    Raises: BadRequest for more than one (RFC 9112, 3.2).
    """
    given: list[str] = request.headers.getall("host", [])
    if len(given) > 1:
        raise BadRequest("A request has one Host.")
    # In a request's absolute form the name in its address counts and not the header's (RFC 9112, 3.2.2).
    if given and not request.raw_url.startswith(b"/"):
        given = [urlsplit(request.raw_url.decode("ascii", "replace")).netloc or given[0]]
    if not given:
        return None
    found = _HOST.fullmatch(given[0])
    return found[1].lower().removeprefix("[").removesuffix("]") if found else ""


async def named_host(request: Request, name: str) -> Place | None:
    """What another name than the request's own stands for; None for a stranger's, and for what is no name."""
    host = _HOST.fullmatch(name.lower())
    if host is None:
        return None
    found = request.app.ctx.hosts.find(request, host[1])
    return found if found is None or isinstance(found, Place) else await found


def content_redirect(request: Request, upload: Upload) -> HTTPResponse | None:
    """Where the bytes of a drop are to be fetched instead of here: an answer that leads there; None for here.

    To be asked once a drop was found and before its bytes are given.

    Raises: NotFound at the files' own address for a drop that is not everybody's: nobody is known there.
    """
    place: Place = request.ctx.place
    if place.kind == "content":
        if not is_everybodys(upload):
            raise NotFound("There is nothing at this address.")
        return None
    content = web_of(request).config.content_url
    if not content or place.kind != "main" or not is_everybodys(upload) or request.method not in ("GET", "HEAD"):
        return None
    return _lead_to(content, request)


def content_origin(config: Config) -> str:
    """The origin of the files' own address (RFC 6454, 6.2), for a policy; empty where there is none."""
    parts = urlsplit(config.content_url)
    return f"{parts.scheme}://{parts.netloc}" if config.content_url else ""


def _settle(request: Request) -> Any:
    """Give a request its place. Not a coroutine: mostly there is nothing to wait for."""
    if request.path in _ANYWHERE:
        return None
    host = asked_host(request)
    if host is None:
        # A request that could not be read has no headers either, and its own answer.
        if request.head and request.version != "1.0":
            raise BadRequest("A request needs a Host.")
        return None
    found = request.app.ctx.hosts.find(request, host)
    if found is None or isinstance(found, Place):
        return _at(request, found)
    return _settle_later(request, found)


async def _settle_later(request: Request, found: Awaitable[Place | None]) -> HTTPResponse | None:
    return _at(request, await found)


def _at(request: Request, place: Place | None) -> HTTPResponse | None:
    """Let a request go on at a place, or answer it where that place does not have what it asks for."""
    if place is None:
        if request.path.startswith(_LOOKS):
            return None
        raise UnknownHost(_REFUSAL)
    request.ctx.place = place
    if place.is_whole or request.route is None:
        return None
    name = request.route.name.rpartition(".")[2].removeprefix("head_")
    if place.kind == "content":
        # `/name.png` and not `/name`, which is a page.
        if name in _BYTES and request.method in ("GET", "HEAD") and (name != "by_name" or "." in request.path):
            return None
        raise NotFound("There is nothing at this address.")
    if name in ("by_name", "arrival") or request.path.startswith(_LOOKS) or request.path.split("/", 2)[1] in _SHARED:
        return None
    if request.method not in ("GET", "HEAD") or request.path.startswith("/api/"):
        raise NotFound("There is nothing at this address.")
    return _lead_to(public_base(web_of(request).config), request)


def _lead_to(base: str, request: Request) -> HTTPResponse:
    """An answer that leads to the same path elsewhere: behind an address of ours, which no path can leave."""
    query = f"?{request.query_string}" if request.query_string else ""
    return redirect(f"{base}{request.path}{query}", headers={"vary": "Host"})


def _host_of(address: str) -> str:
    return urlsplit(address).hostname or ""


@lru_cache(maxsize=1)
def _machine() -> str:
    return socket.gethostname().lower().rstrip(".") or "localhost"


@lru_cache(maxsize=1)
def _full_machine() -> str:
    return socket.getfqdn().lower().rstrip(".")
