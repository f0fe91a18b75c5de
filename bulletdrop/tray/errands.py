"""The errands beside the uploads, in a thread of their own: links held ready, what is owed, a look whether it answers.

None of them holds up an upload. They wait while nobody answers, and go on however full the account is.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping

from bulletdrop.clock import Clock
from bulletdrop.errors import Blocked, BulletDropError, Busy, Conflict, Gone, NotFound, NotSignedIn, Rejected, TooMany
from bulletdrop.log import get_logger
from bulletdrop.tray.answers import CertificateChanged, Unreachable, Untrusted
from bulletdrop.tray.bin import to_bin
from bulletdrop.tray.client import Client, Uploaded
from bulletdrop.tray.gate import MOST_SECONDS, ladder
from bulletdrop.tray.holding import Holder
from bulletdrop.tray.identity import Sighting
from bulletdrop.tray.line import Line
from bulletdrop.tray.outbox import Outbox
from bulletdrop.tray.owed import ALBUM, BIN, END, PUBLISH, RECALL, Debt
from bulletdrop.tray.troubles import Troubles, album_key, no_album

log = get_logger("errands")

# The pool is looked over this often although nothing happens: its slugs grow old.
POOL_SECONDS = 3600.0
# A server that does not know reservations may learn them by an update.
UNKNOWN_SECONDS = 24 * 3600.0
# Nothing is owed later than this; see `owed.Owed.next`.
LONGEST_SECONDS = 60.0
# One question for links asks for so many.
AT_ONCE = 20
# A bin that refuses a file is asked so often.
BIN_TRIES = 5
# What concerns the uploads too. A mere 403 does not: it may be about one album.
FOR_ALL = (Unreachable, Untrusted, CertificateChanged, NotSignedIn, Blocked)
UNUSED = ("unused", "This link was held ready and not needed.")
UNDONE = ("undone", "Its owner took it back.")


class Errands:
    """One thread. `changed` is called when something that the person may see has changed."""

    def __init__(
        self, outbox: Outbox, clock: Clock, line: Line, troubles: Troubles, changed: Callable[[], None]
    ) -> None:
        self._outbox = outbox
        self._clock = clock
        self._line = line
        self._troubles = troubles
        self._changed = changed
        # What waits for itself alone: id → how often it failed, and until when (monotonic).
        self._tries: dict[int, int] = {}
        self._not_before: dict[int, float] = {}
        self._pool_at = 0.0
        self._pool_failures = 0
        self._gave_back = False
        self._served: Client | None = None
        self._thread = threading.Thread(target=self._run, name="sender-errands", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for the thread's end, after the line was stopped."""
        if self._thread.ident is not None:
            self._thread.join(5)

    def refill(self) -> None:
        """Slugs were taken: look whether there are enough."""
        with self._line.turn:
            if not self._pool_failures:
                self._pool_at = 0.0
            self._line.turn.notify_all()

    # -- the thread

    def _run(self) -> None:
        while not self._line.stopping:
            try:
                self._next()()
            except Exception:
                # The outbox cannot be read, say. What is owed must not end in silence.
                log.exception("A round of the errands failed.")
                with self._line.turn:
                    self._line.released()
                    self._line.turn.wait_for(lambda: self._line.stopping, timeout=1.0)

    def _next(self) -> Callable[[], None]:
        """Wait for something to do."""
        line = self._line
        with line.turn:
            while not line.stopping:
                # Somebody else's host holds nothing ready, and there is nothing to be owed there.
                client = line.client if isinstance(line.client, Client) else None
                if client is not self._served:
                    self._served, self._pool_at, self._pool_failures = client, 0.0, 0
                if task := self._due(client):
                    return task
                line.turn.wait(self._patience(client))
        return lambda: None

    def _due(self, client: Client | None) -> Callable[[], None] | None:
        """What can be done now. Called with the lock held."""
        now = self._clock.monotonic()
        for debt_id in [debt_id for debt_id, until in self._not_before.items() if until <= now]:
            del self._not_before[debt_id]
        uplink = self._line.client
        if uplink is not None and self._line.until_probe() == 0.0:
            return lambda: self._line.probe(uplink)
        open_now = client is not None and self._may_go()
        server = client.server_url if client is not None and open_now else ""
        debt = self._outbox.owed.next(server, self._not_before.keys(), self._line.on_the_way, LONGEST_SECONDS)
        if debt is not None and not debt.server:
            return lambda: self._to_bin(debt)
        if client is None or not open_now:
            return None
        if debt is not None:
            return self._entered(lambda: self._settle(debt, client))
        if now >= self._pool_at:
            self._pool_at = now + POOL_SECONDS
            return self._entered(lambda: self._fill(client))
        return None

    def _may_go(self) -> bool:
        """Whether the server may be asked. A full account is no reason not to: nothing here takes room."""
        gate = self._line.gate
        return not gate.needs_person and (not gate.unreachable or gate.wait() == 0.0)

    def _entered(self, task: Callable[[], None]) -> Callable[[], None] | None:
        if self._line.gate.unreachable and not self._line.gate.enter():
            return None
        return task

    def _patience(self, client: Client | None) -> float | None:
        """Seconds to sleep at most; None: until somebody calls."""
        now = self._clock.monotonic()
        waits: list[float | None] = [until - now for until in self._not_before.values()]
        may_go = client is not None and self._may_go()
        server = client.server_url if client is not None and may_go else ""
        waits.append(self._outbox.owed.seconds(server, self._not_before.keys()))
        waits.append(self._line.until_probe())
        if client is not None:
            waits.append(self._pool_at - now if may_go else self._line.gate.wait())
        known = [wait for wait in waits if wait is not None]
        return min(POOL_SECONDS, max(0.05, min(known))) if known else None

    # -- links held ready

    def _fill(self, client: Client) -> None:
        pool, holder = self._outbox.pool, client.holder
        with self._outbox.together():
            stale = pool.stale(holder)
            pool.drop(stale)
            for slug in stale:
                self._outbox.owed.add(self._unused(holder, slug))
        count = pool.wanted(holder)
        if not count:
            self._line.released()
            return
        try:
            self._reserve(client, count)
        except FOR_ALL as error:
            self._failed(client, error)
            self._hold_pool(ladder(self._pool_failures))
        except Busy as error:
            self._line.released()
            seconds = min(error.retry_after or ladder(self._pool_failures), MOST_SECONDS)
            # Once: who is refused again after that waits as everybody.
            is_new, self._gave_back = not self._gave_back, isinstance(error, TooMany) and self._give_back(client)
            self._hold_pool(0.0 if self._gave_back and is_new else seconds)
        except Rejected as error:
            self._line.released()
            log.info("This server holds no links ready: %s", error.message)
            self._hold_pool(UNKNOWN_SECONDS)
        else:
            self._passed()
            self._pool_failures, self._gave_back = 0, False
            self._changed()

    def _give_back(self, client: Client) -> bool:
        """End what was handed out to this very store and never came here, for its answer was lost. Returns whether
        there was any: it is owed, and done before the pool is asked for again.

        What other stores hold is left alone: another machine with our key may have given those links away.
        """
        try:
            slugs = self._outbox.pool.unknown(client.reserved(self._outbox.pool.store()))
        except BulletDropError as error:
            log.info("Which links the server holds for us cannot be asked: %s", error.message)
            return False
        with self._outbox.together():
            for slug in slugs:
                self._outbox.owed.add(self._unused(client.holder, slug))
        return bool(slugs)

    @staticmethod
    def _unused(holder: Holder, slug: str) -> Debt:
        return Debt(END, holder.server, {"slug": slug, "code": UNUSED[0], "message": UNUSED[1]})

    def _reserve(self, client: Client, count: int) -> None:
        """Ask for so many, a few at a time: that is durable at once, and no server refuses it for its number."""
        while count > 0 and not self._line.stopping:
            items = client.reserve(min(count, AT_ONCE), self._outbox.pool.store())
            if not items:
                return
            self._outbox.pool.put(client.holder, items)
            count -= len(items)

    def _hold_pool(self, seconds: float) -> None:
        with self._line.turn:
            self._pool_failures += 1
            self._pool_at = self._clock.monotonic() + seconds

    # -- what is owed

    def _settle(self, debt: Debt, client: Client) -> None:
        try:
            self._carry_out(debt, client)
        except FOR_ALL as error:
            self._failed(client, error)
            return
        except Busy as error:
            self._line.released()
            self._later(debt, error.retry_after)
            return
        except NotFound:
            # It is gone there, and that is as good.
            self._passed()
            self._note_unfiled(debt, client)
        except Rejected as error:
            self._passed()
            log.warning("What is owed (%s) is refused: %s", debt.kind, error.message)
            self._note_unfiled(debt, client)
        else:
            self._passed()
            if debt.kind == ALBUM:
                self._troubles.end(album_key(debt.detail["album_id"]))
        self._outbox.owed.done(debt)
        self._changed()

    def _carry_out(self, debt: Debt, client: Client) -> None:
        detail = debt.detail
        if debt.kind == END:
            client.end_reservation(detail["slug"], detail["code"], detail["message"])
        elif debt.kind == RECALL:
            recall(client, upload_id=detail["upload_id"], slug=detail["slug"], key=detail["key"])
        elif debt.kind == ALBUM:
            client.add_to_album(detail["album_id"], detail["upload_id"])
        elif debt.kind == PUBLISH:
            client.publish(detail["upload_id"])
            if debt.capture is not None:
                self._outbox.published(debt.capture)
        elif debt.kind == BIN and _is_kept(client.look_at(detail["upload_id"]), detail):
            with self._outbox.together():
                # While the server was asked the person may have undone it: then the file stays.
                if self._outbox.owed.done(debt):
                    self._outbox.owed.add(Debt(BIN, "", detail["marks"], debt.capture))

    def _note_unfiled(self, debt: Debt, client: Client) -> None:
        """A capture is not in the album that its folder's rule names: say so, unless it is gone itself."""
        if debt.kind != ALBUM or debt.capture is None or _is_gone(client, debt.detail["upload_id"]):
            return
        item = self._outbox.unfiled(debt.capture)
        album_id = debt.detail["album_id"]
        self._troubles.begin(album_key(album_id), no_album(album_id, item.folder or item.path.parent))

    def _to_bin(self, debt: Debt) -> None:
        assert debt.kind == BIN
        assert debt.capture is not None
        at = self._outbox.at(debt.capture)
        try:
            # Wherever it was renamed to; but as it stood when the server had it, or the person asked.
            moved = at is not None and to_bin(Sighting(at.path, **debt.detail))
        except OSError as error:
            log.warning("The file cannot go to the bin: %s", error, extra={"path": str(at.path) if at else ""})
            if self._tries.get(debt.id, 0) < BIN_TRIES:
                self._later(debt, None)
                return
            moved = False
        with self._outbox.together():
            if moved:
                self._outbox.binned(debt.capture)
            self._outbox.owed.done(debt)
        self._changed()

    def _later(self, debt: Debt, seconds: float | None) -> None:
        with self._line.turn:
            tries = self._tries[debt.id] = self._tries.get(debt.id, 0) + 1
            self._not_before[debt.id] = self._clock.monotonic() + min(seconds or ladder(tries - 1), MOST_SECONDS)

    def _passed(self) -> None:
        if self._line.gate.unreachable:
            self._line.passed()

    def _failed(self, client: Client, error: BulletDropError) -> None:
        """Nobody answers, or the key is refused: that holds for the uploads too."""
        if client is self._line.client and not self._line.stopping:
            self._line.failed(error)
            self._changed()
        else:
            self._line.released()


