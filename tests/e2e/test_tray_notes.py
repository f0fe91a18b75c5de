"""Notifications of a real service on a real screen, and their buttons clicked with the mouse."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.e2e.tray_kit import Desk, save
from tests.support.needs import requires
from tests.support.screen import Screen, wait_for

pytestmark = pytest.mark.display

PICTURES = Path(os.environ["TEST_PICTURES"]) if "TEST_PICTURES" in os.environ else None
DAEMON = next(Path("/usr/lib").glob("*/xfce4/notifyd/xfce4-notifyd"), Path("/usr/lib/xfce4/notifyd/xfce4-notifyd"))
NEEDS = {
    "Xvfb": "xvfb",
    "xfce4-panel": "xfce4-panel",
    "dbus-daemon": "dbus-daemon",
    "gdbus": "libglib2.0-bin",
    "xclip": "xclip",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "scrot": "scrot",
    "xfconf-query": "xfconf",
}
# How xfce4-notifyd lays its window out: the margin around the buttons, and how far their middle is from below.
MARGIN, FROM_BELOW = 14, 31


class Popup:
    """The notification on the screen."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def geometry(self) -> tuple[int, int, int, int] | None:
        """X, Y, width and height of the window that is shown; None while there is none."""
        search = ["search", "--onlyvisible", "--class", "xfce4-notifyd", "getwindowgeometry", "--shell"]
        found = dict(
            re.findall(r"^([A-Z]+)=(-?\d+)$", self.desk.screen.run("xdotool", *search, check=False), re.MULTILINE)
        )
        if "WIDTH" not in found:
            return None
        return int(found["X"]), int(found["Y"]), int(found["WIDTH"]), int(found["HEIGHT"])

    def wait(self) -> tuple[int, int, int, int]:
        """Its geometry once it has come and stands still."""

        def still() -> tuple[int, int, int, int] | None:
            before = self.geometry()
            time.sleep(0.3)
            return before if before == self.geometry() else None

        found = wait_for(still, what="a notification that stands still")
        assert found is not None
        return found

    def click(self, number: int, of: int) -> None:
        """Click one of so many buttons, counted from the left and from 0."""
        self.click_at((2 * number + 1) / (2 * of))

    def click_at(self, part: float) -> None:
        """Click the buttons so far from the left: 0 is their beginning, 1 their end."""
        x, y, width, height = self.wait()
        at = x + MARGIN + int((width - 2 * MARGIN) * part)
        where = (str(at), str(y + height - FROM_BELOW))
        self.desk.screen.run("xdotool", "mousemove", *where, "sleep", "0.2", "click", "1")

    def picture(self, name: str) -> None:
        """Keep a picture of it, with what is around it."""
        x, y, width, height = self.wait()
        shot = self.desk.screen.shot(self.desk.screen.folder / f"{name}.png")
        self.desk.screen.run("mogrify", "-crop", f"{width + 40}x{height + 40}+{x - 20}+{y - 20}", "+repage", str(shot))
        save(shot, PICTURES)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    for program, package in NEEDS.items():
        requires(program, package=package)
    if not DAEMON.exists():
        pytest.skip("xfce4-notifyd is not installed (package: xfce4-notifyd)")
    screen = Screen(tmp_path / "screen").start()
    try:
        screen.start_panel()
        # Away from the panel: 3 is the lower right corner.
        place = ["-c", "xfce4-notifyd", "-p", "/notify-location", "-n", "-t", "uint", "-s", "3"]
        screen.run("xfconf-query", *place)
        # Ten seconds by itself: on a busy machine it would be gone before it is looked at or clicked.
        screen.run("xfconf-query", "-c", "xfce4-notifyd", "-p", "/expire-timeout", "-n", "-t", "int", "-s", "300")
        screen.spawn([str(DAEMON)])
        wait_for(lambda: screen.has_name("org.freedesktop.Notifications"), what="the notification service")
        yield Desk(screen)
    finally:
        screen.stop()


@pytest.fixture
def with_dunst(tmp_path: Path) -> Iterator[Desk]:
    for program, package in (NEEDS | {"dunst": "dunst", "dunstctl": "dunst"}).items():
        requires(program, package=package)
    screen = Screen(tmp_path / "screen").start()
    try:
        screen.spawn(["dunst"])
        wait_for(lambda: screen.has_name("org.freedesktop.Notifications"), what="dunst")
        yield Desk(screen)
    finally:
        screen.stop()


def test_dunst_shows_words_and_picture_and_opens_the_page(with_dunst: Desk) -> None:
    desk = with_dunst
    desk.start()
    desk.set_up()
    link = desk.scrot("one.png")
    wait_for(lambda: shown(desk) == "1", what="the note about the link")
    save(desk.screen.shot(desk.screen.folder / "notification-dunst.png"), PICTURES)
    desk.screen.run("dunstctl", "action", "0")
    wait_for(lambda: desk.opened()[-1] == link, what="the page in the browser")


def shown(desk: Desk) -> str:
    """How many notes dunst shows."""
    return desk.screen.run("dunstctl", "count", "displayed", check=False).strip()


@pytest.fixture
def popup(desk: Desk) -> Popup:
    return Popup(desk)


@pytest.fixture
def ready(desk: Desk) -> Desk:
    desk.start()
    desk.set_up()
    return desk


def something_else(desk: Desk) -> None:
    """Put another text on the clipboard."""
    desk.screen.spawn(["xclip", "-i", "-quiet", "-selection", "clipboard"], stdin=b"something else")
    wait_for(lambda: desk.screen.clipboard() == "something else")


