"""Drops from bytes to bin: kept once, found by their names, taken back, and never lost to a neighbour."""

from __future__ import annotations

import hashlib
import io
import threading
from collections.abc import Callable
from datetime import timedelta

import pytest
from PIL import Image

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.drops import deletion, intake, uploads
from bulletdrop.core.drops.intake import Incoming, Wishes
from bulletdrop.core.models import Blob, Upload, User
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import jobs
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import (
    BadName,
    Invalid,
    NameReserved,
    NameTaken,
    NotFound,
    Truncated,
    UnknownType,
)
from tests.core.drops_kit import arrive, keep, nothing_was_kept, stored
from tests.support.pictures import screenshot


def test_a_drop_lies_under_its_date_and_slug_with_the_right_hash(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    assert upload.blob.key == f"uploads/2026/11/20/{upload.slug}.png"
    data = stored(site, upload)
    assert hashlib.sha256(data).hexdigest() == upload.blob.sha256
    assert (upload.blob.width, upload.blob.height, upload.blob.size) == (640, 400, len(data))
    assert list(site.temporary.iterdir()) == []
    assert list(verify(site, read_data=True)) == []


def test_the_type_comes_from_the_bytes_and_never_from_the_name(site: Site, alice: Caller) -> None:
    upload = keep(site, alice, screenshot(kind="JPEG"), name="holiday.png")
    assert (upload.blob.mime, upload.filename, upload.original_filename) == ("image/jpeg", "holiday.jpg", "holiday.png")


def test_a_text_that_calls_itself_a_picture_is_refused_and_nothing_is_kept(site: Site, alice: Caller) -> None:
    with pytest.raises(UnknownType):
        keep(site, alice, b"<svg onload=alert(1)>", name="shot.png")
    assert nothing_was_kept(site)


def test_a_cut_picture_is_refused_and_nothing_is_kept(site: Site, alice: Caller) -> None:
    with pytest.raises(Truncated):
        keep(site, alice, screenshot()[:-5])
    assert nothing_was_kept(site)


@pytest.mark.parametrize(
    "name", ["../x.png", "a/b.png", "a\\b.png", "a\0.png", "a\r\nb.png", "a\u202egnp.exe", "x" * 300, "", ".."]
)
def test_a_name_that_could_do_harm_is_refused_and_nothing_is_kept(site: Site, alice: Caller, name: str) -> None:
    with pytest.raises(BadName):
        keep(site, alice, name=name)
    assert nothing_was_kept(site)


def test_a_turned_photo_comes_back_upright_and_without_its_exif(site: Site, alice: Caller) -> None:
    picture = Image.new("RGB", (64, 32), "red")
    picture.paste("blue", (0, 0, 32, 32))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", exif=exif, quality=95)
    upload = keep(site, alice, buffer.getvalue(), name="photo.jpg")
    with Image.open(io.BytesIO(stored(site, upload))) as kept:
        assert kept.size == (32, 64) == (upload.blob.width, upload.blob.height)
        assert not kept.getexif()
        red, _, blue = kept.convert("RGB").getpixel((16, 4))  # type: ignore[misc]
    assert blue > 200 > 60 > red


def test_the_same_bytes_cost_disk_once_and_count_each_reference(site: Site, alice: Caller, bob: Caller) -> None:
    first, second, third = keep(site, alice), keep(site, alice), keep(site, bob)
    assert len({first.slug, second.slug, third.slug}) == 3
    assert len(list(site.storage.keys("uploads/"))) == 1
    assert Blob.get().refs == 3
    assert list(verify(site)) == []


def test_fifty_at_once_with_the_same_bytes_make_one_blob_with_fifty_references(site: Site, alice: Caller) -> None:
    data = screenshot(7)
    incoming = [arrive(site, data) for _ in range(50)]
    errors: list[Exception] = []

    def store(one: Incoming) -> None:
        try:
            with using(site.db):
                intake.store(site, alice, one, Wishes())
        except Exception as error:
            errors.append(error)
        finally:
            site.db.close()

    for batch in range(0, 50, 10):
        threads = [threading.Thread(target=store, args=(one,)) for one in incoming[batch : batch + 10]]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert errors == []
    assert (Blob.select().count(), Upload.select().count(), Blob.get().refs) == (1, 50, 50)
    assert list(verify(site, read_data=True)) == []


def test_an_idempotency_key_makes_a_repeat_answer_the_first_drop(site: Site, alice: Caller, bob: Caller) -> None:
    first = keep(site, alice, idempotency_key="k")
    again = keep(site, alice, screenshot(9), idempotency_key="k")
    assert again.id == first.id
    assert intake.earlier(site, alice, "k") == first
    other = keep(site, bob, idempotency_key="k")
    assert other.id != first.id
    assert (Upload.select().count(), Blob.get(Blob.sha256 == first.blob.sha256).refs) == (2, 2)
    assert list(verify(site)) == []


def test_a_custom_name_is_taken_once_in_any_case(site: Site, alice: Caller, bob: Caller) -> None:
    upload = keep(site, alice, custom_name="Holiday")
    assert uploads.find_public(site, "holiday").id == upload.id
    assert urls.direct_url(site, upload).endswith("/Holiday.png")
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name="HOLIDAY")
    with pytest.raises(NameTaken):
        keep(site, bob, screenshot(2), custom_name=upload.slug)
    with pytest.raises(NameReserved):
        keep(site, bob, screenshot(2), custom_name="api")
    with pytest.raises(BadName):
        keep(site, bob, screenshot(2), custom_name="a/b")
    assert Blob.select().count() == 1


