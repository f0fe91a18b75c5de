"""How long an answer may wait for its client, and how many descriptors there are for clients that let us wait."""

from __future__ import annotations

import sys

# A client that takes nothing from the start is waited for this long, one that was quick before up to the most: players
# stop reading while their buffer is full. In seconds.
_FIRST = 30.0
_MOST = 120.0
# The most descriptors that we ask the system for. More of them only cost memory.
_DESCRIPTORS = 65536
# What one answer from a file holds: its connection, a second handle on it while it is written, and the file.
_PER_ANSWER = 3
_SHARE = 0.6
_PER_ADDRESS = 256
# Connections that wait for what is on its way hold one each: a chat with hundreds of readers, an office behind one
# address. Each costs 9 KB.
_MOST_WAITING = 2000
_WAITING_SHARE = 0.15
_WAITING_PER_ADDRESS = 200


class Patience:
    """Seconds that one answer may still wait for its client. Waiting uses them up, bytes that it takes earn new ones.

    Not an average since the start: the system takes megabytes at once on behalf of a client that reads nothing.

    Args:
        rate: bytes per second that keep the patience where it is; 0 waits for ever.
        first: seconds to begin with.
        most: seconds that can be saved up.
    """

    __slots__ = ("_most", "_rate", "_since", "_taken", "left")

    def __init__(self, rate: int, *, first: float = _FIRST, most: float = _MOST) -> None:
        self._rate = rate
        self._most = most
        self.left = first
        self._since = 0.0
        self._taken = 0

    def begins(self, taken: int, now: float) -> None:
        """A wait begins. `taken`: bytes that the client has so far. `now`: monotonic seconds."""
        self._since, self._taken = now, taken

    def lasts(self, taken: int, now: float) -> bool:
        """Count the wait so far. False when the client has used its patience up."""
        if not self._rate:
            return True
        earned = max(0, taken - self._taken) / self._rate
        self.left = min(self._most, self.left + earned - (now - self._since))
        self._since, self._taken = now, max(taken, self._taken)
        return self.left > 0


def unsent(number: int) -> int:
    """Bytes that the system holds for a socket's client and the client has not confirmed; 0 where it does not tell."""
    if sys.platform != "linux":
        return 0
    import fcntl
    import termios

    try:
        return int.from_bytes(fcntl.ioctl(number, termios.TIOCOUTQ, b"\0\0\0\0"), sys.byteorder)
    except OSError:
        return 0


def raise_descriptors() -> int:
    """Ask the system for as many descriptors as it lets this process have. Returns how many that are."""
    if sys.platform == "win32":
        return 8192
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(hard, _DESCRIPTORS)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # macOS has a lower limit beside the hard one.
            wanted = soft
    return wanted if soft == resource.RLIM_INFINITY else max(soft, wanted)


def most_answers(descriptors: int) -> tuple[int, int]:
    """Answers from files that may be under way at once, in total and to one address."""
    total = max(2, int(descriptors * _SHARE / _PER_ANSWER))
    return total, min(_PER_ADDRESS, max(1, total // 2))


def most_waiting(descriptors: int) -> tuple[int, int]:
    """Connections that may wait for what is on its way at once, in total and from one address."""
    total = min(_MOST_WAITING, max(2, int(descriptors * _WAITING_SHARE)))
    return total, min(_WAITING_PER_ADDRESS, max(1, total // 2))
