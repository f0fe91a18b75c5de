"""A network that can be cut: a relay on loopback between client and server, at any speed, with every kind of end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
import threading
import time
from collections.abc import Coroutine, Iterator
from typing import Any

from tests.support.ports import free_port

PIECE = 64 * 1024


class Relay:
    """Passes bytes between its own port and another one of this machine, in a thread of its own.

    Args:
        target: the port that connections lead to.
        rate: bytes per second in each direction, all connections together; None is as fast as it goes.
    """

    def __init__(self, target: int, *, rate: float | None = None) -> None:
        self.target = target
        self.rate = rate
        self.passed = 0
        self.cuts = 0
        self.port = free_port()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="relay", daemon=True)
        self._server: asyncio.Server | None = None
        self._flows: set[asyncio.StreamWriter] = set()
        self._open = asyncio.Event()
        self._due = [0.0, 0.0]
        self._until: int | None = None

    @property
    def url(self) -> str:
        """Where clients go."""
        return f"http://127.0.0.1:{self.port}"

    @contextlib.contextmanager
    def running(self) -> Iterator[Relay]:
        """Relay while the block runs."""
        self._thread.start()
        self.restore()
        try:
            yield self
        finally:
            self.reset()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(10)
            self._loop.close()

    def reset(self) -> None:
        """Nobody listens any more, and what is open ends with a reset, in the middle of whatever it was."""
        self._call(self._reset())

    def stall(self) -> None:
        """Nothing passes, in either direction, and nobody is told: a cable that was pulled."""
        self._call(self._set(open_now=False))

    def stall_after(self, size: int) -> None:
        """As `stall`, once so many bytes more have passed."""
        self._until = self.passed + size

    def restore(self) -> None:
        """All as it should be. What stood still goes on."""
        self._call(self._set(open_now=True))

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()
        self._loop.run_until_complete(self._end())

    async def _end(self) -> None:
        """End what still runs. A connection that came while the others were cut is not among those."""
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        # An end that was asked for happens in the loop's next round.
        await asyncio.sleep(0)

    def _call(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    async def _set(self, *, open_now: bool) -> None:
        if not open_now:
            self.cuts += 1
            self._open.clear()
            return
        self._open.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._took, "127.0.0.1", self.port)

    async def _reset(self) -> None:
        self.cuts += 1
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in self._flows:
            sock = writer.get_extra_info("socket")
            if sock is not None:
                # Closing with this sends a reset instead of an end (socket(7), SO_LINGER).
                with contextlib.suppress(OSError):
                    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()
        self._flows.clear()
        self._open.set()
        await asyncio.sleep(0)

    async def _took(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        ends = [writer]
        self._flows.add(writer)
        try:
            await self._open.wait()
            there, back = await asyncio.open_connection("127.0.0.1", self.target)
            ends.append(back)
            self._flows.add(back)
            await asyncio.gather(self._pass(reader, back, 0), self._pass(there, writer, 1))
        except OSError:
            for end in ends:
                end.transport.abort()
        finally:
            self._flows.difference_update(ends)
            for end in ends:
                end.close()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, direction: int) -> None:
        while piece := await source.read(PIECE):
            await self._turn(len(piece), direction)
            await self._open.wait()
            sink.write(piece)
            self.passed += len(piece)
            if self._until is not None and self.passed >= self._until:
                self._until = None
                await self._set(open_now=False)
            await sink.drain()
        if sink.can_write_eof() and not sink.is_closing():
            sink.write_eof()

    async def _turn(self, size: int, direction: int) -> None:
        """Wait until this many bytes may pass."""
        if self.rate is None:
            return
        now = time.monotonic()
        self._due[direction] = max(now, self._due[direction]) + size / self.rate
        await asyncio.sleep(self._due[direction] - now)