def test_open_opens_the_page_and_copy_copies_again(ready: Desk, popup: Popup) -> None:
    link = ready.scrot("one.png")
    popup.picture("notification")
    popup.click(0, of=3)
    wait_for(lambda: ready.opened()[-1] == link, what="the page in the browser")
    wait_for(lambda: popup.geometry() is None, what="the end of the notification")
    link = ready.scrot("two.png")
    something_else(ready)
    # The second of three, and still the second when Undo has gone after ten seconds.
    popup.click_at(7 / 12)
    wait_for(lambda: ready.screen.clipboard() == link, what="the link again")


def test_undo_takes_the_link_back_and_leaves_the_file(ready: Desk, popup: Popup) -> None:
    for number in range(5):
        name, link = f"{number}.png", ready.scrot(f"{number}.png")
        began = time.monotonic()
        wait_for(lambda: link in [drop["url"] for drop in ready.drops()], what="the drop")  # noqa: B023
        popup.click(2, of=3)
        if time.monotonic() - began < 9:  # the button is there for ten seconds; whoever was slower takes another one
            break
    wait_for(lambda: link not in [drop["url"] for drop in ready.drops()], what="the end of the drop")
    wait_for(
        lambda: httpx.get(link, trust_env=False, timeout=30).status_code in (404, 410), what="a link that shows nothing"
    )
    assert (ready.shots / name).exists()
    wait_for(lambda: "undone" in ready.recent(name), what="the word in the menu")
    popup.picture("notification-taken-back")


def test_a_burst_is_one_notification_on_the_screen(ready: Desk, popup: Popup) -> None:
    # All at once: what comes five seconds after the one before is no burst any more.
    elsewhere = ready.screen.home / "elsewhere"
    elsewhere.mkdir()
    for number in range(4):
        ready.screen.run("scrot", str(elsewhere / f"{number}.png"))
    for path in sorted(elsewhere.iterdir()):
        path.rename(ready.shots / path.name)
    wait_for(lambda: len(ready.drops()) == 4, what="the drops")
    popup.wait()
    time.sleep(2.5)  # another one would have come
    found = ready.screen.run("xdotool", "search", "--onlyvisible", "--class", "xfce4-notifyd").split()
    assert len(found) == 1
    popup.picture("notification-burst")


def test_a_refused_one_says_why_and_can_be_tried_again(desk: Desk, popup: Popup) -> None:
    desk.screen.environ["BULLETDROP_MAX_FILE_SIZE"] = "1000"
    desk.start()
    desk.set_up()
    desk.screen.run("scrot", str(desk.shots / "big.png"))
    wait_for(lambda: "1 not accepted" in desk.labels(), what="the refusal in the menu")
    time.sleep(2.5)  # the notification about the link has become one with it, or stands beside it
    popup.picture("notification-refused")
    lines = [line for line in desk.labels() if line.startswith("1 not accepted/")]
    assert "1 not accepted/big.png/Try again" in lines
    assert "1 not accepted/Try all again" in lines


def test_a_folder_that_asks_first_sends_nothing_before_the_click(desk: Desk, popup: Popup) -> None:
    path = desk.data / "tray" / "preferences.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"folders": [{"folder": str(desk.shots), "ask": True}]}))
    desk.start()
    desk.set_up()
    desk.screen.run("scrot", str(desk.shots / "private.png"))
    wait_for(lambda: "asks to be sent" in desk.recent("private.png"), what="the question in the menu")
    popup.picture("notification-asks")
    assert desk.drops() == []
    popup.click(0, of=2)
    wait_for(lambda: len(desk.drops()) == 1, what="the drop after the yes")
    assert wait_for(lambda: desk.screen.clipboard()).startswith(desk.url)


def test_what_is_not_to_be_sent_is_not_sent(desk: Desk, popup: Popup) -> None:
    path = desk.data / "tray" / "preferences.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"folders": [{"folder": str(desk.shots), "ask": True}]}))
    desk.start()
    desk.set_up()
    desk.screen.run("scrot", str(desk.shots / "private.png"))
    popup.click(1, of=2)
    wait_for(lambda: not desk.recent("private.png"), what="the end of the question")
    assert desk.drops() == []
    assert (desk.shots / "private.png").exists()


def test_picture_and_link_are_on_the_clipboard_together(desk: Desk, popup: Popup) -> None:
    path = desk.data / "tray" / "preferences.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"format": "image"}))
    desk.start()
    desk.set_up()
    link = desk.scrot("one.png")
    assert link.startswith(desk.url)
    paste = ["xclip", "-o", "-selection", "clipboard", "-t", "image/png"]
    picture = subprocess.run(paste, env=desk.screen.environ, capture_output=True, check=True, timeout=10).stdout
    assert picture == (desk.shots / "one.png").read_bytes()
    popup.picture("notification-picture")


def test_the_menu_has_small_pictures_which_a_child_made(ready: Desk) -> None:
    requires("convert", package="imagemagick")
    ready.screen.run("convert", "-size", "900x600", "xc:red", "PNG32:" + str(ready.screen.folder / "red.png"))
    shutil.move(ready.screen.folder / "red.png", ready.shots / "red.png")
    thumbs = ready.data / "tray" / "thumbs"
    wait_for(lambda: list(thumbs.glob("*.png")), what="the small picture")
    icon = wait_for(lambda: ready.menu_icon("red.png"), what="the small picture in the menu")
    assert icon == next(thumbs.glob("*.png")).read_bytes()
