"""The tray on Wayland: the link is really on that clipboard, and where the compositor refuses, nobody says "copied"."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.tray_kit import Desk
from tests.support.needs import requires
from tests.support.notifications import Notifications
from tests.support.screen import wait_for
from tests.support.server import binary
from tests.support.wayland import FrontWindowOnly, WaylandScreen

pytestmark = pytest.mark.display


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    needs = (("sway", "sway"), ("wl-copy", "wl-clipboard"), ("grim", "grim"), ("setpriv", "util-linux"))
    for program, package in (*needs, ("dbus-daemon", "dbus-daemon"), ("gdbus", "libglib2.0-bin")):
        requires(program, package=package)
    screen = WaylandScreen(tmp_path / "screen").start()
    try:
        yield Desk(screen)
    finally:
        screen.stop()


@pytest.fixture
def notes(desk: Desk) -> Iterator[Notifications]:
    with Notifications(desk.screen.environ["DBUS_SESSION_BUS_ADDRESS"]) as service:
        yield service


def tool(desk: Desk, name: str, script: str) -> None:
    """A program that stands before the system's own of that name."""
    path = desk.screen.folder / "bin" / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def front() -> Iterator[FrontWindowOnly]:
    made = FrontWindowOnly()
    yield made
    made.close()


def start_behind(desk: Desk, front: FrontWindowOnly) -> None:
    """Start the tray on a compositor that lets only the window in front set the clipboard."""
    desk.process = desk.screen.spawn(binary(), environ={"WAYLAND_DISPLAY": front.address})
    desk.set_up()


def words(notes: Notifications) -> str:
    return "\n".join(f"{one.title} {one.body}" for one in notes.shown)


def test_a_screenshot_by_grim_puts_its_link_on_the_wayland_clipboard(desk: Desk) -> None:
    desk.start()
    desk.set_up()
    link = desk.shoot("grim", str(desk.shots / "one.png"))
    assert link.startswith(desk.url)
    assert "DISPLAY" not in desk.screen.environ
    wait_for(lambda: [drop["original_filename"] for drop in desk.drops()] == ["one.png"], what="the upload")
    assert httpx.get(link, trust_env=False, timeout=30).status_code == 200
    picture = httpx.get(f"{link}.png", trust_env=False, timeout=30)
    assert picture.content == (desk.shots / "one.png").read_bytes()


def test_without_an_icon_a_note_says_where_the_page_is_once(desk: Desk, notes: Notifications) -> None:
    # No panel is here, as in GNOME without its extension: everything but the icon works.
    desk.screen.environ["XDG_CURRENT_DESKTOP"] = "GNOME"
    desk.start()
    desk.set_up()
    assert desk.shoot("grim", str(desk.shots / "blind.png")).startswith(desk.url)
    wait_for(lambda: "BulletDrop runs without an icon." in words(notes), what="the hint")


def test_a_wl_copy_that_never_ends_is_not_called_copied(
    desk: Desk, notes: Notifications, front: FrontWindowOnly
) -> None:
    """As on GNOME, which lets only the window in front set the clipboard: wl-copy waits for that for ever."""
    assert isinstance(desk.screen, WaylandScreen)
    desk.screen.put("what the person copied")
    tool(desk, "wl-copy", "exec sleep 60")
    start_behind(desk, front)
    desk.screen.run("grim", str(desk.shots / "refused.png"))
    wait_for(lambda: len(desk.drops()) == 1, what="the upload, which does not wait for a clipboard")
    link = str(desk.drops()[0]["url"])
    wait_for(lambda: link in words(notes), what="the link in the notification")
    assert "copied" not in words(notes).lower().replace("not copied", "").replace("could not be copied", "")
    assert desk.screen.clipboard() == "what the person copied"
    wait_for(lambda: not hanging(desk), what="the end of what hangs")


def hanging(desk: Desk) -> bool:
    import psutil

    assert desk.process is not None
    for process in psutil.Process(desk.process.pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):  # it may end while it is looked at
            if process.cmdline() == ["sleep", "60"]:
                return True
    return False


def test_without_wl_clipboard_the_note_has_the_link(desk: Desk, notes: Notifications, front: FrontWindowOnly) -> None:
    # An XWayland that takes X's clipboard must not be believed: a Wayland window would paste something else.
    for name in ("wl-copy", "wl-paste"):
        tool(desk, name, "exit 127")
    start_behind(desk, front)
    desk.screen.run("grim", str(desk.shots / "poor.png"))
    wait_for(lambda: len(desk.drops()) == 1, what="the upload")
    link = str(desk.drops()[0]["url"])
    wait_for(lambda: link in words(notes), what="the link in the notification")


def test_a_compositor_that_ends_ends_the_tray(desk: Desk) -> None:
    """A tray has no window that would close with the screen; without this it would outlive its session."""
    desk.start()
    desk.set_up()
    assert desk.process is not None
    desk.screen.end("setpriv")
    desk.screen.end("sway")
    began = time.monotonic()
    assert desk.process.wait(60) == 0
    assert time.monotonic() - began < 30
