"""The first people: set-up, passwords, sessions, keys, and what each refuses."""

from __future__ import annotations

import hashlib
import stat
from datetime import timedelta

import jwt
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Audit, User
from bulletdrop.core.people import accounts, devices, keys, sessions
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadCsrf,
    Conflict,
    ExpiredKey,
    Forbidden,
    Invalid,
    MissingScope,
    NameReserved,
    NameTaken,
    NotFound,
    NotSetUp,
    NotSignedIn,
    RevokedKey,
)

PASSWORD = "correct horse battery"


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


def enter(site: Site, user: User) -> sessions.Tokens:
    return sessions.open_session(site, user, user_agent="tests", address="127.0.0.1")


def test_the_set_up_code_makes_the_first_admin_once(site: Site) -> None:
    code = accounts.setup_code(site)
    path = site.config.data / "setup-code"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert accounts.setup_code(site) == code
    with pytest.raises(Forbidden):
        accounts.set_up(site, code="AAAA-AAAA-AAAA", username="eve", email="e@example.org", password=PASSWORD)
    admin = accounts.set_up(site, code=code.lower(), username="alice", email="a@example.org", password=PASSWORD)
    assert admin.is_admin
    assert not path.exists()
    with pytest.raises(Conflict):
        accounts.set_up(site, code=code, username="eve", email="e@example.org", password=PASSWORD)


def test_a_username_is_unique_without_regard_to_case_and_width(site: Site, alice: User) -> None:
    for name in ("Alice", "ALICE"):
        with pytest.raises(NameTaken):
            accounts.create_user(site, username=name, email="other@example.org", password=PASSWORD)
    with pytest.raises(NameTaken):
        accounts.create_user(site, username="bob", email="ALICE@example.org", password=PASSWORD)


@pytest.mark.parametrize("name", ["", "-a", "a b", "a/b", "../x", "x" * 51, "a\nb", "аlice"])
def test_a_username_that_does_not_belong_into_a_link_is_refused(site: Site, name: str) -> None:
    with pytest.raises(Invalid):
        accounts.create_user(site, username=name, email="x@example.org", password=PASSWORD)


def test_our_own_words_are_nobodys_name(site: Site) -> None:
    for name in ("api", "Admin", "setup", "static"):
        with pytest.raises(NameReserved):
            accounts.create_user(site, username=name, email="x@example.org", password=PASSWORD)


def test_somebody_signs_in_by_name_or_email_and_by_nothing_else(site: Site, alice: User) -> None:
    assert accounts.authenticate(site, identifier="ALICE", password=PASSWORD).id == alice.id
    assert accounts.authenticate(site, identifier="alice@example.org", password=PASSWORD).id == alice.id
    for name, password in (("alice", "wrong password"), ("nobody", PASSWORD), ("", "")):
        with pytest.raises(NotSignedIn, match="name or the password"):
            accounts.authenticate(site, identifier=name, password=password)


def test_a_short_password_is_refused(site: Site) -> None:
    with pytest.raises(Invalid, match="8 characters"):
        accounts.create_user(site, username="bob", email="b@example.org", password="1234567")


def test_an_access_token_lives_for_fifteen_minutes(site: Site, clock: ManualClock, alice: User) -> None:
    tokens = enter(site, alice)
    assert sessions.check_access(site, tokens.access_token).user_id == alice.id
    assert tokens.expires_in == 900
    clock.advance(minutes=15)
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, tokens.access_token)


def test_a_refresh_token_is_swapped_and_its_reuse_ends_the_session(site: Site, clock: ManualClock, alice: User) -> None:
    first = enter(site, alice)
    assert first.refresh_token
    second = sessions.refresh(site, first.refresh_token, user_agent="t", address="a")
    assert second.refresh_token
    assert second.refresh_token != first.refresh_token
    clock.advance(seconds=30)
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, first.refresh_token, user_agent="t", address="a")
    for stale in (
        lambda: sessions.refresh(site, second.refresh_token or "", user_agent="t", address="a"),
        lambda: sessions.check_access(site, second.access_token),
    ):
        with pytest.raises(NotSignedIn):
            stale()


