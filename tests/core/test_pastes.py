"""Pastes where they are kept: quotas, teams, equal bytes, and the language that a text seems to be in."""

from __future__ import annotations

import random
import string

import pytest

from bulletdrop.core.drops import pastes, texts
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.drops.languages import LANGUAGES, check_language, guess
from bulletdrop.core.drops.uploads import get_upload
from bulletdrop.core.models import Blob, Upload, User
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, QuotaFull, TooBig
from bulletdrop.web.texts import Texts, mark, mark_plain
from tests.core.drops_kit import nothing_was_kept, stored
from tests.core.teams_kit import cast, counts_are_exact


def paste(site: Site, caller: Caller, content: str, language: str = "", **wishes: object) -> Upload:
    """A paste of somebody's."""
    asked = Wishes(**wishes)  # type: ignore[arg-type]
    return pastes.create_paste(site, caller, content, wishes=asked, language=language).upload


def test_a_text_is_kept_to_the_letter(site: Site, alice: Caller) -> None:
    text = "one\r\ntwo\ttabs \n\n\u202eé\U0001f600\x0c\x1b[0m"
    made = paste(site, alice, "\ufeff" + text)
    assert stored(site, made) == text.encode()
    assert texts.read_text(site, get_upload(site, alice, made.id)).content == text


def test_a_text_beyond_the_quota_leaves_nothing_behind(site: Site, alice: Caller) -> None:
    User.update(limits={"storage": 10}).where(User.id == alice.user_id).execute()
    with pytest.raises(QuotaFull):
        paste(site, alice, "eleven bytes")
    assert nothing_was_kept(site)
    User.update(limits={"storage": 100, "max_file_size": 10}).where(User.id == alice.user_id).execute()
    with pytest.raises(TooBig):
        paste(site, alice, "eleven bytes")
    assert nothing_was_kept(site)


@pytest.mark.parametrize("content", ["", " \n", "a\0", "a\ud800"])
def test_what_is_no_text_leaves_nothing_behind(site: Site, alice: Caller, content: str) -> None:
    with pytest.raises(Invalid):
        paste(site, alice, content)
    with pytest.raises(Invalid):
        paste(site, alice, "text", language="klingon")
    assert nothing_was_kept(site)


def test_a_teams_text_is_the_teams(site: Site) -> None:
    people = cast(site)
    made = paste(site, people.member, "for the team", team_id=people.team.id)
    assert get_upload(site, people.viewer, made.id).team_id == people.team.id
    with pytest.raises(Forbidden):
        paste(site, people.viewer, "from somebody who only looks on", team_id=people.team.id)
    assert counts_are_exact(site)


def test_equal_texts_are_one_blob(site: Site, alice: Caller, bob: Caller) -> None:
    paste(site, alice, "the same")
    paste(site, bob, "the same")
    assert [blob.refs for blob in Blob.select()] == [2]
    assert counts_are_exact(site)


@pytest.mark.parametrize(
    ("text", "filename", "language"),
    [
        ("words", "", "text"),
        ("words", "notes.txt", "text"),
        ("x = 1", "a.py", "python"),
        ("FROM debian", "Dockerfile", "docker"),
        ("all:", "makefile", "make"),
        ("#!/bin/sh\necho", "", "bash"),
        ("#!/usr/bin/env python3.11\n", "", "python"),
        ("#!/usr/bin/env -S node\n", "", "javascript"),
        ("\ufeff<?xml version='1.0'?>", "", "xml"),
        ("<!DOCTYPE HTML>", "paste.txt", "html"),
        ("diff --git a/x b/x\n", "", "diff"),
        ('{"a": [1, 2]}', "", "json"),
        ("{not json", "", "text"),
        ("[" * 60_000, "", "text"),
        ("Traceback (most recent call last):\n", "", "pytb"),
    ],
)
def test_a_glance_tells_the_language(text: str, filename: str, language: str) -> None:
    assert guess(text, filename) == language


@pytest.mark.parametrize(
    ("title", "filename", "language"),
    [
        ("helper.py", "", "python"),
        (" Makefile ", "", "make"),
        ("helper.py", "query.sql", "sql"),
        ("helper.py", "notes.txt", "text"),
        ("what helper.py does", "", "text"),
        ("Version 1.0", "", "text"),
        ("c", "", "text"),
        ("", "", "text"),
    ],
)
def test_a_title_that_looks_like_a_files_name_tells_the_language(
    site: Site, alice: Caller, title: str, filename: str, language: str
) -> None:
    kept = pastes.create_paste(site, alice, "import this", wishes=Wishes(title=title), filename=filename)
    assert kept.upload.language == language


def test_every_language_has_a_lexer_and_common_names_lead_to_it() -> None:
    from pygments.lexers import get_lexer_by_name

    for name in LANGUAGES:
        assert get_lexer_by_name(name)
    assert [check_language(name) for name in ("", "auto", " JS ", "c++", "yml", "Python")] == [
        "", "", "javascript", "cpp", "yaml", "python",
    ]  # fmt: skip


def test_every_language_gives_back_its_text_to_the_letter(site: Site, alice: Caller) -> None:
    chance = random.Random(4)
    letters = string.printable.replace("\x0b", "") + "äß漢\u202e\U0001f600\"'<>{}/*#"
    for language in LANGUAGES:
        text = "\ta  \r\n\n" + "".join(chance.choice(letters) for _ in range(3000)) + "\n\n "
        made = get_upload(site, alice, paste(site, alice, text, language=language).id)
        pieces = texts.pieces_of(site, made, texts.read_text(site, made))
        assert pieces is not None, language
        assert "".join(pieces[1::2]) == text


def test_texts_in_colours_are_let_go_when_there_are_too_many() -> None:
    kept = Texts(most=100_000)
    for number in range(100):
        marked = mark_plain("x" * 5000)
        kept.put(number, marked)
    assert kept.get(0) == (False, None)
    known, last = kept.get(99)
    assert known
    assert last is not None
    kept.put("slow", None)
    assert kept.get("slow") == (True, None)
    kept.put("huge", mark_plain("y" * 200_000))
    assert kept.get("huge") == (False, None)


def test_pieces_that_are_not_what_they_should_be_become_no_markup() -> None:
    marked = mark([99, "<b>", -5, "<i>", 3, "</b>\nnext"])
    assert marked is not None
    assert marked.lines == ('&lt;b&gt;&lt;i&gt;<b class="k">&lt;/b&gt;</b>', '<b class="k">next</b>')
    assert mark_plain("\n" * 30_000) is None
