"""The tray, put together: engine, desktop, icon, pairing and, where wanted, the server as a child."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.log import get_logger
from bulletdrop.paths import program
from bulletdrop.tray.browser import open_page
from bulletdrop.tray.child import ServerChild
from bulletdrop.tray.client import Client
from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.deadline import within
from bulletdrop.tray.desk import Item, Report, State
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.icon import TrayBackend, choose_backend
from bulletdrop.tray.instance import InstanceLock
from bulletdrop.tray.menu import Actions, build_menu, tooltip
from bulletdrop.tray.notify import Note, Notifier
from bulletdrop.tray.pairing import LOCKED, PATIENCE_SECONDS, Pairing, is_alive, read_local_server

log = get_logger("tray")

DRAIN_SECONDS = 3.0
NO_ICON_TITLE = "BulletDrop runs without an icon."
NO_ICON = "Nothing on this desktop shows icons now. Start “bulletdrop” again to open its page."


class TrayApp:
    """One running tray. Made, which takes the data folder for itself; then `run` in the main thread, once.

    Args:
        config: the settings; `server` set means that there is a server elsewhere and none is started.
        folders: which folders to watch; asked again by the engine from time to time.
        with_server: start the server as a child, unless one already answers for this data folder.
        say: tells the person in the terminal, if there is one.
        clock, environ: passed on.
    Raises: AlreadyRunning when another tray has this data folder.
    """

    def __init__(
        self,
        config: Config,
        *,
        folders: Callable[[], Sequence[Path]],
        clock: Clock,
        with_server: bool = False,
        say: Callable[[str], object] = lambda text: None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        self._config = config
        self._say = say
        self._lock = InstanceLock(config.data)
        self._lock.take()
        self._clipboard = Clipboard(environ=environ)
        self._notifier = Notifier(open_page=open_page, copy=self._copy_link)
        self._desktop = Desktop(clipboard=self._clipboard, notifier=self._notifier, refresh=self._refresh, clock=clock)
        self._engine = Engine(config, client=None, folders=folders, desk=self._desktop, clock=clock)
        self._backend: TrayBackend = choose_backend(
            on_activate=self._copy_last, on_presence=self._presence, environ=environ
        )
        self._child: ServerChild | None = None
        if with_server and not config.server:
            # The same settings by the same ways: environment and file.
            self._child = ServerChild([*program(), "serve"], on_exit=self._server_ended, environ=environ)
        # A server that this tray starts is waited for; one that it does not start is there or is not.
        patience = PATIENCE_SECONDS if self._child is not None else 1.0
        self._pairing = Pairing(
            config,
            use=self._use,
            needs=self._needs_person,
            off=self._server_off,
            environ=environ,
            patience=patience,
        )
        self._need: tuple[str | None, str | None] = (None, None)
        self._paired = False
        self._opened: str | None = None
        self._quitting = threading.Event()
        self._quit_done = threading.Event()

    def run(self) -> int:
        """Run until Quit, SIGTERM or Ctrl-C. Returns the exit code."""
        try:
            self._catch_signals()
            self._start()
            self._backend.run()
            self.quit()
            self._quit_done.wait(DRAIN_SECONDS + 8)
        finally:
            self.close()
        return 0

    def close(self) -> None:
        """Give the data folder back. `run` does it at its end."""
        self._notifier.close()
        self._lock.release()

    def quit(self) -> None:
        """Begin to end, and return at once: watcher, what is on its way, server, icon, in this order."""
        if not self._quitting.is_set():
            self._quitting.set()
            threading.Thread(target=self._wind_down, name="quit", daemon=True).start()

    def _start(self) -> None:
        self._desktop.start()
        self._engine.start()
        if self._child is not None and not self._answers_already():
            self._say_if_port_is_taken()
            self._child.start()
        self._pairing.start()
        self._desktop.changed()

    def _wind_down(self) -> None:
        log.info("Ending.")
        steps: list[tuple[float, Callable[[], object]]] = [
            (1, self._pairing.stop),
            (DRAIN_SECONDS + 1, lambda: self._engine.stop(DRAIN_SECONDS)),
            (2, self._desktop.stop),
        ]
        for number, (seconds, step) in enumerate(steps):
            try:
                within(seconds, step, name=f"ending-{number}")
            except Exception as error:  # the rest must end all the same
                log.warning("A part did not end well: %s", error)
        if self._child is not None:
            self._child.stop()
        self._backend.stop()
        self._quit_done.set()

    def _catch_signals(self) -> None:
        def handle(number: int, frame: object) -> None:
            if self._quitting.is_set():
                os._exit(128 + number)  # asked twice: at once; the server follows by its pipe
            self.quit()

        for name in ("SIGTERM", "SIGINT", "SIGHUP"):
            if hasattr(signal, name):
                signal.signal(getattr(signal, name), handle)

    # --- server and token

    def _answers_already(self) -> bool:
        server = read_local_server(self._config.data)
        return server is not None and is_alive(server)

    def _say_if_port_is_taken(self) -> None:
        if problem := port_problem(self._config):
            log.error(problem)
            self._say(problem)
            self._needs_person(problem, None)
            self._notifier.send(Note("BulletDrop's server cannot start.", problem, urgent=True))

    def _server_ended(self, code: int) -> None:
        if not self._quitting.is_set():
            self._say_if_port_is_taken()
            self._pairing.again()
            self._desktop.changed()

    def _use(self, client: Client) -> None:
        self._paired = True
        self._engine.use_client(client)

    def _server_off(self) -> None:
        if not self._quitting.is_set():
            self._engine.server_is_off()

    def _needs_person(self, words: str | None, page: str | None) -> None:
        if (words, page) == self._need:
            return
        self._need = (words, page)
        if page and page != self._opened and words == "Set up BulletDrop":
            self._opened = page
            self._say(f"Opening the set-up page: {page}")
            open_page(page)
        self._desktop.changed()

    def _pair_again(self) -> None:
        if self._need[1]:
            open_page(self._need[1])
        self._pairing.again(refused=self._need[0] is None, may_prompt=self._need[0] == LOCKED)

    # --- icon and menu

    def _refresh(self) -> None:
        report = self._engine.status()
        state, words = self._state(report)
        if report.state is State.NEEDS_YOU and not self._paired and (state is State.IDLE or words == LOCKED):
            # Whether it is paired is not known yet: nothing is said about it.
            report = replace(report, message="Starting" if state is State.IDLE else "The keyring is locked")
        self._backend.show(state, words)
        needs = self._need[0] or ("Pair again" if self._paired and report.state is State.NEEDS_YOU else None)
        self._backend.set_menu(build_menu(report, self._engine.recent(10), self._actions(), needs=needs))

    def _state(self, report: Report) -> tuple[State, str]:
        if self._need[0]:
            return State.NEEDS_YOU, self._need[0]
        if report.state is State.NEEDS_YOU and not self._paired:
            return State.IDLE, "Starting"
        return report.state, tooltip(report)

    def _actions(self) -> Actions:
        return Actions(
            copy_last=self._copy_last,
            copy=lambda item: self._copy_link(str(item.link)),
            open=lambda item: open_page(str(item.link)),
            retry=lambda item: self._change(lambda: self._engine.retry(item.id)),
            forget=lambda item: self._change(lambda: self._engine.forget(item.id)),
            pause=lambda: self._change(self._engine.pause),
            resume=lambda: self._change(self._engine.resume),
            gallery=self.open_gallery,
            pair=self._pair_again,
            quit=self.quit,
        )

    def _change(self, action: Callable[[], object]) -> None:
        def change() -> None:
            with contextlib.suppress(Exception):
                action()
            self._desktop.changed()

        threading.Thread(target=change, name="menu-action", daemon=True).start()

    def _copy_link(self, link: str) -> None:
        self._desktop.copy(link)

    def _copy_last(self) -> None:
        newest: Item | None = next((item for item in self._engine.recent(10) if item.link), None)
        link = newest.link if newest is not None else self._desktop.last_link
        if link:
            self._desktop.copy(link)
        else:
            self.open_gallery()

    def open_gallery(self) -> None:
        """Open the gallery of the server that this tray serves."""
        open_page(gallery_url(self._config))

    def _presence(self, present: bool) -> None:
        if not present and not self._quitting.is_set():
            log.info(
                "Without an icon: “bulletdrop” again opens the page, and all else is there or in the command line."
            )


def gallery_url(config: Config) -> str:
    """The address of the gallery: the configured server, the public address, or the server on this machine."""
    local = read_local_server(config.data)
    return f"{config.server or config.public_url or (local.url if local else f'http://127.0.0.1:{config.port}')}/"


def port_problem(config: Config) -> str | None:
    """Why the server's port cannot be had, in words, or None when it is free (or the system shall choose one)."""
    if config.port == 0:
        return None
    family = socket.AF_INET6 if ":" in config.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((config.host, config.port))
        except PermissionError:
            return f"Port {config.port} may not be used by this account. Set BULLETDROP_PORT to one above 1023."
        except OSError:
            return f"Port {config.port} is taken by another program. End it, or set BULLETDROP_PORT to another port."
    return None
