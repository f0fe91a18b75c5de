"""The tray, put together: engine, desktop, icon, pairing and, where wanted, the server as a child."""

from __future__ import annotations

import os
import socket
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.log import get_logger
from bulletdrop.paths import program
from bulletdrop.tray import autostart, notes
from bulletdrop.tray.acts import Acts, Ways
from bulletdrop.tray.browser import open_page
from bulletdrop.tray.child import ServerChild
from bulletdrop.tray.client import Client
from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.control import Control
from bulletdrop.tray.deadline import within
from bulletdrop.tray.desktop import Desktop
from bulletdrop.tray.engine import Engine
from bulletdrop.tray.face import Face, Painter
from bulletdrop.tray.folder_access import FolderAccess
from bulletdrop.tray.icon import TrayBackend, choose_backend
from bulletdrop.tray.instance import InstanceLock
from bulletdrop.tray.logoff import Ending, Nothing, Watch, watch
from bulletdrop.tray.notify import Notifier
from bulletdrop.tray.pairing import (
    LOCKED,
    NOT_RUNNING,
    PATIENCE_SECONDS,
    SET_UP,
    UNPAIRED,
    Pairing,
    is_alive,
    read_local_server,
)
from bulletdrop.tray.places import Places
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.signals import Signals
from bulletdrop.tray.steering import Connection, Need
from bulletdrop.tray.thumbs import Thumbs
from bulletdrop.tray.updates import Updates
from bulletdrop.tray.words import speak

log = get_logger("tray")

