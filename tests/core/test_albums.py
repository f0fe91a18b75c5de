"""Albums in core: whose drops may lie in one, what a visitor sees of it, its order, and its zip."""

from __future__ import annotations

import io
import zipfile
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.archive import Names, safe_name
from bulletdrop.core.drops import albums, uploads
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.models import Album, AlbumItem, Upload, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, Conflict, Forbidden, Invalid, NotFound, TooMany
from tests.core.drops_kit import keep, person, stored
from tests.core.teams_kit import cast


def make(site: Site, who: Caller, *drops: Upload, **options: object) -> Album:
    """An album of somebody's with these drops in it."""
    album = albums.create_album(site, who, title="Harbour", **options)  # type: ignore[arg-type]
    if drops:
        albums.add_items(site, who, album.id, [drop.id for drop in drops])
    return albums.get_album(site, who, album.id)


def seen(site: Site, album: Album, who: Caller | None = None) -> list[str]:
    """The ids that somebody sees."""
    return [drop.id for drop in albums.items(site, album, who)]


def unzipped(site: Site, album: Album, who: Caller | None = None) -> dict[str, bytes]:
    """What is in the album's zip, by name."""
    with zipfile.ZipFile(io.BytesIO(b"".join(albums.zip_of(site, album, who)))) as archive:
        assert archive.testzip() is None
        return {info.filename: archive.read(info) for info in archive.infolist()}


def test_nobody_puts_somebody_elses_drop_into_an_album_and_nothing_of_such_a_call_is_kept(site: Site) -> None:
    alice, charlie = person(site, "alice"), person(site, "charlie")
    mine, others = keep(site, alice), keep(site, charlie)
    album = make(site, alice)
    with pytest.raises(NotFound):
        albums.add_items(site, alice, album.id, [mine.id, others.id])
    assert seen(site, album, alice) == []
    with pytest.raises(NotFound):
        albums.add_items(site, charlie, album.id, [others.id])


def test_to_a_stranger_an_album_does_not_exist_whatever_they_do_with_it(site: Site) -> None:
    alice, charlie = person(site, "alice"), person(site, "charlie")
    drop = keep(site, alice)
    album = make(site, alice, drop)
    for act in (
        lambda: albums.get_album(site, charlie, album.id),
        lambda: albums.change_album(site, charlie, album.id, {"title": "Mine"}),
        lambda: albums.remove_items(site, charlie, album.id, [drop.id]),
        lambda: albums.reorder(site, charlie, album.id, [drop.id]),
        lambda: albums.delete_album(site, charlie, album.id),
    ):
        with pytest.raises(NotFound):
            act()
    assert albums.list_albums(site, charlie).items == []
    assert seen(site, album) == [drop.id]


def test_a_teams_album_is_seen_by_its_members_changed_by_who_may_upload_and_holds_the_teams_drops_alone(
    site: Site,
) -> None:
    people = cast(site)
    ours, own = keep(site, people.member, team_id=people.team.id), keep(site, people.member)
    album = make(site, people.member, ours, team=people.team.slug)
    with pytest.raises(NotFound):
        albums.add_items(site, people.member, album.id, [own.id])
    for role in ("owner", "admin", "member"):
        albums.change_album(site, people.of(role), album.id, {"description": role})
    assert albums.get_album(site, people.viewer, album.id).id == album.id
    with pytest.raises(Forbidden):
        albums.change_album(site, people.viewer, album.id, {"description": "viewer"})
    with pytest.raises(NotFound):
        albums.change_album(site, people.charlie, album.id, {"description": "stranger"})
    with pytest.raises(Forbidden):
        albums.create_album(site, people.viewer, title="No", team=people.team.slug)


def test_a_member_cannot_show_others_what_somebody_else_of_the_team_keeps_private(site: Site) -> None:
    people = cast(site)
    private = keep(site, people.alice, team_id=people.team.id, is_public=False)
    own = keep(site, people.member, team_id=people.team.id, is_public=False)
    album = make(site, people.member, own, team=people.team.slug)
    with pytest.raises(Forbidden):
        albums.add_items(site, people.member, album.id, [private.id])
    assert seen(site, album) == [own.id]
    assert albums.add_items(site, people.admin, album.id, [private.id]) == 1


