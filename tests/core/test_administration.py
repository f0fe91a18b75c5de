"""What an admin does to accounts: found, changed, blocked, reset, deleted; each act a row of the audit log."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import (
    ApiKey,
    Audit,
    Mail,
    Pairing,
    Passkey,
    Plan,
    RecoveryCode,
    Session,
    Team,
    TeamMember,
    Ticket,
    Totp,
    User,
)
from bulletdrop.core.people import accounts, administration, directory, keys, pairing, sessions
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.directory import search_users
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.dismissal import dismiss
from bulletdrop.errors import Blocked, BulletDropError, Conflict, Invalid, NotFound, NotSignedIn
from tests.core.drops_kit import keep, person

CLI = By()


@pytest.fixture
def root(site: Site, alice: Caller) -> By:
    """alice, as the admin."""
    accounts.promote(site, "alice")
    return By(alice.user_id, "192.0.2.7")


def admin_rows(site: Site, action: str) -> list[Audit]:
    """What the log says about an admin's acts of this kind."""
    return list(Audit.select().where((Audit.category == "admin") & (Audit.action == action)))


def names(site: Site, **wanted: str) -> list[str]:
    return [one.user.username for one in search_users(site, **wanted).items]  # type: ignore[arg-type]


def open_for(site: Site, user_id: str) -> str:
    """A session of somebody's; its access token."""
    return sessions.open_session(site, User.get_by_id(user_id), user_agent="t", address="192.0.2.1").access_token


def test_people_are_found_by_name_address_state_plan_and_role(site: Site, root: By, bob: Caller) -> None:
    carla = person(site, "carla")
    User.update(display_name="Carla Größe", is_verified=False).where(User.id == carla.user_id).execute()
    administration.set_active(site, root, bob.user_id, False)
    administration.set_plan(site, root, carla.user_id, "pro")
    assert names(site) == ["alice", "bob", "carla"]
    assert names(site, text="ARL") == ["carla"]
    assert names(site, text="bob@Example") == ["bob"]
    assert names(site, text="größe") == ["carla"]
    assert names(site, text="%") == []
    assert names(site, text="_") == []
    assert names(site, state="blocked") == ["bob"]
    assert names(site, state="active") == ["alice", "carla"]
    assert names(site, state="unverified") == ["carla"]
    assert names(site, plan="pro") == ["carla"]
    assert names(site, role="admin") == ["alice"]
    assert names(site, role="user", state="active") == ["carla"]


