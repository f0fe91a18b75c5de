"""Linked logins: a signed-in owner links and unlinks them, and never locks themselves out."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from bulletdrop.core.database import using
from bulletdrop.core.models import Audit, Identity, Mail, Passkey, User
from bulletdrop.core.people import accounts, identities
from bulletdrop.core.people.oauth import Who
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, BulletDropError, Conflict, NotFound
from tests.core.sign_on.kit import PASSWORD, change, come_back, kept, link, set_out, sign_in
from tests.support.oidc_provider import OidcProvider


@pytest.fixture
def alice(site: Site) -> User:
    found: User = User.get(User.username == "alice")
    return found


@pytest.fixture
def mia(site: Site, provider: OidcProvider) -> User:
    """She came by the provider and has no password."""
    sign_in(site, provider, "mia")
    found: User = User.get(User.username == "mia")
    return found


def elsewhere(name: str, subject: str) -> Who:
    """A login at another provider."""
    return Who(name, f"https://{name}.example", subject, "", False, "", "")


def test_a_linked_login_signs_its_owner_in(site: Site, provider: OidcProvider, alice: User) -> None:
    # Whatever address it has there, confirmed or not.
    provider.tell(work={"email": "a@work.example", "email_verified": False})
    link(site, provider, "work", alice)
    entered = sign_in(site, provider, "work")
    assert isinstance(entered, Tokens)
    assert entered.user.id == alice.id
    assert [row.email for row in identities.list_identities(site, alice.id)] == ["a@work.example"]


def test_linking_the_same_login_twice_changes_nothing(site: Site, provider: OidcProvider, alice: User) -> None:
    assert link(site, provider, "work", alice).id == link(site, provider, "work", alice).id
    assert Identity.select().count() == 1


def test_somebody_elses_login_cannot_be_linked(site: Site, provider: OidcProvider, alice: User, mia: User) -> None:
    before = kept()
    with pytest.raises(Conflict, match="belongs to another account"):
        link(site, provider, "mia", alice)
    assert kept() == before
    assert Identity.get().user_id == mia.id


def test_one_login_of_each_provider_can_be_linked(site: Site, provider: OidcProvider, alice: User) -> None:
    link(site, provider, "work", alice)
    with pytest.raises(Conflict, match="Unlink it first"):
        link(site, provider, "home", alice)
    assert [row.subject for row in identities.list_identities(site, alice.id)] == ["work"]


@pytest.mark.parametrize("who", ["nobody", "bob"])
def test_a_link_counts_only_for_who_began_it(site: Site, provider: OidcProvider, alice: User, who: str) -> None:
    """Else mallory could have alice's browser link mallory's login, and walk in by it."""
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    begun = set_out(site, user=alice)
    answer = provider.sign_in(begun.url, "mallory")
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser, caller_id=bob.id if who == "bob" else None)
    assert not Identity.select().exists()


def test_a_new_password_makes_a_link_that_was_begun_worthless(site: Site, provider: OidcProvider, alice: User) -> None:
    from bulletdrop.core.people import tickets

    begun = set_out(site, user=alice)
    answer = provider.sign_in(begun.url, "work")
    tickets.drop_tickets(site, alice.id)
    with pytest.raises(BadTicket):
        come_back(site, answer, begun.browser, caller_id=alice.id)
    assert not Identity.select().exists()


def test_the_last_way_in_cannot_be_unlinked(site: Site, mia: User) -> None:
    (only,) = identities.list_identities(site, mia.id)
    with pytest.raises(Conflict, match="last way"):
        identities.unlink(site, mia.id, only.id)
    assert Identity.get().id == only.id


@pytest.mark.parametrize("other", ["password", "passkey", "identity"])
def test_with_another_way_in_it_can(site: Site, mia: User, other: str) -> None:
    (only,) = identities.list_identities(site, mia.id)
    if other == "password":
        accounts.set_password(site, "mia", PASSWORD)
    elif other == "passkey":
        now = site.clock.now()
        Passkey.create(user=mia, credential_id="c", public_key="k", name="n", created_at=now)
    else:
        identities.link(site, mia.id, elsewhere("google", "1"))
    identities.unlink(site, mia.id, only.id)
    assert only.id not in [row.id for row in identities.list_identities(site, mia.id)]


def test_nobody_unlinks_another_ones_login(site: Site, alice: User, mia: User) -> None:
    (hers,) = identities.list_identities(site, mia.id)
    with pytest.raises(NotFound):
        identities.unlink(site, alice.id, hers.id)
    for nonsense in ("", "nobody", "x" * 1000):
        with pytest.raises(NotFound):
            identities.unlink(site, mia.id, nonsense)


def test_of_several_logins_unlinked_at_once_one_stays(site: Site, mia: User) -> None:
    for name in ("google", "github", "discord"):
        identities.link(site, mia.id, elsewhere(name, "1"))
    rows = identities.list_identities(site, mia.id)
    line = threading.Barrier(len(rows))

    def take_away(row: Identity) -> str:
        with using(site.db):
            line.wait(30)
            try:
                identities.unlink(site, mia.id, row.id)
                return "gone"
            except BulletDropError as error:
                return error.code
            finally:
                site.db.close()

    with ThreadPoolExecutor(len(rows)) as threads:
        ends = sorted(threads.map(take_away, rows))
    assert ends == ["conflict", "gone", "gone", "gone"]
    assert Identity.select().where(Identity.user == mia).count() == 1


def test_of_two_who_come_first_with_one_login_both_get_its_one_account(site: Site, provider: OidcProvider) -> None:
    came = [set_out(site) for _ in range(2)]
    answers = [provider.sign_in(begun.url, "mia") for begun in came]
    line = threading.Barrier(2)

    def enter(number: int) -> str:
        with using(site.db):
            line.wait(30)
            try:
                entered = come_back(site, answers[number], came[number].browser)
            finally:
                site.db.close()
        assert isinstance(entered, Tokens)
        return entered.user.id

    with ThreadPoolExecutor(2) as threads:
        ids = list(threads.map(enter, range(2)))
    assert ids[0] == ids[1]
    assert User.select().count() == 2


def test_the_owner_is_told_of_every_change(site: Site, provider: OidcProvider, alice: User) -> None:
    change(site, smtp_host="192.0.2.1")
    identity = link(site, provider, "work", alice)
    identities.unlink(site, alice.id, identity.id)
    said = [row.text for row in Mail.select().where(Mail.purpose == "security-changed").order_by(Mail.created_at)]
    assert "a login at Hall was linked" in said[0]
    assert "a login at Hall is no longer linked" in said[1]
    events = [row.action for row in Audit.select().where(Audit.category == "security").order_by(Audit.id)]
    assert sorted(events) == ["identity.link", "identity.unlink"]
