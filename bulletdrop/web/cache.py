"""Answers that are asked for often, kept ready to send for a second at a time."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from time import monotonic

from sanic import Request

from bulletdrop.web.prepared import Prepared

# How long an answer counts before the database is asked again, in seconds. Other processes' changes show after it.
VALID_SECONDS = 1.0
# What an entry costs beside its bytes: headers, key and the objects themselves, roughly.
_OVERHEAD = 2048
# Open files are kept for bodies that do not lie in memory.
_MOST_FILES = 64


def key_of(request: Request) -> bytes:
    """What an answer is kept under: the host and the address, for a name can be one drop's here and another's there.

    Neither can hold a space in a strict head's first line, so no two requests share a key by accident.
    """
    host: str = request.headers.get("host", "")
    return host.encode(errors="replace") + b" " + request.raw_url


class Cache:
    """The least recently used answers go first. For the event loop's thread alone.

    Args:
        limit: bytes of memory to use at most; 0 keeps nothing.
        clock: seconds that never run backwards.
    """

    def __init__(self, limit: int, clock: Callable[[], float] = monotonic) -> None:
        self.limit = limit
        self.clock = clock
        self.generation = 0
        self.weight = 0
        self._entries: OrderedDict[bytes, tuple[Prepared, float]] = OrderedDict()
        self._files = 0

    def get(self, key: bytes) -> Prepared | None:
        """The answer for this address when it still counts."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        if entry[1] < self.clock():
            self._remove(key)
            return None
        self._entries.move_to_end(key)
        return entry[0]

    def put(self, key: bytes, prepared: Prepared, *, generation: int) -> None:
        """Keep an answer.

        Args:
            key: what it answers, by `key_of`.
            prepared: the answer; one that no stranger may see must not come here.
            generation: `generation` as it was before the database was asked. Something may have changed since.
        """
        cost = len(prepared.body or b"") + _OVERHEAD
        if generation != self.generation or cost > self.limit // 8:
            return
        self._remove(key)
        while self._entries and (self.weight + cost > self.limit or (prepared.file and self._files >= _MOST_FILES)):
            self._remove(next(iter(self._entries)))
        self._entries[key] = (prepared, self.clock() + VALID_SECONDS)
        self.weight += cost
        self._files += prepared.file is not None

    def expire_all(self) -> None:
        """Drop all answers: something changed in this process, and it must show in the next answer."""
        self.generation += 1
        self._entries.clear()
        self.weight = self._files = 0

    def sweep(self) -> None:
        """Drop what no longer counts, so that no file stays open after it was deleted."""
        now = self.clock()
        for key in [key for key, (_, until) in self._entries.items() if until < now]:
            self._remove(key)

    def __len__(self) -> int:
        return len(self._entries)

    def _remove(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.weight -= len(entry[0].body or b"") + _OVERHEAD
            self._files -= entry[0].file is not None
