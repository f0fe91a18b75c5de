"""Picture and text at once on the clipboard of a real Wayland compositor, and the truth where there is none."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.formats import Clip, Held
from bulletdrop.tray.wayland_clipboard import NoDataControl, Owner
from tests.support.needs import requires
from tests.support.pictures import screenshot
from tests.support.screen import wait_for
from tests.support.wayland import FrontWindowOnly, WaylandScreen

# Puts texts there one after the other, with a picture when there is one, then waits for a line.
OWNER = """
import sys, threading
from pathlib import Path
from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.formats import Clip
clipboard = Clipboard()
picture = Path(sys.argv[1]) if sys.argv[1] else None
for text in sys.argv[2:]:
    print(clipboard.way, clipboard.put(Clip(text, picture)).value, flush=True)
sys.stdin.readline()
print(*(thread.name for thread in threading.enumerate()), flush=True)
"""


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WaylandScreen]:
    for program, package in (("sway", "sway"), ("wl-paste", "wl-clipboard"), ("setpriv", "util-linux")):
        requires(program, package=package)
    made = WaylandScreen(tmp_path_factory.mktemp("screen")).start()
    yield made
    made.stop()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "shot.png"
    path.write_bytes(screenshot(1))
    return path


class Program:
    """A program that owns the clipboard."""

    def __init__(self, screen: WaylandScreen, picture: Path | None, *texts: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(picture or ""), *(texts or ("http://drop/ä1",))],
            env=screen.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        out, _ = self.process.communicate("\n", timeout=60)
        return out.strip()


def paste(screen: WaylandScreen, kind: str) -> bytes:
    command = ["wl-paste", "--no-newline", "--type", kind]
    return subprocess.run(command, env=screen.environ, capture_output=True, check=True, timeout=60).stdout


def test_a_link_is_there_without_any_program_of_the_system(screen: WaylandScreen) -> None:
    program = Program(screen, None)
    assert program.says() == "data-control text"
    assert screen.clipboard() == "http://drop/ä1"
    program.end()


def test_who_pastes_takes_the_link_or_the_picture(screen: WaylandScreen, picture: Path) -> None:
    program = Program(screen, picture)
    assert program.says() == "data-control both"
    assert paste(screen, "text/plain;charset=utf-8").decode() == "http://drop/ä1"
    assert paste(screen, "image/png") == picture.read_bytes()
    program.end()


def test_a_large_picture_comes_whole_also_when_its_file_has_gone(screen: WaylandScreen, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    content = os.urandom(3_000_001)
    large.write_bytes(content)
    program = Program(screen, large)
    assert program.says() == "data-control both"
    large.unlink()
    assert paste(screen, "image/jpeg") == content
    program.end()


def test_the_last_of_several_is_what_stays_and_nothing_is_left_of_the_others(screen: WaylandScreen) -> None:
    program = Program(screen, None, *(f"http://drop/{number}" for number in range(20)))
    assert [program.says() for _ in range(20)] == ["data-control text"] * 20
    assert screen.clipboard() == "http://drop/19"
    screen.put("over")
    wait_for(lambda: screen.clipboard() == "over", what="somebody else's text")
    assert program.end() == "MainThread"


def test_a_one_shot_command_leaves_its_text_behind(screen: WaylandScreen) -> None:
    code = "from bulletdrop.tray.clipboard import Clipboard; c = Clipboard(detach=True); print(c.way, c.copy('left'))"
    assert screen.run(sys.executable, "-c", code).strip() == "wl-copy True"
    assert screen.clipboard() == "left"


@pytest.fixture
def front() -> Iterator[FrontWindowOnly]:
    made = FrontWindowOnly()
    yield made
    made.close()


def test_a_compositor_without_data_control_is_told_apart_and_asked_once(front: FrontWindowOnly, tmp_path: Path) -> None:
    environ = {"WAYLAND_DISPLAY": front.address, "PATH": str(tmp_path)}
    with pytest.raises(NoDataControl):
        Owner("text", environ=environ)
    clipboard = Clipboard(environ=environ)
    assert [clipboard.way, clipboard.way, clipboard.way] == ["none"] * 3
    assert front.asked == 2
    assert clipboard.put(Clip("text")) is Held.NOTHING
    assert clipboard.problem == "wl-clipboard is not installed"


def test_where_only_wl_copy_is_left_the_picture_goes_alone(front: FrontWindowOnly, tmp_path: Path) -> None:
    for name, script in (("wl-copy", f'echo "$2" > {tmp_path}/kind'), ("wl-paste", f"cat {tmp_path}/kind")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / name).chmod(0o755)
    picture = tmp_path / "shot.png"
    picture.write_bytes(screenshot(1))
    environ = {"WAYLAND_DISPLAY": front.address, "PATH": f"{tmp_path}:/usr/bin:/bin"}
    assert Clipboard(environ=environ).put(Clip("http://drop/1", picture)) is Held.PICTURE
    assert (tmp_path / "kind").read_text() == "image/png\n"


def test_a_compositor_that_says_nothing_is_given_up_and_nothing_is_claimed(tmp_path: Path) -> None:
    silent = FrontWindowOnly(silent=True)
    try:
        environ = {"WAYLAND_DISPLAY": silent.address, "PATH": str(tmp_path)}
        assert Clipboard(environ=environ).put(Clip("text")) is Held.NOTHING
    finally:
        silent.close()


def test_where_there_is_no_compositor_that_is_an_error_that_can_be_told(tmp_path: Path) -> None:
    for environ in ({}, {"WAYLAND_DISPLAY": "wayland-9", "XDG_RUNTIME_DIR": str(tmp_path)}):
        with pytest.raises(OSError, match=r".+"):
            Owner("text", environ=environ)
