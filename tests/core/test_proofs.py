"""Proofs before sensitive acts, one's own sessions and password, and the mails that tell of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pyotp
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Audit, Mail, Passkey, User
from bulletdrop.core.people import accounts, keys, proof, second_factor, sessions, tickets, totp
from bulletdrop.core.people.password_change import change_password
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
)
from tests.core.sign_in_kit import ADDRESS, AGENT, PASSWORD, code_of, enter, finish, half_of, with_app


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


@pytest.fixture
def app(site: Site, alice: User, clock: ManualClock) -> pyotp.TOTP:
    """Alice's authenticator app, set up and confirmed a minute ago."""
    return with_app(site, alice, clock)


def test_a_proof_is_the_password(site: Site, alice: User) -> None:
    proof.check_proof(site, alice, password=PASSWORD, code=None)
    for password in (None, "", "wrong one"):
        with pytest.raises(Forbidden) as refused:
            proof.check_proof(site, alice, password=password, code=None)
        assert refused.value.field == "password"
    assert Audit.select().where(Audit.action == "proof.refused").count() == 1


def test_without_a_password_a_proof_is_a_code_used_once(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    User.update(password_hash=None).execute()
    alice = User.get_by_id(alice.id)
    code = code_of(app, clock)
    proof.check_proof(site, alice, password=None, code=code)
    for again in (code, "000000", None):
        with pytest.raises(Forbidden) as refused:
            proof.check_proof(site, alice, password=PASSWORD, code=again)
        assert refused.value.field == "code"


def test_what_is_asked_for_is_what_counts(site: Site, alice: User, clock: ManualClock) -> None:
    def asked() -> str:
        return proof.proof_asked(site, User.get_by_id(alice.id))

    def refused_field() -> str | None:
        with pytest.raises(Forbidden) as refused:
            proof.check_proof(site, User.get_by_id(alice.id), password=None)
        return refused.value.field

    assert (asked(), refused_field()) == ("password", "password")
    User.update(password_hash=None).execute()
    assert asked() == ""
    with_app(site, alice, clock)
    assert (asked(), refused_field()) == ("code", "code")
    User.update(password_hash=alice.password_hash).execute()
    assert asked() == "password"
    totp.remove(site, alice.id)
    User.update(password_hash=None).execute()
    assert asked() == ""
    Passkey.create(id="one", user=alice, credential_id="c", public_key="p", name="key", created_at=clock.now())
    assert (asked(), refused_field()) == ("code", "code")


def test_without_any_of_these_a_proof_is_a_fresh_sign_in(site: Site, alice: User, clock: ManualClock) -> None:
    User.update(password_hash=None).execute()
    alice = User.get_by_id(alice.id)
    tokens = enter(site, alice, method="oidc")
    assert isinstance(tokens, Tokens)
    proof.check_proof(site, alice, password=None, session_id=tokens.session_id)
    clock.advance(minutes=11)
    for session_id in (tokens.session_id, None, "made up"):
        with pytest.raises(Forbidden):
            proof.check_proof(site, alice, password=None, session_id=session_id)


@pytest.fixture
def posting(site: Site) -> Iterator[Site]:
    """The site, with a mail server that is never reached."""
    before = site.live.config
    site.live.config = replace(before, smtp_host="127.0.0.1")
    yield site
    site.live.config = before


def test_a_sign_in_from_a_new_place_is_told_by_mail(posting: Site, alice: User) -> None:
    def told() -> int:
        return int(Mail.select().where(Mail.purpose == "new-sign-in").count())

    enter(posting, alice)
    assert told() == 0
    enter(posting, alice, user_agent=AGENT.replace("140.0", "141.0"))
    assert told() == 0
    enter(posting, alice, address="203.0.113.9")
    assert told() == 1
    enter(posting, alice, user_agent="curl/8.0")
    assert told() == 2
    enter(posting, alice, user_agent="curl/8.1")
    assert told() == 2


def test_changes_of_the_way_in_are_told_by_mail(posting: Site, alice: User, clock: ManualClock) -> None:
    app = pyotp.TOTP(totp.begin(posting, alice).secret)
    code, *_ = second_factor.turn_on(posting, alice.id, code_of(app, clock))
    finish(posting, half_of(posting, alice), code, "recovery")
    second_factor.turn_off(posting, alice, actor=alice.id)
    purposes = [mail.purpose for mail in Mail.select().order_by(Mail.created_at, Mail.id)]
    assert sorted(purposes) == ["recovery-code-used", "security-changed", "security-changed"]


def test_somebody_sees_and_ends_their_own_sessions_alone(site: Site, alice: User, clock: ManualClock) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    mine = [enter(site, alice) for _ in range(3)]
    his = enter(site, bob)
    assert all(isinstance(each, Tokens) for each in (*mine, his))
    ids = [each.session_id for each in mine if isinstance(each, Tokens)]
    assert {row.id for row in sessions.list_sessions(site, alice.id)} == set(ids)
    with pytest.raises(NotFound):
        sessions.revoke_session(site, bob.id, ids[0])
    sessions.revoke_session(site, alice.id, ids[0])
    assert {row.id for row in sessions.list_sessions(site, alice.id)} == set(ids[1:])
    assert sessions.revoke_all(site, alice.id, but=ids[1]) == 1
    assert [row.id for row in sessions.list_sessions(site, alice.id)] == [ids[1]]
    assert len(sessions.list_sessions(site, bob.id)) == 1
    clock.advance(days=400)
    assert sessions.list_sessions(site, alice.id) == []
    assert sessions.forget_sessions(site) == "4 removed"


def test_a_new_password_ends_everything_that_the_old_one_opened(site: Site, alice: User, clock: ManualClock) -> None:
    here, elsewhere = enter(site, alice), enter(site, alice)
    assert isinstance(here, Tokens)
    assert isinstance(elsewhere, Tokens)
    _, key = keys.create_key(site, alice, name="k", scopes=["uploads:read"])
    ticket = tickets.issue(site, "reset", user=alice, lives=second_factor.LIVES)
    with pytest.raises(Invalid) as refused:
        change_password(site, alice, "12345678", session_id=here.session_id)
    assert refused.value.field == "new_password"
    fresh = change_password(site, alice, "another good one 42", session_id=here.session_id)
    assert sessions.check_access(site, fresh.access_token).user_id == alice.id
    stale: list[Callable[[], object]] = [
        lambda: sessions.check_access(site, here.access_token),
        lambda: sessions.check_access(site, elsewhere.access_token),
        lambda: sessions.refresh(site, here.refresh_token or "", user_agent=AGENT, address=ADDRESS),
        lambda: sessions.refresh(site, elsewhere.refresh_token or "", user_agent=AGENT, address=ADDRESS),
        lambda: keys.check_key(site, key),
        lambda: tickets.look(site, "reset", ticket),
        lambda: accounts.authenticate(site, identifier="alice", password=PASSWORD),
    ]
    for each in stale:
        with pytest.raises(NotSignedIn):
            each()
    # The refused old refresh tokens have not ended the session that goes on.
    assert sessions.refresh(site, fresh.refresh_token or "", user_agent=AGENT, address=ADDRESS)
    with pytest.raises(Conflict):
        change_password(site, alice, "a third good one 43", session_id=fresh.session_id)


def test_devices_may_stay_at_a_change_of_the_password(site: Site, alice: User) -> None:
    here = enter(site, alice)
    assert isinstance(here, Tokens)
    _, key = keys.create_key(site, alice, name="k", scopes=["uploads:read"])
    change_password(site, alice, "another good one 42", session_id=here.session_id, revoke_keys=False)
    assert keys.check_key(site, key).user_id == alice.id
