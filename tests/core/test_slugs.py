"""Slugs in their four styles: free, short, nobody's word, and their owner's taste."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import intake, uploads
from bulletdrop.core.drops.intake import Wishes
from bulletdrop.core.models import Upload, User
from bulletdrop.core.names.chosen import is_slug_taken
from bulletdrop.core.names.slugs import STYLES, check_custom_name, new_slug
from bulletdrop.core.names.words import ADJECTIVES, NOUNS
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserved import RESERVED, is_reserved
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, Invalid, NameReserved, NameTaken
from tests.core.drops_kit import arrive, keep
from tests.core.sign_in_kit import at_once
from tests.support.pictures import screenshot

_ONCE = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def likes(caller: Caller, style: str) -> None:
    User.update(slug_style=style).where(User.id == caller.user_id).execute()


def test_each_style_is_its_owners_taste(site: Site, alice: Caller, clock: ManualClock) -> None:
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{10}", keep(site, alice).slug)
    likes(alice, "words")
    adjective, noun, number = keep(site, alice, screenshot(2)).slug.split("-")
    assert adjective in ADJECTIVES
    assert noun in NOUNS
    assert 1000 <= int(number) <= 9999
    likes(alice, "date")
    assert re.fullmatch(r"2026-11-20-120000-\w{4}", keep(site, alice, screenshot(3)).slug)
    likes(alice, "name")
    assert keep(site, alice, screenshot(4), name="Grüße an Ömer (2).PNG").slug == "grüsse-an-ömer-2"


def test_an_upload_may_wish_for_another_style_than_its_owners(site: Site, alice: Caller) -> None:
    likes(alice, "name")
    assert keep(site, alice, name="plan.png", slug_style="random").slug != "plan"
    assert keep(site, alice, screenshot(2), name="plan.png").slug == "plan"
    with pytest.raises(Invalid) as refused:
        keep(site, alice, screenshot(3), slug_style="poem")
    assert refused.value.field == "slug_style"


def test_a_name_that_is_taken_gets_four_characters_more(site: Site, alice: Caller, bob: Caller) -> None:
    first = keep(site, alice, name="plan.png", slug_style="name")
    second = keep(site, bob, screenshot(2), name="PLAN.png", slug_style="name")
    assert first.slug == "plan"
    assert re.fullmatch(r"plan-\w{4}", second.slug)


@pytest.mark.parametrize("name", ["login.png", "API.png", "robots.png", "ａdmin.png", "s.png", "CON.png", "lpt1.png"])
def test_a_file_called_like_a_page_of_ours_or_a_device_gets_four_characters_more(
    site: Site, alice: Caller, name: str
) -> None:
    slug = keep(site, alice, name=name, slug_style="name").slug
    assert not is_reserved(slug)
    assert re.fullmatch(r"\w+-\w{4}", slug)


@pytest.mark.parametrize("name", ["😀.png", "---.png", "___.png", ".png.png"])
def test_a_file_without_letters_in_its_name_gets_a_slug_all_the_same(site: Site, alice: Caller, name: str) -> None:
    slug = keep(site, alice, name=name, slug_style="name").slug
    assert re.fullmatch(r"[1-9A-Za-z]{10}|png", slug)


@pytest.mark.parametrize("chosen", ["plan", "Plan", "plan.2026"])
def test_a_slug_never_hides_a_chosen_name(site: Site, alice: Caller, bob: Caller, chosen: str) -> None:
    named = keep(site, bob, custom_name=chosen)
    slug = keep(site, alice, screenshot(2), name="plan.png", slug_style="name").slug
    assert slug.startswith("plan-")
    assert uploads.find_page(site, chosen).id == named.id


@pytest.mark.parametrize("chosen", ["plan", "PLAN", "plan.2026"])
def test_a_chosen_name_never_hides_a_slug(site: Site, alice: Caller, bob: Caller, chosen: str) -> None:
    keep(site, alice, name="plan.png", slug_style="name")
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name=chosen)


@pytest.mark.parametrize("style", ["name", "date"])
def test_many_at_once_who_want_the_same_slug_all_get_one(site: Site, alice: Caller, style: str) -> None:
    """In the style `date` all come in the same second, in `name` with the same name."""
    arrived = [arrive(site, screenshot(number), "plan.png") for number in range(8)]
    stored: list[Any] = at_once(
        site, 8, lambda number: intake.store(site, alice, arrived[number], Wishes(slug_style=style))
    )
    slugs = [one.slug for one in stored]
    assert len(set(slugs)) == 8, slugs
    assert Upload.select().count() == 8
    assert style == "date" or slugs.count("plan") == 1


def both_at_once(site: Site, first: Callable[[], Upload], second: Callable[[], Upload]) -> list[object]:
    return at_once(site, 2, lambda number: (first, second)[number]())


def test_a_slug_and_a_chosen_name_that_come_at_once_do_not_meet(site: Site, alice: Caller, bob: Caller) -> None:
    for turn in range(8):
        word = f"plan{turn}"
        hers = arrive(site, screenshot(turn), f"{word}.png")
        his = keep(site, bob, screenshot(100 + turn))

        sends = partial(intake.store, site, alice, hers, Wishes(slug_style="name"))
        renames = partial(uploads.change_upload, site, bob, his.id, {"custom_name": word})
        first, second = both_at_once(site, sends, renames)
        has_slug, has_name = getattr(first, "slug", "") == word, not isinstance(second, NameTaken)
        assert has_slug != has_name, (first, second)


def test_a_words_slug_is_worth_29_bits() -> None:
    assert len(set(ADJECTIVES)) == len(ADJECTIVES)
    assert len(set(NOUNS)) == len(NOUNS)
    assert math.log2(len(ADJECTIVES) * len(NOUNS) * 9000) > 29
    assert not set(ADJECTIVES + NOUNS) - {word for word in ADJECTIVES + NOUNS if word.isascii() and word.islower()}


def test_the_storage_key_tells_nothing_of_a_slug_that_can_be_guessed(site: Site, alice: Caller) -> None:
    upload = keep(site, alice, name="plan.png", slug_style="name")
    assert "plan" not in upload.blob.key


@_ONCE
@given(st.sampled_from(STYLES), st.text(max_size=260), st.booleans())
def test_every_slug_is_an_address_of_ours(site: Site, style: str, filename: str, plain: bool) -> None:
    slug = new_slug(site, style, filename=filename, plain=plain)
    assert 1 <= len(slug) <= 40
    assert slug.partition(".")[0] not in RESERVED
    assert not is_reserved(slug)
    assert "." not in slug
    assert "/" not in slug
    assert "\\" not in slug
    assert "%" not in slug
    assert "+" not in slug
    assert slug == slug.strip("-")
    assert slug.isprintable()
    assert not re.search(r"\s", slug)
    assert unquote(quote(slug)) == slug
    assert not is_slug_taken(slug) or style == "name"


@_ONCE
@given(st.text(max_size=120))
def test_a_custom_name_is_refused_or_found_as_it_is_kept(site: Site, alice: Caller, text: str) -> None:
    drop = _drop_of(site, alice)
    try:
        name = check_custom_name(text)
    except (BadName, NameReserved):
        return
    uploads.change_upload(site, alice, drop.id, {"custom_name": name})
    assert unquote(quote(name)) == name
    assert check_custom_name(name) == name
    assert uploads.find_page(site, name).id == drop.id
    assert uploads.find_public(site, name, "png").id == drop.id


def _drop_of(site: Site, alice: Caller) -> Upload:
    found: Upload | None = Upload.select().first()
    return found or keep(site, alice)
