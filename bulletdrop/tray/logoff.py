"""The end of the session: the tray hears of it and ends in order, and of waking up after sleep.

Nothing depends on it: the list of captures is on the disk at every moment, and a tray that is killed goes on at the
next start. But an orderly end lets an upload finish its last piece, tells the server, and frees the lock, so that the
tray of the next session finds the place empty. Each system says it in its own way:

    Linux     the session manager's EndSession, logind's PrepareForShutdown, and a screen that is gone
    Windows   WM_QUERYENDSESSION and WM_ENDSESSION to a hidden window: programs without one get no word at all
    macOS     NSWorkspaceWillPowerOffNotification on the main thread, and launchd's SIGTERM
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bulletdrop.log import get_logger

log = get_logger("logoff")

# Windows ends a program that has not answered WM_ENDSESSION after five seconds (Microsoft, "Logging Off").
END_SECONDS = 4.0


class Watch(Protocol):
    """Something that listens for the end of the session."""

    def close(self) -> None:
        """Stop listening. Blocks for at most two seconds; calling it twice is fine."""
        ...


@dataclass(frozen=True, slots=True)
class Ending:
    """What to do then.

    Args:
        begin: begins the orderly end and returns at once; may be called more than once, from any thread.
        done: set when everything has ended; Windows is kept waiting for it, for END_SECONDS at most.
        woke: the machine was asleep and is awake; called in the listener's thread, must return at once.
    """

    begin: Callable[[], None]
    done: threading.Event = field(default_factory=threading.Event)
    woke: Callable[[], None] = lambda: None

    def now(self, why: str) -> None:
        """The session ends."""
        log.info("The session ends: %s.", why)
        self.begin()


class Nothing:
    """Where nobody tells."""

    def close(self) -> None:
        """There is nothing to stop."""


def watch(ending: Ending, *, environ: Mapping[str, str] = os.environ, platform: str = sys.platform) -> Watch:
    """Listen for the end of the session by this system's ways. Call it in the main thread. Never raises."""
    try:
        if platform == "win32":
            from bulletdrop.tray.logoff_windows import EndSessionWindow

            return EndSessionWindow(ending).start()
        if platform == "darwin":
            from bulletdrop.tray.logoff_macos import PowerOff

            return PowerOff(ending).start()
        if "DBUS_SESSION_BUS_ADDRESS" not in environ and not (environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY")):
            return Nothing()
        from bulletdrop.tray.logoff_linux import SessionWatch

        return SessionWatch(ending, environ=environ).start()
    except Exception as error:
        log.warning("The end of the session will not be noticed: %s", error)
        return Nothing()