def test_a_copied_token_ends_the_session_also_after_many_swaps(site: Site, alice: User) -> None:
    first = enter(site, alice)
    newest = first
    for _ in range(5):
        newest = sessions.refresh(site, newest.refresh_token or "", user_agent="t", address="a")
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, first.refresh_token or "", user_agent="t", address="203.0.113.9")
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, newest.refresh_token or "", user_agent="t", address="a")
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, newest.access_token)
    (noted,) = Audit.select().where(Audit.action == "session.reuse")
    assert (noted.subject, noted.address) == (first.session_id, "203.0.113.9")


@pytest.mark.parametrize("token", ["", ".", "unknown", "unknown.random", "\x00.x", "ü.x"])
def test_a_refresh_token_of_no_session_signs_nobody_in_and_ends_nothing(site: Site, alice: User, token: str) -> None:
    mine = enter(site, alice)
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, token, user_agent="t", address="a")
    assert sessions.check_access(site, mine.access_token).user_id == alice.id


def test_two_tabs_that_refresh_at_once_both_stay_signed_in(site: Site, alice: User) -> None:
    first = enter(site, alice)
    assert first.refresh_token
    sessions.refresh(site, first.refresh_token, user_agent="t", address="a")
    late = sessions.refresh(site, first.refresh_token, user_agent="t", address="a")
    assert late.refresh_token is None
    assert sessions.check_access(site, late.access_token).user_id == alice.id


@pytest.mark.parametrize("change", ["password", "block", "role", "sign out"])
def test_what_was_given_out_before_a_change_is_refused_after_it(site: Site, alice: User, change: str) -> None:
    accounts.create_user(site, username="carol", email="c@example.org", password=PASSWORD, is_admin=True)
    tokens = enter(site, alice)
    if change == "password":
        accounts.set_password(site, "alice", "another long password")
    elif change == "block":
        accounts.disable(site, "alice")
    elif change == "role":
        accounts.promote(site, "alice", is_admin=False)
    else:
        sessions.close_session(site, tokens.session_id)
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, tokens.access_token)
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, tokens.refresh_token or "", user_agent="t", address="a")


def test_a_forged_token_is_refused(site: Site, alice: User) -> None:
    good = enter(site, alice).access_token
    claims = jwt.decode(good, options={"verify_signature": False})
    forged = [
        jwt.encode(claims, "x" * 64, algorithm="HS256"),
        jwt.encode(claims, "", algorithm="none"),
        jwt.encode({**claims, "purpose": "reset"}, site.config.secret_key, algorithm="HS256"),
        jwt.encode({**claims, "aud": "other"}, site.config.secret_key, algorithm="HS256"),
        jwt.encode({**claims, "epoch": 99}, site.config.secret_key, algorithm="HS256"),
        jwt.encode({k: v for k, v in claims.items() if k != "sid"}, site.config.secret_key, algorithm="HS256"),
        good[:-2],
        "",
        "a.b.c",
    ]
    for token in forged:
        with pytest.raises(NotSignedIn):
            sessions.check_access(site, token)


def test_a_csrf_token_belongs_to_one_session(site: Site, alice: User) -> None:
    one, other = enter(site, alice), enter(site, alice)
    sessions.check_csrf(site, one.session_id, sessions.csrf_token(site, one.session_id))
    with pytest.raises(BadCsrf):
        sessions.check_csrf(site, one.session_id, sessions.csrf_token(site, other.session_id))
    with pytest.raises(BadCsrf):
        sessions.check_csrf(site, one.session_id, "ü")


def test_a_key_is_kept_as_a_hash_and_does_what_its_scopes_say(site: Site, alice: User) -> None:
    row, plain = keys.create_key(site, alice, name="laptop", scopes=["uploads:write"])
    assert plain.startswith("bd_")
    assert plain not in str(row.__data__)
    caller = keys.check_key(site, plain)
    caller.needs("uploads:write")
    with pytest.raises(MissingScope, match="uploads:delete"):
        caller.needs("uploads:delete")
    with pytest.raises(MissingScope):
        caller.needs("admin")


