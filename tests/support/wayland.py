"""A Wayland screen of a test's own: sway without a monitor, with a session bus beside it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tests.support.screen import Screen, wait_for

# Weaker than a seat's own, but enough to run where there is neither.
HEADLESS = {"WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman"}
NOBODY = 65534


class WaylandScreen(Screen):
    """A private desktop without X. Screenshots by `grim`, the clipboard by `wl-paste`.

    sway refuses to run as root and is then run as nobody, in a folder of its own; so its socket is named by its whole
    path.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, with_x=False)
        # Short, since it holds a socket, whose path may have 108 characters.
        self._place = Path(tempfile.mkdtemp(prefix="bd-sway-"))

    def start(self) -> WaylandScreen:
        config = self._place / "config"
        config.write_text("xwayland disable\n")
        command = ["sway", "-c", str(config)]
        if os.geteuid() == 0:
            for path in (self._place, config):
                os.chown(path, NOBODY, NOBODY)
            command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", *command]
        own = {"XDG_RUNTIME_DIR": str(self._place), "HOME": str(self._place)}
        self.spawn(command, environ={**own, **HEADLESS})
        self.environ["WAYLAND_DISPLAY"] = str(wait_for(self._socket, what="the compositor"))
        super().start()
        return self

    def clipboard(self) -> str:
        done = subprocess.run(
            ["wl-paste", "--no-newline"], env=self.environ, capture_output=True, text=True, timeout=5, check=False
        )
        return done.stdout

    def put(self, text: str) -> None:
        """Something else on the clipboard, as another program would."""
        subprocess.run(
            ["wl-copy"], env=self.environ, input=text.encode(), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=5, check=True,
        )  # fmt: skip

    def stop(self) -> None:
        super().stop()  # the wl-copy that serves the clipboard ends with its compositor
        shutil.rmtree(self._place, ignore_errors=True)

    def _socket(self) -> Path | None:
        return next((path for path in self._place.glob("wayland-?") if path.is_socket()), None)
