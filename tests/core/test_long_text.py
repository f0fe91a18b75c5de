"""Long texts that are slow to normalise: refused before anybody tries."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from bulletdrop.core.drops import uploads
from bulletdrop.core.drops.wishes import check_tags
from bulletdrop.core.names.slugs import check_custom_name, check_filename
from bulletdrop.core.people import accounts, keys
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserved import is_reserved
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import BadName, Invalid, NotFound, NotSignedIn

# Each mark has to be sorted behind the ones before it: ten seconds for this one.
SLOW = "\u0301\u0316" * 60_000


@contextmanager
def at_once() -> Iterator[None]:
    """At most half a second of this thread's own time."""
    before = time.thread_time()
    yield
    assert time.thread_time() - before < 0.5


def test_signing_in_with_a_name_that_nobody_can_have_is_refused_at_once(site: Site, alice: Caller) -> None:
    with at_once(), pytest.raises(NotSignedIn):
        accounts.authenticate(site, identifier=SLOW, password="correct horse")


def test_nobody_gets_an_email_address_without_end(site: Site) -> None:
    with at_once(), pytest.raises(Invalid):
        accounts.create_user(site, username="dora", email=f"{SLOW}@example.org", password="correct horse")


def test_names_without_end_are_refused_at_once(site: Site) -> None:
    with at_once():
        with pytest.raises(BadName):
            check_custom_name("a" + SLOW)
        with pytest.raises(BadName):
            check_filename(SLOW + ".png")
        with pytest.raises(NotFound):
            uploads.find_public(site, SLOW)
        with pytest.raises(NotFound):
            uploads.find_by_user_and_filename(site, SLOW, "a.png")
        assert not is_reserved(SLOW)


def test_tags_without_end_and_without_number_are_refused_at_once() -> None:
    with at_once():
        with pytest.raises(Invalid):
            check_tags((SLOW,))
        with pytest.raises(Invalid):
            check_tags(("\u0301\u0316" * 50,) * 50_000)


def test_a_folded_long_name_equals_no_short_one() -> None:
    assert len(accounts.fold("a" * 400)) > accounts.LONGEST


def test_somebody_signs_in_by_a_name_in_wide_letters(site: Site, alice: Caller) -> None:
    assert accounts.authenticate(site, identifier=" ＡＬＩＣＥ ", password="correct horse").id == alice.user_id


@pytest.mark.parametrize("name", ["a\0b", "a\nb", "\u202egnp"])
def test_a_key_whose_name_cannot_be_seen_is_refused(site: Site, alice: Caller, name: str) -> None:
    with pytest.raises(Invalid):
        keys.create_key(site, accounts.find_user(site, "alice"), name=name, scopes=["uploads:read"])


def test_nobody_is_called_nul(site: Site, alice: Caller) -> None:
    with pytest.raises(NotSignedIn):
        accounts.authenticate(site, identifier="ali\0ce", password="correct horse")
    with pytest.raises(NotFound):
        accounts.find_user(site, "alice\0")


def test_what_a_program_says_of_itself_is_kept_without_control_characters() -> None:
    assert cleaned("Mozil\0la\r\n/5.0 \ud800", most=300) == "Mozilla/5.0 "
