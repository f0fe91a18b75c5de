"""Whether uploads may go now: one gate for the whole server, apart from threads and sockets.

Rules (Nextcloud's ladder, shortened): no network: 2 s, doubled up to 5 minutes, with jitter, for ever, one upload
trying for all. 429 and 503: as long as `Retry-After` says. 507: a minute for a full disk, five for a full quota, which
somebody has to make room in. 401 and 403: until the person pairs again.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from bulletdrop.clock import Clock
from bulletdrop.errors import BulletDropError, Busy, DiskFull, Forbidden, NotSetUp, NotSignedIn, QuotaFull, TooMany
from bulletdrop.tray.answers import Unreachable

FIRST_SECONDS = 2.0
LAST_SECONDS = 300.0
DISK_FULL_SECONDS = 60.0
QUOTA_FULL_SECONDS = 300.0
# What a server may ask for: "0" must not become a storm, a slip of the pen not the end.
LEAST_SECONDS, MOST_SECONDS = 1.0, 3600.0
NOT_SET_UP_SECONDS = 10.0
# A server that is asked too often says seconds; longer than this is a limit of the account.
LONG_SECONDS = 600.0


def ladder(step: int, jitter: Callable[[], float] = random.random) -> float:
    """Seconds to wait before try number `step` (0 is the first repeat): 2, 4, … 300, each 20 % more or less."""
    return min(LAST_SECONDS, FIRST_SECONDS * 2.0 ** min(step, 16)) * (0.8 + 0.4 * jitter())


class Gate:
    """Open, or closed with a reason and a time. Not thread-safe: the sender holds its lock around it."""

    def __init__(self, clock: Clock, jitter: Callable[[], float] = random.random) -> None:
        self._clock = clock
        self._jitter = jitter
        self._failures = 0
        self._until = 0.0
        self._probing = False
        self.reason: BulletDropError | None = None

    @property
    def offline(self) -> bool:
        """Closed for a time, will open by itself."""
        return self.reason is not None and not self.needs_person

    @property
    def unreachable(self) -> bool:
        """Closed because nobody answers."""
        return isinstance(self.reason, Unreachable)

    @property
    def blocked(self) -> bool:
        """Closed until the person does something."""
        return isinstance(self.reason, NotSignedIn | Forbidden)

    @property
    def used_up(self) -> bool:
        """Closed because the account has used up what it may: its storage, or the day's uploads."""
        long = isinstance(self.reason, TooMany) and (self.reason.retry_after or 0) > LONG_SECONDS
        return long or isinstance(self.reason, QuotaFull)

    @property
    def needs_person(self) -> bool:
        return self.blocked or isinstance(self.reason, NotSetUp)

    def wait(self) -> float | None:
        """Seconds until an upload may go: 0 now, None not before something happens."""
        if self.reason is None:
            return 0.0
        if self.blocked or self._probing:
            return None
        return max(0.0, self._until - self._clock.monotonic())

    def enter(self) -> bool:
        """Ask to send one upload now. While closed and due, one at a time may, as a probe for all."""
        if self.wait() != 0.0:
            return False
        self._probing = self.reason is not None
        return True

    def passed(self) -> bool:
        """The server took an upload, or judged it: it is there. True when the gate was closed."""
        was_closed = self.reason is not None
        self._failures, self._probing, self.reason = 0, False, None
        return was_closed

    def failed(self, error: BulletDropError) -> None:
        """Something that concerns all uploads. `error` decides for how long."""
        self._probing = False
        if self.blocked and not isinstance(error, NotSignedIn | Forbidden):
            return
        if isinstance(error, Busy) and error.retry_after is not None:
            seconds = min(max(error.retry_after, LEAST_SECONDS), MOST_SECONDS)
        elif isinstance(error, DiskFull):
            seconds = DISK_FULL_SECONDS
        elif isinstance(error, QuotaFull):
            seconds = QUOTA_FULL_SECONDS
        elif isinstance(error, NotSetUp):
            seconds = NOT_SET_UP_SECONDS
        else:
            # Several uploads that were on their way together fail together: that is one failure.
            if self._clock.monotonic() >= self._until or self.reason is None:
                self._failures += 1
            seconds = ladder(self._failures - 1, self._jitter)
        self._until = self._clock.monotonic() + seconds
        self.reason = error

    def released(self) -> None:
        """The upload that entered ended without saying anything about the server."""
        self._probing = False

    def kick(self) -> None:
        """There is reason to hope (network is back, a new capture, the machine woke): try at once. A server that
        asked for time gets it all the same, and a refused key stays refused."""
        if self.unreachable:
            self._until = 0.0

    def reset(self) -> None:
        """Another server or another key: forget everything."""
        self._failures, self._until, self._probing, self.reason = 0, 0.0, False, None
