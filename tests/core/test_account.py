"""The account: profile, avatar, export, and a deletion that rests for seven days."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.drops import avatars
from bulletdrop.core.models import Audit, Mail, User
from bulletdrop.core.people import accounts, departures, profile, sessions
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.tickets import issue, look
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.export import FORMAT, export
from bulletdrop.errors import BadPicture, BadTicket, Blocked, Conflict, Invalid, NotFound, NotSignedIn, UnknownType
from tests.core.drops_kit import arrive, keep
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD

LINK = "http://127.0.0.1:8484/signin"


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)


def test_a_profile_keeps_what_is_left_out_and_the_lines_of_a_bio(site: Site, alice: User) -> None:
    profile.change_profile(site, alice.id, {"display_name": " Alice A. ", "bio": "One.\r\nTwo."})
    changed = profile.change_profile(site, alice.id, {"first_name": "Alice"})
    assert (changed.display_name, changed.bio, changed.first_name) == ("Alice A.", "One.\nTwo.", "Alice")
    assert profile.shown_name(changed) == "Alice A."


@pytest.mark.parametrize(
    "name, value",
    [
        ("display_name", "x" * 101),
        ("display_name", "two\nlines"),
        ("bio", "x" * 1001),
        ("first_name", "\u202eevil"),
        ("username", "other"),
        ("is_admin", "true"),
    ],
)
def test_a_profile_refuses_what_does_not_fit_and_says_which_field(
    site: Site, alice: User, name: str, value: str
) -> None:
    with pytest.raises(Invalid) as refusal:
        profile.change_profile(site, alice.id, {name: value})
    assert refusal.value.field == name
    assert profile.get_user(site, alice.id).updated_at == alice.updated_at


def caller_of(user: User) -> Caller:
    return Caller(user.id, user.username, user.is_admin)


def test_an_avatar_is_a_small_picture_that_takes_the_place_of_the_one_before(site: Site, alice: User) -> None:
    avatars.set_avatar(site, alice.id, arrive(site, screenshot(1, width=900, height=600)))
    first = avatars.avatar_key(site, alice.id)
    avatars.set_avatar(site, alice.id, arrive(site, screenshot(2, width=600, height=900)))
    second = avatars.avatar_key(site, alice.id)
    assert first != second
    assert list(site.storage.keys(avatars.FOLDER)) == [second]
    assert site.storage.size(second) < 100_000
    avatars.remove_avatar(site, alice.id)
    assert list(site.storage.keys(avatars.FOLDER)) == []
    with pytest.raises(NotFound):
        avatars.avatar_key(site, alice.id)
    assert list(site.temporary.iterdir()) == []


@pytest.mark.parametrize("data", [b"no picture", b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"\x89PNG\r\n\x1a\n"])
def test_what_is_no_picture_becomes_no_avatar_and_leaves_nothing(site: Site, alice: User, data: bytes) -> None:
    with pytest.raises((BadPicture, UnknownType, Invalid)):
        avatars.set_avatar(site, alice.id, arrive(site, data))
    assert list(site.storage.keys(avatars.FOLDER)) == []
    assert list(site.temporary.iterdir()) == []


def test_a_deletion_ends_every_credential_at_once_and_signing_in_takes_it_back(
    site: Site, clock: ManualClock, alice: User
) -> None:
    tokens = sessions.open_session(site, alice, user_agent="", address="")
    ticket = issue(site, "reset", user=alice, lives=timedelta(hours=1))
    due = departures.request_deletion(site, alice.id, link=LINK)
    assert due == clock.now() + timedelta(days=7)
    with pytest.raises((NotSignedIn, Blocked)):
        sessions.check_access(site, tokens.access_token)
    with pytest.raises(BadTicket):
        look(site, "reset", ticket)
    with pytest.raises(Conflict):
        departures.request_deletion(site, alice.id, link=LINK)
    clock.advance(days=6, hours=23)
    assert departures.due_deletions(site) == []
    again = sessions.open_session(site, profile.get_user(site, alice.id), user_agent="", address="")
    assert sessions.check_access(site, again.access_token).username == "alice"
    clock.advance(days=30)
    assert departures.due_deletions(site) == []
    assert [mail.purpose for mail in Mail.select().order_by(Mail.created_at)] == ["deletion", "deletion-taken-back"]


def test_a_deletion_whose_time_is_over_cannot_be_taken_back(site: Site, clock: ManualClock, alice: User) -> None:
    departures.request_deletion(site, alice.id, link=LINK)
    clock.advance(days=7)
    with pytest.raises(Blocked):
        departures.take_back(site, profile.get_user(site, alice.id))
    assert departures.due_deletions(site) == [alice.id]


def test_the_only_admin_cannot_leave_and_of_two_one_can(site: Site) -> None:
    admins = [
        accounts.create_user(site, username=name, email=f"{name}@example.org", password=PASSWORD, is_admin=True)
        for name in ("carol", "dave")
    ]
    departures.request_deletion(site, admins[0].id, link=LINK)
    with pytest.raises(Conflict, match="only admin"):
        departures.request_deletion(site, admins[1].id, link=LINK)
    assert profile.get_user(site, admins[1].id).delete_scheduled_for is None


def test_of_two_admins_who_leave_at_once_one_stays(site: Site) -> None:
    admins = [
        accounts.create_user(site, username=name, email=f"{name}@example.org", password=PASSWORD, is_admin=True)
        for name in ("carol", "dave")
    ]
    barrier, refused = threading.Barrier(2), []

    def leave(user: User) -> None:
        with using(site.db):
            barrier.wait(10)
            try:
                departures.request_deletion(site, user.id, link=LINK)
            except Conflict as error:
                refused.append(error)
        site.db.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in admins]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert User.select().where(User.delete_scheduled_for.is_null()).count() == 1


def unzipped(site: Site, user: User) -> zipfile.ZipFile:
    return zipfile.ZipFile(io.BytesIO(b"".join(export(site, user.id))))


def test_an_export_holds_everything_and_its_manifest_verifies(site: Site, alice: User) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    sent = [screenshot(number) for number in range(5)]
    for number, data in enumerate(sent):
        keep(site, caller_of(alice), data, name=f"shot {number}.png", tags=("work",))
    keep(site, caller_of(bob), screenshot(99))
    with unzipped(site, alice) as archive:
        assert archive.testzip() is None
        manifest = json.loads(archive.read("manifest.json"))
        assert (manifest["format"], manifest["missing"]) == (FORMAT, [])
        assert {entry["path"] for entry in manifest["entries"]} | {"manifest.json"} == set(archive.namelist())
        for entry in manifest["entries"]:
            data = archive.read(entry["path"])
            assert (len(data), hashlib.sha256(data).hexdigest()) == (entry["size"], entry["sha256"])
        drops = [json.loads(line) for line in archive.read("drops.jsonl").splitlines()]
        assert len(drops) == 5
        assert {tuple(drop["tags"]) for drop in drops} == {("work",)}
        for drop in drops:
            assert hashlib.sha256(archive.read(drop["path"])).hexdigest() == drop["sha256"]
        account = json.loads(archive.read("account.json"))
        assert account["profile"]["email"] == "alice@example.org"
        whole = b"".join(archive.read(name) for name in archive.namelist())
    assert b"bob@example.org" not in whole
    assert b"$argon2" not in whole


def test_what_is_gone_from_the_disk_is_named_in_the_manifest(site: Site, alice: User) -> None:
    drop = keep(site, caller_of(alice), screenshot(1))
    site.storage.delete(drop.blob.key)
    with unzipped(site, alice) as archive:
        manifest = json.loads(archive.read("manifest.json"))
    assert len(manifest["missing"]) == 1
    assert drop.slug in manifest["missing"][0]


def test_every_act_of_an_account_is_on_record(site: Site, alice: User) -> None:
    profile.change_profile(site, alice.id, {"bio": "hello"})
    departures.request_deletion(site, alice.id, link=LINK, address="192.0.2.1")
    departures.take_back(site, profile.get_user(site, alice.id))
    acts = [row.action for row in Audit.select().where(Audit.actor == alice.id).order_by(Audit.at, Audit.id)]
    assert {"profile.change", "account.delete-request", "account.taken-back"} <= set(acts)
