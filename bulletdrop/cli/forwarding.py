"""`bulletdrop upload` through the tray that runs: its queue and its token, instead of a second way to the server."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bulletdrop.errors import BulletDropError, Rejected, Unavailable, UnknownType

if TYPE_CHECKING:
    from bulletdrop.config import Config
    from bulletdrop.tray.running_tray import RunningTray

# States in which the tray sends at once what it is given.
READY = ("idle", "working")
POLL_SECONDS = 0.1
LINK_SECONDS = 5.0
Progress = Callable[[int, int | None], None]


def tray_for(
    config: Config, files: Sequence[str], *, queue: bool, environ: Mapping[str, str] = os.environ
) -> RunningTray | None:
    """The running tray, if it can be handed these files now; None where the command goes to the server itself.

    Args:
        queue: the files may wait there, so any state will do.
    Raises: NotRunning, Deaf where `queue` needs one.
    """
    from bulletdrop.tray.running_tray import find, the_running

    if queue:
        return the_running(config.data)
    # Whoever brings a token of their own does not mean the tray's.
    if "-" in files or environ.get("BULLETDROP_TOKEN"):
        return None
    try:
        running = find(config.data, patience=0.0)
        status = running.status() if running is not None else None
    except BulletDropError:
        return None
    if status is None or status["state"] not in READY:
        return None
    named = config.server if "server" in config.given else ""
    return running if named in ("", str(status["connection"]["server"]).rstrip("/")) else None


def through(running: RunningTray, path: Path, progress: Progress | None) -> str:
    """Upload a file through the tray and wait for its end. Returns the link.

    Raises: Rejected with what the server or the tray says; Unavailable when the server cannot be reached: the file is
    kept and goes up by itself.
    """
    ticket, size = running.upload(path), path.stat().st_size
    while True:
        answer = running.uploaded(ticket)
        item = answer["item"]
        if item is not None:
            if item["status"] == "done" and item["link"]:
                return str(item["link"])
            _check(running, item)
            if progress is not None and item["status"] == "sending" and answer["progress"] is not None:
                progress(int(answer["progress"] * size), size)
            if item["status"] == "waiting" and item["attempts"] and running.status()["state"] not in READY:
                raise Unavailable(_kept(item))
        time.sleep(POLL_SECONDS)


def queued(running: RunningTray, path: Path) -> str:
    """Hand a file to the tray. Returns its link, true from now on, or "" where none was held ready."""
    ticket, deadline = running.upload(path), time.monotonic() + LINK_SECONDS
    while time.monotonic() < deadline:
        item = running.uploaded(ticket)["item"]
        if item is not None:
            _check(running, item)
            if item["link"]:
                return str(item["link"])
            if item["status"] == "waiting" and (item["attempts"] or not _makes_links(running)):
                break
        time.sleep(POLL_SECONDS)
    return ""


def _check(running: RunningTray, item: Mapping[str, Any]) -> None:
    """Raise for what will not go up. What its folder's rule would ask about was asked for by name."""
    if item["status"] == "asking":
        running.act(int(item["id"]), "approve")
    if item["status"] in ("refused", "failed", "stalled", "undone"):
        kind = UnknownType if item.get("error_code") == UnknownType.code else Rejected
        raise kind(item["error"] or "It was undone.")


def _makes_links(running: RunningTray) -> bool:
    status = running.status()
    return bool(status.get("reserved")) and status["preferences"]["link"] == "first"


def _kept(item: Mapping[str, Any]) -> str:
    link = f" Its link will be {item['link']}" if item["link"] else ""
    return f"{item['error'] or 'The server cannot be reached.'} The tray keeps {item['name']} and sends it.{link}"
