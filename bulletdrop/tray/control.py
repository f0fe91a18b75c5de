"""How the running tray is spoken to: a server on this machine alone, for the command line, a second start and the page.

Where it listens and the secret for programs stand in DATA/tray/control.json, which only its owner can read.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, Unavailable
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder, write_private
from bulletdrop.tray.control_api import Api, status_of
from bulletdrop.tray.control_doors import Doors, check_host
from bulletdrop.tray.control_http import MAX_HEAD, Reply, Request, read_request, refusal, write_reply
from bulletdrop.tray.steering import Steering

if TYPE_CHECKING:
    from bulletdrop.tray.page import Page

log = get_logger("control")

T = TypeVar("T")

# More than one person's browsers and commands need. Beyond, whoever has been silent the longest is let go: open files
# are few, and the tray needs them for its own work.
MOST_CONNECTIONS = 64
MOST_AT_ONCE = 8
ANSWER_SECONDS = 30.0
STOP_SECONDS = 1.0

# On every reply. No other page may read, frame or embed any of this, and none of it is kept.
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
}


def control_file(data: Path) -> Path:
    """Where the address and the secret stand."""
    return data / "tray" / "control.json"


@dataclass(eq=False, slots=True)
class Line:
    """One open connection. `busy`: its request is being answered, so it is not the one to be let go."""

    writer: asyncio.StreamWriter
    busy: bool = False


class Control:
    """The server. Its own thread; each request is answered in a thread of its own, which may hang without harm.

    Args:
        steering: what it makes the tray do.
        config: for the data folder, and what the page says about this machine.
        clock: for tickets and visits.
    """

    def __init__(self, steering: Steering, config: Config, *, clock: Clock) -> None:
        self.port = 0
        self._config = config
        self._steering = steering
        self._clock = clock
        self.doors = Doors(clock)
        self._api = Api(steering, self.doors, config, address=lambda: self.url)
        self._page: Page | None = None
        self._page_lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._socket: socket.socket | None = None
        self._lines: dict[Line, None] = {}
        self._stopping: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen on a free port and write control.json. Raises OSError."""
        forget_control(self._config.data)
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port = self._socket.getsockname()[1]
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, args=(self._loop, self._socket), name="control", daemon=True)
        self._thread.start()
        entry = {"url": self.url, "secret": self.doors.secret, "pid": os.getpid()}
        make_private_folder(control_file(self._config.data).parent)
        write_private(control_file(self._config.data), json.dumps(entry))

    def stop(self) -> None:
        """Take no more, hang up on everybody. Takes a second at most, whatever is being answered."""
        if self._loop is None or self._thread is None:
            return
        forget_control(self._config.data)
        with contextlib.suppress(RuntimeError):  # it has ended by itself
            self._loop.call_soon_threadsafe(self._end)
        self._thread.join(STOP_SECONDS)
        with self._page_lock:
            page, self._page = self._page, None
        if page is not None:
            page.close()

    def page_address(self, place: str = "") -> str:
        """An address that opens the page in one browser, once, within a minute.

        Args:
            place: which part: "", "folders", "general", "servers" or "health".
        """
        return f"{self.url}/enter/{self.doors.make_ticket()}{f'/{place}' if place else ''}"

    # --- the loop's side

    def _end(self) -> None:
        if self._stopping is not None:
            self._stopping.set()

    def _run(self, loop: asyncio.AbstractEventLoop, listening: socket.socket) -> None:
        asyncio.set_event_loop(loop)
        try:
            loop.run_until_complete(self._serve(listening))
        except Exception:
            log.exception("The control server ended.")
        finally:
            loop.close()

    async def _serve(self, listening: socket.socket) -> None:
        self._stopping = asyncio.Event()
        self._places = asyncio.Semaphore(MOST_AT_ONCE)
        server = await asyncio.start_server(self._connected, sock=listening, limit=MAX_HEAD)
        await self._stopping.wait()
        server.close()
        for line in list(self._lines):
            line.writer.transport.abort()
        # What still waits ends with its connection; nobody waits for it.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
        await asyncio.sleep(0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(writer)
        self._lines[line] = None
        if len(self._lines) > MOST_CONNECTIONS:
            oldest = next((one for one in self._lines if not one.busy), line)
            self._lines.pop(oldest, None)
            oldest.writer.transport.abort()
        try:
            await self._talk(reader, line)
        except (OSError, TimeoutError, asyncio.CancelledError):
            pass
        except Exception:
            log.exception("A connection to the tray's control server failed.")
        finally:
            self._lines.pop(line, None)
            writer.transport.abort() if writer.transport.get_write_buffer_size() else writer.close()

    async def _talk(self, reader: asyncio.StreamReader, line: Line) -> None:
        addresses = [line.writer.get_extra_info(name) for name in ("peername", "sockname")]
        asker, own = (address[1] if address else 0 for address in addresses)
        while line in self._lines:
            try:
                request = await read_request(reader, (asker, own))
            except BulletDropError as error:
                await self._write(line, refusal(error, status_of(error)), keep=False)
                return
            if request is None:
                return
            # The last to have spoken is the last to be let go.
            self._lines.pop(line, None)
            self._lines[line] = None
            line.busy = True
            reply = await self._answer(request)
            await self._write(line, reply, keep=request.keep_alive, bare=request.method == "HEAD")
            line.busy = False
            if not request.keep_alive:
                return

    async def _write(self, line: Line, reply: Reply, *, keep: bool, bare: bool = False) -> None:
        reply.headers = {**HEADERS, **reply.headers}
        await write_reply(line.writer, reply, keep_alive=keep, bare=bare)

    async def _answer(self, request: Request) -> Reply:
        try:
            async with asyncio.timeout(ANSWER_SECONDS), self._places:
                return await _in_thread(lambda: self._reply(request))
        except TimeoutError:
            return refusal(Unavailable("BulletDrop is busy. Try again in a moment."), 503)

    # --- in a thread of the request's own

    def _reply(self, request: Request) -> Reply:
        try:
            check_host(request.headers, self.port)
            if request.path.startswith("/api/"):
                return self._api.reply(request)
        except BulletDropError as error:
            return refusal(error, status_of(error))
        except Exception:
            log.exception("A request to the tray's control server failed.", extra={"path": request.path[:40]})
            return refusal(BulletDropError("Something went wrong in BulletDrop. Its log says what."), 500)
        return self._pages()(request)

    def _pages(self) -> Page:
        """The page, made when somebody first looks: its templates and their engine are nothing for an idle tray."""
        with self._page_lock:
            if self._page is None:
                from bulletdrop.tray.page import Page

                self._page = Page(self._steering, self._config, self.doors, clock=self._clock, port=self.port)
            return self._page


async def _in_thread(work: Callable[[], T]) -> T:
    """Do work in a daemon thread: an executor would wait at the program's end for one that hangs."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(act: Callable[[Any], None], value: object) -> None:
        if not done.done():
            act(value)

    def run() -> None:
        try:
            value = work()
        except BaseException as error:  # handed over, not swallowed
            told: tuple[Callable[[Any], None], object] = (done.set_exception, error)
        else:
            told = (done.set_result, value)
        with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
            loop.call_soon_threadsafe(tell, *told)

    threading.Thread(target=run, name="control-answer", daemon=True).start()
    return await done


def forget_control(data: Path) -> None:
    """Take away what an earlier tray left behind. For the holder of the lock alone."""
    with contextlib.suppress(OSError):
        control_file(data).unlink(missing_ok=True)