def _is_kept(found: Uploaded, detail: Mapping[str, str]) -> bool:
    """Whether the server still has what it said that it keeps.

    Those are our bytes: every upload names their SHA-256, and others are refused (400 wrong_digest). The one that the
    server says may differ from it, for metadata is taken out of what is kept.
    """
    is_same = (found.id, found.fields.get("sha256")) == (detail["upload_id"], detail["sha256"])
    if is_same and found.fields.get("trashed_at") is None and found.fields.get("state") != "broken":
        return True
    log.warning("The server does not have what it said. The file stays where it is.")
    return False


def _is_gone(client: Client, upload_id: str) -> bool:
    """Whether a drop is not there any more, or lies in the trash. False where that cannot be asked."""
    try:
        return client.look_at(upload_id).fields.get("trashed_at") is not None
    except NotFound:
        return True
    except BulletDropError as error:
        log.info("Whether the drop is there cannot be asked: %s", error.message)
        return False


def recall(client: Client, *, upload_id: str, slug: str, key: str) -> None:
    """Take a capture back, wherever it stands at the server. Twice is as good as once.

    The reservation ends first: whatever is still on its way there then finds nothing to fill. What had arrived before,
    though its answer was lost, is found by its key.

    Raises: what the client raises.
    """
    if not upload_id and slug:
        try:
            client.end_reservation(slug, *UNDONE)
        except (NotFound, Conflict, Gone) as error:
            log.info("The reservation had ended: %s", error.message)
    if not upload_id and key:
        found = client.find(key)
        upload_id = found.id if found is not None else ""
    if upload_id:
        client.delete(upload_id)
