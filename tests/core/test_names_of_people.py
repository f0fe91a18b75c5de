"""How names and addresses of people are compared: whole alphabets, domains in two spellings, no two that look alike."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulletdrop.core.database import transaction
from bulletdrop.core.models import User
from bulletdrop.core.people import accounts, teams
from bulletdrop.core.shapes import email_shape, username_shape
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameReserved, NameTaken
from tests.support.server import PASSWORD

# What letters are followed by when their form, their case or their order is at stake.
MARKS = ("", "\u0301", "\u0308", "\u0323", "\u0327", "\u0345", "a")
# Few letters that are easily confused, so that many names collide.
NAMES = st.text("aA1lIi0oOrnmvwW5s.-_", min_size=1, max_size=5)
LOCAL = st.text("aA1lоoérn\u0301ß", min_size=1, max_size=4)


def test_every_letter_folds_to_what_folds_to_itself() -> None:
    letters = [chr(code) for code in range(0x20, 0x30000) if unicodedata.category(chr(code)) not in ("Cs", "Cn")]
    for compare in (accounts.fold, email_shape):
        once = [compare(letter + mark) for letter in letters for mark in MARKS]
        assert [text for text in once if compare(text) != text] == []


@given(st.text(max_size=80))
def test_folding_twice_is_folding_once_and_spelling_does_not_matter(text: str) -> None:
    for compare in (accounts.fold, email_shape):
        assert compare(compare(text)) == compare(text)
        assert compare(unicodedata.normalize("NFD", text)) == compare(unicodedata.normalize("NFC", text))


def test_a_foreign_letter_with_its_accent_beside_it_looks_like_the_latin_one() -> None:
    # A Cyrillic а and an acute, against the one Latin letter.
    assert email_shape("а\u0301nna@example.org") == email_shape("ánna@example.org")


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wanted=st.lists(st.tuples(NAMES, LOCAL), min_size=2, max_size=25))
def test_no_two_accounts_have_one_shape_and_whoever_is_refused_has_anothers(
    site: Site, wanted: list[tuple[str, str]]
) -> None:
    with transaction(site.db) as undo:
        names, emails = set[str](), set[str]()
        for name, local in wanted:
            email = f"{local}@example.org"
            shapes = username_shape(name), email_shape(email)
            try:
                user = accounts.insert_user(site, username=name, email=email, password_hash=None)
            except NameTaken:
                assert shapes[0] in names or shapes[1] in emails
            except (Invalid, NameReserved):
                continue
            else:
                assert (user.username_shape, user.email_shape) == shapes
                assert shapes[0] not in names
                assert shapes[1] not in emails
                names.add(shapes[0])
                emails.add(shapes[1])
        assert User.select().count() == len(names)
        undo.rollback()


@pytest.mark.parametrize(
    "typed, kept",
    [
        ("bob@MÜNCHEN.de", "bob@xn--mnchen-3ya.de"),
        ("bob@faß.de", "bob@xn--fa-hia.de"),
        ("bob@例え.jp", "bob@xn--r8jz45g.jp"),
        ("u\u0308@example.org", "ü@example.org"),
        ("Bob+x@Example.org", "Bob+x@Example.org"),
    ],
)
def test_a_domain_is_kept_as_it_stands_in_the_dns(site: Site, typed: str, kept: str) -> None:
    made = accounts.create_user(site, username="bob", email=typed, password=PASSWORD)
    assert made.email == kept
    for identifier in (typed, kept, kept.upper()):
        assert accounts.find_user(site, identifier).id == made.id
        assert accounts.authenticate(site, identifier=identifier, password=PASSWORD).id == made.id
    for same in (typed, kept):
        with pytest.raises(NameTaken):
            accounts.create_user(site, username="carol", email=same, password=PASSWORD)


def test_a_domain_is_no_other_one_for_its_sharp_s(site: Site) -> None:
    accounts.create_user(site, username="bob", email="bob@faß.de", password=PASSWORD)
    accounts.create_user(site, username="carol", email="bob@fass.de", password=PASSWORD)


@pytest.mark.parametrize("email", ["bob@\u2060.de", "bob@a\u200db.de", "bob@ü..de", f"bob@{'ü' * 64}.de", "bob@-ü.de"])
def test_a_domain_that_cannot_stand_in_the_dns_is_refused(site: Site, email: str) -> None:
    with pytest.raises(Invalid) as refusal:
        accounts.create_user(site, username="bob", email=email, password=PASSWORD)
    assert refusal.value.field == "email"


def test_an_invitation_to_a_domain_in_its_own_letters_is_for_whoever_has_the_address(site: Site) -> None:
    alice = accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)
    bob = accounts.create_user(site, username="bob", email="bob@münchen.de", password=PASSWORD)
    team = teams.create_team(site, alice.id, name="Friends")
    teams.invite(site, alice.id, team.team.id, whom="Bob@MÜNCHEN.de", role="viewer")
    assert [one.team_name for one in teams.invitations_of(site, bob.id)] == ["Friends"]
