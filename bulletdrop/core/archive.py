"""Archive: a zip that comes out piece by piece while it is written; nothing of it is held whole anywhere."""

from __future__ import annotations

import hashlib
import io
import unicodedata
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

_PIECE = 256 * 1024
# Pieces are handed on once so much has come together: each costs a thread's turn and a write to the socket.
_ENOUGH = 128 * 1024
# A zip cannot say "no time"; this is the earliest it can, and 2107 the last.
_NO_TIME = (1980, 1, 1, 0, 0, 0)
_LAST_YEAR = 2107
# What Windows, which is the strictest, keeps nobody's file under.
_NOT_IN_NAMES = frozenset('<>:"/\\|?*')
_DEVICES = {"con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10))}
# Room for " (12345)" below the 255 bytes that most file systems allow.
_LONGEST = 240


class Archive:
    """A zip whose pieces are taken as they come, and a note of what it holds.

    Its entries are stored and not deflated: pictures do not shrink, and a person's CPU is no place to try. What is
    held meanwhile is its directory, a few hundred bytes for each entry.
    """

    def __init__(self) -> None:
        # Here, because most processes never make one.
        import zipfile

        self._sink = _Sink()
        self._info = zipfile.ZipInfo
        self._zip = zipfile.ZipFile(self._sink, "w", zipfile.ZIP_STORED, allowZip64=True)
        self.entries: list[dict[str, Any]] = []

    def text(self, path: str, text: str) -> Iterator[bytes]:
        """One small entry."""
        data = text.encode()
        yield from self.copy(path, io.BytesIO(data), size=len(data))

    def lines(self, path: str, page: Callable[[str], list[tuple[str, dict[str, Any]]]]) -> Iterator[bytes]:
        """An entry of one JSON object a line, from pages of (cursor, object)."""
        import json

        digest, size, after = hashlib.sha256(), 0, ""
        with self._zip.open(self._info(path, _NO_TIME), "w", force_zip64=True) as entry:
            while rows := page(after):
                data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for _, row in rows).encode()
                after = rows[-1][0]
                digest.update(data)
                size += len(data)
                entry.write(data)
                yield from self._taken()
        self._note(path, size, digest.hexdigest())

    def copy(self, path: str, source: Any, *, size: int | None = None, at: datetime | None = None) -> Iterator[bytes]:
        """One entry from an open file.

        Args:
            path: its name in the zip, which is used as it is: see `Names` for what somebody else has chosen.
            size: of the file in bytes, where it is known; only a large one needs what old programs cannot read.
            at: the time that the entry gets, in UTC.
        """
        info = self._info(path, _NO_TIME if at is None or not 1980 <= at.year <= _LAST_YEAR else at.timetuple()[:6])
        info.file_size = size or 0
        digest, copied = hashlib.sha256(), 0
        with self._zip.open(info, "w", force_zip64=size is None) as entry:
            while piece := source.read(_PIECE):
                digest.update(piece)
                copied += len(piece)
                entry.write(piece)
                yield from self._taken()
        self._note(path, copied, digest.hexdigest())

    def close(self) -> Iterator[bytes]:
        """The rest of the zip, and its directory."""
        self._zip.close()
        yield from self._taken(all_of_it=True)

    def _taken(self, *, all_of_it: bool = False) -> Iterator[bytes]:
        if self._sink.waiting >= (1 if all_of_it else _ENOUGH):
            yield self._sink.take()

    def _note(self, path: str, size: int, sha256: str) -> None:
        self.entries.append({"path": path, "size": size, "sha256": sha256})


class _Sink(io.RawIOBase):
    """What the zip is written to. It cannot seek, and says so."""

    def __init__(self) -> None:
        self.waiting = 0
        self._pieces: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        return self._at

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        self._at += len(data)
        self.waiting += len(data)
        return len(data)

    def take(self) -> bytes:
        """What has come since the last time."""
        pieces, self._pieces, self.waiting = self._pieces, [], 0
        return b"".join(pieces)


class Names:
    """Names for an archive's entries: each once, also where capitals do not count, and harmless wherever it is opened.

    The second "shot.png" is "shot (2).png".
    """

    def __init__(self) -> None:
        self._taken: set[str] = set()
        # The next number by name: five thousand of one name are not each compared with all before.
        self._next: dict[str, int] = {}

    def add(self, name: str) -> str:
        """A free name, as near to this one as can be."""
        name = safe_name(name)
        stem, dot, ending = name.rpartition(".")
        if not stem:
            stem, dot, ending = name, "", ""
        number = self._next.get(name.casefold(), 1)
        free = name
        while free.casefold() in self._taken:
            number += 1
            free = f"{stem} ({number}){dot}{ending}"
        self._next[name.casefold()] = number
        self._taken.add(free.casefold())
        return free


def safe_name(name: str) -> str:
    """A name for one file in one folder, on every system: no parts of a path, nothing that turns text around."""
    name = unicodedata.normalize("NFC", name[:1000])
    name = "".join("_" if letter in _NOT_IN_NAMES else letter for letter in name if _is_seen(letter))
    name = name.strip(" .")
    stem, dot, ending = name.rpartition(".")
    if not stem:
        stem, dot, ending = name, "", ""
    ending = ending[:20]
    if stem.casefold().partition(".")[0] in _DEVICES:
        stem = f"_{stem}"
    while len(f"{stem}{dot}{ending}".encode()) > _LONGEST:
        stem = stem[:-1]
    return f"{stem.strip(' .') or 'file'}{dot}{ending}"


def _is_seen(letter: str) -> bool:
    # Joiners inside emoji and scripts stay; other format characters (Cf), such as U+202E, and controls do not.
    return letter in "\u200c\u200d" or unicodedata.category(letter) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