def test_a_team_member_who_left_is_a_stranger_to_the_teams_albums_even_to_those_that_they_made(site: Site) -> None:
    people = cast(site)
    album = make(site, people.member, keep(site, people.member, team_id=people.team.id), team=people.team.slug)
    albums.change_album(site, people.member, album.id, {"is_public": False})
    teams.leave(site, people.member.user_id, people.team.id)
    album = albums.find_album(site, album.slug)
    assert not albums.may_see(site, people.member, album)
    assert albums.may_see(site, people.viewer, album)
    with pytest.raises(NotFound):
        albums.get_album(site, people.member, album.id)


def test_a_teams_album_stays_when_who_made_it_deletes_their_account(site: Site) -> None:
    people = cast(site)
    drop = keep(site, people.member, team_id=people.team.id)
    album = make(site, people.member, drop, team=people.team.slug)
    left = make(site, people.admin, team=people.team.slug)
    teams.leave(site, people.admin.user_id, people.team.id)
    for who in (people.member, people.admin):
        teams.hand_over_before_leaving(site, who.user_id)
        User.delete().where(User.id == who.user_id).execute()
    assert seen(site, albums.get_album(site, people.alice, album.id), people.alice) == [drop.id]
    assert albums.get_album(site, people.alice, left.id).owner_id == people.alice.user_id


def test_private_drops_are_shown_through_the_album_and_what_is_guarded_trashed_expired_or_hidden_is_not(
    site: Site, clock: ManualClock
) -> None:
    alice = person(site, "alice")
    names = ("public", "private", "locked", "counted", "locked and private", "trashed", "expired", "hidden")
    drops = {name: keep(site, alice, name=f"{name}.png") for name in names}
    drops["expired"] = keep(site, alice, name="expired.png", expires_at=clock.now() + timedelta(minutes=5))
    album = make(site, alice, *drops.values())

    def change(name: str, **values: object) -> None:
        Upload.update(values).where(Upload.id == drops[name].id).execute()

    change("private", is_public=False)
    change("locked", password_hash="x")
    change("counted", max_views=3)
    change("locked and private", password_hash="x", is_public=False)
    change("hidden", is_public=False, hidden_at=clock.now())
    uploads.trash_upload(site, alice, drops["trashed"].id)
    clock.advance(minutes=6)

    shown = {drop.id: albums.is_locked(drop) for drop in albums.items(site, album, None)}
    assert shown == {drops[n].id: n in ("locked", "counted") for n in ("public", "private", "locked", "counted")}
    given = [name for name in names if _is_given(site, album, drops[name], None)]
    assert given == ["public", "private"]
    assert set(unzipped(site, album)) == {"public.png", "private.png"}
    mine = [name for name in names if _is_given(site, album, drops[name], alice)]
    assert mine == ["public", "private", "locked", "counted", "locked and private", "hidden"]


def _is_given(site: Site, album: Album, drop: Upload, who: Caller | None) -> bool:
    try:
        return albums.contains(site, album, drop.id, who).id == drop.id
    except NotFound:
        return False


def test_bytes_of_a_drop_that_is_not_in_the_album_are_not_given_by_it(site: Site) -> None:
    alice = person(site, "alice")
    inside, outside = keep(site, alice), keep(site, alice, is_public=False)
    album, other = make(site, alice, inside), make(site, alice, outside)
    assert albums.contains(site, album, inside.id).id == inside.id
    for upload_id in (outside.id, "nothing", "a\0b"):
        with pytest.raises(NotFound):
            albums.contains(site, album, upload_id)
    assert albums.contains(site, other, outside.id).id == outside.id


def test_a_drop_that_was_moved_into_a_team_is_no_longer_shown_by_its_old_owners_album(site: Site) -> None:
    people = cast(site)
    drop = keep(site, people.member)
    album = make(site, people.member, drop)
    uploads.change_upload(site, people.member, drop.id, {"team": people.team.slug})
    assert seen(site, album) == []
    with pytest.raises(NotFound):
        albums.contains(site, album, drop.id)


