"""The tray without a screen: folder → whole file → outbox → server → desk. Starts and stops the threads."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, Conflict, NotFound
from bulletdrop.log import get_logger
from bulletdrop.tray.answers import error_from
from bulletdrop.tray.candidates import Patience
from bulletdrop.tray.desk import Desk, Item, Report, State, Status
from bulletdrop.tray.errands import Errands
from bulletdrop.tray.holders import Holders
from bulletdrop.tray.holding import Holder
from bulletdrop.tray.intake import Intake, Rhythm
from bulletdrop.tray.ledger import Manner, check_retry
from bulletdrop.tray.line import Line
from bulletdrop.tray.network import NetworkWatch
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.owed import PUBLISH
from bulletdrop.tray.preferences import Chosen, Preferences, Rule
from bulletdrop.tray.rows import spoken
from bulletdrop.tray.rules import Rules
from bulletdrop.tray.sender import FileGone, Sender
from bulletdrop.tray.stopover import Pausing
from bulletdrop.tray.telling import Stalled, Taken, Telling
from bulletdrop.tray.tickets import Tickets
from bulletdrop.tray.troubles import Troubles
from bulletdrop.tray.uplink import Uplink
from bulletdrop.tray.watcher import FolderWatch, Hint, Hints
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told

log = get_logger("engine")


class Engine:
    """One running tray. All methods may be called from any thread and return at once unless they say otherwise.

    `folders` is asked at start and every five minutes which folders to watch (screenshot folders move while the
    program runs). `client` None means: not paired yet; captures wait, the state is NEEDS_YOU, until `use_client`.
    `chosen` are the person's preferences; None: those of the data folder. `why` says of a folder why it is watched.
    `watch`, `patience` and `rhythm` are for tests.
    """

    def __init__(
        self,
        config: Config,
        *,
        client: Uplink | None,
        folders: Callable[[], Sequence[Path]],
        desk: Desk,
        clock: Clock,
        chosen: Chosen | None = None,
        why: Callable[[Path], str] = lambda folder: "",
        watch: Callable[[Path, Hints, Clock], FolderWatch] = FolderWatch,
        patience: Patience | None = None,
        rhythm: Rhythm | None = None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._chosen = chosen or Chosen(config.data)
        self._why = why
        self._shown: State | None = None
        self._server_off = False
        self._state_lock = threading.RLock()
        self._tickets = Tickets()
        self._outbox = Outbox(config.data / "tray" / "outbox.db", clock)
        self._rules = Rules(self._chosen)
        self._pausing = Pausing(self._chosen, clock, self._outbox)
        self._telling = Telling(desk, clock, self._outbox.waiting)
        self._line = Line(clock, client)
        self._holders = Holders(self._outbox, self._line, self._chosen, lambda: self._pausing.now)
        self._intake = Intake(
            self._outbox,
            clock,
            lambda: self._rules.watched(folders()),
            self,
            watch=watch,
            patience=patience,
            rhythm=rhythm,
        )
        self._sender = Sender(
            self._outbox,
            clock,
            self._line,
            self,
            self._telling,
            recheck=lambda item: self._intake.recheck(item.path),
            rescan=self._intake.rescan,
        )
        self._troubles = Troubles(desk)
        self._errands = Errands(self._outbox, clock, self._line, self._troubles, self.changed)
        self._network = NetworkWatch(self._sender.hurry)
        self._sender.pause(self._pausing.now)
        self._chosen.listen(self._preferences_changed)
        if client is not None:
            self._holders.remember(client)

    def start(self) -> None:
        """Open the outbox, watch the folders, scan for what came while the tray was off, begin to send."""
        self._sender.start()
        self._errands.start()
        self._network.start()
        self._intake.start()
        self.changed()

    def stop(self, drain_seconds: float = 5.0) -> None:
        """Stop watching, give what is on its way up to `drain_seconds` to arrive, close everything. Blocks."""
        self._intake.stop()
        self._network.stop()
        self._sender.stop(drain_seconds)
        self._errands.stop()
        self._outbox.close()

    # -- the server

    def use_client(self, client: Uplink | None) -> None:
        """Send to this server from now on (after pairing or again); what waits goes at once. None: to nobody."""
        self._server_off = False
        self._holders.remember(client)
        self._sender.use(client)
        self.changed()

    def server_is_off(self) -> None:
        """This device is paired, and its server is not there now; until `use_client` the state is OFFLINE."""
        self._server_off = True
        self.changed()

    def reserved(self) -> int:
        """How many links are held ready."""
        return self._holders.count()

    # -- what the person asks

    def pause(self, until: datetime | None = None) -> None:
        """Hold back: captures are still noticed and kept in the outbox; nothing is sent. Survives a restart. Ends by
        itself at `until` (aware), or with `resume`."""
        self._pausing.begin(until)
        self._paused_changed()

    def resume(self) -> None:
        """End the pause; `_preferences_changed` lets go what was held. Raises OSError where it cannot be written."""
        self._pausing.end()

    def recent(self, n: int = 10) -> list[Item]:
        """The newest `n` captures that are not merely `seen`, newest first, whatever their status."""
        return [self._shown_as(item) for item in self._outbox.recent(n)]

    def failed(self, n: int = 100) -> list[Item]:
        """The newest `n` that were refused, went away, or stopped half way, each with its reason, newest first."""
        return self._outbox.with_status((Status.REFUSED, Status.FAILED, Status.STALLED), n)

    def item(self, item_id: int) -> Item:
        """One capture. Raises NotFound."""
        return self._shown_as(self._outbox.get(item_id))

    def retry(self, item_id: int) -> None:
        """Try a refused, failed, delayed or taken-back capture again. Raises NotFound; Conflict without its file."""
        check_retry(self._outbox.get(item_id))
        item = self._outbox.retry(item_id)
        self._sender.hurry(item_id)
        if item.status is Status.STALLED:
            self._intake.recheck(item.path, wanted=item.wanted)
        self.changed()

    def forget(self, item_id: int) -> None:
        """Never upload this capture and do not show it again. Raises NotFound; Conflict for what the server has."""
        self._outbox.forget(item_id)
        self._taken_back(item_id)

    def approve(self, item_id: int) -> None:
        """Send a capture that asked first. Raises NotFound."""
        item = self._outbox.get(item_id)
        ending = item.path.suffix.lower().lstrip(".").replace("jpeg", "jpg")
        with self.in_order():
            approved = self._outbox.approve(item_id, Manner(holder=self.holder(), ending=ending))
            if approved is not None:
                copy = self.rule(approved.folder or approved.path.parent).copy
                self.whole([Taken(approved, copy=copy)])
        self.changed()

    def undo(self, item_id: int) -> None:
        """Take it back on the server, wherever it stands; its file stays.

        Raises: NotFound; Conflict for what somebody else's host has.
        """
        self._check_ours(item_id)
        self._outbox.undo(item_id)
        self._taken_back(item_id)

    def delete_both(self, item_id: int) -> None:
        """Take it back on the server, and put its file into the system's bin. Raises as `undo`."""
        self._check_ours(item_id)
        with self._outbox.together():
            self._outbox.undo(item_id)
            self._outbox.owe_bin(item_id)
        self._taken_back(item_id)

    def publish(self, item_id: int) -> None:
        """The time for Undo is over: who has the link may see it. Raises NotFound."""
        self._outbox.get(item_id)
        self._outbox.owed.hurry(item_id, PUBLISH)
        self._line.wake()

    def upload(self, path: Path, copy: bool = True) -> str:
        """Send this file although it lies elsewhere, or is known already. Returns a ticket for `uploaded`.

        Raises: NotFound when there is none.
        """
        real = path.resolve()
        if not real.is_file():
            raise NotFound(f"There is no file {path}.", paths=[path])
        ticket = self._tickets.issue()
        self._intake.hints.put(Hint(real, eager=True, wanted=True, copy=copy, ticket=ticket))
        return ticket

    def uploaded(self, ticket: str) -> Item | None:
        """What became of `upload`: its item, with its link as soon as it has one; None while the file is looked at.

        Raises: NotFound for an unknown ticket, or what refused the file.
        """
        item_id = self._tickets.outcome(ticket)
        if item_id is None:
            return None
        item = self.item(item_id)
        if item.status in (Status.REFUSED, Status.FAILED, Status.STALLED):
            raise error_from(item.error_code, item.error)
        return item

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
            failed=counts.get(Status.FAILED, 0),
            asking=counts.get(Status.ASKING, 0),
            reserved=self.reserved(),
            progress=self._sender.progress.share(),
            paused_until=self._pausing.until,
            troubles=self._troubles.sentences(),
        )

    # -- what the intake and the sender tell and ask

    def in_order(self) -> AbstractContextManager[None]:
        """Held while rows are made and `whole` is told of them."""
        return self._telling.in_order()

    def whole(self, items: Sequence[Taken]) -> None:
        """New captures are in the outbox: their links first, all else after."""
        self._telling.taken(items)
        self._sender.add([one.item for one in items])
        self._errands.refill()
        for one in items:
            self._tickets.settle(one.tickets, one.item.id)
            if one.item.status is Status.ASKING:
                self._tell(lambda item=one.item: self._desk.asks(item))  # type: ignore[misc]
        with self._state_lock:
            # Held back, the state stays what it is, and the number that the desk shows has grown all the same.
            if (state := self._shown) in (State.PAUSED, State.OFFLINE, State.NEEDS_YOU):
                self._tell(lambda: self._desk.state_changed(state))

    def stalled(self, item: Item) -> None:
        """A file's writer stopped half way."""
        words = t(
            "{name} is only half there: its writer stopped. It is looked at again every few minutes.", name=item.name
        )
        self.given_up(item, Stalled(words, paths=[item.path]))

    def dropped(self, tickets: Sequence[str], path: Path) -> None:
        """A file that the person named is none, or went away."""
        message = t("{name} is empty, cannot be read, or went away.", name=path.name)
        self._tickets.settle(tickets, FileGone(message, paths=[path]))

    def woke(self) -> None:
        """The machine slept."""
        log.info("The machine slept or its clock was set: looking through everything.")
        self._sender.hurry()

    def tick(self) -> None:
        """A pause may be over; the disk may be full."""
        if self._troubles.look_at(self._outbox.spool):
            self._sender.hurry()
        if self._pausing.is_over():
            self._paused_changed()  # also where that cannot be written down
            self.resume()

    def holder(self) -> Holder | None:
        """Whose reserved slugs new captures take."""
        return self._holders.to_take_from()

    def away(self) -> Collection[str]:
        """The servers whose captures wait for them."""
        return self._holders.away()

    def rule(self, folder: Path) -> Rule:
        """What holds for captures of a folder."""
        return self._rules.of(folder)

    def is_private_first(self) -> bool:
        """Whether nobody is to see a drop before its Undo has passed."""
        return self._chosen.now.undo_private

    def given_up(self, item: Item, error: BulletDropError) -> None:
        """A capture will not be uploaded."""
        self._errands.refill()
        self._tell(lambda: self._desk.refused(replace(item, still_waiting=self._outbox.waiting()), error))

    def held_back(self, error: BulletDropError) -> None:
        """All captures wait, for longer: the account has used up what it may."""
        self._tell(lambda: self._desk.held_back(error))

    def changed(self) -> None:
        """Something changed: tell the desk when the state did. One at a time, so that the last word is the newest."""
        with self._state_lock:
            if (promised := self._holders.newly_refused()) is not None:
                self._tell(lambda: self._desk.unpaired(promised))
            state, _ = self._state()
            if state is self._shown:
                return
            self._shown = state
            self._tell(lambda: self._desk.state_changed(state))

    def progressed(self) -> None:
        """Something large went on: the state is the same, and what the desk shows of it is not."""
        with self._state_lock:
            state = self._shown
            if state is not None:
                self._tell(lambda: self._desk.state_changed(state))

    # -- inside

    def _check_ours(self, item_id: int) -> None:
        item = self._outbox.get(item_id)
        if item.status is Status.DONE and not item.upload_id:
            raise Conflict(t("Only that host can delete it: open its own page for that."))

    def _taken_back(self, item_id: int) -> None:
        self._telling.gone(item_id)
        self._sender.progress.stop(item_id)
        self._line.wake()
        self.changed()

    def _paused_changed(self) -> None:
        self._sender.pause(self._pausing.now)
        self.changed()

    def _preferences_changed(self, old: Preferences, new: Preferences) -> None:
        if old.folders != new.folders:
            self._troubles.keep_albums({rule.album for rule in new.folders})
            self._intake.rescan()
        if old.paused_until != new.paused_until:
            self._paused_changed()
        self._line.wake()

    def _state(self) -> tuple[State, str | None]:
        with self._line.turn:
            obstacle, needs_person = self._line.gate.reason, self._line.gate.needs_person
        if self._line.client is None and not self._server_off:
            return State.NEEDS_YOU, t("This device is not paired with a server yet.")
        if needs_person and obstacle is not None:
            second = t("The second server is used only while the first is away.") if self.away() else ""
            return State.NEEDS_YOU, f"{told(obstacle)[1]} {t('Pair this device again.')} {second}".rstrip()
        if self._pausing.now:
            return State.PAUSED, t("Uploads are paused.")
        if obstacle is not None:
            return State.OFFLINE, told(obstacle)[1]
        if self._server_off:
            return State.OFFLINE, t("The server cannot be reached.")
        if self._sender.sending or self._outbox.waiting():
            return State.WORKING, None
        return State.IDLE, None

    def _shown_as(self, item: Item) -> Item:
        item = spoken(item, self._why(item.folder) if item.folder is not None else "")
        goes = item.id in self._sender.sending and item.status is Status.WAITING
        return replace(item, status=Status.SENDING) if goes else item

    _tell = staticmethod(Telling.safely)
