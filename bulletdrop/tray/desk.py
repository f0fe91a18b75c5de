"""What the engine tells the person's desktop: the seam between finding-and-sending and showing.

The engine (watcher, outbox, sender) knows no icon, clipboard or toast; it calls a `Desk`. The desktop half
implements `Desk` and reads `Item`, `State` and `Report`, nothing else of the engine.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bulletdrop.errors import BulletDropError


class State(enum.Enum):
    """What the icon shows, strongest first when several hold: needs_you, paused, offline, working, idle."""

    IDLE = "idle"
    WORKING = "working"
    PAUSED = "paused"
    OFFLINE = "offline"
    NEEDS_YOU = "needs_you"


class Status(enum.Enum):
    """Where one capture stands in the outbox.

    seen      lay in the folder before the first start: never uploaded
    waiting   whole, hashed, in the queue
    sending   on its way now (never stored: a killed tray finds it waiting)
    done      the server has it, `link` is set
    refused   the server will never take it (type, size, broken): shown, not retried
    stalled   its writer stopped half way: shown, looked at again by each rescan
    failed    the file went away before it could be sent
    asking    whole, and its folder's rule says to ask first: nothing is sent before the person's yes
    undone    taken back by the person, on the server too (Undo, or both copies deleted)
    """

    SEEN = "seen"
    WAITING = "waiting"
    SENDING = "sending"
    DONE = "done"
    REFUSED = "refused"
    STALLED = "stalled"
    FAILED = "failed"
    ASKING = "asking"
    UNDONE = "undone"


@dataclass(frozen=True, slots=True)
class Item:
    """One capture: a picture or a recording that appeared in a watched folder.

    Times are aware UTC. `link` is the page to share, `direct_url` the bytes: both are there as soon as a reserved slug
    is (`slug`), before the bytes have gone, else when `status` is DONE. `deletion_url` asks before deleting;
    `upload_id` is the id for the API; both come with DONE. `still_waiting` is how many other captures were on their
    way when this was handed out: with it a desk can sum up a burst in one notification. `folder` is the watched folder
    that it came from, `reason` says in a sentence why it was taken. `is_public` False: private until the person or the
    end of the undo window says otherwise. `binned`: its file went to the system's bin. `wanted`: the
    person named this very file. `missed`: it came while nobody looked, and was found later: its link is only offered.
    """

    id: int
    path: Path
    name: str
    size: int
    status: Status
    found_at: datetime
    sha256: str | None = None
    link: str | None = None
    direct_url: str | None = None
    deletion_url: str | None = None
    upload_id: str | None = None
    sent_at: datetime | None = None
    attempts: int = 0
    next_at: datetime | None = None
    error_code: str | None = None
    error: str | None = None
    still_waiting: int = 0
    slug: str | None = None
    folder: Path | None = None
    reason: str = ""
    is_public: bool = True
    binned: bool = False
    wanted: bool = False
    missed: bool = False


@dataclass(frozen=True, slots=True)
class FolderReport:
    """How the watching of one folder goes. `how` is "events", "polling" or "absent" (watching for it to appear).

    `problem` is one sentence with the cure (a sysctl line, a permission to give) or None when all is well.
    """

    path: Path
    how: str
    problem: str | None = None
    last_event_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Report:
    """The engine's honest health at one moment; `message` says in one sentence why it is not idle or working.

    `failed` went away before they could be sent, `asking` wait for the person's yes. `reserved` links are held ready.
    `progress` is how much of what is on its way has gone, 0 to 1; None while nothing is. `paused_until` is None while
    not paused, and for a pause without an end. `troubles` are sentences about what the person has to see to.
    """

    state: State
    message: str | None
    waiting: int
    sending: int
    stalled: int
    refused: int
    folders: tuple[FolderReport, ...] = ()
    failed: int = 0
    asking: int = 0
    reserved: int = 0
    progress: float | None = None
    paused_until: datetime | None = None
    troubles: tuple[str, ...] = ()


class Desk(Protocol):
    """What the engine calls. Each call comes from one of the engine's threads, and holds up a sender while it runs:
    return fast (hand slow work to your own thread). What it raises is logged and changes nothing."""

    def link_ready(self, item: Item, *, late: bool) -> None:
        """`item.link` is true from now on: reserved (status WAITING), or on the server (DONE). Told once for a capture,
        and again only when the link had to become another one. `late`: leave the clipboard alone and only offer the
        link, because more than ten seconds passed since the capture, or the tray was restarted since, or a newer
        capture has come, or the link is not the one that was told before."""

    def arrived(self, item: Item) -> None:
        """The server has the bytes of a capture whose link was told before."""

    def asks(self, item: Item) -> None:
        """A capture waits for the person's yes (status ASKING)."""

    def refused(self, item: Item, error: BulletDropError) -> None:
        """This capture will not be uploaded (item.status REFUSED or FAILED), or is STALLED: half a file for 60 s."""

    def held_back(self, error: BulletDropError) -> None:
        """All captures wait for longer: the account's storage is full, or its uploads of the day are used up. Told
        once, until something passes again."""

    def trouble(self, title: str, words: str) -> None:
        """Something stays wrong until the person sees to it. Told once, until it was over; `Report` shows it."""

    def trouble_over(self) -> None:
        """One of these is over: `Report` does not show it any more."""

    def unpaired(self, promised: int) -> None:
        """The server refuses this device's key: nothing goes up before the person pairs it again. Told once for a key.
        `promised` captures had their link told before; those links lead nowhere, and others follow after the pairing.
        """

    def state_changed(self, state: State) -> None:
        """The icon's state changed, or how many wait in it did; `Engine.status()` says why in words."""
