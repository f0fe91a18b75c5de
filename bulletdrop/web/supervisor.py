"""Several worker processes on one socket: their parent, which starts them, watches them, and ends with them.

Ours, because Sanic's manager starts no crashed worker again, leaves orphans when it is killed, and may hang on a
SIGTERM during its start (all three were measured).
"""

from __future__ import annotations

import contextlib
import os
import secrets
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from time import monotonic

from bulletdrop.config import Config
from bulletdrop.core import certificate
from bulletdrop.core.database import using
from bulletdrop.core.drops.intake import sweep_temporary
from bulletdrop.core.origin import scheme
from bulletdrop.core.people import devices
from bulletdrop.core.site import close_site, open_site
from bulletdrop.errors import BadConfig, Unavailable
from bulletdrop.log import get_logger
from bulletdrop.paths import program
from bulletdrop.web import announcing
from bulletdrop.web.orders import HOPELESS, Orders, send_orders, share_of
from bulletdrop.web.sockets import bind, reachable
from bulletdrop.web.welcome import listening_at, say, welcome

log = get_logger("server")

# Longer than a worker takes to finish what is under way.
_STOP_SECONDS = 12.0
# A worker that never answered is tried so often in a row; then the server ends with an error.
_MOST_FAILURES = 5
# One that lived shorter than this did not end by chance: the next one waits, each time longer, up to the most.
_SHORT_LIFE = 10.0
_FIRST_WAIT, _MOST_WAIT = 0.25, 8.0


def serve_with_workers(config: Config) -> None:
    """Run a server of `config.workers` processes until SIGTERM or SIGINT.

    Raises: BadConfig on Windows; Unavailable when the address or the folder cannot be used, or no worker gets to
        answer; what `open_site` raises.
    """
    if sys.platform == "win32":
        raise BadConfig("More than one worker is not possible on Windows. Leave “workers” at 1.", field="workers")
    with Bell() as bell, bind(config) as sock:
        config = replace(config, port=sock.getsockname()[1])
        instance, url = secrets.token_hex(8), f"{scheme(config)}://{reachable(config.host)}:{config.port}"
        site = open_site(config, serving=True)
        announcement = announcing.announce(site)
        try:
            certificate.prepare(config)
            with using(site.db):
                # We are the folder's only server, and nothing is under way yet: whatever lies here a crash has left.
                sweep_temporary(site)
                told = announcement is not None
                devices.announce(site, url=url, pid=os.getpid(), instance=instance, in_network=told)
                lines = welcome(site, here=url)
            site.db.close()

            def ready() -> None:
                log.info("listening", extra={**listening_at(site, url), "workers": config.workers})
                say(lines)

            assert site.lock is not None
            # The workers hold the folder's lock with us: while one of them lives, no other server takes the folder.
            Workers(config, instance, sock, bell, keep=[site.lock.fileno()]).run(ready)
        finally:
            if announcement is not None:
                announcement.stop()
            devices.withdraw(site, instance=instance)
            close_site(site)


