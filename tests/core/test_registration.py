"""Registration, confirmation, forgotten passwords, invites and changes of address, over both databases."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import bcrypt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import Mail, User
from bulletdrop.core.people import accounts, addresses, invites, keys, registration, sessions
from bulletdrop.core.shapes import email_shape, username_shape
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadTicket,
    Blocked,
    BulletDropError,
    Forbidden,
    Invalid,
    NameTaken,
    NotFound,
    NotSignedIn,
)
from tests.support.server import PASSWORD

OTHER = "another good battery"


def allow(site: Site, mode: str, **values: object) -> None:
    """Change settings for this site alone, as an admin would."""
    site.live.config = replace(site.live.config, registration=mode, **values)  # type: ignore[arg-type]


def register(site: Site, name: str = "alice", **wanted: str) -> registration.Registered:
    values = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, **wanted}
    return registration.register(site, **values)


def token_of(purpose: str, *, to: str | None = None) -> str:
    """What stands behind the # of the newest mail's link."""
    query = Mail.select().where(Mail.purpose == purpose)
    if to:
        query = query.where(Mail.recipient == to)
    return str(query.order_by(Mail.created_at.desc(), Mail.id).get().link).rpartition("=")[2]


def at_once(site: Site, count: int, work: Callable[[int], object]) -> tuple[int, set[type[BaseException]]]:
    """Do something many times at once. Returns: how often it worked, and what else came of it."""
    worked: list[object] = []
    refused: set[type[BaseException]] = set()
    barrier = threading.Barrier(count)

    def one(number: int) -> None:
        try:
            with using(site.db):
                barrier.wait(10)
                worked.append(work(number))
        except BaseException as error:
            refused.add(type(error))
        finally:
            site.db.close()

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return len(worked), refused


def test_a_closed_server_takes_nobody(site: Site) -> None:
    with pytest.raises(Forbidden, match="no registrations"):
        register(site)
    assert not User.select().exists()


def test_an_open_server_lets_somebody_in_once_they_have_confirmed_their_address(site: Site, clock: ManualClock) -> None:
    allow(site, "open")
    made = register(site)
    assert made.must_verify
    user = User.get(User.username == "alice")
    assert not user.is_verified
    token = token_of("verify")
    with pytest.raises(BadTicket):
        registration.verify_email(site, token[:-1] + ("a" if token[-1] != "a" else "b"))
    assert registration.verify_email(site, token).is_verified
    with pytest.raises(BadTicket):
        registration.verify_email(site, token)


def test_nobody_is_told_whether_an_address_is_known_not_even_by_trying_a_name_twice(site: Site) -> None:
    allow(site, "open")
    register(site)
    known, fresh = "ALICE@example.org", "new@example.org"
    for number, email in enumerate((known, fresh)):
        answer = register(site, f"probe{number}x", email=email)
        assert answer.must_verify
        # The name is taken in both cases.
        with pytest.raises(NameTaken) as refusal:
            register(site, f"probe{number}x", email=f"other{number}@example.org")
        assert refusal.value.field == "username"
    told = [(mail.purpose, mail.recipient) for mail in Mail.select().order_by(Mail.created_at, Mail.id)]
    assert ("already-registered", "alice@example.org") in told
    assert ("verify", fresh) in told


def test_accounts_that_nobody_confirmed_are_removed_after_three_days_and_their_names_are_free(
    site: Site, clock: ManualClock
) -> None:
    allow(site, "open")
    register(site)
    register(site, "bob")
    registration.verify_email(site, token_of("verify", to="bob@example.org"))
    clock.advance(days=3, seconds=1)
    assert registration.forget_unverified(site) == "1 removed"
    assert [user.username for user in User.select()] == ["bob"]
    register(site)


def test_a_confirmation_can_be_sent_again_and_whichever_is_opened_ends_the_others(
    site: Site, clock: ManualClock
) -> None:
    allow(site, "open")
    register(site)
    first = token_of("verify")
    for name in ("alice", "Alice@Example.org", "nobody"):
        clock.advance(minutes=1)
        registration.resend(site, name)
    registration.verify_email(site, first)
    with pytest.raises(BadTicket):
        registration.verify_email(site, token_of("verify"))
    before = Mail.select().count()
    registration.resend(site, "alice")
    assert Mail.select().count() == before


