"""Pairing a device elsewhere: a short code, its owner's yes, one key (RFC 8628)."""

from __future__ import annotations

import threading

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import ApiKey, Pairing, User
from bulletdrop.core.people import accounts, devices, keys, pairing, sessions
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Blocked, Denied, ExpiredCode, Forbidden, Invalid, NotFound, Pending, SlowDown
from tests.support.server import PASSWORD


@pytest.fixture
def alice(site: Site) -> Caller:
    user = accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)
    session_id = sessions.open_session(site, user, user_agent="", address="").session_id
    return Caller(user.id, user.username, user.is_admin, session_id=session_id)


def begun(site: Site, *scopes: str) -> pairing.Begun:
    return pairing.begin(site, device_name="desk", scopes=scopes, address="192.0.2.7", user_agent="curl")


def test_a_device_gets_its_key_after_its_owner_said_yes_and_only_once(
    site: Site, clock: ManualClock, alice: Caller
) -> None:
    device = begun(site)
    with pytest.raises(Pending):
        pairing.poll(site, device.device_code)
    pairing.approve(site, alice, device.user_code.lower().replace("-", " "))
    key, plain, user = pairing.poll(site, device.device_code)
    assert (user.username, key.device_name, key.name) == ("alice", "desk", "desk")
    assert keys.check_key(site, plain).scopes == frozenset(devices.TRAY_SCOPES)
    with pytest.raises(ExpiredCode):
        pairing.poll(site, device.device_code)


def test_devices_of_one_name_can_be_told_apart(site: Site, alice: Caller) -> None:
    def paired(name: str) -> ApiKey:
        offered = pairing.offer(site, alice)
        return pairing.redeem(site, offered.code, device_name=name, address="")[0]

    first = paired("vm")
    assert [paired("vm").name, paired("vm").device_name, paired("desk").name] == ["vm (2)", "vm (3)", "desk"]
    keys.revoke_key(site, alice.user_id, first.id)
    assert paired("vm").name == "vm"
    device = pairing.begin(site, device_name="vm", address="", user_agent="")
    pairing.approve(site, alice, device.user_code)
    assert pairing.poll(site, device.device_code)[0].name == "vm (4)"
    paired("x" * 100)
    assert paired("x" * 100).name == "x" * 96 + " (2)"


def test_a_device_that_asks_too_often_waits_longer_each_time(site: Site, clock: ManualClock) -> None:
    device = begun(site)
    with pytest.raises(Pending):
        pairing.poll(site, device.device_code)
    for interval in (10, 15):
        with pytest.raises(SlowDown) as refusal:
            pairing.poll(site, device.device_code)
        assert refusal.value.retry_after == interval
    clock.advance(seconds=15)
    with pytest.raises(Pending):
        pairing.poll(site, device.device_code)


def test_a_no_is_told_and_noted_as_something_to_look_at(site: Site, alice: Caller) -> None:
    device = begun(site)
    pairing.deny(site, alice, device.user_code)
    with pytest.raises(Denied):
        pairing.poll(site, device.device_code)
    with pytest.raises(NotFound):
        pairing.approve(site, alice, device.user_code)


def test_codes_end_after_ten_minutes(site: Site, clock: ManualClock, alice: Caller) -> None:
    device = begun(site)
    clock.advance(minutes=10)
    with pytest.raises(NotFound):
        pairing.approve(site, alice, device.user_code)
    with pytest.raises(ExpiredCode):
        pairing.poll(site, device.device_code)
    assert pairing.forget_pairings(site) == "1 removed"


def test_a_device_gets_no_more_than_it_asked_for_and_never_admin(site: Site, alice: Caller) -> None:
    with pytest.raises(Invalid):
        begun(site, "admin")
    with pytest.raises(Invalid):
        begun(site, "everything")
    device = begun(site, "uploads:read", "uploads:write")
    with pytest.raises(Invalid):
        pairing.approve(site, alice, device.user_code, scopes=["uploads:delete"])
    with pytest.raises(Invalid):
        pairing.approve(site, alice, device.user_code, scopes=[])
    pairing.approve(site, alice, device.user_code, scopes=["uploads:write"])
    key, _, _ = pairing.poll(site, device.device_code)
    assert key.scopes == ["uploads:write"]