def test_a_wish_that_cannot_be_met_is_refused_before_anything_is_kept(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    for wishes in ({"expires_at": clock.now()}, {"tags": tuple("abcdefghijklmnopqrstu")}, {"tags": ("x" * 51,)}):
        with pytest.raises(Invalid):
            keep(site, alice, **wishes)
    assert nothing_was_kept(site)


def test_an_ending_in_a_link_must_fit_the_bytes(site: Site, alice: Caller) -> None:
    upload = keep(site, alice, screenshot(kind="JPEG"))
    assert uploads.find_public(site, upload.slug, "jpeg").id == upload.id
    with pytest.raises(NotFound):
        uploads.find_public(site, upload.slug, "html")


def test_a_private_drop_is_seen_by_its_owner_alone(site: Site, alice: Caller, bob: Caller) -> None:
    upload = keep(site, alice, is_public=False)
    assert uploads.may_see(site, alice, upload)
    assert not uploads.may_see(site, bob, upload)
    assert not uploads.may_see(site, None, upload)


def test_a_stranger_can_neither_read_change_nor_delete_alices_drop(site: Site, alice: Caller, bob: Caller) -> None:
    upload = keep(site, alice)
    attempts: list[Callable[[], object]] = [
        lambda: uploads.get_upload(site, bob, upload.id),
        lambda: uploads.change_upload(site, bob, upload.id, {"title": "mine"}),
        lambda: uploads.trash_upload(site, bob, upload.id),
        lambda: uploads.restore_upload(site, bob, upload.id),
    ]
    for attempt in attempts:
        with pytest.raises(NotFound):
            attempt()
    assert uploads.get_upload(site, alice, upload.id).trashed_at is None


def test_a_list_comes_in_pages_newest_first_and_loses_nothing(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    made = []
    for number in range(7):
        made.append(keep(site, alice, screenshot(number)).id)
        clock.advance(seconds=number % 2)  # two at the same moment: the id must break the tie
    keep(site, bob, screenshot(99))
    seen: list[str] = []
    cursor = None
    while True:
        page = uploads.list_uploads(site, alice, cursor=cursor, limit=3)
        seen += [one.id for one in page.items]
        if (cursor := page.next) is None:
            break
    assert sorted(seen) == sorted(made)
    assert [one.created_at for one in page.items] == sorted((one.created_at for one in page.items), reverse=True)
    for bad in ("x", "é", "W10"):
        with pytest.raises(Invalid):
            uploads.list_uploads(site, alice, cursor=bad)


def test_changes_are_checked_and_kept(site: Site, alice: Caller, clock: ManualClock) -> None:
    upload = keep(site, alice, tags=("A", "b", "a"))
    assert upload.tag_names == ("a", "b")
    later = clock.now() + timedelta(days=1)
    changes = {"title": "A day", "custom_name": "day", "is_public": False, "expires_at": later, "tags": ["C"]}
    changed = uploads.change_upload(site, alice, upload.id, changes)
    assert (changed.title, changed.custom_name, changed.is_public, changed.expires_at) == ("A day", "day", False, later)
    assert changed.tag_names == ("c",)
    with pytest.raises(Invalid):
        uploads.change_upload(site, alice, upload.id, {"owner": "bob"})
    other = keep(site, alice, screenshot(2))
    with pytest.raises(NameTaken):
        uploads.change_upload(site, alice, other.id, {"custom_name": "DAY"})


def test_a_trashed_drop_is_gone_for_everybody_until_it_is_restored(site: Site, alice: Caller) -> None:
    upload = keep(site, alice)
    uploads.trash_upload(site, alice, upload.id)
    with pytest.raises(NotFound):
        uploads.find_public(site, upload.slug)
    assert [one.id for one in uploads.list_uploads(site, alice, trash=True).items] == [upload.id]
    assert uploads.list_uploads(site, alice).items == []
    uploads.restore_upload(site, alice, upload.id)
    assert uploads.find_public(site, upload.slug).id == upload.id


def test_the_trash_is_emptied_after_its_grace_and_not_a_day_before(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    upload = keep(site, alice)
    shared = keep(site, alice)
    uploads.trash_upload(site, alice, upload.id)
    clock.advance(days=29)
    assert jobs.run_job(site, "empty-trash") == "0 deleted"
    clock.advance(days=1)
    assert jobs.run_job(site, "empty-trash") == "1 deleted"
    assert stored(site, uploads.get_upload(site, alice, shared.id))
    uploads.trash_upload(site, alice, shared.id)
    clock.advance(days=30)
    assert jobs.run_job(site, "empty-trash") == "1 deleted"
    assert list(site.storage.keys()) == [] or not list(site.storage.keys("uploads/"))
    assert User.get_by_id(alice.user_id).storage_used == 0
    assert list(verify(site)) == []


def test_an_expired_drop_is_a_404_at_once_and_goes_to_the_trash(site: Site, alice: Caller, clock: ManualClock) -> None:
    upload = keep(site, alice, expires_at=clock.now() + timedelta(hours=1))
    clock.advance(hours=1)
    with pytest.raises(NotFound):
        uploads.find_public(site, upload.slug)
    assert jobs.run_job(site, "expire") == "1 expired"
    assert uploads.get_upload(site, alice, upload.id).trashed_at is not None


def test_an_expired_drop_is_in_the_trash_before_any_sweep_and_stays_once_restored(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    ends, stays = keep(site, alice, expires_at=clock.now() + timedelta(hours=1)), keep(site, alice, screenshot(2))
    later = keep(site, alice, screenshot(3), expires_at=clock.now() + timedelta(days=9))
    his = keep(site, bob, screenshot(4), expires_at=clock.now() + timedelta(hours=1))
    clock.advance(hours=1)
    assert {one.id for one in uploads.list_uploads(site, alice).items} == {stays.id, later.id}
    assert [one.id for one in uploads.list_uploads(site, alice, trash=True).items] == [ends.id]
    assert uploads.get_upload(site, bob, his.id).trashed_at is None, "whoever looks tidies up what is theirs alone"
    assert uploads.restore_upload(site, alice, ends.id).expires_at is None
    assert jobs.run_job(site, "expire") == "1 expired", "his; hers stays"
    assert uploads.find_public(site, ends.slug).id == ends.id
    uploads.trash_upload(site, alice, later.id)
    assert uploads.restore_upload(site, alice, later.id).expires_at == later.expires_at


def test_a_deletion_link_works_for_whoever_has_it_and_for_this_drop_alone(site: Site, alice: Caller) -> None:
    one, other = keep(site, alice), keep(site, alice, screenshot(2))
    token = urls.deletion_url(site, one).rsplit("/", 1)[1]
    for slug, wrong in ((other.slug, token), (one.slug, token[:-1]), (one.slug, "ü"), ("nothing", token)):
        with pytest.raises(NotFound):
            uploads.delete_by_token(site, slug, wrong)
    assert uploads.delete_by_token(site, one.slug, token).trashed_at is not None
    assert uploads.find_public(site, other.slug).id == other.id


def test_a_delete_beside_an_upload_of_the_same_bytes_never_loses_the_upload(site: Site, alice: Caller) -> None:
    data = screenshot(3)
    acknowledged: list[Upload] = []
    last = keep(site, alice, data)
    problems: list[BaseException] = []

    def delete(upload_id: str) -> None:
        try:
            with using(site.db):
                uploads.trash_upload(site, alice, upload_id)
                deletion.delete_forever(site, upload_id)
        except BaseException as error:
            problems.append(error)
        finally:
            site.db.close()

    for _ in range(40):
        thread = threading.Thread(target=delete, args=(last.id,))
        thread.start()
        last = keep(site, alice, data)
        acknowledged.append(last)
        thread.join()
        assert stored(site, uploads.get_upload(site, alice, last.id)) == data
    assert problems == []
    assert list(verify(site, read_data=True)) == []
