"""The tray's API for programs on this machine: what the command line and a second start ask of the running one."""

from __future__ import annotations

import enum
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, is_dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from bulletdrop import __version__, errors
from bulletdrop.clock import parse_moment, rfc3339
from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, Invalid, NotFound, NotSignedIn
from bulletdrop.tray.control_doors import Doors
from bulletdrop.tray.control_http import Reply, Request, as_json
from bulletdrop.tray.desk import Item
from bulletdrop.tray.preferences import as_json as preferences_json
from bulletdrop.tray.preferences import from_json
from bulletdrop.tray.steering import Steering

MOST_RECENT = 200
PLACES = ("", "recent", "folders", "general", "servers", "health")

# By family, nearest first; what is not named is a refusal like any other.
STATUS: tuple[tuple[type[BulletDropError], int], ...] = (
    (errors.NotSignedIn, 401),
    (errors.Forbidden, 403),
    (errors.NotFound, 404),
    (errors.Conflict, 409),
    (errors.Gone, 410),
    (errors.TooBig, 413),
    (errors.UnknownType, 415),
    (errors.Invalid, 400),
    (errors.TooMany, 429),
    (errors.Busy, 503),
    (errors.Rejected, 422),
)


def status_of(error: BulletDropError) -> int:
    """The status that an error has here."""
    return next((status for kind, status in STATUS if isinstance(error, kind)), 500)


class Api:
    """`/api/…`. Every request shows the secret of control.json.

    Args:
        address: where this server listens, for the page's address.
    """

    def __init__(self, steering: Steering, doors: Doors, config: Config, *, address: Callable[[], str]) -> None:
        self._steering = steering
        self._doors = doors
        self._config = config
        self._address = address
        self._routes: tuple[tuple[str, re.Pattern[str], Callable[..., object]], ...] = (
            ("GET", re.compile(r"/api/status"), self._status),
            ("GET", re.compile(r"/api/recent"), self._recent),
            ("GET", re.compile(r"/api/items/(\d{1,18})"), self._item),
            ("POST", re.compile(r"/api/items/(\d{1,18})/([a-z-]{1,20})"), self._act),
            ("POST", re.compile(r"/api/uploads"), self._upload),
            ("GET", re.compile(r"/api/uploads/([A-Za-z0-9_-]{1,80})"), self._uploaded),
            ("POST", re.compile(r"/api/pause"), self._pause),
            ("POST", re.compile(r"/api/resume"), lambda request: self._steering.resume()),
            ("POST", re.compile(r"/api/rescan"), lambda request: self._steering.rescan()),
            ("POST", re.compile(r"/api/quit"), lambda request: self._steering.quit()),
            ("GET", re.compile(r"/api/preferences"), self._preferences),
            ("PATCH", re.compile(r"/api/preferences"), self._change),
            ("POST", re.compile(r"/api/page"), self._page),
            ("POST", re.compile(r"/api/open"), self._open),
        )

    def reply(self, request: Request) -> Reply:
        """Answer one request. Raises what the tray raises; NotSignedIn without the secret, NotFound."""
        if not self._doors.is_program(request):
            raise NotSignedIn("The secret in tray/control.json is asked for here.")
        for method, pattern, answer in self._routes:
            found = pattern.fullmatch(request.path)
            if found is not None and method == request.method:
                value = answer(request, *found.groups())
                return Reply(204) if value is None else as_json(value)
        raise NotFound("There is nothing at this address.")

    def _status(self, request: Request) -> object:
        report, need = self._steering.report(), self._steering.need()
        return {
            **plain(report),
            "need": plain(need) if need is not None else None,
            "connection": plain(self._steering.connection()),
            "preferences": preferences_json(self._steering.chosen.now),
            "version": __version__,
            "pid": os.getpid(),
            "data": str(self._config.data),
        }

    def _recent(self, request: Request) -> object:
        count = request.query.get("n", "10")
        if not re.fullmatch(r"[0-9]{1,6}", count) or not 1 <= int(count) <= MOST_RECENT:
            raise Invalid(f"n is a number from 1 to {MOST_RECENT}.", field="n")
        return {"items": [plain(item) for item in self._steering.recent(int(count))]}

    def _item(self, request: Request, number: str) -> object:
        return plain(self._steering.item(int(number)))

    def _act(self, request: Request, number: str, name: str) -> None:
        act = acts(self._steering).get(name)
        if act is None:
            raise NotFound(f"Nothing can be done that is called {name}.")
        act(int(number))

    def _upload(self, request: Request) -> object:
        asked = request.json()
        path, copy = asked.get("path"), asked.get("copy", True)
        if not isinstance(path, str) or not Path(path).is_absolute():
            raise Invalid("path is the whole path of a file.", field="path")
        if not isinstance(copy, bool):
            raise Invalid("copy is true or false.", field="copy")
        return {"ticket": self._steering.upload(Path(path), copy=copy)}

    def _uploaded(self, request: Request, ticket: str) -> object:
        item: Item | None = self._steering.uploaded(ticket)
        return {"item": plain(item) if item is not None else None, "progress": self._progress()}

    def _progress(self) -> object:
        return getattr(self._steering.report(), "progress", None)

    def _pause(self, request: Request) -> None:
        until = request.json().get("until")
        if until is None:
            self._steering.pause(None)
            return
        try:
            self._steering.pause(parse_moment(str(until)))
        except ValueError as error:
            raise Invalid("until is a time such as 2027-01-01T00:00:00Z.", field="until") from error

    def _preferences(self, request: Request) -> object:
        return preferences_json(self._steering.chosen.now)

    def _change(self, request: Request) -> object:
        asked = request.json()
        unknown = sorted(set(asked) - set(preferences_json(self._steering.chosen.now)))
        if unknown:
            raise Invalid(f"There is no preference {unknown[0]}.", field=unknown[0])
        new = from_json({**preferences_json(self._steering.chosen.now), **asked})
        changed = self._steering.chosen.change(**{name: getattr(new, name) for name in asked})
        return preferences_json(changed)

    def _page(self, request: Request) -> object:
        place = request.json().get("place", "")
        if place not in PLACES:
            raise Invalid(f"place is one of {', '.join(PLACES[1:])}.", field="place")
        return {"url": f"{self._address()}/enter/{self._doors.make_ticket()}{f'/{place}' if place else ''}"}

    def _open(self, request: Request) -> None:
        self._steering.open_settings()


def acts(steering: Steering) -> Mapping[str, Callable[[int], None]]:
    """What can be done with one capture, by the name that forms and programs use."""
    return {
        "copy": steering.copy,
        "open": steering.open,
        "show": steering.show_file,
        "retry": steering.retry,
        "forget": steering.forget,
        "approve": steering.approve,
        "undo": steering.undo,
        "delete-both": steering.delete_both,
    }


def plain(value: Any) -> Any:
    """A dataclass of the tray as JSON has it: states by their names, times as RFC 3339, paths as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {name: plain(one) for name, one in asdict(value).items()}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, datetime):
        return rfc3339(value)
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    return value
