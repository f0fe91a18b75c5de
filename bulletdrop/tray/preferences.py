"""What the person chose about the tray: one small file, read at start, written whole, told to whoever must know."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from bulletdrop.errors import Invalid
from bulletdrop.log import get_logger
from bulletdrop.paths import make_private_folder, write_private

log = get_logger("preferences")

# What goes on the clipboard. "image" is the picture and the link together; "nothing" leaves the clipboard alone.
FORMATS = ("page", "direct", "markdown", "image", "nothing")
WHEN = ("first", "after")
LANGUAGES = ("", "en", "de")


@dataclass(frozen=True, kw_only=True)
class Rule:
    """What holds for the captures of one folder. Empty or None: as without a rule.

    Args:
        folder: the folder, absolute; "*" is every folder without a rule of its own.
        watch: False: found by itself, but not to be watched.
        names: a pattern such as "Screenshot*"; captures of other names stay here.
        album: the id of the album that they go into.
        expires: a span such as "12h" or "7d".
        is_public: whether everybody with the link may see them.
        ask: nothing is sent before the person says so.
        copy: whether the link goes to the clipboard.
        bin_after: whether the file goes to the system's bin once the server has it.
    """

    folder: str
    watch: bool = True
    names: str = ""
    album: str = ""
    expires: str = ""
    is_public: bool = True
    ask: bool = False
    copy: bool = True
    bin_after: bool = False


@dataclass(frozen=True, kw_only=True)
class Server:
    """A server that this tray may send to. Its token lies in the vault, by this address.

    Args:
        url: as it is asked for.
        name: what it calls itself.
        fingerprint: SHA-256 of its certificate in hex when it was paired by its own certificate; "" for the system's
            trust.
    """

    url: str
    name: str = ""
    fingerprint: str = ""


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """All of it. Made by `load`, changed by `Chosen.change`.

    Args:
        link: "first": the link is copied when the file is whole; "after": when the server has it.
        format: one of FORMATS.
        undo_private: drops are private until the ten seconds of Undo are over.
        notify: whether notifications are shown.
        language: one of LANGUAGES; "" is the system's.
        check_updates: whether a newer version is looked for, once a day.
        start_at_login: None: the person was never asked.
        paused_until: RFC 3339; "" while not paused; "forever" until somebody resumes.
        folders: the rules.
        servers: in order: the first is the default, the next stands in while those before it are away.
        foreign: where uploads go instead: the text of a custom uploader (.sxcu), or "".
    """

    link: str = "first"
    format: str = "page"
    undo_private: bool = False
    notify: bool = True
    language: str = ""
    check_updates: bool = False
    start_at_login: bool | None = None
    paused_until: str = ""
    folders: tuple[Rule, ...] = ()
    servers: tuple[Server, ...] = ()
    foreign: str = ""

    def rule_for(self, folder: Path) -> Rule:
        """The rule of a folder: its own, the one for all, or the empty one."""
        by_name = {rule.folder: rule for rule in self.folders}
        return by_name.get(str(folder)) or by_name.get("*") or Rule(folder=str(folder))


_ROWS: dict[str, type] = {"folders": Rule, "servers": Server}
_ONE_OF: dict[str, tuple[str, ...]] = {"link": WHEN, "format": FORMATS, "language": LANGUAGES}


class Chosen:
    """The preferences of one data folder, safe to use from any thread. `listen` is told of each change, after it.

    What another process writes, as `bulletdrop pair` does while the tray runs, is seen at the next look.
    """

    def __init__(self, data: Path) -> None:
        self.path = data / "tray" / "preferences.json"
        self._lock = threading.RLock()
        self._seen = _stamp(self.path)
        self._now = load(self.path)
        self._listeners: list[Callable[[Preferences, Preferences], object]] = []

    @property
    def now(self) -> Preferences:
        """The preferences as they are."""
        with self._lock:
            old, stamp = self._now, _stamp(self.path)
            if stamp == self._seen:
                return old
            self._seen, self._now = stamp, load(self.path)
            new = self._now
        if new != old:
            self._tell(old, new)
        return new

    def listen(self, told: Callable[[Preferences, Preferences], object]) -> None:
        """Call `told(old, new)` after each change, in the thread that made it."""
        self._listeners.append(told)

    def change(self, **values: Any) -> Preferences:
        """Change some of them, durably. Raises Invalid, with its field, for what does not fit; OSError."""
        with self._lock:
            old = self.now
            new = checked(replace(old, **values))
            if new == old:
                return new
            make_private_folder(self.path.parent)
            write_private(self.path, _written(new))
            self._seen, self._now = _stamp(self.path), new
        self._tell(old, new)
        return new

    def _tell(self, old: Preferences, new: Preferences) -> None:
        for told in self._listeners:
            with contextlib.suppress(Exception):
                told(old, new)


def _written(preferences: Preferences) -> str:
    text = json.dumps(as_json(preferences), ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:
        # The name of a folder need be no UTF-8.
        text = json.dumps(as_json(preferences), indent=2)
    return f"{text}\n"


def _stamp(path: Path) -> tuple[int, int]:
    """What differs when somebody has written the file: it is put in its place as a new one each time."""
    try:
        state = path.stat()
    except OSError:
        return 0, 0
    return state.st_ino, state.st_mtime_ns


def load(path: Path) -> Preferences:
    """Read the file. One that is not there, or cannot be read, gives the defaults; unknown names are left out."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return from_json(values)
    except FileNotFoundError:
        return Preferences()
    except (OSError, ValueError, TypeError, RecursionError, Invalid) as error:
        log.warning("The tray's preferences cannot be read; the usual ones hold: %s", error)
        return Preferences()


