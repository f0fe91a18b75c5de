"""The scripts for Flameshot and the shell, run for real: a screen, its tools, a clipboard, notifications, a server."""

from __future__ import annotations

import importlib
import io
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image, ImageChops

from tests.support.needs import requires
from tests.support.notifications import Notifications
from tests.support.screen import Screen, wait_for
from tests.support.server import Server
from tests.support.wayland import WaylandScreen
from tests.web.kit import path_of, png

pytestmark = pytest.mark.display

# What the scripts use of any Unix, and on Linux for clipboard and notification. Tools are added by name.
BASIC = ("sh", "sed", "mktemp", "rm", "ln", "od", "tr", "date", "cat", "mkdir", "chmod", "curl", "timeout", "env")
BESIDE = ("xclip", "notify-send")
PACKAGES = {
    "xclip": "xclip",
    "notify-send": "libnotify-bin",
    "curl": "curl",
    "Xvfb": "xvfb",
    "dbus-daemon": "dbus-daemon",
}


class Place:
    """A desktop with a server: a PATH of chosen programs, and a script that was made for alice."""

    def __init__(self, folder: Path, screen: Screen, server: Server) -> None:
        self.folder = folder
        self.screen = screen
        self.server = server
        self.bin = folder / "bin"
        self.bin.mkdir()
        self.use(*BASIC, *BESIDE)
        self.count = 0

    def use(self, *programs: str) -> None:
        """Put programs on the PATH, and no others than those that are there."""
        for program in programs:
            requires(program, package=PACKAGES.get(program))
            # One that a version manager puts before the real one wants more of a system than there is here.
            found = sys.executable if program == "python3" else shutil.which(program)
            # No link: Python would look for its library beside it.
            (self.bin / program).write_text(f'#!/bin/sh\nexec {found} "$@"\n')
            (self.bin / program).chmod(0o700)

    def make(self, kind: str) -> Path:
        """A new file for a client."""
        self.count += 1
        path = self.folder / f"{kind}-{self.count}.sh"
        self.server.command("clients", kind, "--user", "alice", "--name", 'it\'s "here"', "--output", str(path))
        return path

    def start(self, script: Path, *arguments: str, stdin: bytes = b"") -> subprocess.Popen[bytes]:
        """Run a script without waiting for it."""
        environ = {**self.screen.environ, "PATH": str(self.bin), "TMPDIR": str(self.folder)}
        process = subprocess.Popen(
            [str(script), *arguments], env=environ, cwd=self.folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )  # fmt: skip
        if stdin and process.stdin is not None:
            process.stdin.write(stdin)
        if process.stdin is not None:
            process.stdin.close()
            process.stdin = None
        return process

    def run(self, script: Path, *arguments: str, stdin: bytes = b"", code: int = 0) -> tuple[str, str]:
        """Run a script to its end. Returns what it printed and what it complained of."""
        process = self.start(script, *arguments, stdin=stdin)
        out, err = process.communicate(timeout=60)
        assert process.returncode == code, (out, err)
        # Nothing of it stays: neither the picture nor the answer.
        assert not list(self.folder.glob("bulletdrop.*"))
        return out.decode().strip(), err.decode().strip()

    def picture(self, link: str) -> Image.Image:
        """What is behind a link."""
        drop = next(one for one in self.server.alice.get("/api/v1/uploads").json()["items"] if one["link"] == link)
        return Image.open(io.BytesIO(self.server.anonymous.get(path_of(drop["direct_url"])).content))


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    environ = {"BULLETDROP_MIN_FREE_DISK": "0", "BULLETDROP_MAX_FILE_SIZE": "5000000"}
    server = Server(tmp_path_factory.mktemp("scripts") / "data", environ=environ)
    server.start()
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


@pytest.fixture
def place(tmp_path: Path, server: Server) -> Iterator[Place]:
    requires("Xvfb", "dbus-daemon", package="xvfb and dbus-daemon")
    screen = Screen(tmp_path / "screen", services=False)
    try:
        screen.start()
        screen.run("xsetroot", "-solid", "#3366cc", check=False) if shutil.which("xsetroot") else None
        yield Place(tmp_path, screen, server)
    finally:
        screen.stop()


@pytest.fixture
def notes(place: Place) -> Iterator[Notifications]:
    with Notifications(place.screen.environ["DBUS_SESSION_BUS_ADDRESS"]) as service:
        yield service


