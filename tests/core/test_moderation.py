"""Everybody's drops in an admin's hands: found, hidden, taken away, looked at; the owner can undo none of it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import moderation, uploads
from bulletdrop.core.drops.deletion import empty_trash
from bulletdrop.core.drops.moderation import Filter, list_everybodys, moderate
from bulletdrop.core.models import Audit, Blob, Mail, Upload, User
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import links
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound
from tests.core.drops_kit import keep
from tests.support.pictures import screenshot


@pytest.fixture
def root(alice: Caller) -> By:
    """alice, as the admin."""
    return By(alice.user_id, "192.0.2.7")


def names(site: Site, **wanted: object) -> list[str]:
    return [one.original_filename for one in list_everybodys(site, Filter(**wanted)).items]  # type: ignore[arg-type]


def rows(site: Site, action: str) -> list[Audit]:
    return list(Audit.select().where((Audit.category == "admin") & (Audit.action == action)))


def test_everybodys_drops_are_found(site: Site, alice: Caller, bob: Caller, clock: ManualClock) -> None:
    keep(site, alice, screenshot(1), name="first.png")
    clock.advance(days=1)
    middle = clock.now()
    keep(site, bob, screenshot(2), name="second 100%.png", is_public=False)
    clock.advance(days=1)
    large = keep(site, bob, screenshot(3, width=900), name="third.png", custom_name="Trois")
    assert names(site) == ["third.png", "second 100%.png", "first.png"]
    assert names(site, owner="BOB") == ["third.png", "second 100%.png"]
    assert names(site, owner=alice.user_id) == ["first.png"]
    assert names(site, text="100%") == ["second 100%.png"]
    assert names(site, text="IRST") == ["first.png"]
    assert names(site, text="trois") == names(site, text=large.slug) == ["third.png"]
    assert names(site, kind="film") == []
    assert len(names(site, kind="picture")) == len(names(site, kind="image/png")) == 3
    assert names(site, state="private") == ["second 100%.png"]
    assert names(site, least=large.blob.size) == ["third.png"]
    assert names(site, most=large.blob.size - 1, since=middle) == ["second 100%.png"]
    assert names(site, until=middle) == ["first.png"]
    for wrong in ({"state": "odd"}, {"text": "x\0"}, {"owner": "x" * 400}):
        with pytest.raises(Invalid):
            names(site, **wrong)


@pytest.mark.parametrize("sort", sorted(moderation.SORTS))
def test_pages_give_every_drop_once(site: Site, alice: Caller, bob: Caller, clock: ManualClock, sort: str) -> None:
    made = {
        keep(site, who, screenshot(number % 2), name=f"{number}.png").id for number in range(4) for who in (alice, bob)
    }
    found: list[str] = []
    cursor = None
    while True:
        page = list_everybodys(site, Filter(), sort=sort, cursor=cursor, limit=3)
        found += [one.id for one in page.items]
        cursor = page.next
        if cursor is None:
            break
    assert len(found) == 8
    assert set(found) == made


def test_a_hidden_drop_is_its_owners_alone_until_an_admin_shows_it(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob)
    hidden = moderate(site, root, drop.id, "hide", reason="somebody's face")
    assert not hidden.is_public
    assert not uploads.may_see(site, None, hidden)
    with pytest.raises(Forbidden):
        uploads.change_upload(site, bob, drop.id, {"is_public": True})
    with pytest.raises(Conflict):
        moderate(site, root, drop.id, "hide")
    assert uploads.change_upload(site, bob, drop.id, {"title": "still mine"}).title == "still mine"
    assert moderate(site, root, drop.id, "show").is_public
    assert uploads.change_upload(site, bob, drop.id, {"is_public": False}).is_public is False
    assert [row.subject for row in rows(site, "upload.admin-hide")] == [drop.id]
    assert "somebody's face" in rows(site, "upload.admin-hide")[0].detail


def test_what_its_owner_made_private_is_never_made_public(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob, is_public=False)
    with pytest.raises(Conflict):
        moderate(site, root, drop.id, "show")
    assert moderate(site, root, drop.id, "hide").hidden_at is not None
    assert not moderate(site, root, drop.id, "show").is_public
    assert Upload.get_by_id(drop.id).hidden_at is None


def test_a_private_drop_that_is_hidden_is_shown_by_none_of_its_links(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob, is_public=False)
    link = links.share(site, bob, upload_id=drop.id)
    assert links.find_link(site, link.token).upload_id == drop.id
    moderate(site, root, drop.id, "hide")
    with pytest.raises(NotFound):
        links.find_link(site, link.token)
    moderate(site, root, drop.id, "show")
    assert links.find_link(site, link.token).upload_id == drop.id


def test_a_drop_that_was_taken_away_stays_in_the_trash(site: Site, root: By, bob: Caller, clock: ManualClock) -> None:
    drop = keep(site, bob)
    moderate(site, root, drop.id, "trash", reason="copied")
    with pytest.raises(NotFound):
        uploads.find_public(site, drop.slug)
    with pytest.raises(Forbidden):
        uploads.restore_upload(site, bob, drop.id)
    assert moderate(site, root, drop.id, "restore").trashed_at is None
    assert uploads.find_public(site, drop.slug).id == drop.id
    moderate(site, root, drop.id, "trash")
    clock.advance(days=site.config.trash_days + 1)
    assert empty_trash(site) == "1 deleted"


def test_what_its_owner_trashed_an_admin_does_not_bring_back(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob)
    uploads.trash_upload(site, bob, drop.id)
    for act in ("trash", "restore"):
        with pytest.raises(Conflict):
            moderate(site, root, drop.id, act)
    assert uploads.restore_upload(site, bob, drop.id).trashed_at is None


def test_a_drop_is_deleted_for_good_with_its_bytes(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob)
    moderation.delete_anybodys(site, root, drop.id, reason="the law")
    assert not Upload.select().exists()
    assert not Blob.select().exists()
    assert not list(site.storage.keys("uploads/"))
    assert User.get_by_id(bob.user_id).storage_used == 0
    assert "the law" in rows(site, "upload.admin-delete")[0].detail
    with pytest.raises(NotFound):
        moderation.delete_anybodys(site, root, drop.id)


def test_the_owner_is_told_and_an_admin_not_about_their_own(site: Site, root: By, bob: Caller, alice: Caller) -> None:
    moderate(site, root, keep(site, bob, screenshot(1), name="bobs.png").id, "trash", reason="copied")
    moderate(site, root, keep(site, alice, screenshot(2)).id, "trash")
    (mail,) = Mail.select().where(Mail.purpose == "moderated")
    assert mail.recipient == "bob@example.org"
    assert "bobs.png" in mail.text
    assert "copied" in mail.text


def test_looking_at_a_private_drop_is_recorded_once_for_ten_minutes(
    site: Site, root: By, bob: Caller, clock: ManualClock
) -> None:
    drop = keep(site, bob, is_public=False)
    with pytest.raises(Forbidden):
        moderation.looked_at(site, root, drop.id)
    moderation.look_at(site, root, drop.id)
    moderation.look_at(site, root, drop.id)
    assert moderation.looked_at(site, root, drop.id).id == drop.id
    with pytest.raises(Forbidden):
        moderation.looked_at(site, By(bob.user_id), drop.id)
    (row,) = rows(site, "upload.look")
    assert (row.actor, row.subject, row.detail) == (root.actor, drop.id, "of bob: private")
    clock.advance(seconds=(moderation.LOOKED + timedelta(seconds=1)).total_seconds())
    with pytest.raises(Forbidden):
        moderation.looked_at(site, root, drop.id)


def test_looking_at_a_public_drop_is_nothing_to_record(site: Site, root: By, bob: Caller) -> None:
    drop = keep(site, bob)
    moderation.look_at(site, root, drop.id)
    assert moderation.looked_at(site, root, drop.id).id == drop.id
    assert rows(site, "upload.look") == []
