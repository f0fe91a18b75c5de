"""Notifications on a real bus: words, icon, buttons that do something, and silence where there is no service."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.tray.pixmaps import app_icon
from tests.support.needs import requires
from tests.support.notifications import Notifications
from tests.support.screen import Screen, wait_for

# Sends the notes it is given as JSON lines, says what was chosen, ends at the end of its input.
NOTIFIER = """
import json, sys, warnings
warnings.simplefilter("error")
from bulletdrop.tray.notify import Note, Notifier
say = lambda word: (lambda link: print(word, link, flush=True))
notifier = Notifier(open_page=say("open"), copy=say("copy"))
for line in sys.stdin:
    if line == "probe\\n":
        try:
            print("probe", *sorted(notifier.probe()), flush=True)
        except Exception as error:
            print("absent", type(error).__name__, flush=True)
    else:
        notifier.send(Note(**json.loads(line)))
notifier.close()
print("closed", flush=True)
"""


class Program:
    """A notifier in a process of its own, on the test's bus."""

    def __init__(self, screen: Screen) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", NOTIFIER],
            env=screen.environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def tell(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def send(self, **note: object) -> None:
        self.tell(json.dumps(note))

    def hears(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        out, errors = self.process.communicate(timeout=10)
        assert self.process.returncode == 0, errors
        return out + errors


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    requires("dbus-daemon", package="dbus-daemon")
    # The services of this machine must not answer in the test's place.
    made = Screen(tmp_path / "screen", with_x=False, services=False).start()
    yield made
    made.stop()


@pytest.fixture
def address(screen: Screen) -> str:
    return screen.environ["DBUS_SESSION_BUS_ADDRESS"]


def test_a_note_has_our_name_our_icon_and_two_buttons(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Link copied.", message="http://drop/1", link="http://drop/1")
        note = wait_for(lambda: service.shown)[0]
        assert (note.app, note.title, note.body) == ("BulletDrop", "Link copied.", "http://drop/1")
        assert note.icon == app_icon().as_uri()
        assert {"Open", "Copy"} <= set(note.actions.values())
        program.end()


def test_buttons_and_a_click_do_what_they_say(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        for number, (button, word) in enumerate((("Open", "open"), ("Copy", "copy"), ("", "open"))):
            program.send(title="Link copied.", link=f"http://drop/{number}")
            note = wait_for(lambda number=number: service.shown[number : number + 1])[0]  # type: ignore[misc]
            service.press(note, button)
            assert program.hears() == f"{word} http://drop/{number}"
        program.end()


def test_where_there_are_no_buttons_the_link_is_in_the_text(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address, capabilities=("body",)) as service:
        program.send(title="3 screenshots uploaded.", message="The newest link is copied.", link="http://drop/1")
        note = wait_for(lambda: service.shown)[0]
        assert note.body == "The newest link is copied.\nhttp://drop/1"
        program.end()


def test_a_file_name_is_no_markup(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Too large.", message="<b>a&b</b>.png: no")
        assert wait_for(lambda: service.shown)[0].body == "&lt;b&gt;a&amp;b&lt;/b&gt;.png: no"
        program.end()


def test_without_a_service_nothing_breaks_and_the_probe_says_so(screen: Screen) -> None:
    program = Program(screen)
    program.send(title="Link copied.", link="http://drop/1")
    program.send(title="Link copied.", link="http://drop/2")
    program.tell("probe")
    assert program.hears() == "absent DBusError"
    assert "closed" in program.end()


def test_a_service_that_comes_later_is_used(screen: Screen, address: str) -> None:
    program = Program(screen)
    program.tell("probe")
    assert program.hears().startswith("absent")
    with Notifications(address) as service:
        program.tell("probe")
        assert "buttons" in program.hears()
        program.send(title="Link copied.", link="http://drop/1")
        wait_for(lambda: service.shown)
        program.end()