def test_an_invite_makes_as_many_accounts_as_it_says(site: Site) -> None:
    allow(site, "invite")
    invite = invites.create_invite(site, actor=None, uses=2, plan="free")
    with pytest.raises(Forbidden) as refusal:
        register(site)
    assert refusal.value.field == "invite"
    assert register(site, invite_code=invite.code).user is not None
    assert register(site, "bob", invite_code=f" {invite.code} ").user is not None
    assert {user.plan for user in User.select()} == {"free"}
    with pytest.raises(Forbidden):
        register(site, "charlie", invite_code=invite.code)


def test_an_invite_for_an_address_works_for_it_alone_and_confirms_it(site: Site) -> None:
    allow(site, "invite", smtp_host="mail.example.org")
    invite = invites.create_invite(site, actor=None, email="alice@example.org")
    assert token_of("invite", to="alice@example.org") == invite.code
    with pytest.raises(Forbidden) as refusal:
        register(site, "bob", invite_code=invite.code)
    assert refusal.value.field == "email"
    made = register(site, email="Alice@example.org", invite_code=invite.code)
    assert not made.must_verify


@pytest.mark.parametrize("spoil", ["revoke", "expire"])
def test_a_revoked_or_old_invite_makes_no_account(site: Site, clock: ManualClock, spoil: str) -> None:
    allow(site, "invite")
    invite = invites.create_invite(site, actor=None, expires_at=clock.now() + timedelta(hours=1))
    if spoil == "revoke":
        invites.revoke_invite(site, invite.id, actor=None)
        with pytest.raises(NotFound):
            invites.revoke_invite(site, invite.id, actor=None)
    else:
        clock.advance(hours=1)
    with pytest.raises(Forbidden):
        register(site, invite_code=invite.code)
    assert not User.select().exists()


def test_a_refused_registration_leaves_the_invite_as_it_was(site: Site) -> None:
    allow(site, "invite")
    invite = invites.create_invite(site, actor=None)
    for wrong in ({"username": "admin"}, {"username": "a b"}, {"email": "nothing"}, {"password": "12345678"}):
        with pytest.raises(BulletDropError):
            register(site, **{**wrong, "invite_code": invite.code})
    assert invites.list_invites(site)[0].uses_left == 1
    register(site, invite_code=invite.code)


def test_of_thirty_who_come_at_once_with_an_invite_for_one_one_gets_an_account(site: Site) -> None:
    allow(site, "invite")
    invite = invites.create_invite(site, actor=None)
    worked, refused = at_once(site, 30, lambda number: register(site, f"person{number}", invite_code=invite.code))
    assert worked == 1
    assert refused == {Forbidden}
    assert User.select().count() == 1
    assert invites.list_invites(site)[0].uses == 1


def test_of_twenty_who_want_one_name_at_once_one_gets_it(site: Site) -> None:
    allow(site, "open")
    worked, refused = at_once(site, 20, lambda number: register(site, "alice", email=f"a{number}@example.org"))
    assert worked == 1
    assert refused == {NameTaken}


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)


def test_a_forgotten_password_is_set_anew_once_and_everything_before_it_ends(
    site: Site, clock: ManualClock, alice: User
) -> None:
    tokens = sessions.open_session(site, alice, user_agent="", address="")
    _, key = keys.create_key(site, alice, name="k", scopes=["uploads:read"])
    for name in ("nobody", "alice@example.org"):
        registration.forgot(site, name)
    token = token_of("reset")
    with pytest.raises(Invalid):
        registration.reset(site, token, "short")
    registration.reset(site, token, OTHER)
    for stale in (
        lambda: sessions.check_access(site, tokens.access_token),
        lambda: keys.check_key(site, key),
        lambda: registration.reset(site, token, PASSWORD),
        lambda: accounts.authenticate(site, identifier="alice", password=PASSWORD),
    ):
        with pytest.raises(NotSignedIn):
            stale()
    assert accounts.authenticate(site, identifier="alice", password=OTHER).id == alice.id


def test_a_reset_works_for_an_hour_and_ends_the_others(site: Site, clock: ManualClock, alice: User) -> None:
    registration.forgot(site, "alice")
    first = token_of("reset")
    registration.forgot(site, "alice")
    second = token_of("reset")
    registration.reset(site, first, OTHER)
    with pytest.raises(BadTicket):
        registration.reset(site, second, OTHER)
    registration.forgot(site, "alice")
    clock.advance(hours=1)
    with pytest.raises(BadTicket):
        registration.reset(site, token_of("reset"), OTHER)