def test_albums_of_who_is_blocked_about_to_be_deleted_or_silent_are_not_found(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    album = make(site, alice, keep(site, alice))
    assert albums.find_album(site, album.slug).id == album.id
    for values in ({"is_active": False}, {"delete_scheduled_for": clock.now() + timedelta(days=7)}):
        User.update(values).where(User.id == alice.user_id).execute()
        with pytest.raises(NotFound):
            albums.find_album(site, album.slug)
        User.update(is_active=True, delete_scheduled_for=None).where(User.id == alice.user_id).execute()
    User.update(silent_until=clock.now() + timedelta(days=3)).where(User.id == alice.user_id).execute()
    found = albums.find_album(site, album.slug)
    with pytest.raises(TooMany):
        albums.check_not_silent(site, None, found)
    albums.check_not_silent(site, alice, found)
    Album.update(expires_at=clock.now()).where(Album.id == album.id).execute()
    with pytest.raises(NotFound):
        albums.find_album(site, album.slug)


def test_drops_stand_in_the_order_that_was_asked_for(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    drops = []
    for name in ("b.png", "A.png", "c.png"):
        drops.append(keep(site, alice, name=name).id)
        clock.advance(minutes=1)
    album = albums.create_album(site, alice, title="Order")
    assert albums.add_items(site, alice, album.id, drops) == 3
    assert albums.add_items(site, alice, album.id, [drops[2], drops[2]]) == 0
    b, a, c = drops
    for sort, order in (("newest", [c, a, b]), ("oldest", [b, a, c]), ("name", [a, b, c]), ("manual", [b, a, c])):
        album = albums.change_album(site, alice, album.id, {"sort": sort})
        assert seen(site, album, alice) == order, sort
    album = albums.change_album(site, alice, album.id, {"sort": "name"})
    album = albums.reorder(site, alice, album.id, [c, "nothing of ours"])
    assert seen(site, album, alice) == [c, b, a], "what was not named comes after, as it was"
    assert [drop.id for drop in albums.items(site, album, None, start=1, limit=1)] == [b]
    assert albums.count_items(site, album, None) == 3


def test_one_drop_is_moved_from_where_it_is_shown_and_steps_go_over_what_nobody_sees(
    site: Site, clock: ManualClock
) -> None:
    alice = person(site, "alice")
    ids = []
    for name in "abcd":
        ids.append(keep(site, alice, name=f"{name}.png").id)
        clock.advance(minutes=1)
    a, b, c, d = ids
    album = albums.create_album(site, alice, title="Order")
    albums.add_items(site, alice, album.id, ids)
    albums.change_album(site, alice, album.id, {"sort": "newest"})
    album = albums.move_item(site, alice, album.id, a, before=c)
    assert seen(site, album, alice) == [d, a, c, b]
    album = albums.move_item(site, alice, album.id, d, before=None)
    assert seen(site, album, alice) == [a, c, b, d]
    uploads.trash_upload(site, alice, c)
    album = albums.step(site, alice, album.id, b, by=-1)
    assert seen(site, album, alice) == [b, a, d]
    album = albums.step(site, alice, album.id, b, by=-1)
    album = albums.step(site, alice, album.id, a, by=1)
    assert seen(site, album, alice) == [b, d, a]
    for upload_id, before in ((keep(site, alice).id, a), (a, "nothing")):
        with pytest.raises(NotFound):
            albums.move_item(site, alice, album.id, upload_id, before=before)


def test_the_cover_is_one_of_the_albums_own_and_never_what_visitors_do_not_see(site: Site) -> None:
    alice = person(site, "alice")
    first, second, outside = (keep(site, alice) for _ in range(3))
    album = make(site, alice, first, second)
    assert _cover(site, album) == first.id
    album = albums.change_album(site, alice, album.id, {"cover": second.id})
    assert _cover(site, album) == second.id
    with pytest.raises(NotFound):
        albums.change_album(site, alice, album.id, {"cover": outside.id})
    Upload.update(password_hash="x").where(Upload.id == second.id).execute()
    assert _cover(site, album) == first.id
    albums.remove_items(site, alice, album.id, [second.id])
    assert albums.get_album(site, alice, album.id).cover_id is None


def _cover(site: Site, album: Album) -> str | None:
    found = albums.cover_of(site, album, None)
    return found.id if found else None


def test_deleting_an_album_leaves_its_drops_and_deleting_a_drop_leaves_the_album(site: Site) -> None:
    alice = person(site, "alice")
    kept, gone = keep(site, alice), keep(site, alice)
    album = make(site, alice, kept, gone)
    albums.change_album(site, alice, album.id, {"cover": gone.id})
    uploads.trash_upload(site, alice, gone.id)
    delete_forever(site, gone.id)
    assert seen(site, album, alice) == [kept.id]
    albums.delete_album(site, alice, album.id)
    assert not AlbumItem.select().exists()
    assert uploads.get_upload(site, alice, kept.id).trashed_at is None


def test_words_that_cannot_be_kept_are_refused_with_their_field(site: Site) -> None:
    alice = person(site, "alice")
    album = make(site, alice)
    for title in ("", "   ", "x" * 201, "a\nb", "exe.\u202egnp"):
        with pytest.raises(BadName):
            albums.create_album(site, alice, title=title)
    for changes in ({"sort": "random"}, {"owner": "charlie"}, {"description": "x" * 4001}, {"description": "a\0b"}):
        with pytest.raises(Invalid):
            albums.change_album(site, alice, album.id, changes)
    assert albums.change_album(site, alice, album.id, {"description": "a\r\nb"}).description == "a\nb"


def test_an_album_takes_no_more_than_it_holds(site: Site) -> None:
    alice = person(site, "alice")
    drop, album = keep(site, alice), make(site, alice)
    values = {"owner": alice.user_id, "blob": drop.blob_id, "filename": "a.png", "original_filename": "a.png"}
    ids = [f"{number:022}" for number in range(albums.MOST_ITEMS)]
    for start in range(0, len(ids), 500):
        rows = [{"id": one, "slug": one, "created_at": site.clock.now(), **values} for one in ids[start : start + 500]]
        Upload.insert_many(rows).execute()
    assert albums.add_items(site, alice, album.id, ids) == albums.MOST_ITEMS
    with pytest.raises(Conflict):
        albums.add_items(site, alice, album.id, [drop.id])
    with pytest.raises(Invalid):
        albums.add_items(site, alice, album.id, [*ids, drop.id])
    assert albums.count_items(site, album, None) == albums.MOST_ITEMS
    albums.reorder(site, alice, album.id, ids[::-1])
    assert seen(site, album)[:2] == ids[:-3:-1]


def test_the_list_goes_on_where_a_part_of_it_ended_and_holds_own_and_teams_albums(
    site: Site, clock: ManualClock
) -> None:
    people = cast(site)
    for number in range(5):
        owner = people.member if number % 2 else people.alice
        albums.create_album(site, owner, title=f"{number}", team=None if number < 2 else people.team.slug)
        clock.advance(minutes=1)
    first = albums.list_albums(site, people.member, limit=2)
    rest = albums.list_albums(site, people.member, cursor=first.next, limit=10)
    assert [one.album.title for one in (*first.items, *rest.items)] == ["4", "3", "2", "1"]
    assert [one.may_change for one in albums.list_albums(site, people.viewer).items] == [False] * 3
    with pytest.raises(NotFound):
        albums.list_albums(site, people.charlie, team=people.team.slug)


def test_the_zip_holds_every_drops_bytes_under_names_that_are_each_there_once(site: Site) -> None:
    alice = person(site, "alice")
    drops = [keep(site, alice, name=name) for name in ("shot.png", "shot.png", "SHOT.png", "日本.png")]
    album = make(site, alice, *drops)
    inside = unzipped(site, album, None)
    assert list(inside) == ["shot.png", "shot (2).png", "SHOT (3).png", "日本.png"]
    assert list(inside.values()) == [stored(site, drop) for drop in drops]


def test_names_in_a_zip_are_one_files_in_one_folder_on_every_system() -> None:
    hostile = {
        "../../etc/passwd": "_._etc_passwd",
        "C:\\Windows\\a.dll": "C__Windows_a.dll",
        "exe.\u202egnp.exe": "exe.gnp.exe",
        "nul.png": "_nul.png",
        "COM1": "_COM1",
        "a\0b\r\n.png": "ab.png",
        "   ": "file",
        ".htaccess": "htaccess",
        "dots...": "dots",
    }
    assert {name: safe_name(name) for name in hostile} == hostile
    names = Names()
    assert [names.add("a.png") for _ in range(3)] == ["a.png", "a (2).png", "a (3).png"]
    assert names.add("A.PNG") == "A (4).PNG"
    assert names.add("a (2).png") == "a (2) (2).png"
    assert len(safe_name("x" * 5000 + ".png").encode()) <= 240
