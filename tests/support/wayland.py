"""A Wayland screen of a test's own: sway without a monitor, with a session bus beside it."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
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
        paste = ["wl-paste", "--no-newline"]
        try:
            done = subprocess.run(paste, env=self.environ, capture_output=True, text=True, timeout=10, check=False)
        except subprocess.TimeoutExpired:  # an owner that does not give it away: nothing, as on X
            return ""
        return done.stdout

    def put(self, text: str) -> None:
        """Something else on the clipboard, as another program would."""
        subprocess.run(
            ["wl-copy"], env=self.environ, input=text.encode(), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL, timeout=60, check=True,
        )  # fmt: skip

    def stop(self) -> None:
        super().stop()  # the wl-copy that serves the clipboard ends with its compositor
        shutil.rmtree(self._place, ignore_errors=True)

    def _socket(self) -> Path | None:
        return next((path for path in self._place.glob("wayland-?") if path.is_socket()), None)


class FrontWindowOnly:
    """A compositor that lets only the window in front set the clipboard, as GNOME's: it offers no data control.

    It says what it has, and nothing else; `silent`: not even that. `address` is for WAYLAND_DISPLAY.
    """

    def __init__(self, *, silent: bool = False) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="bd-wl-"))  # short: it holds a socket
        self.address = str(self._folder / "wayland-7")
        self.asked = 0
        self._silent = silent
        self._lines: list[socket.socket] = []
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(self.address)
        self._socket.listen()
        self._threads = [threading.Thread(target=self._run)]
        self._threads[0].start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = self._socket.accept()
                self._lines.append(line)
                self._threads.append(threading.Thread(target=self._talk, args=(line,)))
                self._threads[-1].start()

    def _talk(self, line: socket.socket) -> None:
        data = b""
        with contextlib.suppress(OSError), line:
            while len(data) < 24:  # get_registry and sync, twelve bytes each
                piece = line.recv(100)
                if not piece:
                    return
                data += piece
            self.asked += 1
            if not self._silent:
                name = b"wl_seat\0"
                body = struct.pack("=II", 1, len(name)) + name + struct.pack("=I", 7)
                (done,) = struct.unpack_from("=I", data, 20)
                line.sendall(struct.pack("=II", 2, (8 + len(body)) << 16) + body)
                line.sendall(struct.pack("=III", done, 12 << 16, 0))
            while line.recv(100):
                pass

    def close(self) -> None:
        """End it, and every connection to it."""
        for line in (self._socket, *self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        for thread in self._threads:
            thread.join(60)
        shutil.rmtree(self._folder, ignore_errors=True)
