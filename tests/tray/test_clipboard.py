"""The clipboard of a real X server and a real Wayland compositor, and the honest answer."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from bulletdrop.tray.clipboard import Clipboard
from tests.support.needs import requires
from tests.support.screen import Screen, wait_for

COPY = """
import sys, time
from bulletdrop.tray.clipboard import Clipboard
print(Clipboard(detach="detach" in sys.argv).copy(sys.argv[1]), flush=True)
time.sleep(float(sys.argv[2]))
"""


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    requires("Xvfb", package="xvfb")
    requires("xclip", package="xclip")
    made = Screen(tmp_path_factory.mktemp("screen"), with_bus=False).start()
    yield made
    made.stop()


def test_a_long_lived_program_copies_and_others_can_paste(screen: Screen) -> None:
    process = screen.spawn([sys.executable, "-c", COPY, "http://drop/ä1", "20"])
    wait_for(lambda: screen.clipboard() == "http://drop/ä1", what="the link on the clipboard")
    process.kill()


def test_a_one_shot_command_leaves_the_text_behind(screen: Screen) -> None:
    began = time.monotonic()
    assert screen.run(sys.executable, "-c", COPY, "http://drop/2", "0", "detach").strip() == "True"
    assert time.monotonic() - began < 15
    assert screen.clipboard() == "http://drop/2"
    # The holder ends when something else is copied; it would outlive the screen, and so the test.
    screen.spawn(["xclip", "-selection", "clipboard", "-in", "-quiet"], stdin=b"over")
    wait_for(lambda: screen.clipboard() == "over", what="the next text on the clipboard")


def test_what_holds_a_left_text_ends_with_its_screen(tmp_path: Path) -> None:
    requires("Xvfb", package="xvfb")
    requires("xclip", package="xclip")
    own = Screen(tmp_path / "own", with_bus=False).start()
    try:
        copy = ["env", "LEFT=yes", sys.executable, "-c", COPY, "http://drop/3", "0", "detach"]
        assert own.run(*copy).strip() == "True"
        assert holders(own.home) == ["xclip"]
    finally:
        own.stop()
    wait_for(lambda: not holders(own.home), what="the end of the holder")


def holders(home: Path) -> list[str]:
    """The programs that the copying under that HOME has left behind."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            environ = process.environ()
            if process.status() != psutil.STATUS_ZOMBIE and "LEFT" in environ and environ.get("HOME") == str(home):
                found.append(process.name())
    return found


def test_without_xclip_a_one_shot_command_uses_copykitten(tools: Path) -> None:
    environ = {"DISPLAY": ":1", "PATH": str(tools)}
    assert Clipboard(detach=True, environ=environ).way == "copykitten"
    assert Clipboard(environ=environ | {"PATH": os.environ["PATH"]}).way == "x11"


def test_the_last_of_many_is_what_stays(screen: Screen) -> None:
    code = (
        "from bulletdrop.tray.clipboard import Clipboard\n"
        "c = Clipboard(); print(sum(c.copy(f'n{i}') for i in range(50)))"
    )
    assert screen.run(sys.executable, "-c", code).strip() == "50"


def test_two_programs_that_take_turns_never_lose_what_they_copied(screen: Screen, tmp_path: Path) -> None:
    """A word about the text before that comes late must not empty the one of now."""
    code = (
        "import os, sys, time\n"
        "from bulletdrop.tray.clipboard import Clipboard\n"
        "c = Clipboard(); me = sys.argv[1]; ok = []\n"
        "for n in range(150): ok.append(c.copy(f'{me}{n}')); time.sleep(0.011 if me == 'a' else 0.017)\n"
        "print(ok.count(True), flush=True)\n"
        "if me == 'a': time.sleep(60)\n"  # as a tray does: what it has copied is still its own
        "while not os.path.exists(sys.argv[2]): time.sleep(0.01)\n"
        "print('last', c.copy('the last'), c.problem, flush=True); time.sleep(60)\n"
    )
    quiet = tmp_path / "both-have-copied"
    first, second = (screen.spawn([sys.executable, "-c", code, name, str(quiet)]) for name in ("a", "b"))
    wait_for(lambda: screen.log_of(first) and screen.log_of(second), what="the end of both")
    quiet.touch()
    wait_for(lambda: "last" in screen.log_of(second), what="the last copy")
    assert screen.clipboard() == "the last", screen.log_of(second)
    first.kill()
    second.kill()
    # The other one may have been quicker between taking it and looking; that is then said.
    assert int(screen.log_of(first).split()[0]) >= 145
    assert int(screen.log_of(second).split()[0]) >= 145


def test_without_a_screen_nothing_is_claimed() -> None:
    clipboard = Clipboard(environ={"PATH": os.environ["PATH"]})
    assert clipboard.way == "none"
    assert clipboard.copy("text") is False
    assert clipboard.problem == "there is no screen here"