@pytest.mark.parametrize("tool", ["maim", "scrot", "flameshot"])
def test_the_whole_screen_is_sent_and_its_link_is_on_the_clipboard(
    place: Place, notes: Notifications, tool: str
) -> None:
    place.use(tool)
    link, complaint = place.run(place.make("flameshot" if tool == "flameshot" else "shell"), "--full")
    assert link.startswith(f"{place.server.url}/"), complaint
    assert place.screen.clipboard() == link
    assert place.picture(link).size == (1280, 800)
    (note,) = wait_for(lambda: notes.shown, what="a notification")
    assert (note.app, note.title, note.body) == ("BulletDrop", "Link copied", link)


@pytest.mark.parametrize("reader", ["jq", "python3", "sed"])
def test_the_answer_is_read_with_what_there_is(place: Place, reader: str) -> None:
    place.use(reader)
    (place.folder / "a.png").write_bytes(png())
    script = place.make("shell")
    link, _ = place.run(script, "a.png")
    assert place.picture(link).size == (32, 24)
    (place.folder / "b.png").write_bytes(b"")
    _, complaint = place.run(script, "b.png", code=1)
    assert complaint == "bulletdrop: The file is empty. Nothing was kept."


def drag(screen: Screen, *, end: str) -> None:
    """Choose a part of the screen with the mouse: 200 by 100."""
    for command in (
        ["mousemove", "300", "200"], ["mousedown", "1"], ["mousemove", "400", "250"], ["mousemove", "500", "300"],
        ["mouseup", "1"],
    ):  # fmt: skip
        screen.run("xdotool", *command)
        time.sleep(0.3)
    if end:
        screen.run("xdotool", "key", end)


def takes_the_mouse(screen: Screen) -> bool:
    """Whether some program has the mouse to itself, so that what it does now is seen by that program."""
    x, connection = (importlib.import_module(f"Xlib.{name}") for name in ("X", "display"))
    display = connection.Display(screen.environ["DISPLAY"])
    try:
        how = (x.ButtonPressMask, x.GrabModeAsync, x.GrabModeAsync, x.NONE, x.NONE, x.CurrentTime)
        answer = display.screen().root.grab_pointer(False, *how)
        return bool(answer == x.AlreadyGrabbed)
    finally:
        display.close()  # and what it may have grabbed is free again


def look(screen: Screen) -> Image.Image:
    """The screen as it is now."""
    with Image.open(screen.shot(screen.folder / "look.png")) as picture:
        return picture.convert("RGB")


def test_a_part_is_chosen_in_flameshot(place: Place, notes: Notifications) -> None:
    requires("xdotool")
    place.use("flameshot")
    script, before = place.make("flameshot"), look(place.screen)
    process = place.start(script)
    # It draws its words over the whole screen once one can choose.
    wait_for(lambda: ImageChops.difference(before, look(place.screen)).getbbox(), what="Flameshot's window")
    drag(place.screen, end="Return")
    out, err = process.communicate(timeout=60)
    link = out.decode().strip()
    assert process.returncode == 0, err
    assert place.screen.clipboard() == link
    width, height = place.picture(link).size
    assert 190 <= width <= 210
    assert 90 <= height <= 110


def test_a_part_is_chosen_with_maim(place: Place) -> None:
    requires("xdotool")
    place.use("maim")
    process = place.start(place.make("shell"))
    wait_for(lambda: takes_the_mouse(place.screen), pause=0.2, what="maim's cross")
    drag(place.screen, end="")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    width, height = place.picture(out.decode().strip()).size
    assert (190 <= width <= 210, 90 <= height <= 110) == (True, True)


def test_nothing_chosen_is_nothing_sent(place: Place, notes: Notifications) -> None:
    requires("xdotool")
    place.use("maim")
    before = len(place.server.alice.get("/api/v1/uploads").json()["items"])
    process = place.start(place.make("shell"))

    def given_up() -> bool:
        place.screen.run("xdotool", "key", "Escape")
        return process.poll() is not None

    wait_for(given_up, pause=0.3, what="maim's end")
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (1, b"")
    assert b"no screenshot was taken" in err
    assert len(place.server.alice.get("/api/v1/uploads").json()["items"]) == before
    assert notes.shown == []


def test_files_are_sent_by_name_and_from_a_pipe(place: Place) -> None:
    place.use("jq")
    names = ["plain.png", "with blank, comma; and = ä.png", 'quote".png', "-dash.png", "back\\slash.png"]
    for name in names:
        (place.folder / name).write_bytes(png())
    out, _ = place.run(place.make("shell"), "--", *names, "-", stdin=png())
    links = out.splitlines()
    assert len(set(links)) == len(names) + 1
    assert place.screen.clipboard().splitlines() == links
    kept = {one["link"]: one["original_filename"] for one in place.server.alice.get("/api/v1/uploads").json()["items"]}
    assert [kept[link] for link in links] == [
        "plain.png", "with blank, comma; and = ä.png", "quote_.png", "-dash.png", "back_slash.png", "upload",
    ]  # fmt: skip


