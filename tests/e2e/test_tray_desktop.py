"""Take a screenshot, and its link is on the clipboard: on a real desktop with a real panel, keyring and tools."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.e2e.tray_kit import Desk, save
from tests.support.needs import requires
from tests.support.notifications import Notifications
from tests.support.screen import Screen, wait_for
from tests.support.server import Server, binary

pytestmark = pytest.mark.display

# Set to a folder to keep the pictures that the tests take.
PICTURES = Path(os.environ["TEST_PICTURES"]) if "TEST_PICTURES" in os.environ else None

NEEDS = {
    "Xvfb": "xvfb",
    "xfce4-panel": "xfce4-panel",
    "dbus-daemon": "dbus-daemon",
    "gdbus": "libglib2.0-bin",
    "gnome-keyring-daemon": "gnome-keyring",
    "xclip": "xclip",
    "xdotool": "xdotool",
    "import": "imagemagick",
    "scrot": "scrot",
    "xfconf-query": "xfconf",
}


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    for program, package in NEEDS.items():
        requires(program, package=package)
    screen = Screen(tmp_path / "screen").start()
    try:
        screen.start_panel()
        screen.start_keyring()
        # A service that draws nothing: this machine's would show its notes before the icon.
        with Notifications(screen.environ["DBUS_SESSION_BUS_ADDRESS"]):
            yield Desk(screen)
    finally:
        screen.stop()


@pytest.fixture
def ready(desk: Desk) -> Desk:
    desk.start()
    desk.set_up()
    return desk


def test_every_screenshot_tool_gives_a_link_that_opens(ready: Desk) -> None:
    requires("maim", package="maim")
    requires("flameshot", package="flameshot")
    tools = {
        "scrot": ["scrot", str(ready.shots / "scrot.png")],
        "maim": ["maim", str(ready.shots / "maim.png")],
        "flameshot": ["flameshot", "full", "-p", str(ready.shots / "flameshot.png")],
    }
    links = {}
    for number, (name, command) in enumerate(tools.items()):
        links[name] = ready.shoot(*command)
        # A link comes before its bytes; the next one's could be there sooner.
        wait_for(lambda: len(ready.drops()) > number, what=f"the picture of {name} on the server")  # noqa: B023
    assert len(set(links.values())) == 3
    for name, link in links.items():
        page = httpx.get(link, trust_env=False, timeout=30)
        assert page.status_code == 200, name
        picture = httpx.get(f"{link}.png", trust_env=False, timeout=30)
        assert picture.headers["content-type"] == "image/png", name
        assert picture.content.startswith(b"\x89PNG"), name
    assert [drop["original_filename"] for drop in ready.drops()] == ["flameshot.png", "maim.png", "scrot.png"]
    assert {drop["source"] for drop in ready.drops()} <= {"tray"}
    ready.icon()
    save(ready.screen.shot(ready.screen.folder / "icon.png"), PICTURES)


def test_the_token_is_in_the_keyring_and_in_no_file(ready: Desk) -> None:
    requires("secret-tool", package="libsecret-tools")
    memory = (ready.data / "tray" / "vault.json").read_text()
    account = re.search(r'"account": "(\w+)"', memory)
    assert account
    key = ready.screen.run("secret-tool", "lookup", "service", "bulletdrop", "username", account[1]).strip()
    assert key.startswith("bd_")
    for path in ready.data.rglob("*"):
        if path.is_file():
            assert key.encode() not in path.read_bytes(), path


def test_the_menu_opens_by_click_and_shows_the_last_captures(ready: Desk) -> None:
    ready.scrot("one.png")
    wait_for(lambda: ready.recent("one.png"), what="one.png in the menu")
    before = ready.screen.shot(ready.screen.folder / "before.png").read_bytes()
    ready.click(3)
    menu = ready.screen.folder / "menu.png"
    wait_for(lambda: ready.screen.shot(menu).read_bytes() != before, what="the menu")
    time.sleep(0.5)  # what fades in has arrived
    ready.screen.shot(menu)
    ready.screen.run("xdotool", "key", "Down", "key", "Down", "key", "Right")
    time.sleep(0.3)
    save(ready.screen.shot(ready.screen.folder / "menu-recent.png"), PICTURES)
    save(menu, PICTURES)


def test_a_click_on_the_icon_copies_the_last_link(ready: Desk) -> None:
    link = ready.scrot("one.png")
    ready.screen.spawn(["xclip", "-i", "-quiet", "-selection", "clipboard"], stdin=b"something else")
    wait_for(lambda: ready.screen.clipboard() == "something else")
    ready.click(1)
    wait_for(lambda: ready.screen.clipboard() == link, what="the link again")


def test_the_menu_copies_opens_and_shows_the_gallery(ready: Desk) -> None:
    one, two = ready.scrot("one.png"), ready.scrot("two.png")
    ready.choose_of("one.png", "Copy link")
    wait_for(lambda: ready.screen.clipboard() == one, what="the first link")
    ready.choose("Copy last link")
    wait_for(lambda: ready.screen.clipboard() == two, what="the second link")
    ready.choose_of("one.png", "Open page")
    wait_for(lambda: ready.opened()[-1] == one, what="the page of the first")
    ready.choose("Open gallery")
    wait_for(lambda: ready.opened()[-1] == f"{ready.url}/", what="the gallery")


def test_what_is_taken_while_paused_waits_and_goes_on_resume(ready: Desk) -> None:
    ready.choose("Pause/Until I resume")
    wait_for(lambda: "Paused" in ready.labels(), what="the pause")
    ready.screen.run("scrot", str(ready.shots / "held.png"))
    wait_for(lambda: "Paused · 1 waiting" in ready.labels(), what="one waiting")
    assert ready.drops() == []
    save(ready.screen.shot(ready.screen.folder / "paused.png"), PICTURES)
    ready.choose("Resume")
    wait_for(lambda: len(ready.drops()) == 1, what="the held one on the server")


def test_quit_ends_tray_and_server_and_takes_the_icon_away(ready: Desk) -> None:
    assert ready.process is not None
    family = psutil.Process(ready.process.pid).children(recursive=True)
    ready.choose("Quit")
    assert ready.process.wait(60) == 0
    assert not [process for process in family if is_alive(process)]
    assert not (ready.data / "run" / "server.json").exists()
    ready.no_icon()


def test_sigterm_ends_everything_cleanly(ready: Desk) -> None:
    assert ready.process is not None
    family = psutil.Process(ready.process.pid).children(recursive=True)
    ready.process.send_signal(signal.SIGTERM)
    assert ready.process.wait(60) == 0
    assert not [process for process in family if is_alive(process)]


def is_alive(process: psutil.Process) -> bool:
    """Whether it still runs; where nobody collects orphans, a dead one stays in the table."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_killed_tray_takes_its_server_with_it_at_once(ready: Desk) -> None:
    assert ready.process is not None
    family = psutil.Process(ready.process.pid).children(recursive=True)
    assert family
    ready.process.kill()
    ready.process.wait()
    # By itself: one that hangs is killed after fifteen seconds.
    wait_for(lambda: not [process for process in family if is_alive(process)], seconds=12, pause=0.01)
    ready.no_icon()


