"""Passkeys: made, used as the only factor and as the second, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.config import load_config
from bulletdrop.core.models import Audit, Identity, Passkey, Session, Ticket, User
from bulletdrop.core.people import accounts, passkeys, proof, recovery, signing_in
from bulletdrop.core.people.passkeys import PROVE, SECOND, SIGN_IN
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Rejected, Unavailable
from tests.core.sign_in_kit import ADDRESS, AGENT, PASSWORD, at_once
from tests.support.authenticator import PRESENT, VERIFIED, Authenticator, text

ORIGIN = "https://drop.example.org"


@pytest.fixture
def home(site: Site) -> Site:
    """The site under an address with https."""
    site.live.config = replace(site.config, public_url=ORIGIN)
    return site


@pytest.fixture
def alice(home: Site) -> User:
    return accounts.create_user(home, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


@pytest.fixture
def key(home: Site, alice: User) -> Authenticator:
    """Alice's security key, registered."""
    return registered(home, alice)


def registered(site: Site, user: User, name: str = "key") -> Authenticator:
    made = Authenticator(ORIGIN, "drop.example.org")
    passkeys.register(site, user, made.make(passkeys.registration_options(site, user)), name=name)
    return made


def use(site: Site, key: Authenticator, **changes: Any) -> Passkey:
    return passkeys.use(site, key.use(passkeys.options(site, SIGN_IN), **changes), SIGN_IN)


def enter(site: Site, row: Passkey) -> Tokens | Half:
    return signing_in.enter(site, row.user, method="passkey", user_agent=AGENT, address=ADDRESS)


def refusals() -> list[str]:
    """Why passkeys were refused, as the security events say."""
    noted = Audit.select().where((Audit.action == "passkey.refused") & (Audit.category == "security"))
    return [row.detail for row in noted.order_by(Audit.at, Audit.id)]


def test_a_passkey_is_both_factors_in_one(home: Site, alice: User, key: Authenticator) -> None:
    entered = enter(home, use(home, key))
    assert isinstance(entered, Tokens)
    assert Session.get_by_id(entered.session_id).method == "passkey"
    row = Passkey.get()
    assert (row.sign_count, row.transports, row.name) == (1, ["usb"], "key")
    assert row.last_used_at is not None


def test_the_first_passkey_brings_recovery_codes_and_the_second_step(home: Site, alice: User) -> None:
    key = Authenticator(ORIGIN, "drop.example.org")
    _, codes = passkeys.register(home, alice, key.make(passkeys.registration_options(home, alice)))
    assert len(codes) == 10
    other = Authenticator(ORIGIN, "drop.example.org")
    _, none = passkeys.register(home, alice, other.make(passkeys.registration_options(home, alice)))
    assert none == []
    half = signing_in.enter(home, alice, method="password", user_agent=AGENT, address=ADDRESS)
    assert isinstance(half, Half)
    assert half.methods == ("passkey", "recovery")
    row = passkeys.use(home, key.use(passkeys.options(home, SECOND, alice)), SECOND, alice)
    tokens = signing_in.finish_with_passkey(home, half.ticket, row, user_agent=AGENT, address=ADDRESS)
    assert Session.get_by_id(tokens.session_id).method == "password+passkey"
    with pytest.raises(BadTicket):
        signing_in.finish_with_passkey(home, half.ticket, row, user_agent=AGENT, address=ADDRESS)


def test_the_options_ask_for_verified_people_and_name_what_is_there(home: Site, alice: User) -> None:
    asked = passkeys.registration_options(home, alice)
    assert asked["rp"] == {"id": "drop.example.org", "name": "BulletDrop"}
    assert asked["attestation"] == "none"
    assert asked["authenticatorSelection"]["userVerification"] == "required"
    assert asked["authenticatorSelection"]["residentKey"] == "preferred"
    key = registered(home, alice)
    (there,) = passkeys.registration_options(home, alice)["excludeCredentials"]
    assert there["id"] == text(key.credential_id)
    # Whoever signs in without a name is told of nobody's passkeys.
    assert passkeys.options(home, SIGN_IN)["allowCredentials"] == []
    assert [one["id"] for one in passkeys.options(home, SECOND, alice)["allowCredentials"]] == [there["id"]]


def test_of_thirty_who_come_with_one_answer_one_gets_in(home: Site, alice: User, key: Authenticator) -> None:
    answer = key.use(passkeys.options(home, SIGN_IN))
    outcomes = at_once(home, 30, lambda _: passkeys.use(home, answer, SIGN_IN))
    assert [isinstance(each, Passkey) for each in outcomes].count(True) == 1
    assert all(isinstance(each, Passkey | NotSignedIn) for each in outcomes)


def test_an_authenticator_that_does_not_count_is_fine_but_an_answer_still_works_once(
    home: Site, alice: User, key: Authenticator
) -> None:
    for _ in range(3):
        key.count = -1
        answer = key.use(passkeys.options(home, SIGN_IN))
        passkeys.use(home, answer, SIGN_IN)
        with pytest.raises(BadTicket):
            passkeys.use(home, answer, SIGN_IN)


