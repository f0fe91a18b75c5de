"""Is there a newer version: asked once a day where it was wished, told once, nothing given away."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bulletdrop.clock import ManualClock, SystemClock
from bulletdrop.tray import updates
from bulletdrop.tray.preferences import Chosen
from bulletdrop.tray.updates import Feed, Updates, is_newer, own_feed, read_version
from tests.support.screen import wait_for

FEED = Feed("http://127.0.0.1:1/latest", "http://127.0.0.1:1/")


class Publisher:
    """A release feed that a test changes; notes each request's headers."""

    def __init__(self) -> None:
        self.tag = "v9.9.9"
        self.status = 200
        self.asked: list[tuple[str, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append((self.path, {name.lower(): value for name, value in self.headers.items()}))
                body = json.dumps({"tag_name": outer.tag, "prerelease": False, "draft": False}).encode()
                self.send_response(outer.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        self.feed = Feed(f"http://127.0.0.1:{self._server.server_port}/repos/a/b/releases/latest", "page")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


@pytest.fixture
def publisher() -> Iterator[Publisher]:
    made = Publisher()
    yield made
    made.close()


def answer(tag: str) -> str:
    return json.dumps({"tag_name": tag})


class Asked:
    """One person's update check, whose feed and clock a test sets."""

    def __init__(self, data: Path, *, version: str = "1.0.0", clock: ManualClock | None = None) -> None:
        self.told: list[str] = []
        self.asked = 0
        self.says: str | Exception = answer("v1.1.0")
        self.clock = clock or ManualClock()
        self.chosen = Chosen(data)
        self.chosen.change(check_updates=True)
        self.updates = Updates(
            data, chosen=self.chosen, clock=self.clock, tell=self.told.append, feed=FEED, version=version, ask=self._ask
        )

    def _ask(self, url: str, version: str) -> str:
        self.asked += 1
        if isinstance(self.says, Exception):
            raise self.says
        return self.says


def test_a_newer_version_is_told_once_and_shown_until_it_is_here(tmp_path: Path) -> None:
    one = Asked(tmp_path)
    one.updates.look()
    assert one.told == ["1.1.0"]
    assert one.updates.newer == "1.1.0"
    one.clock.advance(days=2)
    one.updates.look()
    assert (one.asked, one.told) == (2, ["1.1.0"])
    again = Asked(tmp_path, clock=one.clock)
    assert again.updates.newer == "1.1.0"
    again.clock.advance(days=2)
    again.updates.look()
    assert again.told == []
    updated = Asked(tmp_path, version="1.1.0")
    assert updated.updates.newer == ""


def test_it_is_asked_once_a_day_over_restarts(tmp_path: Path) -> None:
    one = Asked(tmp_path)
    assert one.updates.look() == 24 * 3600
    one.clock.advance(hours=20)
    again = Asked(tmp_path, clock=one.clock)
    assert again.updates.look() == pytest.approx(4 * 3600)
    assert again.asked == 0
    again.clock.advance(hours=4)
    again.updates.look()
    assert again.asked == 1


def test_a_day_that_lies_in_the_future_by_a_wrong_clock_is_not_waited_for(tmp_path: Path) -> None:
    one = Asked(tmp_path)
    one.clock.advance(days=400)
    one.updates.look()
    back = Asked(tmp_path, clock=ManualClock())
    back.updates.look()
    assert back.asked == 1


def test_failures_are_silent_and_tried_again_in_an_hour(tmp_path: Path) -> None:
    one = Asked(tmp_path)
    for problem in (OSError("no network"), "not JSON", "[]", json.dumps({"message": "rate limit"})):
        one.says = problem
        one.updates.look()
        one.clock.advance(days=2)
    assert one.told == []
    one.says = OSError("no network")
    assert one.updates.look() == 3600


def test_off_by_default_and_off_means_that_nobody_is_asked(tmp_path: Path, publisher: Publisher) -> None:
    chosen = Chosen(tmp_path)
    told: list[str] = []
    one = Updates(tmp_path, chosen=chosen, clock=SystemClock(), tell=told.append, feed=publisher.feed, first=0)
    one.start()
    chosen.change(notify=False)
    assert publisher.asked == []
    chosen.change(check_updates=True)
    wait_for(lambda: told == ["9.9.9"], what="the word of the newer version")
    chosen.change(check_updates=False)
    assert one.newer == ""
    chosen.change(check_updates=True)
    assert one.newer == "9.9.9"
    one.stop()
    assert len(publisher.asked) == 1


def test_the_question_names_program_and_version_and_nothing_else(tmp_path: Path, publisher: Publisher) -> None:
    assert read_version(updates.fetch(publisher.feed.url, "1.2.3")) == "9.9.9"
    ((path, headers),) = publisher.asked
    assert path == "/repos/a/b/releases/latest"
    assert headers.pop("host").startswith("127.0.0.1")
    assert headers == {"accept": "application/json", "user-agent": "BulletDrop/1.2.3"}


def test_no_release_yet_and_a_broken_feed(publisher: Publisher) -> None:
    publisher.status = 404
    assert read_version(updates.fetch(publisher.feed.url, "1.2.3")) == ""
    publisher.status = 500
    with pytest.raises(ValueError, match="500"):
        updates.fetch(publisher.feed.url, "1.2.3")


@pytest.mark.parametrize(
    "found, own, newer",
    [
        ("1.2.0", "1.1.9", True),
        ("1.10.0", "1.9.0", True),
        ("1.2.0", "1.2.0", False),
        ("1.2", "1.2.0", False),
        ("1.2.0", "1.2.0.dev3", True),
        ("1.2.0", "1.3.0.dev3", False),
        ("2.0", "1.99.99", True),
        ("", "1.0", False),
        ("1.0", "not a version", False),
    ],
)
def test_versions_are_compared_by_their_numbers(found: str, own: str, newer: bool) -> None:
    assert is_newer(found, own) is newer


@pytest.mark.parametrize(
    "text, version",
    [
        (answer("v1.2.3"), "1.2.3"),
        (answer("1.2"), "1.2"),
        (answer("v1.2.3-rc1"), ""),
        (answer("nightly"), ""),
        (answer("1.2.3\n<script>"), ""),
        (json.dumps({"tag_name": "v2.0", "prerelease": True}), ""),
        (json.dumps({"tag_name": "v2.0", "draft": True}), ""),
        (json.dumps({"tag_name": None}), ""),
        ("{}", ""),
    ],
)
def test_only_a_plain_released_version_is_taken_over(text: str, version: str) -> None:
    assert read_version(text) == version


def test_from_the_sources_nobody_is_asked_and_a_test_can_name_a_feed() -> None:
    assert not updates.PUBLISHER_FILE.exists(), "it is written when a release is built"
    assert not own_feed({})
    assert own_feed({updates.FEED_VARIABLE: "http://127.0.0.1:1/x"}).url == "http://127.0.0.1:1/x"


def test_without_a_feed_no_thread_begins(tmp_path: Path) -> None:
    chosen = Chosen(tmp_path)
    chosen.change(check_updates=True)
    one = Updates(tmp_path, chosen=chosen, clock=SystemClock(), tell=print, feed=Feed(), first=0)
    one.start()
    assert not [thread for thread in threading.enumerate() if thread.name == "updates"]
    one.stop()