def test_a_key_cannot_say_yes_to_a_device(site: Site, alice: Caller) -> None:
    device = begun(site)
    by_key = Caller(alice.user_id, "alice", False, scopes=frozenset({"uploads:write"}), key_id="k")
    for refused in (pairing.approve, pairing.deny):
        with pytest.raises(Forbidden):
            refused(site, by_key, device.user_code)


def test_an_owner_who_was_blocked_meanwhile_gives_no_key(site: Site, alice: Caller) -> None:
    accounts.create_user(site, username="carol", email="carol@example.org", password=PASSWORD, is_admin=True)
    device = begun(site)
    pairing.approve(site, alice, device.user_code)
    accounts.disable(site, "alice")
    accounts.disable(site, "alice", is_active=True)
    with pytest.raises(ExpiredCode):
        pairing.poll(site, device.device_code)
    assert ApiKey.select().count() == 0


def test_twenty_questions_at_once_get_one_key(site: Site, alice: Caller) -> None:
    device = begun(site)
    pairing.approve(site, alice, device.user_code)
    got: list[str] = []
    refused: list[type[Exception]] = []

    def ask() -> None:
        try:
            with using(site.db):
                got.append(pairing.poll(site, device.device_code)[1])
        except Exception as error:
            refused.append(type(error))
        finally:
            site.db.close()

    threads = [threading.Thread(target=ask) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 1
    assert set(refused) == {ExpiredCode}
    assert ApiKey.select().count() == 1


def test_neither_code_lies_in_the_database_as_it_is_shown_to_the_device(site: Site) -> None:
    device = begun(site)
    row = Pairing.get()
    assert device.device_code not in str(vars(row))


def test_the_keys_of_somebody_who_is_leaving_are_refused_until_they_stay(site: Site, alice: Caller) -> None:
    _, plain = keys.create_key(site, User.get_by_id(alice.user_id), name="k", scopes=["uploads:read"])
    User.update(delete_scheduled_for=site.clock.now()).where(User.id == alice.user_id).execute()
    with pytest.raises(Blocked):
        keys.check_key(site, plain)
    User.update(delete_scheduled_for=None).where(User.id == alice.user_id).execute()
    assert keys.check_key(site, plain).username == "alice"


def test_a_key_changes_its_name_and_limit_but_not_its_scopes(site: Site, alice: Caller) -> None:
    key, _ = keys.create_key(site, User.get_by_id(alice.user_id), name="k", scopes=["uploads:read"])
    changed = keys.change_key(site, alice.user_id, key.id, name="desk", rate_limit_per_hour=60)
    assert (changed.name, changed.rate_limit_per_hour, changed.scopes) == ("desk", 60, ["uploads:read"])
    assert keys.change_key(site, alice.user_id, key.id, rate_limit_per_hour=None).rate_limit_per_hour is None
    for wrong in (0, -1, 1_000_001):
        with pytest.raises(Invalid):
            keys.change_key(site, alice.user_id, key.id, rate_limit_per_hour=wrong)
    with pytest.raises(NotFound):
        keys.change_key(site, "somebody else", key.id, name="mine")


def test_all_keys_or_those_with_a_scope_are_revoked_at_once(site: Site, alice: Caller) -> None:
    owner = User.get_by_id(alice.user_id)
    plain = [keys.create_key(site, owner, name="k", scopes=[scope])[1] for scope in ("uploads:read", "account:read")]
    assert keys.revoke_keys(site, alice.user_id, scope="account:read") == 1
    keys.check_key(site, plain[0])
    assert keys.revoke_keys(site, alice.user_id) == 1
    assert keys.revoke_keys(site, alice.user_id) == 0
