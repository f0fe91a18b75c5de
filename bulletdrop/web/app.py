"""Wires the server together and gives it its life: start, answer, stop."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
import socket
from dataclasses import replace
from time import monotonic
from typing import Any

from sanic import Sanic

from bulletdrop.config import Config
from bulletdrop.core import certificate, settings
from bulletdrop.core.database import using
from bulletdrop.core.drops.intake import sweep_temporary
from bulletdrop.core.names import known
from bulletdrop.core.origin import scheme
from bulletdrop.core.people import devices, keys
from bulletdrop.core.sharing.secrets import sweep_secrets
from bulletdrop.core.site import Site, close_site, open_site
from bulletdrop.core.upkeep.jobs import Runner
from bulletdrop.log import get_logger
from bulletdrop.web import announcing, api, arrivals, headers, hosts, pages, public, static, upkeep
from bulletdrop.web.body import MB
from bulletdrop.web.context import App, Web, make_web, web_of_app
from bulletdrop.web.orders import Orders
from bulletdrop.web.problems import Problems
from bulletdrop.web.routes import attach_heads
from bulletdrop.web.running import run
from bulletdrop.web.sockets import bind, reachable
from bulletdrop.web.welcome import listening_at, say, welcome

log = get_logger("server")

# Uploads under way at a stop have this long to finish, in seconds; then they get an answer that says so.
_FINISH_SECONDS = 8.0
# How often the uses of keys are written down and the cache is swept, in seconds.
_TICK = 5.0
# How often counters that count no more are removed, in seconds.
_SWEEP = 60.0
# How often the admin's changes of settings and domains, which another process may have taken, are looked for: seconds.
_LOOK = 1.0
_LARGEST_OTHER_BODY = MB


def create_app(config: Config) -> App:
    """A server that opens its site when it starts and closes it when it ends.

    Args:
        config: the settings; `port` is the one that links are made with when there is no `public_url`.
    """
    app = Sanic(f"bulletdrop-{secrets.token_hex(6)}", error_handler=Problems(), configure_logging=False)
    app.ctx.web = make_web(config)
    app.ctx.web.arrivals = arrivals.made(app.ctx.web)
    _configure(app)
    app.register_middleware(headers.begin, "request")
    hosts.attach(app)
    app.register_middleware(headers.finish, "response")  # type: ignore[arg-type]
    upkeep.attach(app)
    static.attach(app)
    api.attach(app)
    pages.attach(app)
    public.attach(app)
    arrivals.attach(app)
    attach_heads(app)
    app.register_listener(_start, "before_server_start")
    app.register_listener(_stopping, "before_server_stop")
    app.register_listener(_stop, "after_server_stop")
    return app


def serve(config: Config) -> None:
    """Run a server until SIGTERM or SIGINT. Raises Unavailable when the address cannot be used."""
    sock = bind(config)
    port = sock.getsockname()[1]
    app = create_app(replace(config, port=port))

    async def announce(app: App) -> None:
        web = web_of_app(app)
        await _call(web, _announce, web.site, web.instance, f"{scheme(config)}://{reachable(config.host)}:{port}")

    async def tell(app: App) -> None:
        app.ctx.web.announcement = announcing.announce(app.ctx.web.site)

    app.register_listener(tell, "after_server_start")
    # The socket listens already: whoever reads this is answered, and nobody is answered before it can be read.
    app.register_listener(announce, "before_server_start", priority=-1)
    with sock:
        run(app, sock, finish_seconds=_FINISH_SECONDS + 2)


def serve_as_worker(orders: Orders) -> None:
    """Run one of several servers on the socket of their parent, which has the folder and says where we listen."""
    app = create_app(orders.config)
    web = web_of_app(app)
    web.instance, web.is_worker = orders.instance, True
    for descriptor in (orders.socket, orders.ready):
        os.set_inheritable(descriptor, False)

    def listening() -> None:
        os.write(orders.ready, b".")
        os.close(orders.ready)

    with socket.socket(fileno=orders.socket) as sock:
        run(app, sock, finish_seconds=_FINISH_SECONDS + 2, listening=listening)


def _configure(app: App) -> None:
    logging.getLogger("sanic.root").setLevel(logging.WARNING)
    logging.getLogger("sanic.server").setLevel(logging.WARNING)
    app.config.ACCESS_LOG = False
    # Routes that stream hold their own limits; everything else is a small form or a few lines of JSON.
    app.config.REQUEST_MAX_SIZE = _LARGEST_OTHER_BODY
    app.config.REQUEST_BUFFER_SIZE = 128 * 1024
    app.config.REQUEST_TIMEOUT = 30
    # Silence, not duration: of a client that takes nothing, and of a picture that is being converted.
    app.config.RESPONSE_TIMEOUT = 120
    app.config.KEEP_ALIVE_TIMEOUT = 75
    app.config.FALLBACK_ERROR_FORMAT = "json"
    app.config.INSPECTOR = False


async def _start(app: App) -> None:
    web = web_of_app(app)
    web.opened = await _call(web, open_site, web.config) if web.is_worker else await _call(web, _open, web.config)
    await _call(web, _in_database, web.site, known.refresh)
    web.runner = Runner(web.opened)
    web.runner.start()
    web.ticking = asyncio.create_task(_tick(web), name="tick")


def _open(config: Config) -> Site:
    site = open_site(config, serving=True)
    certificate.prepare(config)
    with using(site.db):
        # We are the folder's only server, and nothing is under way yet: whatever lies here was left by a crash.
        sweep_temporary(site)
        sweep_secrets(site, older_than_seconds=0)
    return site


def _announce(site: Site, instance: str, url: str) -> None:
    in_network = announcing.is_wanted(site.config)
    devices.announce(site, url=url, pid=os.getpid(), instance=instance, in_network=in_network)
    log.info("listening", extra=listening_at(site, url))
    say(welcome(site, here=url))


async def _tick(web: Web) -> None:
    """What must be done now and then in this process."""
    swept = monotonic()
    while True:
        for _ in range(int(_TICK / _LOOK)):
            await asyncio.sleep(_LOOK)
            await _call(web, _in_database, web.site, _look)
        web.cache.sweep()
        if web.tls is not None and web.tls.refresh():
            await _call(web, devices.renew_fingerprint, web.site)
        await _write_uses(web)
        if monotonic() - swept > _SWEEP:
            swept = monotonic()
            await _call(web, _in_database, web.site, _sweep_counts)


def _look(site: Site) -> None:
    settings.refresh(site)
    known.refresh(site)


async def _write_uses(web: Web) -> None:
    await web.meter.write(web.site, web.pools.database)
    uses, web.uses = dict(web.uses), type(web.uses)()
    addresses, web.used_from = web.used_from, {}
    if uses:
        await _call(web, _in_database, web.site, keys.count_use, uses, addresses)


def _sweep_counts(site: Site) -> None:
    site.counts.sweep(monotonic())


def _in_database(site: Site, function: Any, *args: Any) -> None:
    try:
        with using(site.db):
            function(site, *args)
    except Exception:
        log.exception("what is done now and then failed", extra={"work": function.__name__})


async def _stopping(app: App) -> None:
    web = web_of_app(app)
    web.stop_at = monotonic() + _FINISH_SECONDS
    if web.announcement is not None:
        # In the background: what is under way may need as long as that.
        web.saying_goodbye = asyncio.get_running_loop().run_in_executor(None, web.announcement.stop)
    app.config.KEEP_ALIVE = False
    if web.ticking is not None:
        web.ticking.cancel()


async def _stop(app: App) -> None:
    web = web_of_app(app)
    if web.opened is None:
        return
    site = web.opened
    await _write_uses(web)
    if web.saying_goodbye is not None:
        await web.saying_goodbye
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, _close, web, site)


def _close(web: Web, site: Site) -> None:
    web.runner.stop()
    if not web.is_worker:
        devices.withdraw(site, instance=web.instance)
    web.pools.close(site.db)
    close_site(site)
    web.opened = None


async def _call(web: Web, function: Any, *args: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(web.pools.database, function, *args)
