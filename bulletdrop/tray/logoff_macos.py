"""macOS's word for the end of the session, and SIGTERM while Cocoa runs the main thread."""

from __future__ import annotations

import importlib
import signal
from collections.abc import Callable
from typing import Any

from bulletdrop.tray.logoff import Ending

WILL_POWER_OFF = "NSWorkspaceWillPowerOffNotification"
DID_WAKE = "NSWorkspaceDidWakeNotification"


class PowerOff:
    """Listens on the workspace's notification centre, whose calls come on the main thread.

    Python's own signal handlers run only between its bytecodes, and Cocoa's loop executes none while nothing happens:
    so SIGTERM goes through PyObjC's mach port, which wakes that loop.

    Args:
        load: imports a module by name; the tests bring a workspace of their own.
    """

    def __init__(self, ending: Ending, *, load: Callable[[str], Any] = importlib.import_module) -> None:
        self._ending = ending
        self._load = load
        self._centre: Any = None
        self._observers: list[Any] = []

    def start(self) -> PowerOff:
        """Begin to listen. Raises ImportError without PyObjC."""
        workspace = self._load("AppKit").NSWorkspace.sharedWorkspace()
        self._centre = workspace.notificationCenter()
        self._observe(WILL_POWER_OFF, lambda: self._ending.now("macOS signs the person out or shuts down"))
        self._observe(DID_WAKE, self._ending.woke)
        self._load("PyObjCTools.MachSignals").signal(
            signal.SIGTERM, lambda number: self._ending.now("launchd asks it to")
        )
        return self

    def close(self) -> None:
        """Stop listening."""
        observers, self._observers = self._observers, []
        for observer in observers:
            self._centre.removeObserver_(observer)

    def _observe(self, name: str, act: Callable[[], None]) -> None:
        # No queue named: the block runs in the thread that posts, which for these is the main one.
        observer = self._centre.addObserverForName_object_queue_usingBlock_(name, None, None, lambda note: act())
        self._observers.append(observer)