def test_a_screen_that_is_not_there_is_not_called_copied(screen: Screen) -> None:
    code = COPY.replace("print(", "import os; os.environ['DISPLAY'] = ':9876'; print(")
    assert screen.run(sys.executable, "-c", code, "text", "0").strip() == "False"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def program(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def wayland(tools: Path) -> Clipboard:
    return Clipboard(environ={"WAYLAND_DISPLAY": "wayland-9", "PATH": f"{tools}:/usr/bin:/bin", "HOME": str(tools)})


def test_a_wl_copy_that_never_ends_is_given_up_after_a_second(tools: Path) -> None:
    program(tools / "wl-copy", "exec sleep 30")
    clipboard = wayland(tools)
    assert clipboard.way == "wl-copy"
    began = time.monotonic()
    assert clipboard.copy("text") is False
    assert 0.9 < time.monotonic() - began < 10


def test_a_wl_copy_that_claims_success_and_copied_nothing_is_found_out(tools: Path) -> None:
    program(tools / "wl-copy", "cat > /dev/null")
    program(tools / "wl-paste", "printf something-else")
    assert wayland(tools).copy("text") is False


def test_a_wl_copy_that_fails_is_not_called_copied(tools: Path) -> None:
    program(tools / "wl-copy", "exit 1")
    assert wayland(tools).copy("text") is False


def test_wayland_without_wl_copy_does_not_trust_the_x_way(tools: Path) -> None:
    clipboard = Clipboard(environ={"WAYLAND_DISPLAY": "wayland-9", "DISPLAY": ":1", "PATH": str(tools)})
    assert clipboard.way == "none"


def test_a_frozen_program_s_library_path_does_not_reach_the_system_s_tools(tools: Path) -> None:
    code = (
        "import sys; sys.frozen = True\n"
        "from bulletdrop.tray.clipboard import Clipboard; import os\n"
        "print(Clipboard(environ=dict(os.environ)).copy('text'))"
    )
    program(tools / "wl-copy", f'env > "{tools}/seen"; cat > "{tools}/text"')
    program(tools / "wl-paste", f'cat "{tools}/text"')
    environ = {
        "WAYLAND_DISPLAY": "wayland-9",
        "PATH": f"{tools}:/usr/bin:/bin",
        "LD_LIBRARY_PATH": "/bundle",
        "LD_LIBRARY_PATH_ORIG": "/theirs",
        "PYTHONPATH": os.getcwd(),  # noqa: PTH109
    }
    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"
    assert "LD_LIBRARY_PATH=/theirs\n" in (tools / "seen").read_text()


def test_on_wayland_the_text_is_really_there(tmp_path: Path) -> None:
    for name, package in (("sway", "sway"), ("wl-copy", "wl-clipboard"), ("setpriv", "util-linux")):
        requires(name, package=package)
    compositor = Sway(tmp_path)
    try:
        clipboard = Clipboard(detach=True, environ=compositor.environ)
        assert clipboard.way == "wl-copy"
        assert clipboard.copy("http://drop/ä3") is True
        paste = ["wl-paste", "--no-newline"]
        done = subprocess.run(paste, env=compositor.environ, capture_output=True, text=True, check=True, timeout=60)
        assert done.stdout == "http://drop/ä3"
    finally:
        compositor.stop()


class Sway:
    """A Wayland compositor without a screen. It refuses to run as root, and is then run as nobody."""

    def __init__(self, folder: Path) -> None:
        self.runtime = Path(tempfile.mkdtemp(prefix="bd-sway-"))  # a short path: it holds a socket
        self.environ = {"PATH": os.environ["PATH"], "XDG_RUNTIME_DIR": str(self.runtime), "HOME": str(self.runtime)}
        headless = {"WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_RENDERER": "pixman"}
        config = self.runtime / "config"
        config.write_text("xwayland disable\n")
        command = ["sway", "-c", str(config)]
        if os.geteuid() == 0:
            for path in (self.runtime, config):
                os.chown(path, 65534, 65534)
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]
        with (folder / "sway.log").open("wb") as log:
            self._process = subprocess.Popen(
                command, env={**self.environ, **headless}, stdout=log, stderr=log, start_new_session=True
            )
        self.environ["WAYLAND_DISPLAY"] = wait_for(self._socket, what="the compositor")

    def _socket(self) -> str:
        return next((path.name for path in self.runtime.glob("wayland-?") if path.is_socket()), "")

    def stop(self) -> None:
        """End it, and the wl-copy that serves the clipboard ends with it."""
        self._process.terminate()
        self._process.wait(60)
        shutil.rmtree(self.runtime, ignore_errors=True)
