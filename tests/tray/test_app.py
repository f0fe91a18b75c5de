"""The small decisions around the tray: which address, which port, which screen, which folder's server."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from bulletdrop.cli.default import has_screen
from bulletdrop.clock import SystemClock
from bulletdrop.config import load_config
from bulletdrop.tray.app import TrayApp, gallery_url, port_problem
from bulletdrop.tray.deadline import within
from bulletdrop.tray.instance import AlreadyRunning
from tests.support.screen import wait_for
from tests.support.server import free_port


def test_a_free_port_is_no_problem_and_a_taken_one_is_said_in_words(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        config = load_config({"data": tmp_path, "host": "127.0.0.1", "port": port}, environ={})
        words = f"Port {port} is taken by another program. End it, or set BULLETDROP_PORT to another port."
        assert port_problem(config) == words
    config = load_config({"data": tmp_path, "host": "127.0.0.1", "port": free_port()}, environ={})
    assert port_problem(config) is None


def test_a_port_of_the_system_s_choice_is_never_taken(tmp_path: Path) -> None:
    assert port_problem(load_config({"data": tmp_path, "port": 0}, environ={})) is None


def test_a_port_on_the_other_kind_of_address_is_tried_there(tmp_path: Path) -> None:
    try:
        with socket.socket(socket.AF_INET6) as other:
            other.bind(("::1", 0))
            other.listen()
            config = load_config({"data": tmp_path, "host": "::1", "port": other.getsockname()[1]}, environ={})
            assert port_problem(config) is not None
    except OSError:
        pytest.skip("this machine has no IPv6 (package: none, a kernel setting)")


def test_the_gallery_is_where_the_server_is(tmp_path: Path) -> None:
    assert gallery_url(load_config({"data": tmp_path, "server": "http://far:1/"}, environ={})) == "http://far:1/"
    assert gallery_url(load_config({"data": tmp_path, "port": 99}, environ={})) == "http://127.0.0.1:99/"
    public = load_config({"data": tmp_path, "public_url": "https://drop.example.org"}, environ={})
    assert gallery_url(public) == "https://drop.example.org/"
    (tmp_path / "run").mkdir()
    note = {"url": "http://127.0.0.1:7777", "instance": "i", "local_secret": "s", "pid": 1}
    (tmp_path / "run" / "server.json").write_text(json.dumps(note))
    assert gallery_url(load_config({"data": tmp_path, "port": 99}, environ={})) == "http://127.0.0.1:7777/"


@pytest.mark.parametrize(
    ("environ", "platform", "expected"),
    [
        ({}, "linux", False),
        ({"DISPLAY": ":0"}, "linux", True),
        ({"WAYLAND_DISPLAY": "wayland-0"}, "linux", True),
        ({"DISPLAY": ""}, "linux", False),
        ({}, "darwin", True),
        ({}, "win32", True),
    ],
)
def test_a_screen_decides_what_the_bare_command_does(environ: dict[str, str], platform: str, expected: bool) -> None:
    assert has_screen(environ, platform) is expected


def test_a_second_tray_on_the_same_folder_is_refused_before_it_touches_anything(tmp_path: Path) -> None:
    config = load_config({"data": tmp_path}, environ={})
    first = TrayApp(config, folders=list, clock=SystemClock(), environ={})
    with pytest.raises(AlreadyRunning):
        TrayApp(config, folders=list, clock=SystemClock(), environ={})
    first.close()
    TrayApp(config, folders=list, clock=SystemClock(), environ={}).close()


def test_before_there_is_an_account_or_a_server_the_terminal_says_what_to_do_and_a_screenshot_is_answered_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    notes: list[str] = []
    monkeypatch.setattr("bulletdrop.tray.app.open_page", lambda page: None)
    config = load_config({"data": tmp_path}, environ={})
    tray = TrayApp(config, folders=list, clock=SystemClock(), say=said.append, environ={})
    report = replace(tray._engine.status(), waiting=1)
    monkeypatch.setattr(tray._engine, "status", lambda: report)
    monkeypatch.setattr(tray._desktop, "tell", lambda note: notes.append(note.title))
    tray._needs_person("The server is not running", None)
    tray._needs_person("Set up BulletDrop", "http://here/setup#code=1")
    tray._draw()
    tray._draw()
    tray.close()
    assert "bulletdrop pair" in said[0]
    assert said[1] == "Open the set-up page: http://here/setup#code=1"
    assert notes == ["Set up BulletDrop first."]


def test_a_question_that_hangs_is_given_up_and_not_asked_again_until_it_ends() -> None:
    gate, asked = threading.Event(), []

    def hangs() -> None:
        asked.append(1)
        gate.wait()

    for _ in range(3):
        with pytest.raises(TimeoutError):
            within(0.05, hangs, name="a hanging test question")
    assert len(asked) == 1
    gate.set()
    assert wait_for(lambda: answered(lambda: 5)) == 5


def answered(question: Callable[[], int]) -> int | None:
    """The answer, or None while the hanging question has not ended."""
    try:
        return within(5, question, name="a hanging test question")
    except TimeoutError:
        return None


def test_what_a_question_raises_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        within(1, lambda: 1 // 0)