@pytest.mark.parametrize("count", [0, 3, 4])
def test_a_copied_authenticator_is_refused_and_noted(home: Site, alice: User, key: Authenticator, count: int) -> None:
    for _ in range(5):
        use(home, key)
    key.count = count
    with pytest.raises(NotSignedIn):
        use(home, key)
    assert refusals() == ["its counter went back: it was copied"]
    assert Passkey.get().sign_count == 5
    # The right one goes on.
    key.count = 5
    use(home, key)


BROKEN: dict[str, Callable[[Authenticator], object]] = {
    "another origin": lambda key: setattr(key, "origin", "https://evil.example"),
    "another port": lambda key: setattr(key, "origin", ORIGIN + ":8443"),
    "plain http": lambda key: setattr(key, "origin", "http://drop.example.org"),
    "another site's credential": lambda key: setattr(key, "rp_id", "evil.example"),
    "nobody present": lambda key: setattr(key, "flags", VERIFIED),
    "somebody unverified": lambda key: setattr(key, "flags", PRESENT),
    "another key": lambda key: setattr(key, "key", Authenticator("", "").key),
    "another account's handle": lambda key: setattr(key, "handle", text(b"x" * 22)),
    "an unknown credential": lambda key: setattr(key, "credential_id", b"y" * 32),
}


@pytest.mark.parametrize("wrong", BROKEN)
def test_what_is_wrong_with_an_answer_is_refused_and_noted(
    home: Site, alice: User, key: Authenticator, wrong: str
) -> None:
    BROKEN[wrong](key)
    with pytest.raises(NotSignedIn, match="not accepted"):
        use(home, key)
    assert len(refusals()) == 1
    assert Passkey.get().last_used_at is None


def test_a_passkey_made_elsewhere_is_not_kept(home: Site, alice: User) -> None:
    for wrong in ("another origin", "another port", "plain http", "another site's credential", "somebody unverified"):
        key = Authenticator(ORIGIN, "drop.example.org")
        BROKEN[wrong](key)
        with pytest.raises(Invalid):
            passkeys.register(home, alice, key.make(passkeys.registration_options(home, alice)))
    assert Passkey.select().count() == 0


def test_a_challenge_is_good_for_one_purpose_one_person_and_ten_minutes(
    home: Site, alice: User, key: Authenticator, clock: ManualClock
) -> None:
    bob = accounts.create_user(home, username="bob", email="bob@example.org", password=PASSWORD)
    for_bob = passkeys.options(home, SECOND, bob)
    for_alice = passkeys.options(home, SECOND, alice)
    to_prove = passkeys.options(home, PROVE, alice)
    for options, purpose, user in (
        (for_bob, SECOND, alice),
        (for_alice, SIGN_IN, None),
        (to_prove, SECOND, alice),
        (passkeys.registration_options(home, alice), SIGN_IN, None),
        ({"challenge": text(b"0" * 48)}, SIGN_IN, None),
        ({"challenge": ""}, SIGN_IN, None),
    ):
        with pytest.raises(BadTicket):
            passkeys.use(home, key.use(options), purpose, user)
    late = passkeys.options(home, SIGN_IN)
    clock.advance(minutes=10)
    with pytest.raises(BadTicket):
        passkeys.use(home, key.use(late), SIGN_IN)


def test_asking_for_challenges_leaves_no_trace(home: Site, alice: User) -> None:
    for _ in range(20):
        passkeys.options(home, SIGN_IN)
    assert Ticket.select().count() == 0


def test_another_persons_passkey_finishes_no_half_sign_in(home: Site, alice: User, key: Authenticator) -> None:
    bob = accounts.create_user(home, username="bob", email="bob@example.org", password=PASSWORD)
    his = registered(home, bob)
    answer = his.use(passkeys.options(home, SECOND, alice))
    with pytest.raises(NotSignedIn):
        passkeys.use(home, answer, SECOND, alice)
    half = signing_in.enter(home, alice, method="password", user_agent=AGENT, address=ADDRESS)
    assert isinstance(half, Half)
    row = use(home, his)
    with pytest.raises(NotSignedIn):
        signing_in.finish_with_passkey(home, half.ticket, row, user_agent=AGENT, address=ADDRESS)


GARBAGE: list[dict[str, Any]] = [
    {},
    {"id": "x"},
    {"response": None},
    {"response": {"clientDataJSON": 5}},
    {"response": {"clientDataJSON": "!!"}},
    {"response": {"clientDataJSON": text(b"[]")}},
    {"response": {"clientDataJSON": text(b"[" * 100_000)}},
    {"response": {"clientDataJSON": text(b'{"challenge": 7}')}},
    {"response": {"clientDataJSON": text(b'{"challenge": "\xc3\xa4"}')}},
]


def test_what_is_no_answer_is_refused_calmly(home: Site, alice: User, key: Authenticator) -> None:
    for sent in GARBAGE:
        with pytest.raises(Rejected):
            passkeys.use(home, sent, SIGN_IN)
        with pytest.raises(Rejected):
            passkeys.register(home, alice, sent)


