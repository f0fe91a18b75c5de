"""The tray's own page, by plain forms: what each part shows and does. In a browser: tests/e2e/test_tray_page.py."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.page.health import clipboard_words, place_words
from bulletdrop.tray.rows import spoken
from bulletdrop.tray.words import speak
from tests.tray.control_kit import Browser
from tests.tray.engine_kit import Rule, eventually, png, write
from tests.tray.steering_kit import Controlled, controlled


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Controlled]:
    with controlled(tmp_path) as running:
        yield running


def test_each_act_of_the_page_works_as_a_plain_form(tray: Controlled) -> None:
    write(tray.folder / "shot.png", png())
    item = eventually(lambda: [item for item in tray.small.recent() if item.link])[0]
    browser = Browser(tray)
    for act in ("copy", "show", "undo", "delete-both"):
        went = browser.post("recent", {"do": act, "id": str(item.id)})
        assert (went.status, went.headers["location"]) == (303, f"recent#i-{item.id}")
    assert [name for name, _ in tray.small.did] == ["copy", "show", "undo", "delete-both"]
    assert "The file stays here." in browser.get("recent").text
    assert "The file stays here." not in browser.get("recent").text
    assert browser.post("recent", {"do": "format-disk", "id": "1"}).status == 404
    assert browser.post("recent", {"do": "copy", "id": "../1"}).status == 404
    gone = browser.post("recent", {"do": "copy", "id": "999999"})
    assert gone.status == 303
    assert "There is no capture 999999." in browser.get("recent").text


def test_the_page_pauses_for_a_time_and_resumes(tray: Controlled) -> None:
    browser = Browser(tray)
    assert browser.post("folders", {"bar": "pause-1h", "place": "folders"}).headers["location"] == "folders"
    eventually(lambda: "Resume" in browser.get("recent").text)
    browser.post("recent", {"bar": "resume"})
    assert "Resume" not in browser.get("recent").text
    until = dict(tray.small.did)["pause"]
    assert until is not None
    assert browser.post("recent", {"bar": "pause-long"}).status == 400


def test_what_failed_stands_first_with_its_reason_and_can_all_be_tried_again(tray: Controlled) -> None:
    tray.server.judge = lambda name: Rule(status=415, code="unknown_type") if name.startswith("bad") else None
    for name in ("bad1.png", "bad2.png", "good.png"):
        write(tray.folder / name, png(name))
    eventually(lambda: len([item for item in tray.small.recent() if item.error]) == 2)
    browser = Browser(tray)
    page = browser.get("recent").text
    assert page.index("bad1.png") < page.index("The fake server says unknown_type.") or "bad1.png" in page
    assert "Try all again" in page
    tray.server.judge = lambda name: None
    browser.post("recent", {"do": "retry-all"})
    eventually(lambda: len([item for item in tray.small.recent() if item.link]) == 3)
    assert "Try all again" not in browser.get("recent").text


def test_the_page_says_why_something_was_uploaded(tray: Controlled) -> None:
    write(tray.folder / "why.png", png())
    item = eventually(lambda: [item for item in tray.small.recent() if item.link])[0]
    page = Browser(tray).get("recent").text
    assert "Why was this uploaded?" in page
    assert str(tray.folder / "why.png") in page
    assert item.reason
    assert item.reason in page


def test_a_hostile_name_stays_a_name(tray: Controlled) -> None:
    write(tray.folder / '"><img src=x onerror=alert(1)>.png', png())
    eventually(lambda: [item for item in tray.small.recent() if item.link])
    page = Browser(tray).get("recent").text
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;.png" in page


def test_rules_of_a_folder_are_saved_from_the_page(tray: Controlled, tmp_path: Path) -> None:
    browser, folder = Browser(tray), str(tray.folder)
    fields = {"do": "rules", "folder": folder, "names": "Shot*", "expires": "7d", "visibility": "private"}
    browser.post("folders", {**fields, "album": "https://drop.example/albums/abc/", "ask": "yes", "bin_after": "yes"})
    rule = tray.small.chosen.now.rule_for(tray.folder)
    assert (rule.names, rule.expires, rule.album) == ("Shot*", "7d", "abc")
    assert (rule.is_public, rule.ask, rule.copy, rule.bin_after, rule.watch) == (False, True, False, True, True)
    browser.post("folders", {**fields, "expires": "soon"})
    page = browser.get("folders").text
    assert "is no span" in page
    assert 'value="soon"' in page, "what was typed is there still"
    assert re.search(r"<details[^>]* open><summary>Rules for this folder", page), "and its form is open"
    assert "is no span" not in browser.get("folders").text
    browser.post("folders", {"do": "unwatch", "folder": folder})
    assert tray.small.chosen.now.rule_for(tray.folder) == replace(rule, watch=False)
    browser.post("folders", {"do": "remove", "folder": folder})
    assert not list(tray.small.chosen.now.folders)
    (tmp_path / "games").mkdir()
    browser.post("folders", {"do": "add", "folder": str(tmp_path / "games")})
    assert {one.folder for one in tray.small.chosen.now.folders} == {str(tmp_path / "games")}
    for wrong in ("games", str(tmp_path / "none"), "/\0", "~nobody-of-this-name/x", ""):
        browser.post("folders", {"do": "add", "folder": wrong})
        assert len(tray.small.chosen.now.folders) == 1


def test_the_test_shows_which_file_a_screenshot_became(tray: Controlled) -> None:
    browser = Browser(tray)
    browser.post("folders", {"do": "test"})
    assert "Waiting for" in browser.get("folders").text
    write(tray.folder / "tested.png", png("tested"))
    page = eventually(lambda: "It works" in (text := browser.get("folders").text) and text)
    assert str(tray.folder / "tested.png") in page


def test_a_folder_with_much_else_is_asked_about_and_the_systems_is_refused(
    tray: Controlled, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    browser = Browser(tray)
    for wrong in ("/", "/etc", "/usr/share", str(tray.data), str(tray.data / "tray")):
        browser.post("folders", {"do": "add", "folder": wrong})
        assert "it is not watched" in browser.get("folders").text, wrong
    assert browser.post("folders", {"do": "add", "folder": "~"}).headers["location"] == "folders#ask"
    assert not tray.small.chosen.now.folders
    assert "Watch it all the same" in browser.get("folders").text
    browser.post("folders", {"do": "watch", "folder": str(tmp_path), "sure": "yes"})
    assert [one.folder for one in tray.small.chosen.now.folders] == [str(tmp_path)]
    browser.get("folders")
    browser.post("folders", {"do": "unwatch", "folder": str(tmp_path)})
    assert not tray.small.chosen.now.folders, "a folder of the person's own leaves the list"
    assert f"{tmp_path} is not watched any more." in browser.get("folders").text


def test_a_picture_in_a_folder_that_is_not_watched_is_noticed_by_the_test(tray: Controlled) -> None:
    pictures = tray.folder.parent / "Pictures"
    pictures.mkdir()
    write(pictures / "old.png", png("old"))
    time.sleep(1)  # the test counts what is half a second old, too
    browser = Browser(tray)
    browser.post("folders", {"do": "test"})
    assert "which is not watched" not in browser.get("folders").text
    write(pictures / "new.png", png("new"))
    page = eventually(lambda: "which is not watched" in (text := browser.get("folders").text) and text)
    assert f"A picture came into {pictures}" in page


def test_health_says_in_words_how_links_are_copied_and_where_the_key_lies() -> None:
    assert clipboard_words("copykitten", "linux") == "X11, seen to keep what is copied"
    speak("de")
    try:
        assert clipboard_words("none") == "hier gibt es keine"
        assert place_words("Secret Service keyring") == "dem Schlüsselbund (Secret Service)"
        item = Item(1, Path("/p/a.png"), "a.png", 1, Status.FAILED, datetime.now(UTC), error="English", reason="Weil.")
        assert spoken(item, "wo").reason == "Weil. Dieser Ordner wird beobachtet: wo."
        assert spoken(replace(item, error_code="stalled"), "").error == (
            "Das schreibende Programm hörte mittendrin auf; alle paar Minuten wird wieder nachgesehen."
        )
    finally:
        speak("en")


def test_a_live_look_gets_the_page_only_when_it_changed_and_eats_no_word(tray: Controlled) -> None:
    browser = Browser(tray)
    browser.post("recent", {"do": "rescan"})
    live = browser.get("recent", X_Live="1")
    assert browser.get("recent", X_Live="1", If_None_Match=live.headers["etag"]).status == 304
    assert "Looking through the folders." in browser.get("recent").text
    write(tray.folder / "new.png", png("new"))
    eventually(lambda: browser.get("recent", X_Live="1", If_None_Match=live.headers["etag"]).status == 200)


def test_a_small_picture_is_made_of_pictures_alone(tray: Controlled) -> None:
    write(tray.folder / "shot.png", png())
    item = eventually(lambda: [item for item in tray.small.recent() if item.link])[0]
    browser = Browser(tray)
    small = browser.get(f"thumb/{item.id}")
    assert (small.status, small.headers["content-type"]) == (200, "image/webp")
    assert small.body[8:12] == b"WEBP"
    assert len(small.body) < 100_000
    item.path.write_bytes(b"no picture any more")
    assert browser.get(f"thumb/{item.id}").status == 404
    item.path.unlink()
    assert browser.get(f"thumb/{item.id}").status == 404
    assert browser.get("thumb/999999").status == 404
