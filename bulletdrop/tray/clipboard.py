"""The clipboard: one thing in, read back once, and an honest answer. Never watched, never polled."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, TYPE_CHECKING

from bulletdrop.log import get_logger
from bulletdrop.paths import child_environment
from bulletdrop.tray.deadline import within
from bulletdrop.tray.formats import PICTURES, Clip, Held

if TYPE_CHECKING:
    from bulletdrop.tray.x11_clipboard import Owner as X11Owner

log = get_logger("clipboard")

# wl-copy can hang for ever where the compositor lets only the focused window set the clipboard.
LIMIT_SECONDS = 1.0


class Clipboard:
    """Copies text by the way that works here: `wl-copy` on Wayland, `xclip` to leave a text behind, else copykitten.

    Args:
        detach: True in a one-shot command: on X11 the text dies with its owner, so a small holder is left behind
            until something else is copied. False in the tray, which lives on.
        environ: the environment, for choosing the way and for child programs.
    """

    def __init__(self, *, detach: bool = False, environ: Mapping[str, str] = os.environ) -> None:
        self._detach = detach
        self._environ = environ
        self._ready: list[X11Owner] = []  # one at most, for the next text
        self._making = threading.Lock()
        self._has_control: bool | None = None  # None: not asked yet, or there was no answer

    @property
    def way(self) -> str:
        """Which way is used here: "data-control", "wl-copy", "x11", "xclip", "copykitten", or "none" without a screen.

        The first and "x11" are our own, for a program that lives on.
        """
        if self._environ.get("WAYLAND_DISPLAY") and not self._detach and self._may_control():
            return "data-control"
        if self._environ.get("WAYLAND_DISPLAY") and shutil.which("wl-copy", path=self._environ.get("PATH")):
            return "wl-copy"
        if sys.platform == "linux" and (self._environ.get("WAYLAND_DISPLAY") or not self._environ.get("DISPLAY")):
            # What holds X's clipboard beside a Wayland compositor may not be what its windows paste.
            return "none"
        if sys.platform == "linux" and not self._detach:
            return "x11"
        if sys.platform == "linux" and shutil.which("xclip", path=self._environ.get("PATH")):
            # copykitten's holder outlives its X server and logs to a fixed path in /tmp; xclip does neither.
            return "xclip"
        return "copykitten"

    @property
    def problem(self) -> str:
        """Why a text could not be copied, in a few words that end a sentence."""
        if self.way != "none":
            return f"{self.way} did not keep it"
        if self._environ.get("WAYLAND_DISPLAY"):
            return "wl-clipboard is not installed"
        return "there is no screen here"

    def copy(self, text: str) -> bool:
        """Put `text` on the clipboard and read it back.

        Returns: True only when the clipboard was seen to hold `text` afterwards. False means "offer it another
        way"; the reason is in the log. Takes at most about two seconds.
        """
        way = self.way
        try:
            if way == "data-control":
                return self._own_wayland(text, None)
            if way == "wl-copy":
                return self._copy_wayland(text)
            if way == "xclip":
                return self._copy_xclip(text)
            if way == "x11":
                return self._own_x11(text, None)
            if way == "copykitten":
                return within(LIMIT_SECONDS, lambda: self._copy_kitten(text), name="clipboard")
        except Exception as error:  # a clipboard that fails is news for the person, never a reason to stop
            log.warning("The clipboard could not be set: %s", error, extra={"way": way})
            return False
        log.info("There is no clipboard here.")
        return False

    def put(self, clip: Clip) -> Held:
        """Put a text there, and the picture with it where one is named.

        X11 and most Wayland compositors take both at once, and who pastes chooses. `wl-copy`, which is left for GNOME,
        offers one type only, and macOS and Windows through copykitten one thing: there it is the picture, and the
        answer says so. A picture that cannot be had leaves the text. Returns what was seen there afterwards. Takes at
        most about two seconds.
        """
        if clip.picture is not None:
            try:
                return self._put_picture(clip.text, clip.picture)
            except TimeoutError as error:  # it hangs, and would hang for the text too
                log.warning("The clipboard does not answer: %s", error, extra={"way": self.way})
                return Held.NOTHING
            except Exception as error:
                log.warning("The picture could not be copied: %s", error, extra={"way": self.way})
        return Held.TEXT if self.copy(clip.text) else Held.NOTHING

    def _put_picture(self, text: str, picture: Path) -> Held:
        way, kind = self.way, PICTURES[picture.suffix.lower()]
        if way == "data-control":
            return Held.BOTH if self._own_wayland(text, (picture, kind)) else Held.NOTHING
        if way == "wl-copy":
            return Held.PICTURE if self._picture_wayland(picture, kind) else Held.NOTHING
        if way == "x11":
            return Held.BOTH if self._own_x11(text, (picture, kind)) else Held.NOTHING
        if way == "copykitten":
            within(LIMIT_SECONDS * 2, lambda: _picture_kitten(picture), name="clipboard")
            return Held.PICTURE
        raise OSError(f"{self.problem}; no picture can be copied")

    def _may_control(self) -> bool:
        """Whether the compositor lets programs without a window set the clipboard. Asked once it has answered."""
        if self._has_control is None:
            from bulletdrop.tray.wayland_clipboard import NoDataControl, Owner

            try:
                Owner("", environ=self._environ).close()
                self._has_control = True
            except NoDataControl:
                self._has_control = False
            except OSError as error:  # TimeoutError too
                log.debug("The compositor cannot be asked: %s", error)
        return self._has_control is True

    def _own_x11(self, text: str, picture: tuple[Path, str] | None) -> bool:
        from bulletdrop.tray.x11_clipboard import Owner

        # Not in a thread to wait in, which costs a busy machine more than all of this: each answer has its limit.
        with contextlib.suppress(OSError):
            if self._ready:
                return self._ready.pop().take(text, picture, self._get_ready)
        return Owner(self._environ).take(text, picture, self._get_ready)

    def _get_ready(self) -> None:
        """Connect for the next text, so that it need not."""
        from bulletdrop.tray.x11_clipboard import Owner

        with self._making, contextlib.suppress(OSError):
            if not self._ready:
                self._ready.append(Owner(self._environ))

    def _own_wayland(self, text: str, picture: tuple[Path, str] | None) -> bool:
        from bulletdrop.tray.wayland_clipboard import Owner

        return Owner(text, picture, self._environ).take()

    def _picture_wayland(self, picture: Path, kind: str) -> bool:
        with picture.open("rb") as file:
            self._run_wayland(["wl-copy", "--type", kind], file)
        read = self._run_wayland(["wl-paste", "--list-types"], None)
        return kind.encode() in read.splitlines()

    def _run_wayland(self, command: list[str], file: IO[bytes] | None) -> bytes:
        try:
            done = subprocess.run(
                command,
                stdin=file or subprocess.DEVNULL,
                # wl-copy leaves a child behind that would hold a pipe open.
                stdout=subprocess.DEVNULL if file else subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=child_environment(self._environ),
                timeout=LIMIT_SECONDS,
                check=True,
            )
        except subprocess.TimeoutExpired as error:
            raise TimeoutError(f"{command[0]} does not end") from error
        return done.stdout or b""

    def _copy_wayland(self, text: str) -> bool:
        environment = child_environment(self._environ)
        kind = "text/plain;charset=utf-8"
        # No pipes for its output: wl-copy leaves a child behind that would hold them open.
        subprocess.run(
            ["wl-copy", "--type", kind],
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=LIMIT_SECONDS,
            check=True,
        )
        read = subprocess.run(
            ["wl-paste", "--no-newline", "--type", kind],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=LIMIT_SECONDS,
            check=True,
        )
        return read.stdout == text.encode()

    def _copy_xclip(self, text: str) -> bool:
        environment = child_environment(self._environ)
        xclip = ["xclip", "-selection", "clipboard"]
        # It holds the text in a child of its own, which ends with the X server, or when something else is copied.
        subprocess.run(
            [*xclip, "-in"],
            input=text.encode(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            timeout=LIMIT_SECONDS,
            check=True,
        )
        # The child takes the clipboard at once, and answers a moment later.
        deadline = time.monotonic() + LIMIT_SECONDS * 0.8
        while time.monotonic() < deadline:
            read = subprocess.run(
                [*xclip, "-out", "-target", "UTF8_STRING"],
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                timeout=LIMIT_SECONDS,
                check=False,
            )
            if read.returncode == 0 and read.stdout == text.encode():
                return True
            time.sleep(0.02)
        return False

    def _copy_kitten(self, text: str) -> bool:
        import copykitten

        if not self._detach:
            copykitten.copy(text)
            return bool(copykitten.paste() == text)
        copykitten.copy(text, detach=True)
        # The holder that is left behind takes the clipboard a moment after the call returns; it may be empty till then.
        deadline = time.monotonic() + LIMIT_SECONDS * 0.8
        while time.monotonic() < deadline:
            with contextlib.suppress(copykitten.CopykittenError):
                if copykitten.paste() == text:
                    return True
            time.sleep(0.02)
        return False


def _picture_kitten(picture: Path) -> None:
    import copykitten
    from PIL import Image

    with Image.open(picture) as opened:
        pixels = opened.convert("RGBA")
        copykitten.copy_image(pixels.tobytes(), pixels.width, pixels.height)
