"""The tray without a screen: folder → whole file → outbox → server → desk. Starts and stops the threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, NotFound
from bulletdrop.log import get_logger
from bulletdrop.tray.candidates import Patience
from bulletdrop.tray.client import Client
from bulletdrop.tray.desk import Desk, Item, Report, State, Status
from bulletdrop.tray.intake import Intake, Rhythm
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.sender import Sender
from bulletdrop.tray.watcher import FolderWatch, Hint, Hints

log = get_logger("engine")

STALLED = "{name} is only half there: its writer stopped. It is looked at again every few minutes."


class Stalled(BulletDropError):
    """A file that began like a picture and does not end like one."""

    code = "stalled"
    title = "A screenshot is not complete"


class Engine:
    """One running tray. All methods may be called from any thread and return at once unless they say otherwise.

    `folders` is asked at start and every five minutes which folders to watch (screenshot folders move while the
    program runs). `client` None means: not paired yet; captures wait, the state is NEEDS_YOU, until `use_client`.
    `watch`, `patience` and `rhythm` are for tests.
    """

    def __init__(
        self,
        config: Config,
        *,
        client: Client | None,
        folders: Callable[[], Sequence[Path]],
        desk: Desk,
        clock: Clock,
        watch: Callable[[Path, Hints, Clock], FolderWatch] = FolderWatch,
        patience: Patience | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._desk = desk
        self._shown: State | None = None
        self._server_off = False
        self._state_lock = threading.RLock()
        self._outbox = Outbox(config.data / "tray" / "outbox.db", clock)
        self._paused = self._outbox.setting("paused") == "yes"
        self._intake = Intake(
            self._outbox,
            clock,
            folders,
            whole=self._found,
            stalled=self._stalled,
            woke=self._woke,
            watch=watch,
            patience=patience,
            rhythm=rhythm,
        )
        self._sender = Sender(
            self._outbox,
            clock,
            self,
            client=client,
            recheck=lambda item: self._intake.recheck(item.path),
            rescan=self._intake.rescan,
        )
        self._sender.pause(self._paused)

    def start(self) -> None:
        """Open the outbox, watch the folders, scan for what came while the tray was off, begin to send."""
        self._sender.start()
        self._intake.start()
        self.changed()

    def stop(self, drain_seconds: float = 5.0) -> None:
        """Stop watching, give what is on its way up to `drain_seconds` to arrive, close everything. Blocks."""
        self._intake.stop()
        self._sender.stop(drain_seconds)
        self._outbox.close()

    def use_client(self, client: Client) -> None:
        """Send to this server from now on (after pairing or pairing again); what waits goes at once."""
        self._server_off = False
        self._sender.use(client)
        self.changed()

    def server_is_off(self) -> None:
        """This device is paired, and its server is not there now; until `use_client` the state is OFFLINE."""
        self._server_off = True
        self.changed()

    def pause(self) -> None:
        """Hold back: captures are still noticed and kept in the outbox; nothing is sent. Survives a restart."""
        self._pause(True)

    def resume(self) -> None:
        """End the pause; what was held goes now."""
        self._pause(False)

    def recent(self, n: int = 10) -> list[Item]:
        """The newest `n` captures that are not merely `seen`, newest first, whatever their status."""
        sending = self._sender.sending
        items = self._outbox.recent(n)
        return [replace(item, status=Status.SENDING) if self._goes(item, sending) else item for item in items]

    def retry(self, item_id: int) -> None:
        """Try a refused, failed or delayed capture again, now. Raises NotFound for an unknown id."""
        item = self._outbox.retry(item_id)
        self._sender.hurry(item_id)
        if item.status is Status.STALLED:
            self._intake.recheck(item.path)
        self.changed()

    def forget(self, item_id: int) -> None:
        """Never upload this capture and do not show it again. Raises NotFound for an unknown id."""
        self._outbox.forget(item_id)
        self.changed()

    def upload(self, path: Path) -> None:
        """Send this file although it lies elsewhere, or is known already. Raises NotFound when there is none."""
        real = path.resolve()
        if not real.is_file():
            raise NotFound(f"There is no file {path}.", paths=[path])
        self._intake.hints.put(Hint(real, eager=True, wanted=True))

    def rescan(self) -> None:
        """Look through the folders now (the person asked, or the network came back)."""
        self._intake.rescan()
        self._sender.hurry()

    def status(self) -> Report:
        """The state, the numbers and the health of each watched folder."""
        state, message = self._state()
        counts = self._outbox.counts()
        sending = len(self._sender.sending)
        return Report(
            state=state,
            message=message,
            waiting=max(0, counts.get(Status.WAITING, 0) - sending),
            sending=sending,
            stalled=counts.get(Status.STALLED, 0),
            refused=counts.get(Status.REFUSED, 0),
            folders=self._intake.reports(),
        )

    # -- what the intake and the sender tell

    def sent(self, item: Item, *, late: bool) -> None:
        """A link is ready."""
        self._tell(lambda: self._desk.link_ready(replace(item, still_waiting=self._outbox.waiting()), late=late))

    def given_up(self, item: Item, error: BulletDropError) -> None:
        """A capture will not be uploaded."""
        self._tell(lambda: self._desk.refused(replace(item, still_waiting=self._outbox.waiting()), error))

    def held_back(self, error: BulletDropError) -> None:
        """All captures wait, for longer: the account has used up what it may."""
        self._tell(lambda: self._desk.held_back(error))

    def changed(self) -> None:
        """Something changed: tell the desk when the state did. One at a time, so that the last word is the newest."""
        with self._state_lock:
            state, _ = self._state()
            if state is self._shown:
                return
            self._shown = state
            self._tell(lambda: self._desk.state_changed(state))

    def _found(self, items: Sequence[Item]) -> None:
        self._sender.add(items)
        with self._state_lock:
            # Held back, the state stays what it is, and the number that the desk shows has grown all the same.
            if (state := self._shown) in (State.PAUSED, State.OFFLINE, State.NEEDS_YOU):
                self._tell(lambda: self._desk.state_changed(state))

    def _stalled(self, item: Item) -> None:
        self.given_up(item, Stalled(STALLED.format(name=item.name), paths=[item.path]))

    def _woke(self) -> None:
        log.info("The machine slept or its clock was set: looking through everything.")
        self._sender.hurry()

    def _pause(self, paused: bool) -> None:
        self._paused = paused
        self._outbox.set_setting("paused", "yes" if paused else "no")
        self._sender.pause(paused)
        self.changed()

    def _state(self) -> tuple[State, str | None]:
        obstacle, needs_person = self._sender.obstacle()
        if not self._sender.has_client and not self._server_off:
            return State.NEEDS_YOU, "This device is not paired with a server yet."
        if needs_person and obstacle is not None:
            return State.NEEDS_YOU, f"{obstacle.message} Pair this device again."
        if self._paused:
            return State.PAUSED, "Uploads are paused."
        if obstacle is not None:
            return State.OFFLINE, obstacle.message
        if self._server_off:
            return State.OFFLINE, "The server cannot be reached."
        if self._sender.sending or self._outbox.waiting():
            return State.WORKING, None
        return State.IDLE, None

    @staticmethod
    def _goes(item: Item, sending: frozenset[int]) -> bool:
        return item.id in sending and item.status is Status.WAITING

    @staticmethod
    def _tell(call: Callable[[], None]) -> None:
        """Nothing that the desktop does may stop the uploads."""
        try:
            call()
        except Exception:
            log.exception("The desktop half failed.")