DRAIN_SECONDS = 3.0
SWITCH_SECONDS = 0.0005


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
        self._environ = environ
        self._watch: Watch = Nothing()
        self._need: tuple[str | None, str | None] = (None, None)
        self._client: Client | None = None
        self._opened: str | None = None
        self._told_set_up = False
        self._quitting = threading.Event()
        self._lock = InstanceLock(config.data)
        self._lock.take()
        self._places = Places(clock)
        self.chosen = Chosen(config.data)
        speak(self.chosen.now.language, environ)
        self.chosen.listen(lambda old, new: self._preferences_changed())
        self._notifier = Notifier(otherwise=self._balloon)
        self._desktop = self._make_desktop(clock)
        self._engine = Engine(
            config,
            client=None,
            folders=folders,
            desk=self._desktop,
            clock=clock,
            chosen=self.chosen,
            why=self._places.why,
        )
        self.acts = Acts(engine=self._engine, desktop=self._desktop, chosen=self.chosen, ways=self._ways())
        self._backend: TrayBackend = choose_backend(
            on_activate=self.acts.copy_last, on_presence=self._presence, environ=environ
        )
        self._face = self._make_face(clock)
        self._access = FolderAccess(self._folder_refused)
        self._painter = Painter(self._draw)
        self._control = Control(self.acts, config, clock=clock)
        self._updates = Updates(config.data, chosen=self.chosen, clock=clock, tell=self._newer)
        self._ending = Ending(self.quit, woke=self._woke)
        self._quit_done = self._ending.done
        self._child: ServerChild | None = None
        if with_server and not config.server:
            # The same settings by the same ways: environment and file.
            self._child = ServerChild([*program(), "serve"], on_exit=self._server_ended, environ=environ)
        self._pairing = self._make_pairing()

    def _make_desktop(self, clock: Clock) -> Desktop:
        return Desktop(
            clipboard=Clipboard(environ=self._environ),
            notifier=self._notifier,
            redraw=lambda: self._painter.ask(),
            clock=clock,
            preferences=lambda: self.chosen.now,
            hands=lambda: self.acts,
        )

    def _make_face(self, clock: Clock) -> Face:
        return Face(
            hands=self.acts,
            backend=self._backend,
            is_paired=lambda: self._client is not None,
            undo=self._desktop.undo_ends,
            icons=Thumbs(self._config.data, ready=self._desktop.changed).of,
            clock=clock,
        )

    def _make_pairing(self) -> Pairing:
        return Pairing(
            self._config,
            use=self._use,
            needs=self._needs_person,
            off=self._server_off,
            drop=lambda: self._engine.use_client(None),
            environ=self._environ,
            # A server that this tray starts is waited for; one that it does not start is there or is not.
            patience=PATIENCE_SECONDS if self._child is not None else 1.0,
        )

    def run(self) -> int:
        """Run until Quit, SIGTERM or Ctrl-C. Returns the exit code."""
        # A link passes three threads on its way to the clipboard; each would wait up to 5 ms for one that works.
        # Measured beside a busy thread: 3.3 ms from the link to its turn at the clipboard become 0.9.
        sys.setswitchinterval(SWITCH_SECONDS)
        signals = Signals(self._signalled)
        try:
            signals.start()
            self._watch = watch(self._ending, environ=self._environ)
            self._start()
            self._backend.run()
            self.quit()
            self._quit_done.wait(DRAIN_SECONDS + 8)
        finally:
            self._watch.close()
            self.close()
            signals.close()
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
        self._painter.start()
        self._engine.start()
        try:
            self._control.start()
        except OSError as error:
            log.error("The tray's own page cannot be shown: %s", error)
        if self._child is not None and not self._answers_already():
            self._say_if_port_is_taken()
            self._child.start()
        self._pairing.start()
        self._updates.start()
        threading.Thread(target=_keep_autostart, name="autostart", daemon=True).start()
        self._desktop.changed()

    def _wind_down(self) -> None:
        log.info("Ending.")
        steps: list[tuple[float, Callable[[], object]]] = [
            (2, self._control.stop),
            (2, self._updates.stop),
            (1, self._pairing.stop),
            (DRAIN_SECONDS + 1, lambda: self._engine.stop(DRAIN_SECONDS)),
            (2, self._desktop.stop),
            (1, self._painter.stop),
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

    def _signalled(self, number: int) -> None:
        if self._quitting.is_set():
            os._exit(128 + number)  # asked twice: at once; the server follows by its pipe
        self.quit()

    def _woke(self) -> None:
        self.acts.rescan()
        self._desktop.changed()

    def _preferences_changed(self) -> None:
        speak(self.chosen.now.language, self._environ)
        self._desktop.changed()

    # --- server and token

    def _answers_already(self) -> bool:
        server = read_local_server(self._config.data)
        return server is not None and is_alive(server)

    def _say_if_port_is_taken(self) -> None:
        if problem := port_problem(self._config):
            log.error(problem)
            self._say(problem)
            self._needs_person(problem, None)
            self._desktop.tell(notes.cannot_start(problem))

    def _server_ended(self, code: int) -> None:
        if not self._quitting.is_set():
            self._say_if_port_is_taken()
            self._pairing.again()
            self._desktop.changed()

    def _use(self, client: Client) -> None:
        self._client = client
        self._engine.use_client(client)

    def _server_off(self) -> None:
        if not self._quitting.is_set():
            self._engine.server_is_off()

    def _needs_person(self, words: str | None, page: str | None) -> None:
        if (words, page) == self._need:
            return
        self._need = (words, page)
        if page and page != self._opened and words == SET_UP:
            self._opened = page
            # Whether a browser opens is not known here: the address stands there in any case.
            self._say(f"Open the set-up page: {page}")
            open_page(page)
        elif words in (UNPAIRED, NOT_RUNNING):
            self._say(f"{words}. To pair with a server elsewhere: bulletdrop pair{f' {page}' if page else ''}")
        self._desktop.changed()

    def _pair_again(self) -> None:
        if self._need[1]:
            open_page(self._need[1])
        self._pairing.again(refused=self._need[0] is None, may_prompt=self._need[0] == LOCKED)

    # --- what the parts ask of each other

    def _ways(self) -> Ways:
        return Ways(
            need=lambda: Need(self._need[0], self._need[1]) if self._need[0] else None,
            connection=self._connection,
            folders_found=self._folders_found,
            own_page=lambda place: self._control.page_address(place) if self._control.port else None,
            gallery_page=self._gallery,
            pair_again=self._pair_again,
            quit=self.quit,
        )

    def _connection(self) -> Connection:
        own_server = self._child is not None and self._child.pid is not None
        return replace(self._pairing.present, reserved=self._engine.reserved(), own_server=own_server)

    def _gallery(self) -> str:
        used, local = self._pairing.present.server, read_local_server(self._config.data)
        is_elsewhere = bool(used) and (local is None or used != local.url)
        return f"{used}/" if is_elsewhere else gallery_url(self._config)

    def _folders_found(self) -> list[tuple[Path, str, bool]]:
        watched = {folder.path for folder in self._engine.status().folders}
        return [(one.path, one.reason, one.path in watched) for one in self._places.found(fresh=True)]

    def _newer(self, version: str) -> None:
        page = self._updates.feed.page
        self._desktop.tell(notes.newer(version, page, lambda: open_page(page)))

    def _draw(self) -> float:
        report = self._engine.status()
        self._access.look(report.folders)
        words, page = self._need
        if words == SET_UP and page and report.waiting and not self._told_set_up:
            self._told_set_up = True
            self._desktop.tell(notes.set_up_first(lambda: open_page(page)))
        return self._face.draw()

    def _folder_refused(self, folder: Path, cure: str) -> None:
        self._desktop.tell(notes.unreadable(folder, cure))

    def _balloon(self, title: str, message: str) -> None:
        """Where Windows shows no toast: the icon itself says it."""
        balloon = getattr(self._backend, "balloon", None)
        if balloon is not None:
            balloon(title, message)

    def _presence(self, present: bool) -> None:
        if present or self._quitting.is_set():
            return
        log.info("Without an icon: “bulletdrop” again opens the page, and all else is there or in the command line.")
        told = self._config.data / "tray" / "told-no-icon"
        if not told.exists():  # once ever: whoever has no panel knows it by now
            told.touch()
            self._desktop.tell(notes.no_icon(self.acts.open_settings))


def _keep_autostart() -> None:
    try:
        autostart.refresh()
    except Exception as error:  # at login the program starts as before, or does not: the page says so
        log.info("The entry for start at login was left as it is: %s", error)


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
