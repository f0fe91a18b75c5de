"""Whoever comes by a provider and has no account here: who gets one, and what it is called."""

from __future__ import annotations

import pytest

from bulletdrop.core.models import Identity, User
from bulletdrop.core.people import invites
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid
from tests.core.sign_on.kit import change, come_back, kept, set_out, sign_in
from tests.support.oidc_provider import OidcProvider


def test_an_address_that_has_an_account_is_not_linked_by_itself(site: Site, provider: OidcProvider) -> None:
    provider.tell(mallory={"email": "Alice@Example.org"})
    before = kept()
    with pytest.raises(Conflict, match="Account › Linked logins"):
        sign_in(site, provider, "mallory")
    assert kept() == before


@pytest.mark.parametrize("said", [False, None, "false", "yes", 1, [], {"a": 1}])
def test_an_address_that_is_not_confirmed_makes_no_account(site: Site, provider: OidcProvider, said: object) -> None:
    provider.tell(mia={"email_verified": said}, mallory={"email": "alice@example.org", "email_verified": said})
    before = kept()
    for subject in ("mia", "mallory"):
        # The same words for both: they say nothing about who has an account here.
        with pytest.raises(Forbidden, match="has not confirmed your email address"):
            sign_in(site, provider, subject)
    assert kept() == before


@pytest.mark.parametrize("email", ["", "no address", "a@b@c", "a@x.org\nbcc: b@x.org", "x" * 300 + "@x.org", 7, None])
def test_an_address_that_is_none_makes_no_account(site: Site, provider: OidcProvider, email: object) -> None:
    provider.tell(mia={"email": email})
    before = kept()
    with pytest.raises((Forbidden, Invalid)):
        sign_in(site, provider, "mia")
    assert kept() == before


def test_where_registration_is_closed_nobody_gets_an_account(site: Site, provider: OidcProvider) -> None:
    change(site, registration="closed")
    before = kept()
    with pytest.raises(Forbidden, match="link it, or ask the admin"):
        sign_in(site, provider, "mia")
    assert kept() == before


@pytest.mark.parametrize(
    "there, here",
    [
        ("alice", "alice2"),
        ("admin", "admin2"),
        ("Zoë Ünal", "Zoe-Unal"),
        ("mia@hall.example", "mia"),
        ("../../etc", "etc"),
        ("日本", "mia"),
        ("x" * 90, "x" * 40),
        ("<script>", "script"),
        (["a"], "mia"),
        ("", "mia"),
    ],
)
def test_a_username_is_made_to_fit_and_free(site: Site, provider: OidcProvider, there: object, here: str) -> None:
    provider.tell(mia={"preferred_username": there})
    sign_in(site, provider, "mia")
    assert Identity.get().user.username == here


def test_what_somebody_is_called_there_is_cut_and_cleaned(site: Site, provider: OidcProvider) -> None:
    provider.tell(mia={"name": "Mia\n\x00\u202e" + "x" * 500})
    sign_in(site, provider, "mia")
    identity = Identity.get()
    assert identity.name.startswith("Mia")
    assert len(identity.name) <= 100
    assert identity.name.isprintable()


def join_by(site: Site, provider: OidcProvider, subject: str, code: str) -> object:
    begun = set_out(site, invite=code)
    return come_back(site, provider.sign_in(begun.url, subject), begun.browser)


def test_by_invite_an_account_is_made_with_its_plan_and_the_invite_is_used_up(
    site: Site, provider: OidcProvider
) -> None:
    change(site, registration="invite")
    invite = invites.create_invite(site, actor=None, plan="pro")
    before = kept()
    with pytest.raises(Forbidden, match="needs an invite"):
        sign_in(site, provider, "mia")
    with pytest.raises(Forbidden):
        join_by(site, provider, "mia", "no such code")
    assert kept() == before
    join_by(site, provider, "mia", invite.code)
    assert User.get(User.username == "mia").plan == "pro"
    with pytest.raises(Forbidden, match="used up"):
        join_by(site, provider, "nora", invite.code)
    # Whoever has an account needs no invite to come in.
    assert isinstance(sign_in(site, provider, "mia"), Tokens)


def test_an_invite_for_an_address_makes_an_account_for_no_other(site: Site, provider: OidcProvider) -> None:
    change(site, registration="invite")
    invite = invites.create_invite(site, actor=None, email="nora@example.org")
    before = kept()
    with pytest.raises(Forbidden, match="another email address"):
        join_by(site, provider, "mia", invite.code)
    assert kept() == before
    assert isinstance(join_by(site, provider, "nora", invite.code), Tokens)
