"""The tray that runs on a data folder, as another process speaks to it: a second start, and the command line."""

from __future__ import annotations

import contextlib
import http.client
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from bulletdrop.clock import rfc3339
from bulletdrop.errors import Unavailable
from bulletdrop.tray.answers import Answer, error_of
from bulletdrop.tray.instance import InstanceLock

ANSWER_SECONDS = 35.0
# A tray that has just been started takes its lock first and listens a moment later.
STARTING_SECONDS = 3.0


class NotRunning(Unavailable):
    """None runs on this data folder, or it ended while it was spoken to."""

    code = "not_running"
    title = "No tray runs"


class Deaf(Unavailable):
    """One runs, and does not answer."""

    code = "tray_deaf"
    title = "The tray does not answer"


@dataclass(frozen=True, slots=True)
class RunningTray:
    """One running tray. Made by `find`. Every method raises NotRunning when it has ended, Deaf, and what it answers."""

    port: int
    pid: int
    secret: str = field(repr=False)

    def status(self) -> Mapping[str, Any]:
        """State, numbers, folders, connection, preferences."""
        return self._ask("GET", "/api/status")

    def recent(self, count: int = 10) -> list[Mapping[str, Any]]:
        """The newest captures, newest first."""
        items: list[Mapping[str, Any]] = self._ask("GET", f"/api/recent?n={count}")["items"]
        return items

    def act(self, item_id: int, name: str) -> None:
        """Do one thing with a capture: copy, open, show, retry, forget, approve, undo, delete-both."""
        self._ask("POST", f"/api/items/{item_id}/{name}")

    def upload(self, path: Path, *, copy: bool = False) -> str:
        """Hand over a file. Returns a ticket for `uploaded`."""
        return str(self._ask("POST", "/api/uploads", {"path": str(path.absolute()), "copy": copy})["ticket"])

    def uploaded(self, ticket: str) -> Mapping[str, Any]:
        """What became of it: `item`, None while it is looked at, and `progress` from 0 to 1 or None."""
        return self._ask("GET", f"/api/uploads/{ticket}")

    def pause(self, until: Any = None) -> None:
        """Hold back until then; None: until `resume`."""
        self._ask("POST", "/api/pause", {"until": rfc3339(until) if until is not None else None})

    def resume(self) -> None:
        """Go on."""
        self._ask("POST", "/api/resume")

    def quit(self) -> None:
        """End it; it has only begun to end when this returns."""
        # Its answer may be cut off by the end that was asked for.
        with contextlib.suppress(NotRunning):
            self._ask("POST", "/api/quit")

    def page(self, place: str = "") -> str:
        """An address that opens the tray's own page once, within a minute."""
        return str(self._ask("POST", "/api/page", {"place": place})["url"])

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        # Straight to this machine: no proxy of the environment has a say in it.
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=ANSWER_SECONDS)
        headers = {"Authorization": f"Bearer {self.secret}", "Content-Type": "application/json"}
        try:
            connection.request(method, path, json.dumps(body) if body is not None else None, headers)
            reply = connection.getresponse()
            answer = Answer(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())
        except TimeoutError as error:
            raise Deaf("The tray does not answer. End it, and start it again.") from error
        except (OSError, http.client.HTTPException) as error:
            raise NotRunning("The tray has ended.") from error
        finally:
            connection.close()
        if answer.status == 204:
            return {}
        if answer.status != 200:
            raise error_of(f"http://127.0.0.1:{self.port}", answer)
        found = answer.json()
        if found is None:
            raise Deaf("The tray's answer cannot be read. Is another version of it running?")
        return found


def find(data: Path, *, patience: float = STARTING_SECONDS) -> RunningTray | None:
    """The tray of a data folder, or None when none runs.

    What control.json says is believed only while somebody holds the lock, and only of the process that does: after a
    kill -9 another program, another user's even, may listen where the tray did.

    Args:
        patience: seconds for one that is just starting.
    Raises: Deaf when one runs that cannot be spoken to.
    """
    lock = InstanceLock(data)
    deadline = time.monotonic() + patience
    while lock.is_held():
        found = _read(data)
        if found is not None and found.pid == lock.holder():
            try:
                found.status()
                return found
            except NotRunning:
                pass  # ending, or its server is
        if time.monotonic() > deadline:
            raise Deaf("BulletDrop is running, but does not answer. End it, and start it again.")
        time.sleep(0.05)
    return None


def the_running(data: Path) -> RunningTray:
    """The tray of a data folder. Raises NotRunning when none runs, Deaf."""
    found = find(data)
    if found is None:
        raise NotRunning(f"No tray runs on {data}. Start it with: bulletdrop tray")
    return found


def wait_for_end(data: Path, seconds: float) -> bool:
    """Whether the tray of a data folder has ended within this time."""
    lock, deadline = InstanceLock(data), time.monotonic() + seconds
    while lock.is_held():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _read(data: Path) -> RunningTray | None:
    try:
        entry = json.loads((data / "tray" / "control.json").read_text(encoding="utf-8"))
        port = urlsplit(str(entry["url"])).port
        return RunningTray(int(port or 0), int(entry["pid"]), str(entry["secret"])) if port else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