def test_a_killed_server_comes_back_and_nothing_is_lost(ready: Desk) -> None:
    assert ready.process is not None
    server_of(ready.process.pid).kill()
    ready.screen.run("scrot", str(ready.shots / "meanwhile.png"))
    link = wait_for(lambda: next((drop["url"] for drop in _drops(ready)), ""), what="the capture")
    assert httpx.get(link, trust_env=False, timeout=30).status_code == 200


def server_of(pid: int) -> psutil.Process:
    """The server that the tray has started. What else it starts may end while it is looked at."""
    for process in psutil.Process(pid).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if "serve" in process.cmdline():
                return process
    raise AssertionError("the tray has no server")


def _drops(desk: Desk) -> list[dict[str, str]]:
    try:
        return desk.drops()
    except (httpx.HTTPError, KeyError):
        return []


def test_a_panel_that_restarts_shows_the_icon_again(ready: Desk) -> None:
    ready.icon()
    ready.screen.end("xfce4-panel")
    wait_for(lambda: not ready.screen.has_name("org.kde.StatusNotifierWatcher"), what="the panel's end")
    ready.screen.run("xfconf-query", "-c", "xfce4-panel", "-p", "/panels/dark-mode", "-s", "false")
    ready.screen.start_panel(dark=False)
    ready.icon()
    save(ready.screen.shot(ready.screen.folder / "light.png"), PICTURES)


def test_a_second_start_opens_the_page_and_says_so(ready: Desk) -> None:
    first = ready.process
    assert first is not None
    second = ready.start()
    assert second.wait(60) == 0
    wait_for(lambda: "/enter/" in ready.opened()[-1], what="the tray's own page")
    assert "already running" in ready.screen.log_of(second)
    assert first.poll() is None