class Bell:
    """Notes SIGTERM and SIGINT from its beginning on, and wakes whoever waits: for them, and when a child ends."""

    def __init__(self) -> None:
        self.asked = False
        self._read, self._write = os.pipe()

    def __enter__(self) -> Bell:
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        signal.set_wakeup_fd(self._write, warn_on_full_buffer=False)
        for number, handler in ((signal.SIGTERM, self._ask), (signal.SIGINT, self._ask), (signal.SIGCHLD, _nothing)):
            signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        # The process is about to end, and to be asked again must not change how.
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.set_wakeup_fd(-1)
        os.close(self._read)
        os.close(self._write)

    def wait(self, seconds: float | None, others: Sequence[int] = ()) -> None:
        """Wait for a signal, or for one of the other descriptors to become readable, or at most so long."""
        select.select([self._read, *others], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            while os.read(self._read, 512):
                pass

    def _ask(self, *_: object) -> None:
        self.asked = True


def _nothing(*_: object) -> None:
    """Signals with a handler wake the bell; ignored ones would not."""


@dataclass
class _Worker:
    """One place for a worker, and the process in it.

    Attributes:
        pipe: our end of its lifeline: when we are gone, however that happens, it closes and the worker ends.
        ready: where it says that it answers; -1 once it has, or ended.
        deaths: how often in a row it ended soon; `failures`: without having answered at all.
        start_at: when to start it again, in monotonic seconds.
    """

    number: int
    process: subprocess.Popen[bytes] | None = None
    pipe: int = -1
    ready: int = -1
    began: float = 0.0
    deaths: int = 0
    failures: int = 0
    start_at: float = 0.0


class Workers:
    """Keeps `config.workers` processes of this program running on one socket.

    Args:
        keep: further descriptors that they inherit.
    """

    def __init__(
        self, config: Config, instance: str, sock: socket.socket, bell: Bell, *, keep: Sequence[int] = ()
    ) -> None:
        self._config = share_of(config, config.workers)
        self._instance = instance
        self._socket = sock
        self._bell = bell
        self._keep = tuple(keep)
        self._workers = [_Worker(number) for number in range(config.workers)]

    def run(self, ready: Callable[[], None]) -> None:
        """Run until the bell was asked to end.

        Args:
            ready: called once, when all workers answer.
        Raises: Unavailable when a worker ended so often without having answered that it never will.
        """
        said = False
        try:
            while not self._bell.asked:
                for worker in self._workers:
                    self._look_after(worker)
                if not said and all(worker.process and worker.ready < 0 for worker in self._workers):
                    said = True
                    ready()
                waiting = [worker.ready for worker in self._workers if worker.ready >= 0]
                self._bell.wait(self._until_next_start(), waiting)
        finally:
            self._stop()

    def _until_next_start(self) -> float | None:
        starts = [worker.start_at for worker in self._workers if worker.process is None]
        return max(0.0, min(starts) - monotonic()) if starts else None

    def _look_after(self, worker: _Worker) -> None:
        if worker.ready >= 0:
            self._hear(worker)
        if worker.process is not None and worker.process.poll() is not None:
            self._ended(worker, worker.process)
        if worker.process is None and worker.start_at <= monotonic():
            self._start(worker)

    def _hear(self, worker: _Worker) -> None:
        """Whether it answers by now."""
        with contextlib.suppress(BlockingIOError):
            if os.read(worker.ready, 1):
                worker.failures = 0
                os.close(worker.ready)
                worker.ready = -1

    def _ended(self, worker: _Worker, process: subprocess.Popen[bytes]) -> None:
        lived, answered = monotonic() - worker.began, worker.ready < 0
        extra = {"worker": worker.number, "pid": process.pid, "status": process.returncode}
        log.warning("a worker ended", extra={**extra, "after_seconds": round(lived, 1)})
        _close(worker)
        if process.returncode == HOPELESS and not answered:
            raise BadConfig("The server's workers cannot start with these settings. The line above says why.")
        self._failed(worker, soon=lived < _SHORT_LIFE, answered=answered)

    def _failed(self, worker: _Worker, *, soon: bool, answered: bool) -> None:
        """Settle when it is tried again: at once, unless that did not help the last time."""
        worker.deaths = worker.deaths + 1 if soon else 0
        worker.failures = 0 if answered else worker.failures + 1
        if worker.failures >= _MOST_FAILURES:
            raise Unavailable("The server's workers end before they answer. The lines above say why.")
        wait = _FIRST_WAIT * 2 ** (worker.deaths - 2) if worker.deaths > 1 else 0.0
        worker.start_at = monotonic() + min(wait, _MOST_WAIT)

    def _start(self, worker: _Worker) -> None:
        read, worker.pipe = os.pipe()
        worker.ready, write = os.pipe()
        os.set_blocking(worker.ready, False)
        orders = Orders(self._config, worker.number, self._instance, self._socket.fileno(), write)
        send_orders(worker.pipe, orders)
        worker.began = monotonic()
        try:
            with _blocked_signals():
                worker.process = subprocess.Popen(
                    [*program(), "worker", str(read)],
                    stdin=subprocess.DEVNULL,
                    pass_fds=[read, write, self._socket.fileno(), *self._keep],
                )
        except OSError as error:
            log.error("a worker cannot be started", extra={"worker": worker.number, "reason": str(error)})
            _close(worker)
            self._failed(worker, soon=True, answered=False)
        finally:
            os.close(read)
            os.close(write)

    def _stop(self) -> None:
        """End all workers: those that answer finish what is under way; whoever takes too long is killed."""
        self._socket.close()
        running = [worker.process for worker in self._workers if worker.process is not None]
        for process in running:
            process.terminate()
        deadline = monotonic() + _STOP_SECONDS
        while any(process.poll() is None for process in running) and monotonic() < deadline:
            self._bell.wait(deadline - monotonic())
        for process in running:
            if process.poll() is None:
                log.warning("a worker did not end in time and was killed", extra={"pid": process.pid})
                process.kill()
            process.wait()
        for worker in self._workers:
            _close(worker)


@contextlib.contextmanager
def _blocked_signals() -> Iterator[None]:
    """For a child that is made meanwhile: signals wait until it takes them, instead of ending it half way."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _close(worker: _Worker) -> None:
    """Let go of a process that has ended."""
    for end in (worker.pipe, worker.ready):
        if end >= 0:
            os.close(end)
    worker.process, worker.pipe, worker.ready = None, -1, -1
