"""Picture and text at once on the clipboard of a real X server, taken by a real program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.tray import x11_wire
from tests.support.needs import requires
from tests.support.pictures import screenshot
from tests.support.screen import Screen, wait_for

# Puts text and picture there, says what is seen there, and then how many connections are left when a line comes in.
OWNER = """
import sys, psutil
from pathlib import Path
from bulletdrop.tray.clipboard import Clipboard
from bulletdrop.tray.formats import Clip
clipboard = Clipboard()
for text in sys.argv[2:]:
    print(clipboard.put(Clip(text, Path(sys.argv[1]))).value, flush=True)
sys.stdin.readline()
print(len(psutil.Process().net_connections("unix")), flush=True)
"""

# Two clipboards, one of which takes over from the other at once: says how many connections there are in the end.
RIVALS = """
import time, psutil
from bulletdrop.tray.clipboard import Clipboard
one, other = Clipboard(), Clipboard()
assert one.copy("http://drop/1") and other.copy("http://drop/2")
until = time.monotonic() + 30
while (count := len(psutil.Process().net_connections("unix"))) != 3 and time.monotonic() < until:
    time.sleep(0.02)
print(count)
"""


@pytest.fixture(scope="module")
def screen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    requires("Xvfb", package="xvfb")
    requires("xclip", package="xclip")
    made = Screen(tmp_path_factory.mktemp("screen"), with_bus=False).start()
    yield made
    made.stop()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "shot.png"
    path.write_bytes(screenshot(1))
    return path


class Program:
    """A program that owns the clipboard."""

    def __init__(self, screen: Screen, picture: Path, *texts: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", OWNER, str(picture), *(texts or ("http://drop/ä1",))],
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


def paste(screen: Screen, target: str) -> bytes:
    command = ["xclip", "-o", "-selection", "clipboard", "-t", target]
    return subprocess.run(command, env=screen.environ, capture_output=True, check=True, timeout=60).stdout


def test_who_pastes_takes_the_link_or_the_picture(screen: Screen, picture: Path) -> None:
    program = Program(screen, picture)
    assert program.says() == "both"
    offered = paste(screen, "TARGETS").decode().split()
    assert {"image/png", "UTF8_STRING", "text/plain", "TARGETS", "TIMESTAMP", "MULTIPLE"} <= set(offered)
    assert paste(screen, "UTF8_STRING").decode() == "http://drop/ä1"
    assert paste(screen, "text/plain;charset=utf-8").decode() == "http://drop/ä1"
    assert paste(screen, "image/png") == picture.read_bytes()
    program.end()


def test_a_large_picture_comes_in_pieces_and_whole(screen: Screen, tmp_path: Path) -> None:
    large = tmp_path / "large.jpg"
    large.write_bytes(os.urandom(3_000_001))
    program = Program(screen, large)
    assert program.says() == "both"
    assert paste(screen, "image/jpeg") == large.read_bytes()
    program.end()


def test_a_picture_that_goes_into_the_bin_can_still_be_pasted(screen: Screen, picture: Path) -> None:
    content = picture.read_bytes()
    program = Program(screen, picture)
    assert program.says() == "both"
    picture.unlink()
    assert paste(screen, "image/png") == content
    program.end()


def test_what_is_not_offered_is_refused(screen: Screen, picture: Path) -> None:
    program = Program(screen, picture)
    assert program.says() == "both"
    with pytest.raises(subprocess.CalledProcessError):
        paste(screen, "text/html")
    program.end()


def test_the_last_of_several_is_what_stays_and_nothing_is_left_of_the_others(screen: Screen, picture: Path) -> None:
    program = Program(screen, picture, *(f"http://drop/{number}" for number in range(20)))
    assert [program.says() for _ in range(20)] == ["both"] * 20
    assert paste(screen, "UTF8_STRING") == b"http://drop/19"
    screen.spawn(["xclip", "-selection", "clipboard", "-in", "-quiet"], stdin=b"over")
    wait_for(lambda: screen.clipboard() == "over", what="somebody else's text")
    assert int(program.end()) <= 1, "the connection for the next text, and no other"


def test_who_lost_the_clipboard_at_once_is_ready_for_the_next_link_all_the_same(screen: Screen) -> None:
    command = [sys.executable, "-c", RIVALS]
    ran = subprocess.run(command, env=screen.environ, capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "3", "the owner of now, and a connection for the next link of each"


def test_a_picture_that_is_not_there_leaves_the_link(screen: Screen, tmp_path: Path) -> None:
    program = Program(screen, tmp_path / "gone.png")
    assert program.says() == "text"
    assert screen.clipboard() == "http://drop/ä1"
    program.end()


@pytest.mark.parametrize("display", ["", "nonsense", ":9876", "127.0.0.1:9876"])
def test_no_display_is_an_error_that_can_be_told(display: str) -> None:
    with pytest.raises(OSError, match=r".*"):
        x11_wire.Wire({"DISPLAY": display})


def test_a_server_that_asks_for_a_cookie_gets_the_one_of_its_display(tmp_path: Path) -> None:
    requires("Xvfb", package="xvfb")
    requires("xauth", package="xauth")
    cookies = tmp_path / "cookies"
    right = "00112233445566778899aabbccddeeff"
    read, write = os.pipe()
    for display in (":50", ":51"):
        subprocess.run(["xauth", "-f", str(cookies), "add", display, ".", "ff" * 16], check=True, capture_output=True)
    # Xvfb reads the cookies before it knows its number; it takes any that is in its file.
    own = tmp_path / "own"
    subprocess.run(["xauth", "-f", str(own), "add", ":0", ".", right], check=True, capture_output=True)
    command = ["Xvfb", "-displayfd", str(write), "-auth", str(own), "-nolisten", "tcp"]
    server = subprocess.Popen(command, pass_fds=[write], stderr=subprocess.DEVNULL)
    os.close(write)
    try:
        with os.fdopen(read) as answer:
            display = f":{answer.readline().strip()}"
        with pytest.raises(ConnectionError, match="let us not in"):
            x11_wire.Wire({"DISPLAY": display, "XAUTHORITY": str(tmp_path / "nothing")})
        subprocess.run(["xauth", "-f", str(cookies), "add", display, ".", right], check=True, capture_output=True)
        x11_wire.Wire({"DISPLAY": display, "XAUTHORITY": str(cookies)}).close()
    finally:
        server.terminate()
        server.wait(5)
