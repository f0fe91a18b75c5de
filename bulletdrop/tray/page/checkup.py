"""`bulletdrop doctor`, run as a child for the page."""

from __future__ import annotations

import json
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.paths import program
from bulletdrop.tray.words import t

PATIENCE_SECONDS = 90.0


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was checked. `level` is ok, warn or fail."""

    level: str
    name: str
    what: str
    cure: str


class Checkup:
    """The last check, or the one that runs. Safe to use from any thread."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self.lines: list[Line] | None = None
        self.problem = ""

    @property
    def runs(self) -> bool:
        """Whether one runs now."""
        return self._child is not None

    def begin(self) -> None:
        """Check everything; returns at once. One that runs already goes on."""
        with self._lock:
            if self._child is not None:
                return
            self.problem = ""
            try:
                self._child = subprocess.Popen(
                    [*program(), "doctor", "--json", "--data", str(self._data)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            except OSError as error:
                self.problem = t("The check could not be started: {why}", why=error.strerror or error)
                return
        threading.Thread(target=self._wait, args=(self._child,), name="checkup", daemon=True).start()

    def close(self) -> None:
        """End one that runs."""
        child = self._child
        if child is not None:
            child.kill()

    def _wait(self, child: subprocess.Popen[bytes]) -> None:
        try:
            printed, _ = child.communicate(timeout=PATIENCE_SECONDS)
            names = ("level", "name", "what", "cure")
            lines = [Line(*(str(one.get(name) or "") for name in names)) for one in json.loads(printed)]
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
            self.problem = t("The check did not end in time.")
        except (ValueError, AttributeError, TypeError):
            self.problem = t("The check did not work. Try it in a terminal: bulletdrop doctor")
        else:
            self.lines = lines
        finally:
            self._child = None
