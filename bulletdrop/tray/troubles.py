"""What stays wrong until the person does something about it: told once, and shown for as long as it is so."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.tray.desk import Desk
from bulletdrop.tray.spool import Spool
from bulletdrop.tray.telling import Telling
from bulletdrop.tray.words import t

# The keys: one for the disk, and one for each album.
_ROOM = "room"
_ALBUM = "album "


@dataclass(frozen=True, slots=True)
class Trouble:
    """Title and sentences, each in the language of the moment: what is wrong, and what helps."""

    title: Callable[[], str]
    words: Callable[[], str]


class Troubles:
    """Those of now. Safe to call from any thread. The desk is told without the lock."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._lock = threading.Lock()
        self._now: dict[str, Trouble] = {}
        # What the rules name, once they have changed; None: they are as they were.
        self._albums: set[str] | None = None

    def begin(self, key: str, trouble: Trouble) -> None:
        """It is so. Told when it was not so before."""
        with self._lock:
            if key.startswith(_ALBUM) and self._albums is not None and key not in self._albums:
                return
            is_news = key not in self._now
            self._now[key] = trouble
        if is_news:
            Telling.safely(lambda: self._desk.trouble(trouble.title(), trouble.words()))

    def end(self, key: str) -> bool:
        """It is over. Returns whether it was so."""
        with self._lock:
            was_so = self._now.pop(key, None) is not None
        if was_so:
            Telling.safely(self._desk.trouble_over)
        return was_so

    def look_at(self, spool: Spool) -> bool:
        """Whether there is room to write what was captured. Cheap while there is. Returns True when there is again."""
        if not spool.has_room():
            self.begin(_ROOM, no_room(spool.path.parent))
            return False
        return self.end(_ROOM)

    def keep_albums(self, album_ids: Collection[str]) -> None:
        """Only these are named by the rules now: what was wrong with others is of no matter any more."""
        with self._lock:
            keys = self._albums = {album_key(one) for one in album_ids}
            over = [key for key in self._now if key.startswith(_ALBUM) and key not in keys]
        for key in over:
            self.end(key)

    def sentences(self) -> tuple[str, ...]:
        """All of them, the oldest first."""
        with self._lock:
            now = list(self._now.values())
        return tuple(f"{one.title()} {one.words()}" for one in now)


def album_key(album_id: str) -> str:
    """The key of an album."""
    return f"{_ALBUM}{album_id}"


def no_room(folder: Path) -> Trouble:
    """Nothing can be written where the list of captures lies."""
    return Trouble(
        lambda: t("This computer's disk is full."),
        lambda: t(
            "New screenshots get no link and are not sent: nothing can be written to {folder}. Delete something or"
            " empty the bin; they follow by themselves. Your files stay where they are.",
            folder=folder,
        ),
    )


def no_album(album_id: str, folder: Path) -> Trouble:
    """A rule names an album that cannot be filled."""
    return Trouble(
        lambda: t("An album is missing."),
        lambda: t(
            "Screenshots from {folder} are to go into the album {album}, which is not on the server or not yours. They"
            " are uploaded without it. Name another one in the settings, under Folders.",
            folder=folder,
            album=album_id,
        ),
    )