def test_a_key_expires_and_is_revoked_by_its_owner_alone(site: Site, clock: ManualClock, alice: User) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    soon = clock.now() + timedelta(hours=1)
    expiring, expiring_plain = keys.create_key(site, alice, name="a", scopes=["uploads:read"], expires_at=soon)
    other, other_plain = keys.create_key(site, alice, name="b", scopes=["uploads:read"])
    clock.advance(hours=1)
    with pytest.raises(ExpiredKey):
        keys.check_key(site, expiring_plain)
    with pytest.raises(NotFound):
        keys.revoke_key(site, bob.id, other.id)
    keys.revoke_key(site, alice.id, other.id)
    with pytest.raises(RevokedKey):
        keys.check_key(site, other_plain)
    with pytest.raises(NotSignedIn):
        keys.check_key(site, "bd_unknown")
    assert [key.id for key in keys.list_keys(site, alice.id)] == [expiring.id]


def test_a_key_needs_a_name_and_scopes_that_exist_and_admin_needs_an_admin(site: Site) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    for name, scopes in (("", ["uploads:read"]), ("a", []), ("a", ["everything"])):
        with pytest.raises(Invalid):
            keys.create_key(site, bob, name=name, scopes=scopes)
    with pytest.raises(Forbidden):
        keys.create_key(site, bob, name="a", scopes=["admin"])


def test_a_blocked_persons_keys_stop_at_once(site: Site, alice: User) -> None:
    accounts.create_user(site, username="carol", email="c@example.org", password=PASSWORD, is_admin=True)
    _, plain = keys.create_key(site, alice, name="a", scopes=["uploads:read"])
    accounts.disable(site, "alice")
    with pytest.raises(Forbidden):
        keys.check_key(site, plain)


def test_a_tray_on_this_machine_pairs_once_with_the_secret_of_the_data_folder(site: Site) -> None:
    devices.announce(site, url="http://127.0.0.1:1", pid=1, instance="i")
    path = site.config.data / "run" / "server.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def secret() -> str:
        return str(devices._read(path)["local_secret"])

    with pytest.raises(NotSetUp):
        devices.pair_local(site, secret=secret(), device_name="laptop")
    accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)
    used = secret()
    _, plain, user = devices.pair_local(site, secret=used, device_name="laptop")
    assert user.username == "alice"
    assert keys.check_key(site, plain).scopes == frozenset(devices.TRAY_SCOPES)
    for wrong in (used, "", "x"):
        with pytest.raises(Forbidden):
            devices.pair_local(site, secret=wrong, device_name="laptop")
    devices.withdraw(site, instance="another")
    assert path.exists()
    devices.withdraw(site, instance="i")
    assert not path.exists()


@pytest.mark.parametrize("password", ["12345678", "password", "aliceexample", "qwertyui", "bulletdrop1"])
def test_a_password_that_anybody_would_guess_is_refused(site: Site, password: str) -> None:
    with pytest.raises(Invalid, match="guessed"):
        accounts.create_user(site, username="alice", email="alice@example.org", password=password)


def test_the_last_admin_can_be_neither_blocked_nor_demoted(site: Site, alice: User) -> None:
    for leave in (lambda: accounts.disable(site, "alice"), lambda: accounts.promote(site, "alice", is_admin=False)):
        with pytest.raises(Conflict, match="only admin"):
            leave()
    assert not accounts.needs_setup(site)
    accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD, is_admin=True)
    accounts.disable(site, "alice")
    with pytest.raises(Conflict):
        accounts.disable(site, "bob")


def test_a_very_long_password_is_checked_in_no_time(site: Site) -> None:
    accounts.create_user(site, username="bob", email="bob@example.org", password="a" * 1024)


def test_a_secret_that_a_crash_left_claimed_holds_up_no_later_one(site: Site, alice: User) -> None:
    devices.announce(site, url="http://127.0.0.1:1", pid=1, instance="i")
    folder = site.config.data / "run"
    first = str(devices._read(folder / "server.json")["local_secret"])
    (folder / f".claim-{hashlib.sha256(first.encode()).hexdigest()[:32]}").touch()
    with pytest.raises(Forbidden):
        devices.pair_local(site, secret=first, device_name="laptop")
    devices.announce(site, url="http://127.0.0.1:1", pid=1, instance="j")
    second = str(devices._read(folder / "server.json")["local_secret"])
    _, _, user = devices.pair_local(site, secret=second, device_name="laptop")
    assert user.id == alice.id
    devices.withdraw(site, instance="i")
    assert [path.name for path in folder.iterdir()] == ["server.json"]
    devices.withdraw(site, instance="j")
    assert not list(folder.iterdir())
