"""Notifications on a real bus: words, icon, buttons that do something, and silence where there is no service."""

from __future__ import annotations

import json
import select
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from bulletdrop.tray.pixmaps import app_icon
from tests.support.needs import requires
from tests.support.notifications import Notifications, Shown
from tests.support.screen import Screen, wait_for

# Sends the notes it is given as JSON lines, says what was chosen, ends at the end of its input.
NOTIFIER = """
import json, sys, warnings
from pathlib import Path
warnings.simplefilter("error")
from bulletdrop.tray.notify import Button, Note, Notifier
say = lambda word: (lambda: print(word, flush=True))
notifier = Notifier()
def note(link=None, buttons=(), click="", picture=None, **words):
    made = tuple(Button(title, say(f"{title} {link}")) for title in buttons)
    clicked = say(f"click {link}") if click else None
    return Note(link=link, buttons=made, click=clicked, picture=Path(picture) if picture else None, **words)
for line in sys.stdin:
    if line == "probe\\n":
        try:
            print("probe", *sorted(notifier.probe()), flush=True)
        except Exception as error:
            print("absent", type(error).__name__, flush=True)
    else:
        notifier.send(note(**json.loads(line)))
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
        assert select.select([self.process.stdout], [], [], 60)[0], "it says nothing"
        return self.process.stdout.readline().strip()

    def end(self) -> str:
        out, errors = self.process.communicate(timeout=60)
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


def nth(service: Notifications, number: int) -> Shown:
    """The note that was asked for after `number` others, waited for."""
    return wait_for(lambda: service.shown[number : number + 1])[0]


def test_a_note_has_our_name_our_icon_its_picture_and_its_buttons(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Link copied.", link="http://drop/1", buttons=["Open", "Copy"], picture="/p/a b.png")
        note = nth(service, 0)
        assert (note.app, note.title, note.body) == ("BulletDrop", "Link copied.", "")
        assert note.icon == app_icon().as_uri()
        assert note.buttons == ["Open", "Copy"]
        assert note.hints == {"urgency": 1, "desktop-entry": "bulletdrop", "image-path": "file:///p/a%20b.png"}
        program.end()


def test_an_urgent_note_says_so(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="The server cannot start.", urgent=True)
        assert nth(service, 0).hints["urgency"] == 2
        program.end()


def test_buttons_and_a_click_do_what_they_say(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        for number, (button, word) in enumerate((("Open", "Open"), ("Undo", "Undo"), ("", "click"))):
            program.send(title="Link copied.", link=f"http://drop/{number}", buttons=["Open", "Undo"], click="yes")
            service.press(nth(service, number), button)
            assert program.hears() == f"{word} http://drop/{number}"
        program.end()


def test_a_note_takes_the_place_of_the_one_with_its_key(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Link copied.", key="links-1", link="old", buttons=["Open"])
        program.send(title="2 screenshots.", key="links-1", link="new", buttons=["Open", "Undo all"])
        program.send(title="Link copied.", key="links-2")
        assert [(nth(service, n).number, nth(service, n).replaces) for n in range(3)] == [(1, 0), (1, 1), (2, 0)]
        service.press(nth(service, 1), "Open")
        assert program.hears() == "Open new"
        program.end()


def test_a_quiet_note_pops_up_nothing_where_the_first_has_gone(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Link copied.", key="links-1", buttons=["Undo"])
        program.send(title="Link copied.", key="links-1", quiet=True)
        assert nth(service, 1).buttons == []
        program.send(title="Beside it.", key="links-2", link="beside", buttons=["Open"])
        beside = nth(service, 2)
        service.dismiss(nth(service, 1))
        # The service's words come in order: who has heard of the press has heard that the other note went.
        service.press(beside, "Open")
        assert program.hears() == "Open beside"
        program.send(title="Link copied.", key="links-1", quiet=True)
        program.send(title="Another.", key="links-1")
        assert (nth(service, 3).title, nth(service, 3).replaces) == ("Another.", 0)
        program.end()


def test_a_note_that_is_closed_goes_from_the_screen_and_its_buttons_do_nothing(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="", key="asks", closes=True)  # there is none yet
        program.send(title="Send it?", key="asks", link="ours", buttons=["Send"])
        note = nth(service, 0)
        program.send(title="", key="asks", closes=True)
        assert wait_for(lambda: service.closed) == [note.number]
        service.press(note, "Send")
        assert "Send ours" not in program.end()
        assert len(service.shown) == 1


def test_a_button_of_another_program_s_note_does_nothing(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Link copied.", link="ours", buttons=["Open"])
        ours = nth(service, 0)
        service.press(replace(ours, number=99), "Open")
        service.press(ours, "Open")
        assert program.hears() == "Open ours"
        assert "Open" not in program.end()


def test_where_there_are_no_buttons_the_link_is_in_the_text(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address, capabilities=("body",)) as service:
        program.send(title="3 screenshots.", message="The <newest> is copied.", link="http://drop/1", buttons=["A"])
        note = nth(service, 0)
        assert note.body == "The <newest> is copied.\nhttp://drop/1", "and what is no markup is not escaped"
        assert note.actions == {}
        program.end()


def test_a_file_name_is_no_markup(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as service:
        program.send(title="Too large.", message="<b>a&b</b>.png: no")
        assert wait_for(lambda: service.shown)[0].body == "&lt;b&gt;a&amp;b&lt;/b&gt;.png: no"
        program.end()


def test_without_a_service_nothing_breaks_and_the_probe_says_so(screen: Screen) -> None:
    program = Program(screen)
    program.send(title="Link copied.")
    program.send(title="Link copied.")
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
        program.send(title="Link copied.")
        wait_for(lambda: service.shown)
        program.end()


def test_a_service_that_is_replaced_is_asked_anew(screen: Screen, address: str) -> None:
    program = Program(screen)
    with Notifications(address) as first:
        program.send(title="Link copied.", key="links-1", buttons=["Open"])
        assert nth(first, 0).buttons == ["Open"]
    with Notifications(address, capabilities=("body",)) as second:
        program.send(title="2 screenshots.", key="links-1", buttons=["Open"])
        note = nth(second, 0)
        assert (note.replaces, note.actions) == (0, {})
        program.end()