def from_json(values: Mapping[str, Any]) -> Preferences:
    """Preferences from an object as `as_json` gives it. Raises Invalid, with its field."""
    if not isinstance(values, Mapping):
        raise Invalid("Preferences are an object.")
    given: dict[str, Any] = {}
    for row in fields(Preferences):
        if row.name not in values:
            continue
        value = values[row.name]
        kind = _ROWS.get(row.name)
        if kind is not None:
            if not isinstance(value, list) or not all(isinstance(one, Mapping) for one in value):
                raise Invalid(f"{row.name} is a list of objects.", field=row.name)
            names = {part.name for part in fields(kind)}
            try:
                value = tuple(kind(**{name: one[name] for name in one if name in names}) for one in value)
            except TypeError as error:
                raise Invalid(f"An entry in {row.name} is not complete.", field=row.name) from error
        given[row.name] = value
    return checked(Preferences(**given))


def as_json(preferences: Preferences) -> dict[str, Any]:
    """Preferences as plain values."""
    values: dict[str, Any] = {row.name: getattr(preferences, row.name) for row in fields(Preferences)}
    for name in _ROWS:
        values[name] = [{part.name: getattr(one, part.name) for part in fields(one)} for one in values[name]]
    return values


def checked(preferences: Preferences) -> Preferences:
    """The preferences themselves. Raises Invalid, with its field, for a value of another type or out of its list."""
    for row in fields(Preferences):
        value, usual = getattr(preferences, row.name), row.default
        if row.name in _ROWS:
            for one in value:
                _check_types(one, _blank(type(one)), row.name)
        elif row.name == "start_at_login":
            if value is not None and not isinstance(value, bool):
                raise Invalid("start_at_login is true or false.", field=row.name)
        elif type(value) is not type(usual):
            raise Invalid(f"{row.name} has the wrong type.", field=row.name)
        if row.name in _ONE_OF and value not in _ONE_OF[row.name]:
            allowed = ", ".join(one or "empty" for one in _ONE_OF[row.name])
            raise Invalid(f"{row.name} is one of {allowed}.", field=row.name)
    return preferences


def _blank(kind: type) -> Any:
    return kind(**{row.name: "" for row in fields(kind) if row.name in ("folder", "url")})


def _check_types(one: Any, usual: Any, field_name: str) -> None:
    for row in fields(one):
        if type(getattr(one, row.name)) is not type(getattr(usual, row.name)):
            raise Invalid(f"{row.name} in {field_name} has the wrong type.", field=field_name)


__all__ = [
    "FORMATS",
    "LANGUAGES",
    "WHEN",
    "Chosen",
    "Preferences",
    "Rule",
    "Server",
    "as_json",
    "checked",
    "from_json",
    "load",
]