def test_a_blocked_account_is_not_opened_by_a_reset(site: Site, alice: User) -> None:
    registration.forgot(site, "alice")
    token = token_of("reset")
    User.update(is_active=False).where(User.id == alice.id).execute()
    with pytest.raises(Blocked):
        registration.reset(site, token, OTHER)
    before = Mail.select().count()
    registration.forgot(site, "alice")
    assert Mail.select().count() == before


def test_a_new_address_counts_once_it_is_confirmed_and_the_old_one_can_stop_it(site: Site, alice: User) -> None:
    addresses.request_change(site, alice.id, "new@example.org")
    assert User.get_by_id(alice.id).email == "alice@example.org"
    assert addresses.confirm_change(site, token_of("email-change", to="new@example.org")).email == "new@example.org"
    tokens = sessions.open_session(site, User.get_by_id(alice.id), user_agent="", address="")
    undone = addresses.undo_change(site, token_of("email-changed", to="alice@example.org"))
    assert undone.email == "alice@example.org"
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, tokens.access_token)
    registration.reset(site, token_of("email-restored"), OTHER)


def test_a_change_that_is_stopped_before_it_is_confirmed_cannot_be_confirmed(site: Site, alice: User) -> None:
    addresses.request_change(site, alice.id, "new@example.org")
    confirm = token_of("email-change")
    addresses.undo_change(site, token_of("email-changed"))
    with pytest.raises(BadTicket):
        addresses.confirm_change(site, confirm)
    assert User.get_by_id(alice.id).email == "alice@example.org"


def test_an_address_that_somebody_took_meanwhile_is_refused_and_the_ticket_stays_unspent(
    site: Site, alice: User
) -> None:
    addresses.request_change(site, alice.id, "bob@example.org")
    accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    with pytest.raises(NameTaken):
        addresses.confirm_change(site, token_of("email-change"))
    assert User.get_by_id(alice.id).email == "alice@example.org"


@pytest.mark.parametrize("prefix", [b"2a", b"2b", b"2y"])
def test_a_bcrypt_hash_of_an_import_is_taken_once_and_then_replaced(site: Site, alice: User, prefix: bytes) -> None:
    made = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).replace(b"$2b$", b"$" + prefix + b"$")
    User.update(password_hash=made.decode()).where(User.id == alice.id).execute()
    with pytest.raises(NotSignedIn):
        accounts.authenticate(site, identifier="alice", password="wrong")
    assert accounts.authenticate(site, identifier="alice", password=PASSWORD).id == alice.id
    stored = User.get_by_id(alice.id).password_hash
    assert stored is not None
    assert stored.startswith("$argon2id$")
    assert accounts.authenticate(site, identifier="alice", password=PASSWORD).id == alice.id


@pytest.mark.parametrize("stored", ["$2b$", "$2b$99$nonsense", "$2b$04$" + "!" * 53, "plain"])
def test_a_damaged_hash_fits_no_password(site: Site, alice: User, stored: str) -> None:
    User.update(password_hash=stored).where(User.id == alice.id).execute()
    for password in ("", PASSWORD, "x" * 5000, "nul\0"):
        with pytest.raises(NotSignedIn):
            accounts.authenticate(site, identifier="alice", password=password)


@pytest.mark.parametrize(
    "one, other",
    [("alice", "ALICE"), ("alice", "al1ce"), ("alice", "ali.ce"), ("bob", "b0b"), ("corner", "comer"), ("wow", "vvow")],
)
def test_names_that_look_alike_are_one_name(site: Site, one: str, other: str) -> None:
    accounts.create_user(site, username=one, email="a@example.org", password=PASSWORD)
    with pytest.raises(NameTaken) as refusal:
        accounts.create_user(site, username=other, email="b@example.org", password=PASSWORD)
    assert refusal.value.field == "username"


def test_addresses_that_look_alike_are_one_address_but_digits_are_no_letters(site: Site) -> None:
    accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)
    with pytest.raises(NameTaken):
        # The first letter is Cyrillic.
        accounts.create_user(site, username="carol", email="аlice@example.org", password=PASSWORD)
    accounts.create_user(site, username="dave", email="al1ce@example.org", password=PASSWORD)


@settings(deadline=None)
@given(st.text(max_size=60))
def test_a_shape_is_its_own_shape_and_case_does_not_matter(name: str) -> None:
    assert email_shape(email_shape(name)) == email_shape(name)
    assert username_shape(name.upper()) == username_shape(name.upper().lower()) or not name.isascii()
    assert len(username_shape(name)) <= 900