def test_what_the_server_refuses_is_told(place: Place, notes: Notifications) -> None:
    place.use("python3")
    script = place.make("shell")
    (place.folder / "large.png").write_bytes(png(1500, 1500))
    (place.folder / "text.txt").write_bytes(bytes(range(256)))
    said = []
    for file, words in (
        ("large.png", "Too large. This server takes up to"),
        ("text.txt", "no type of file that"),
    ):
        out, complaint = place.run(script, file, code=1)
        assert out == ""
        assert words in complaint
        said.append(complaint.removeprefix("bulletdrop: "))
    text = script.read_text()
    key = text.partition("key='")[2].partition("'")[0]
    script.write_text(text.replace(key, "bd_" + "x" * 43))
    _, complaint = place.run(script, "text.txt", code=1)
    assert complaint == "bulletdrop: This key is not known here."
    script.write_text(text.replace(place.server.url, "http://127.0.0.1:9"))
    _, complaint = place.run(script, "text.txt", code=1)
    assert "127.0.0.1" in complaint
    assert [note.title for note in notes.shown] == ["Not uploaded"] * 4
    assert [note.body for note in notes.shown][:2] == said
    assert place.screen.clipboard() == ""


def test_a_missing_tool_is_named(place: Place) -> None:
    _, complaint = place.run(place.make("shell"), "--full", code=1)
    assert "Install one of: maim scrot" in complaint
    _, complaint = place.run(place.make("spectacle"), code=1)
    assert "spectacle is not installed" in complaint
    for arguments in (["--nothing"], ["missing.png"]):
        _, complaint = place.run(place.make("shell"), *arguments, code=1)
        assert arguments[0] in complaint
    (place.bin / "curl").unlink()
    _, complaint = place.run(place.make("shell"), code=1)
    assert "curl is missing" in complaint


def test_ksnip_gets_the_link_and_nothing_else(place: Place, notes: Notifications) -> None:
    (place.folder / "ksnip-tmp-1.png").write_bytes(png())
    out, _ = place.run(place.make("ksnip"), str(place.folder / "ksnip-tmp-1.png"))
    assert out.startswith(f"{place.server.url}/")
    assert "\n" not in out
    # ksnip copies it, and says so itself.
    assert place.screen.clipboard() == ""
    assert notes.shown == []


def test_no_other_process_sees_the_key(place: Place) -> None:
    place.use("maim")
    script = place.make("shell")
    key = script.read_text().partition("key='")[2].partition("'")[0]
    assert key.startswith("bd_")
    seen = place.folder / "arguments"
    # Whatever the script starts writes down what `ps` would show of it.
    for program in place.bin.iterdir():
        first, last = program.read_text().splitlines()
        noted = f'printf "%s\\n" "{program.name} $*" >>{seen}\n/usr/bin/env >>{seen}'
        program.write_text(f"{first}\n{noted}\n{last}\n")
    link, _ = place.run(script, "--full")
    assert link
    text = seen.read_text()
    assert "curl --config -" in text
    assert key not in text


def test_it_goes_into_open_with(place: Place) -> None:
    script = place.make("spectacle")
    environ = {**place.screen.environ, "PATH": f"{place.bin}:{os.environ['PATH']}"}
    done = subprocess.run([str(script), "--install"], env=environ, capture_output=True, text=True, check=True)
    path = Path(place.screen.environ["XDG_DATA_HOME"]) / "applications" / "bulletdrop-send.desktop"
    assert str(path) in done.stdout
    text = path.read_text()
    assert f'Exec="{script}" %F' in text
    if shutil.which("desktop-file-validate"):
        subprocess.run(["desktop-file-validate", str(path)], check=True)


@pytest.fixture
def wayland(tmp_path: Path, server: Server) -> Iterator[Place]:
    requires("sway", "grim", "wl-copy", package="sway, grim and wl-clipboard")
    screen = WaylandScreen(tmp_path / "screen")
    try:
        screen.start()
        place = Place(tmp_path, screen, server)
        place.use("grim", "slurp", "wl-copy")
        yield place
    finally:
        screen.stop()


def test_on_wayland_the_whole_screen_is_sent_and_its_link_is_on_the_clipboard(wayland: Place) -> None:
    link, complaint = wayland.run(wayland.make("shell"), "--full")
    assert link.startswith(f"{wayland.server.url}/"), complaint
    assert wayland.screen.clipboard() == link
    assert wayland.picture(link).size == (1280, 720)


def test_the_link_of_a_script_opens(place: Place) -> None:
    place.use("maim")
    link, _ = place.run(place.make("shell"), "--full")
    assert httpx.get(link, headers={"Accept": "text/html"}, trust_env=False, timeout=30).status_code == 200
