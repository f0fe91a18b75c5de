"""The line to the server, shared by the workers and the errands: client, gate, and a sign of life while it is away."""

from __future__ import annotations

import threading

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError
from bulletdrop.tray.gate import Gate
from bulletdrop.tray.uplink import Uplink

# Seconds until the first question whether anybody answers, the second, and so on; the last one stays. Most absences are
# short: a server that starts anew, a train's tunnel.
PROBE_SECONDS = (1.0, 2.0, 4.0, 8.0, 10.0)


class Line:
    """One server at a time. Everything in it is read and changed with `turn` held, which its threads wait on too."""

    def __init__(self, clock: Clock, client: Uplink | None) -> None:
        self.turn = threading.Condition()
        self.gate = Gate(clock)
        self.client = client
        self.stopping = False
        self.on_the_way: set[int] = set()
        # What had failed when the gate was closed: it does not go first, for it may be the only one that cannot pass.
        self.stoppers: set[int] = set()
        self._clock = clock
        self._answers = True
        # The person was told that the account has used up what it may.
        self._told = False
        self._next_probe = 0.0
        self._probes = 0

    def wake(self) -> None:
        """Something may be possible now that was not."""
        with self.turn:
            self.turn.notify_all()

    def use(self, client: Uplink | None) -> Uplink | None:
        """Go there from now on; None: nowhere. Returns the client from before, to be closed."""
        with self.turn:
            old, self.client = self.client, client
            self.gate.reset()
            self._probes = 0
            self.turn.notify_all()
            return old if old is not client else None

    def hurry(self) -> None:
        """There is reason to hope: try at once."""
        with self.turn:
            self.hope()
            self._next_probe = 0.0

    def hope(self) -> None:
        """There is something new to send: try at once, and ask more often again. Called with `turn` held."""
        self.gate.kick()
        self._probes = 0
        self.turn.notify_all()

    def failed(self, error: BulletDropError) -> tuple[float | None, bool]:
        """Something concerns everything. Returns seconds until the next try (None: not by itself), and whether the
        person has not been told of it yet."""
        with self.turn:
            self.gate.failed(error)
            self._answers = not self.gate.unreachable
            self._plan_probe()
            is_news, self._told = self.gate.used_up and not self._told, self.gate.used_up
            self.turn.notify_all()
            return self.gate.wait(), is_news

    def passed(self) -> None:
        """The server works: whoever waited for it goes now."""
        with self.turn:
            self._answers, self._told, self._probes = True, False, 0
            if self.gate.passed():
                self.turn.notify_all()

    def released(self) -> None:
        """Whoever entered came back without a word about the server: the next one may try."""
        with self.turn:
            self.gate.released()
            # All others sleep without an end while one tries for them.
            self.turn.notify_all()

    # -- the sign of life, asked for by one thread while nobody answers

    def until_probe(self) -> float | None:
        """Seconds until it is due; None while the server answers."""
        if not self.gate.unreachable or self.client is None:
            return None
        return max(0.0, self._next_probe - self._clock.monotonic())

    def probe(self, client: Uplink) -> None:
        """A small question now and then finds the network's return before the ladder does. Not with `turn`."""
        with self.turn:
            self._probes += 1
            self._plan_probe()
        try:
            client.health()
        except BulletDropError:
            self._answers = False
            return
        # Only the change counts: a server that answers this and breaks uploads must not be stormed. What it breaks does
        # not begin the short pauses anew either.
        if not self._answers:
            self._answers = True
            with self.turn:
                self.gate.kick()
                self.turn.notify_all()

    def _plan_probe(self) -> None:
        pause = PROBE_SECONDS[min(self._probes, len(PROBE_SECONDS) - 1)]
        self._next_probe = self._clock.monotonic() + pause
