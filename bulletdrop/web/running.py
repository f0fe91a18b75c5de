"""Runs a server in this process from its first moment to its last. Ours, because Sanic's own runner is deaf while it
starts (a SIGTERM is lost, or raises in the middle of it) and stops its loop in the middle of whatever runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from time import monotonic
from typing import Any

from sanic.application.state import ApplicationServerInfo
from sanic.http.constants import HTTP

from bulletdrop.core.certificate import Served
from bulletdrop.log import get_logger
from bulletdrop.web.context import App, Web, web_of_app
from bulletdrop.web.patience import most_answers, most_waiting, raise_descriptors
from bulletdrop.web.protocol import Protocol

log = get_logger("server")

# Whoever begins to talk https and does not go on is let go after this, in seconds; likewise at its end.
HANDSHAKE_SECONDS, SHUTDOWN_SECONDS = 10.0, 5.0


def run(app: App, sock: socket.socket, *, finish_seconds: float, listening: Callable[[], None] | None = None) -> None:
    """Serve on a bound socket until SIGTERM or SIGINT.

    Args:
        finish_seconds: how long requests that are under way at the end may take to finish.
        listening: called when requests are answered.

    Raises: what a listener of the start raises.
    """
    # The default of 5 ms lets four busy threads hold the loop up for 20 ms (p99 of /health during 20 uploads: 31 → 24).
    sys.setswitchinterval(0.001)
    answers, waiting = web_of_app(app).answers, web_of_app(app).arrivals.gate
    descriptors = raise_descriptors()
    answers.total, answers.per_address = most_answers(descriptors)
    waiting.total, waiting.per_address = most_waiting(descriptors)
    _in_loop(_serve(app, sock, finish_seconds, listening))


def _in_loop(work: Coroutine[Any, Any, None]) -> None:
    try:
        import uvloop
    except ImportError:  # Windows has none.
        asyncio.run(work)
    else:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(work)


async def _serve(app: App, sock: socket.socket, finish_seconds: float, listening: Callable[[], None] | None) -> None:
    asked = _listen()
    loop = asyncio.get_running_loop()
    # What Sanic's own runner notes down; without it every answer would carry an empty Alt-Svc.
    app.state.server_info.append(ApplicationServerInfo(settings={"version": HTTP.VERSION_1}))
    await app._startup()  # type: ignore[no-untyped-call]
    await app._server_event("init", "before", loop=loop)
    server: Any = None
    try:
        if not asked.is_set():
            server = await app.create_server(
                sock=sock, protocol=Protocol, backlog=1024, access_log=False, **_secure(web_of_app(app))
            )
            await app._server_event("init", "after", loop=loop)
            if listening is not None:
                listening()
            await asked.wait()
    finally:
        await app._server_event("shutdown", "before", loop=loop)
        if server is not None:
            await _end(server, finish_seconds)
        await app._server_event("shutdown", "after", loop=loop)


def _secure(web: Web) -> dict[str, Any]:
    """What makes the server speak https, where it is to."""
    if web.config.tls == "off":
        return {}
    web.tls = Served(web.config)
    times = {"ssl_handshake_timeout": HANDSHAKE_SECONDS, "ssl_shutdown_timeout": SHUTDOWN_SECONDS}
    return {"ssl": web.tls.context, "asyncio_server_kwargs": times}


def _listen() -> asyncio.Event:
    """An event that SIGTERM and SIGINT set."""
    asked, loop = asyncio.Event(), asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, asked.set)
        except NotImplementedError:  # Windows: outside of the loop, then.
            signal.signal(number, lambda *_: loop.call_soon_threadsafe(asked.set))
        else:
            # A worker begins with these held back; one that has come meanwhile is taken now.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, (number,))
    return asked


async def _end(server: Any, finish_seconds: float) -> None:
    """Take no more connections, close the idle ones, let the others finish, and at last cut them off."""
    server.server.close()
    deadline = monotonic() + finish_seconds
    while server.connections and monotonic() < deadline:
        for connection in list(server.connections):
            connection.close_if_unused()
        await asyncio.sleep(0.02)
    if server.connections:
        log.warning("connections were cut off at the end", extra={"count": len(server.connections)})
    for connection in list(server.connections):
        connection.abort()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(1):
            await server.server.wait_closed()