@pytest.mark.parametrize(
    "wanted", [{"state": "odd"}, {"role": "king"}, {"sort": "luck"}, {"cursor": "x"}, {"limit": 0}, {"text": "x" * 301}]
)
def test_a_search_that_cannot_be_is_refused(site: Site, wanted: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        search_users(site, **wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("sort", sorted(directory.SORTS))
def test_pages_of_a_list_give_everybody_once_and_in_order(site: Site, clock: ManualClock, sort: str) -> None:
    for number in range(23):
        user = accounts.create_user(
            site, username=f"n{number:02d}", email=f"n{number}@example.org", password="correct horse"
        )
        User.update(storage_used=number % 5).where(User.id == user.id).execute()
        if number % 3:
            clock.advance(seconds=1)
    whole = [one.user.id for one in search_users(site, sort=sort, limit=200).items]
    found: list[str] = []
    cursor = None
    while True:
        page = search_users(site, sort=sort, cursor=cursor, limit=4)
        found += [one.user.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert found == whole
    assert len(set(found)) == 23


def test_a_cursor_of_another_list_is_refused(site: Site, alice: Caller, bob: Caller) -> None:
    cursor = search_users(site, sort="name", limit=1).next
    with pytest.raises(Invalid):
        search_users(site, sort="newest", cursor=cursor)


def test_a_dossier_says_all_but_secrets(site: Site, root: By, bob: Caller, clock: ManualClock) -> None:
    keep(site, bob)
    open_for(site, bob.user_id)
    _, plain = keys.create_key(site, User.get_by_id(bob.user_id), name="k", scopes=["uploads:read"])
    now = clock.now()
    team = Team.create(name="T", slug="t", slug_key="t", created_at=now, updated_at=now)
    TeamMember.create(team=team, user=bob.user_id, role="viewer", joined_at=now)
    Totp.create(user=bob.user_id, secret="sealed", created_at=now, confirmed_at=now)
    found = directory.dossier(site, bob.user_id)
    assert (found.uploads, found.trashed, len(found.sessions), len(found.keys)) == (1, 0, 1, 1)
    assert [(one.slug, role) for one, role in found.teams] == [("t", "viewer")]
    assert found.factors.has_totp
    assert found.last_seen == now
    assert plain not in repr(found)


def test_who_is_blocked_is_refused_at_once_and_the_reason_is_recorded(site: Site, root: By, bob: Caller) -> None:
    token = open_for(site, bob.user_id)
    _, key = keys.create_key(site, User.get_by_id(bob.user_id), name="k", scopes=["uploads:read"])
    administration.change_user(site, root, bob.user_id, {"is_active": False}, reason="  sent   spam ")
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, token)
    with pytest.raises(Blocked):
        keys.check_key(site, key)
    (row,) = admin_rows(site, "user.disable")
    assert (row.actor, row.subject, row.detail, row.address) == (root.actor, "bob", "sent spam", "192.0.2.7")
    administration.change_user(site, root, bob.user_id, {"is_active": True})
    assert keys.check_key(site, key).user_id == bob.user_id
    assert len(admin_rows(site, "user.enable")) == 1


def test_nobody_blocks_or_deletes_themselves(site: Site, root: By, bob: Caller) -> None:
    accounts.promote(site, "bob")
    assert root.actor is not None
    with pytest.raises(Conflict):
        administration.set_active(site, root, root.actor, False)
    with pytest.raises(Conflict):
        administration.schedule_deletion(site, root, root.actor)


def test_the_last_admin_stays_one(site: Site, root: By, bob: Caller) -> None:
    assert root.actor is not None
    for act in (
        lambda: administration.set_admin(site, root, str(root.actor), False),
        lambda: administration.set_active(site, CLI, str(root.actor), False),
        lambda: administration.schedule_deletion(site, CLI, str(root.actor)),
    ):
        with pytest.raises(Conflict, match="only admin"):
            act()
    # One who is about to be deleted is none to rely on.
    administration.set_admin(site, root, bob.user_id, True)
    administration.schedule_deletion(site, root, bob.user_id)
    with pytest.raises(Conflict, match="only admin"):
        administration.set_admin(site, root, root.actor, False)


def test_of_two_admins_who_demote_each_other_at_once_one_stays(site: Site, root: By, bob: Caller) -> None:
    for _ in range(5):
        for name in ("alice", "bob"):
            accounts.promote(site, name)
        start = threading.Barrier(2)
        refused: list[BulletDropError] = []

        def demote(name: str, start: threading.Barrier = start, refused: list[BulletDropError] = refused) -> None:
            with using(site.db):
                start.wait()
                try:
                    accounts.promote(site, name, is_admin=False)
                except Conflict as error:
                    refused.append(error)
            site.db.close()

        threads = [threading.Thread(target=demote, args=(name,)) for name in ("alice", "bob")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert User.select().where(User.is_admin).count() == 1
        assert len(refused) == 1


def test_of_several_changes_all_happen_or_none(site: Site, root: By, bob: Caller) -> None:
    with pytest.raises(Invalid):
        administration.change_user(site, root, bob.user_id, {"plan": "pro", "limits": {"storage": -7}})
    assert User.get_by_id(bob.user_id).plan == "home"
    with pytest.raises(Invalid, match="epoch"):
        administration.change_user(site, root, bob.user_id, {"epoch": 7})
    with pytest.raises(Invalid):
        administration.change_user(site, root, bob.user_id, {"plan": "golden"})
    with pytest.raises(Invalid):
        administration.change_user(site, root, bob.user_id, {"plan": "pro\0"})
    with pytest.raises(NotFound):
        administration.change_user(site, root, "nobody\0", {"plan": "pro"})
    assert not admin_rows(site, "user.plan")


def test_own_limits_lie_over_the_plans_and_go_again(site: Site, root: By, bob: Caller) -> None:
    administration.set_limits(site, root, bob.user_id, {"storage": 1000, "uploads_per_day": -1})
    administration.set_limits(site, root, bob.user_id, {"storage": None})
    assert User.get_by_id(bob.user_id).limits == {"uploads_per_day": -1}
    assert [row.detail for row in admin_rows(site, "user.limits")][-1] == "uploads_per_day -1"
    with pytest.raises(Invalid) as refused:
        administration.set_limits(site, root, bob.user_id, {"happiness": 1})
    assert refused.value.field == "happiness"


def test_an_address_is_confirmed_by_hand_and_stays_so(site: Site, root: By, bob: Caller) -> None:
    User.update(is_verified=False).where(User.id == bob.user_id).execute()
    assert administration.set_verified(site, root, bob.user_id, True).is_verified
    with pytest.raises(Invalid):
        administration.set_verified(site, root, bob.user_id, False)
    assert len(admin_rows(site, "user.verify")) == 1


def test_signing_out_ends_sessions_and_leaves_keys(site: Site, root: By, bob: Caller) -> None:
    token = open_for(site, bob.user_id)
    _, key = keys.create_key(site, User.get_by_id(bob.user_id), name="k", scopes=["uploads:read"])
    administration.sign_out_everywhere(site, root, bob.user_id)
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, token)
    assert keys.check_key(site, key).user_id == bob.user_id
    assert not Session.select().where((Session.user == bob.user_id) & Session.revoked_at.is_null()).exists()


def test_all_keys_are_revoked_as_an_event_to_look_at(site: Site, root: By, bob: Caller, alice: Caller) -> None:
    for owner in (bob, bob, alice):
        keys.create_key(site, User.get_by_id(owner.user_id), name="k", scopes=["uploads:read"])
    assert administration.revoke_all_keys(site, root, bob.user_id) == 2
    assert ApiKey.select().where(ApiKey.revoked_at.is_null()).count() == 1
    rows = Audit.select().where(Audit.action == "user.revoke-keys")
    assert sorted(row.category for row in rows) == ["admin", "security"]
    # It was the admin's act, and not bob's.
    assert {row.actor for row in rows} == {root.actor}
    assert not Audit.select().where(Audit.action == "key.revoke-all").exists()


def test_keys_that_devices_were_promised_are_revoked_with_the_others(
    site: Site, root: By, bob: Caller, alice: Caller
) -> None:
    for owner in (bob, alice):
        asked = pairing.begin(site, device_name="laptop", address="192.0.2.7", user_agent="")
        pairing.approve(site, owner, asked.user_code)
    assert Pairing.select().where(Pairing.user == bob.user_id).count() == 1
    assert administration.revoke_all_keys(site, root, bob.user_id) == 0
    assert [row.user_id for row in Pairing.select()] == [alice.user_id]


def test_a_lost_second_factor_is_turned_off_and_its_owner_is_told(
    site: Site, root: By, bob: Caller, clock: ManualClock
) -> None:
    with pytest.raises(Conflict):
        administration.drop_second_factor(site, root, bob.user_id)
    now = clock.now()
    Totp.create(user=bob.user_id, secret="sealed", created_at=now, confirmed_at=now)
    RecoveryCode.create(user=bob.user_id, code_hash="h", created_at=now)
    Passkey.create(user=bob.user_id, credential_id="c", public_key="p", name="n", created_at=now)
    administration.drop_second_factor(site, root, bob.user_id)
    assert not directory.second_factors(site, bob.user_id).has_totp
    assert RecoveryCode.select().count() == Passkey.select().count() == 0
    (mail,) = Mail.select()
    assert (mail.recipient, mail.purpose) == ("bob@example.org", "security-changed")
    rows = Audit.select().where(Audit.action == "user.second-factor-off")
    assert sorted(row.category for row in rows) == ["admin", "security"]


def test_a_reset_gives_a_link_that_keeps_its_secret_out_of_logs(site: Site, root: By, bob: Caller) -> None:
    link = administration.reset_link(site, root, bob.user_id)
    path, _, secret = link.partition("#token=")
    assert path.endswith("/reset")
    assert len(secret) == 43
    assert Ticket.select().where((Ticket.purpose == "reset") & (Ticket.user == bob.user_id)).count() == 1
    assert not Audit.select().where(Audit.detail.contains(secret) | Audit.subject.contains(secret)).exists()


def test_a_deletion_rests_for_seven_days_and_is_taken_back(
    site: Site, root: By, bob: Caller, clock: ManualClock
) -> None:
    token = open_for(site, bob.user_id)
    left = dismiss(site, root, bob.user_id)
    assert left is not None
    assert left.delete_scheduled_for == clock.now() + timedelta(days=7)
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, token)
    assert administration.keep(site, root, bob.user_id).delete_scheduled_for is None
    with pytest.raises(Conflict):
        administration.keep(site, root, bob.user_id)
    assert len(admin_rows(site, "user.delete")) == len(admin_rows(site, "user.keep")) == 1


def test_an_account_is_deleted_at_once_only_with_its_name_typed(site: Site, root: By, bob: Caller) -> None:
    pytest.importorskip("bulletdrop.core.people.teams")
    keep(site, bob)
    with pytest.raises(Invalid) as refused:
        dismiss(site, root, bob.user_id, at_once=True, confirm="alice")
    assert refused.value.field == "confirm"
    dismiss(site, root, bob.user_id)
    assert dismiss(site, root, bob.user_id, at_once=True, confirm="bob") is None
    assert User.get_or_none(User.id == bob.user_id) is None
    assert not list(site.storage.keys("uploads/"))


def test_a_plans_figures_change_and_are_checked(site: Site, root: By) -> None:
    changed = administration.change_plan(site, root, "free", {"storage": None, "uploads_per_day": 7, "title": "Gratis"})
    assert (changed.storage, changed.uploads_per_day, changed.title) == (None, 7, "Gratis")
    for wrong in ({"storage": -1}, {"storage": "much"}, {"title": " "}, {"name": "x"}, {"uploads_per_day": True}):
        with pytest.raises(Invalid):
            administration.change_plan(site, root, "free", wrong)
    with pytest.raises(NotFound):
        administration.change_plan(site, root, "golden", {})
    assert Plan.get_by_id("free").uploads_per_day == 7
    (row,) = admin_rows(site, "plan.change")
    assert "uploads_per_day 100 → 7" in row.detail
