"""What menu, local page, notifications and a second start can make the running tray do: the seam between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol

from bulletdrop.tray.desk import Item, Report
from bulletdrop.tray.preferences import Chosen


@dataclass(frozen=True, slots=True)
class Need:
    """What only the person can do now, such as "Set up BulletDrop", and the page where it is done."""

    words: str
    page: str | None = None


@dataclass(frozen=True, slots=True)
class Connection:
    """Which server is used now, and by what right.

    Args:
        server: its address; "" while there is none.
        username: whose token it is, as far as it is known.
        token_in: where the token lies: "environment", a keyring's name, or a file.
        stands_in: True for a second server, while the first is away.
        reserved: how many links are held ready.
        own_server: whether a server runs that this tray started, and ends with it.
    """

    server: str = ""
    username: str = ""
    token_in: str = ""
    stands_in: bool = False
    reserved: int = 0
    own_server: bool = False


class Steering(Protocol):
    """The running tray. Every method may be called from any thread and returns at once (work that takes longer goes to
    a thread of its own). Those that name an item raise NotFound for one that is not in the list."""

    chosen: Chosen

    def report(self) -> Report:
        """State, numbers and the health of each folder."""
        ...

    def recent(self, n: int = 10) -> list[Item]:
        """The newest captures, newest first."""
        ...

    def item(self, item_id: int) -> Item:
        """One capture."""
        ...

    def need(self) -> Need | None:
        """What the person has to do, or None."""
        ...

    def connection(self) -> Connection:
        """Which server is used now."""
        ...

    def folders_found(self) -> Sequence[tuple[Path, str, bool]]:
        """The folders where this system may put screenshots: path, why, and whether it is watched now."""
        ...

    def copy(self, item_id: int) -> None:
        """The link to the clipboard, in the chosen format."""
        ...

    def open(self, item_id: int) -> None:
        """The page in the browser."""
        ...

    def show_file(self, item_id: int) -> None:
        """The file in the system's file manager."""
        ...

    def retry(self, item_id: int) -> None:
        """Try again now."""
        ...

    def forget(self, item_id: int) -> None:
        """Never upload it, do not show it again; its reserved link says that nothing will come."""
        ...

    def approve(self, item_id: int) -> None:
        """Send what asked first."""
        ...

    def undo(self, item_id: int) -> None:
        """Take it back on the server, wherever it stands; the file stays."""
        ...

    def delete_both(self, item_id: int) -> None:
        """Take it back on the server and put the file into the system's bin."""
        ...

    def upload(self, path: Path, *, copy: bool = True) -> str:
        """Send this file, wherever it lies. Returns a ticket for `uploaded`. Raises NotFound when there is no file."""
        ...

    def uploaded(self, ticket: str) -> Item | None:
        """What became of `upload`; None while it is being looked at. Raises NotFound, or what refused it."""
        ...

    def pause(self, until: datetime | None = None) -> None:
        """Hold back until then; None: until `resume`."""
        ...

    def resume(self) -> None:
        """Go on."""
        ...

    def rescan(self) -> None:
        """Look through the folders now."""
        ...

    def pair_again(self) -> None:
        """Look for server and token anew; opens the page for it where that takes the person."""
        ...

    def open_gallery(self) -> None:
        """The gallery in the browser."""
        ...

    def open_settings(self) -> None:
        """The tray's own page in the browser."""
        ...

    def quit(self) -> None:
        """End."""
        ...
