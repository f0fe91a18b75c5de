"""The icon in a real panel, dark and light: idle, a ring that closes, paused, without its server, in need of you."""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.tray_kit import Desk, save
from tests.faults.network import Relay
from tests.support.needs import requires
from tests.support.notifications import Notifications
from tests.support.pictures import screenshot
from tests.support.screen import Screen, wait_for
from tests.support.server import Server

pytestmark = pytest.mark.display

PICTURES = Path(os.environ["TEST_PICTURES"]) if "TEST_PICTURES" in os.environ else None
# Bytes: many times what the system takes in before the line is asked.
LARGE = 40_000_000


@pytest.fixture(params=["dark", "light"])
def desk(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Desk]:
    needs = {"Xvfb": "xvfb", "xfce4-panel": "xfce4-panel", "dbus-daemon": "dbus-daemon", "import": "imagemagick"}
    for program, package in (needs | {"xclip": "xclip", "gdbus": "libglib2.0-bin"}).items():
        requires(program, package=package)
    screen = Screen(tmp_path / "screen").start()
    try:
        # A service that draws nothing: this machine's would stand before the icon.
        with Notifications(screen.environ["DBUS_SESSION_BUS_ADDRESS"]):
            screen.start_panel(dark=request.param == "dark", size=48)
            yield Desk(screen)
    finally:
        screen.stop()


def test_every_state_has_a_picture_and_words_of_its_own(
    desk: Desk, server: Server, request: pytest.FixtureRequest
) -> None:
    relay = Relay(server.port)
    with relay.running():
        desk.screen.environ["BULLETDROP_TOKEN"] = server.key_of("bob")
        desk.start("tray", "--server", relay.url)
        colour = request.node.callspec.params["desk"]
        seen = {"idle": look(desk, "Ready. Take a screenshot.", f"{colour}-idle")}
        seen |= work(desk, relay, colour)
        desk.choose("Pause/For an hour")
        seen["paused"] = look(desk, "Paused until", f"{colour}-paused")
        desk.choose("Resume")
        look(desk, "Ready", "")
        relay.reset()
        (desk.shots / "later.png").write_bytes(screenshot(7))
        seen["offline"] = look(desk, "1 screenshot waits for the server", f"{colour}-offline")
        relay.restore()
        look(desk, "Ready", "")
    assert len(set(seen.values())) == len(seen), "two states look alike"


def test_a_tray_that_needs_its_person_says_so(desk: Desk, server: Server, request: pytest.FixtureRequest) -> None:
    desk.start("tray", "--server", server.url)
    colour = request.node.callspec.params["desk"]
    look(desk, "Pair this computer", f"{colour}-needs-you")
    assert desk.by_bus(lambda reader: reader.property("Status")) == "NeedsAttention"


def work(desk: Desk, relay: Relay, colour: str) -> dict[str, bytes]:
    """Send a large picture over a line that stands still three times; returns the icon as it was then."""
    tail = random.Random(5).randbytes(LARGE)
    found = {}
    for name, low, passes in (("begun", 20, 0.25), ("half", 50, 0.3), ("nearly", 80, 0.27)):
        relay.stall_after(int(passes * LARGE))
        relay.restore()
        if name == "begun":
            (desk.shots / "large.png").write_bytes(with_comment(screenshot(5), tail))

        def percent(low: int = low) -> bool:
            done = re.search(r"(\d+)%", words(desk))
            return done is not None and int(done[1]) >= low

        wait_for(percent, seconds=60, what=f"{low} per cent")
        found[f"working-{name}"] = icon(desk, f"{colour}-working-{name}")
    relay.restore()
    look(desk, "Ready", "")
    return found


def with_comment(png: bytes, data: bytes) -> bytes:
    """The same picture with bytes in it that no viewer shows."""
    import struct
    import zlib

    chunk = struct.pack(">I", len(data)) + b"teXt" + data + struct.pack(">I", zlib.crc32(b"teXt" + data))
    return png[:33] + chunk + png[33:]


def words(desk: Desk) -> str:
    """What the icon says when the pointer rests on it."""
    return str(desk.by_bus(lambda reader: reader.property("ToolTip"))[3])


def look(desk: Desk, said: str, name: str) -> bytes:
    """Wait until the icon says this, and take its picture."""
    wait_for(lambda: said in words(desk), seconds=60, what=f"“{said}”, and not “{words(desk)}”")
    return icon(desk, name)


def icon(desk: Desk, name: str) -> bytes:
    """The picture of the icon as it came over the bus; kept as the panel shows it."""
    x, y = desk.icon()
    if name and PICTURES is not None:
        shot = desk.screen.shot(desk.screen.folder / f"{name}.png")
        desk.screen.run("mogrify", "-crop", f"96x48+{x - 48}+{y - 24}", "+repage", "-scale", "300%", str(shot))
        save(shot, PICTURES)
    pixmaps = desk.by_bus(lambda reader: reader.property("IconPixmap"))
    return bytes(pixmaps[-1][2])