@pytest.mark.parametrize("part", ["authenticatorData", "signature", "clientDataJSON", "userHandle"])
def test_a_broken_part_of_an_answer_is_refused_calmly(home: Site, alice: User, key: Authenticator, part: str) -> None:
    values: list[Any] = ["!", text(bytes(300)), 5, text(b"\xa1" * 37), ["x"], {}]
    # The handle may be left out.
    values += [] if part == "userHandle" else ["", "AA", None]
    for value in values:
        with pytest.raises(Rejected):
            use(home, key, **{part: value})
    use(home, key)


def test_a_passkey_is_registered_once(home: Site, alice: User, key: Authenticator) -> None:
    bob = accounts.create_user(home, username="bob", email="bob@example.org", password=PASSWORD)
    with pytest.raises(Conflict):
        passkeys.register(home, bob, key.make(passkeys.registration_options(home, bob)))
    assert recovery.left(home, bob.id) == 0


def test_somebody_names_and_removes_their_own_passkeys_alone(home: Site, alice: User, key: Authenticator) -> None:
    bob = accounts.create_user(home, username="bob", email="bob@example.org", password=PASSWORD)
    (row,) = passkeys.list_passkeys(home, alice.id)
    assert passkeys.rename(home, alice.id, row.id, "  my phone ").name == "my phone"
    with pytest.raises(Invalid):
        passkeys.rename(home, alice.id, row.id, " ")
    for act in (
        lambda: passkeys.rename(home, bob.id, row.id, "x"),
        lambda: passkeys.remove(home, bob, row.id),
    ):
        with pytest.raises(NotFound):
            act()
    passkeys.remove(home, alice, row.id)
    assert passkeys.list_passkeys(home, alice.id) == []
    # Nothing is left for which recovery codes would stand in.
    assert recovery.left(home, alice.id) == 0
    assert isinstance(signing_in.enter(home, alice, method="password", user_agent=AGENT, address=ADDRESS), Tokens)


def test_the_last_way_in_stays(home: Site, alice: User, key: Authenticator) -> None:
    User.update(password_hash=None).execute()
    (row,) = passkeys.list_passkeys(home, alice.id)
    with pytest.raises(Conflict, match="last way"):
        passkeys.remove(home, alice, row.id)
    Identity.create(user=alice, provider="oidc", issuer="i", subject="s", created_at=home.clock.now())
    passkeys.remove(home, alice, row.id)


def test_of_two_passkeys_that_leave_at_once_one_stays(home: Site, alice: User, key: Authenticator) -> None:
    registered(home, alice, "other")
    User.update(password_hash=None).execute()
    ids = [row.id for row in passkeys.list_passkeys(home, alice.id)]
    outcomes = at_once(home, 2, lambda number: passkeys.remove(home, alice, ids[number]))
    assert sorted(type(each).__name__ for each in outcomes) == ["Conflict", "NoneType"]
    assert len(passkeys.list_passkeys(home, alice.id)) == 1


def test_without_a_password_a_passkey_proves_who_is_there_once(home: Site, alice: User, key: Authenticator) -> None:
    User.update(password_hash=None).execute()
    alice = User.get_by_id(alice.id)
    code = passkeys.prove(home, alice, key.use(passkeys.options(home, PROVE, alice)))
    bob = accounts.create_user(home, username="bob", email="bob@example.org", password=PASSWORD)
    User.update(password_hash=None).where(User.id == bob.id).execute()
    proof.check_proof(home, alice, password=None, code=code)
    with pytest.raises(Forbidden):
        proof.check_proof(home, alice, password=None, code=code)
    other = passkeys.prove(home, alice, key.use(passkeys.options(home, PROVE, alice)))
    with pytest.raises(Forbidden):
        proof.check_proof(home, User.get_by_id(bob.id), password=None, code=other)
    with pytest.raises(Rejected):
        passkeys.prove(home, alice, {})
    with pytest.raises(Forbidden):
        passkeys.prove(home, alice, key.use(passkeys.options(home, SIGN_IN)))


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://drop.example.org", ("drop.example.org", "https://drop.example.org")),
        ("https://drop.example.org:8443", ("drop.example.org", "https://drop.example.org:8443")),
        ("http://localhost:8080", ("localhost", "http://localhost:8080")),
        ("http://drop.example.org", None),
        ("http://192.0.2.7:8080", None),
        ("https://192.0.2.7", None),
        ("https://[2001:db8::1]", None),
        ("", None),
    ],
)
def test_passkeys_are_offered_where_browsers_allow_them(url: str, place: tuple[str, str] | None) -> None:
    config = load_config({"data": "/nonexistent", "host": "127.0.0.1", "public_url": url}, environ={})
    found = passkeys.place(config)
    assert (None if found is None else (found.rp_id, found.origin)) == place


def test_where_there_are_no_passkeys_they_are_refused_in_words(site: Site) -> None:
    with pytest.raises(Unavailable, match="public_url"):
        passkeys.options(site, SIGN_IN)