def test_a_second_run_is_paired_and_opens_nothing(ready: Desk) -> None:
    assert ready.process is not None
    ready.process.terminate()
    ready.process.wait(60)
    before = ready.opened()
    ready.start()
    wait_for(lambda: httpx_alive(ready.url), what="the server")
    assert ready.scrot("again.png").startswith(ready.url)
    assert ready.opened() == before


def test_a_paired_tray_without_its_server_says_that_it_cannot_be_reached(ready: Desk) -> None:
    ready.choose("Quit")
    assert ready.process is not None
    assert ready.process.wait(60) == 0
    ready.no_icon()
    ready.start("tray")
    ready.icon()
    wait_for(lambda: "The server cannot be reached" in ready.labels(), what="the words in the menu")
    ready.screen.run("scrot", str(ready.shots / "early.png"))
    words = "The server cannot be reached · 1 screenshot waits for the server"
    wait_for(lambda: words in ready.labels(), what="one waiting")
    ready.screen.spawn([*binary(), "serve"])
    wait_for(lambda: len(_drops(ready)) == 1, what="the early one on the server")
    wait_for(lambda: words not in ready.labels(), what="the end of the words")


def test_the_first_screenshot_finds_the_folder_that_it_is_saved_in(desk: Desk) -> None:
    desk.shots.rmdir()
    del desk.screen.environ["BULLETDROP_WATCH"]
    desk.start()
    desk.set_up()
    assert desk.scrot("first.png").startswith(desk.url)


def httpx_alive(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False, timeout=30).status_code == 200
    except httpx.HTTPError:
        return False


def test_a_taken_port_is_said_in_words(desk: Desk) -> None:
    import socket

    with socket.socket() as other:
        other.bind(("127.0.0.1", desk.port))
        other.listen()
        process = desk.start()
        words = f"Port {desk.port} is taken by another program."
        wait_for(lambda: words in desk.screen.log_of(process), what="the words")
        wait_for(lambda: any(words in label for label in desk.labels()), what="the words in the menu")
    desk.set_up()


def test_a_tray_alone_serves_a_server_elsewhere(desk: Desk, server: Server) -> None:
    desk.screen.environ["BULLETDROP_TOKEN"] = server.key_of("bob")
    desk.start("tray", "--server", server.url, "--watch", str(desk.shots), "--data", str(desk.data))
    desk.icon()
    link = desk.scrot("elsewhere.png")
    assert link.startswith(server.url)
    # The link is copied before the bytes have arrived.
    (drop,) = wait_for(lambda: server.bob.get("/api/v1/uploads").json()["items"], what="the drop on the server")
    assert drop["original_filename"] == "elsewhere.png"
    assert not (desk.data / "bulletdrop.db").exists()


def test_with_no_status_notifier_watcher_everything_but_the_icon_works(desk: Desk) -> None:
    desk.screen.end("xfce4-panel")
    desk.start()
    desk.set_up()
    assert desk.scrot("blind.png").startswith(desk.url)


def test_without_a_session_bus_the_token_is_in_a_private_file_and_links_are_copied(tmp_path: Path) -> None:
    for program in ("Xvfb", "xclip", "scrot"):
        requires(program, package=NEEDS[program])
    screen = Screen(tmp_path / "screen", with_bus=False).start()
    try:
        desk = Desk(screen)
        desk.start()
        desk.set_up()
        assert desk.scrot("plain.png").startswith(desk.url)
        token = desk.data / "tray" / "token"
        assert token.read_text().startswith("bd_")
        assert token.stat().st_mode & 0o777 == 0o600
    finally:
        screen.stop()


def test_with_no_display_the_program_is_the_server(tmp_path: Path) -> None:
    screen = Screen(tmp_path / "screen", with_x=False, with_bus=False).start()
    try:
        desk = Desk(screen)
        process = desk.start()
        wait_for(lambda: httpx_alive(desk.url), what="the server")
        wait_for(lambda: (desk.data / "run" / "server.json").exists())
        assert not (desk.data / "tray").exists()
        process.terminate()
        assert process.wait(60) == 0
    finally:
        screen.stop()


@pytest.mark.alone
def test_an_idle_tray_is_small_and_asleep(ready: Desk) -> None:
    ready.scrot("one.png")
    time.sleep(2)
    assert ready.process is not None
    tray = psutil.Process(ready.process.pid)
    before = tray.cpu_times()
    time.sleep(5)
    after = tray.cpu_times()
    assert tray.memory_info().rss <= 60 * 2**20
    assert (after.user + after.system) - (before.user + before.system) <= 0.05
