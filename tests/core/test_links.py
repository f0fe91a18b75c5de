"""Share links: what they lead to, for how long, and who may make, see and end them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import albums, uploads
from bulletdrop.core.drops.deletion import delete_forever
from bulletdrop.core.models import ShareLink, Team, Upload, User
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import limits, links
from bulletdrop.core.sharing.link_states import STATES
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden, Invalid, MissingScope, NotFound
from tests.core.drops_kit import keep, person
from tests.core.teams_kit import cast


def works(site: Site, link: ShareLink) -> bool:
    try:
        links.find_link(site, link.token)
    except NotFound:
        return False
    return True


def test_a_link_shows_a_private_drop_and_says_who_it_is_for_to_its_maker_alone(site: Site) -> None:
    alice, charlie = person(site, "alice"), person(site, "charlie")
    drop = keep(site, alice, is_public=False)
    link = links.share(site, alice, upload_id=drop.id, note="for the printer")
    assert len(link.token) == 22
    found = links.find_link(site, link.token)
    assert found.upload == drop
    assert found.upload is not None
    assert found.upload.blob.size
    assert links.get_link(site, alice, link.token).note == "for the printer"
    for act in (links.get_link, links.revoke_link, links.delete_link):
        with pytest.raises(NotFound):
            act(site, charlie, link.token)
    with pytest.raises(NotFound):
        links.change_link(site, charlie, link.token, {"note": "mine"})
    with pytest.raises(NotFound):
        links.share(site, charlie, upload_id=drop.id)
    with pytest.raises(NotFound):
        links.list_links(site, charlie, upload_id=drop.id)
    assert not links.list_links(site, charlie).items


def test_a_link_to_an_album_is_made_by_whoever_may_change_the_album(site: Site) -> None:
    team = cast(site)
    album = albums.create_album(site, team.alice, title="Holidays", team=team.team.id, is_public=False)
    made = links.share(site, team.member, album_id=album.id)
    found = links.find_link(site, made.token)
    assert (found.album, found.upload) == (album, None)
    with pytest.raises(Forbidden):
        links.share(site, team.viewer, album_id=album.id)
    with pytest.raises(NotFound):
        links.share(site, team.charlie, album_id=album.id)
    assert [row.token for row in links.list_links(site, team.alice, album_id=album.id).items] == [made.token]
    teams.change_role(site, team.alice.user_id, team.team.id, team.member.user_id, "viewer")
    assert not works(site, made)


def test_a_key_that_may_not_see_drops_makes_no_link_to_see_them_by(site: Site) -> None:
    alice = person(site, "alice")
    key = Caller(alice.user_id, "alice", is_admin=False, scopes=frozenset({"links:write"}), key_id="k")
    with pytest.raises(MissingScope):
        links.share(site, key, upload_id=keep(site, alice).id)


def test_terms_are_checked_and_what_ends_by_itself_is_extended(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    drop = keep(site, alice)
    for terms in ({"max_views": 0}, {"expires_at": clock.now()}, {"password": "x" * 1025}):
        with pytest.raises(Invalid):
            links.share(site, alice, upload_id=drop.id, terms=terms)
    with pytest.raises(Invalid):
        links.share(site, alice, upload_id=drop.id, note="one\ntwo")
    link = links.share(
        site, alice, upload_id=drop.id, terms={"max_views": 1, "expires_at": clock.now() + timedelta(hours=1)}
    )
    assert limits.take_view(site, link)
    assert links.get_link(site, alice, link.token).state == "used_up"
    # Whoever was let in comes back with a pass: it is still known.
    assert works(site, link)
    clock.advance(hours=1)
    assert links.get_link(site, alice, link.token).state == "expired"
    assert not works(site, link)
    later = clock.now() + timedelta(days=1)
    extended = links.change_link(site, alice, link.token, {"max_views": 2, "expires_at": later})
    assert (extended.state, extended.views, extended.expires_at) == ("active", 1, later)
    assert works(site, link)


def test_a_revoked_link_stays_in_the_list_and_never_works_again(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    link = links.share(site, alice, upload_id=keep(site, alice).id)
    revoked = links.revoke_link(site, alice, link.token)
    at = revoked.revoked_at
    clock.advance(hours=1)
    assert links.revoke_link(site, alice, link.token).revoked_at == at
    assert not works(site, link)
    assert not limits.take_view(site, link)
    with pytest.raises(Conflict):
        links.change_link(site, alice, link.token, {"expires_at": None})
    assert links.change_link(site, alice, link.token, {"note": "was the printer's"}).state == "revoked"
    assert [row.state for row in links.list_links(site, alice).items] == ["revoked"]
    links.delete_link(site, alice, link.token)
    assert not links.list_links(site, alice).items
    with pytest.raises(NotFound):
        links.get_link(site, alice, link.token)


Change = Callable[[Site, Upload, ManualClock], None]


def set_drop(**values: object) -> Change:
    def change(site: Site, drop: Upload, clock: ManualClock) -> None:
        Upload.update({name: clock.now() if value == "now" else value for name, value in values.items()}).where(
            Upload.id == drop.id
        ).execute()

    return change


def set_owner(**values: object) -> Change:
    def change(site: Site, drop: Upload, clock: ManualClock) -> None:
        User.update({name: clock.now() if value == "now" else value for name, value in values.items()}).where(
            User.id == drop.owner_id
        ).execute()

    return change


AWAY = {
    "in the trash": (set_drop(trashed_at="now"), set_drop(trashed_at=None)),
    "hidden by an admin": (set_drop(hidden_at="now", is_public=False), set_drop(hidden_at=None)),
    "expired": (set_drop(expires_at="now"), set_drop(expires_at=None)),
    "of somebody blocked": (set_owner(is_active=False), set_owner(is_active=True)),
    "of somebody who leaves": (set_owner(delete_scheduled_for="now"), set_owner(delete_scheduled_for=None)),
}


@pytest.mark.parametrize("why", AWAY)
def test_a_link_rests_while_its_drop_is_shown_to_nobody(site: Site, clock: ManualClock, why: str) -> None:
    alice = person(site, "alice")
    drop = keep(site, alice)
    link = links.share(site, alice, upload_id=drop.id)
    away, back = AWAY[why]
    away(site, drop, clock)
    assert not works(site, link)
    assert links.list_links(site, alice).items[0].state == "away"
    back(site, drop, clock)
    assert works(site, link)


def test_what_is_shown_to_nobody_is_not_shared_either(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    drop = keep(site, alice)
    for name, refusal in (("hidden by an admin", Forbidden), ("in the trash", Conflict), ("expired", Conflict)):
        away, back = AWAY[name]
        away(site, drop, clock)
        with pytest.raises(refusal):
            links.share(site, alice, upload_id=drop.id)
        back(site, drop, clock)


def test_the_terms_of_the_drop_itself_do_not_count_through_a_link(site: Site) -> None:
    alice = person(site, "alice")
    drop = keep(site, alice)
    Upload.update(max_views=1, views=1, password_hash="x").where(Upload.id == drop.id).execute()
    link = links.find_link(site, links.share(site, alice, upload_id=drop.id).token)
    assert not limits.is_guarded(link)


def test_links_end_with_the_right_of_who_made_them(site: Site) -> None:
    team = cast(site)
    drop = keep(site, team.member, team_id=team.team.id)
    made = {name: links.share(site, team.of(name), upload_id=drop.id) for name in ("owner", "admin", "member")}
    with pytest.raises(Forbidden):
        links.share(site, team.viewer, upload_id=drop.id)
    assert all(works(site, link) for link in made.values())
    teams.change_role(site, team.alice.user_id, team.team.id, team.member.user_id, "viewer")
    assert [name for name in made if works(site, made[name])] == ["owner", "admin"]
    assert links.list_links(site, team.member).items[0].state == "no_right"
    teams.change_role(site, team.alice.user_id, team.team.id, team.member.user_id, "member")
    assert works(site, made["member"])
    teams.change_role(site, team.alice.user_id, team.team.id, team.admin.user_id, "member")
    assert not works(site, made["admin"])
    teams.leave(site, team.member.user_id, team.team.id)
    assert not works(site, made["member"])
    Team.update(delete_scheduled_for=site.clock.now()).where(Team.id == team.team.id).execute()
    assert not works(site, made["owner"])


def test_a_drop_that_moves_to_somebody_else_takes_no_link_of_the_one_before_along(site: Site) -> None:
    team = cast(site)
    drop = keep(site, team.member)
    mine = links.share(site, team.member, upload_id=drop.id)
    uploads.change_upload(site, team.member, drop.id, {"team": team.team.slug})
    assert works(site, mine)
    uploads.change_upload(site, team.alice, drop.id, {"team": None})
    assert not works(site, mine)
    assert links.list_links(site, team.alice, upload_id=drop.id).items[0].state == "no_right"
    links.revoke_link(site, team.alice, mine.token)


def test_admins_of_a_team_see_and_end_its_members_links(site: Site) -> None:
    team = cast(site)
    drop = keep(site, team.member, team_id=team.team.id)
    link = links.share(site, team.member, upload_id=drop.id)
    assert [row.token for row in links.list_links(site, team.admin, upload_id=drop.id).items] == [link.token]
    assert not links.list_links(site, team.admin).items
    with pytest.raises(NotFound):
        links.revoke_link(site, team.viewer, link.token)
    assert links.revoke_link(site, team.admin, link.token).state == "revoked"


def test_a_link_is_gone_with_its_drop(site: Site) -> None:
    alice = person(site, "alice")
    drop = keep(site, alice)
    links.share(site, alice, upload_id=drop.id)
    uploads.trash_upload(site, alice, drop.id)
    delete_forever(site, drop.id)
    assert not Upload.select().exists()
    assert not ShareLink.select().exists()


def test_the_list_is_in_parts_and_is_searched(site: Site, clock: ManualClock) -> None:
    alice = person(site, "alice")
    drops = [keep(site, alice, name=f"{word}.png") for word in ("Apple", "pear")]
    for number in range(5):
        clock.advance(seconds=1)
        note = f"100% of number {number}"
        links.share(site, alice, upload_id=drops[number % 2].id, note=note, terms={"max_views": 1})
    first = links.list_links(site, alice, limit=2)
    assert [row.note[-1] for row in first.items] == ["4", "3"]
    rest = links.list_links(site, alice, cursor=first.next, limit=10)
    assert [row.note[-1] for row in rest.items] == ["2", "1", "0"]
    assert rest.next is None
    assert all(row.upload is not None and row.upload.blob.ext == "png" for row in rest.items)
    assert [row.note[-1] for row in links.list_links(site, alice, text="number 3").items] == ["3"]
    assert len(links.list_links(site, alice, text="aPPle").items) == 3
    assert len(links.list_links(site, alice, text="0%").items) == 5
    assert not links.list_links(site, alice, text="0_").items
    assert len(links.list_links(site, alice, upload_id=drops[1].id).items) == 2
    limits.take_view(site, first.items[0])
    links.revoke_link(site, alice, first.items[1].token)
    assert [row.state for row in links.list_links(site, alice, active=False).items] == ["used_up", "revoked"]
    assert len(links.list_links(site, alice, active=True).items) == 3
    assert {row.state for row in links.list_links(site, alice).items} <= set(STATES)


def test_what_somebody_may_no_longer_see_is_not_found_by_its_name(site: Site) -> None:
    team = cast(site)
    drop = keep(site, team.member, team_id=team.team.id, name="salaries.png")
    links.share(site, team.member, upload_id=drop.id)
    assert links.list_links(site, team.member, text="salaries").items
    links.revoke_link(site, team.member, links.share(site, team.member, upload_id=drop.id).token)
    teams.leave(site, team.member.user_id, team.team.id)
    assert not links.list_links(site, team.member, text="salaries").items
    assert {row.state for row in links.list_links(site, team.member).items} == {"no_right"}


def test_a_repeated_request_gets_the_link_that_the_first_one_made(site: Site) -> None:
    alice, bob = person(site, "alice"), person(site, "bob")
    first = links.share(site, alice, upload_id=keep(site, alice).id, idempotency_key="k")
    again = links.share(site, alice, upload_id=first.upload_id, idempotency_key="k")
    assert again.token == first.token
    assert links.share(site, bob, upload_id=keep(site, bob).id, idempotency_key="k").token != first.token


def test_who_made_a_link_and_who_is_in_the_drops_team_is_not_counted(site: Site) -> None:
    team = cast(site)
    drop = keep(site, team.member, team_id=team.team.id)
    link = links.find_link(site, links.share(site, team.member, upload_id=drop.id).token)
    theirs = {name for name in ("owner", "admin", "member", "viewer") if links.is_theirs(site, team.of(name), link)}
    assert theirs == {"owner", "admin", "member", "viewer"}
    assert not links.is_theirs(site, team.charlie, link)
    assert not links.is_theirs(site, None, link)
    blind = Caller(team.member.user_id, "bob", is_admin=False, scopes=frozenset({"links:read"}), key_id="k")
    assert not links.is_theirs(site, blind, link)


def test_a_link_that_never_was_is_as_one_that_ended(site: Site) -> None:
    alice = person(site, "alice")
    link = links.share(site, alice, upload_id=keep(site, alice).id)
    links.revoke_link(site, alice, link.token)
    said = []
    for token in (link.token, "never", "nul\0", ""):
        with pytest.raises(NotFound) as caught:
            links.find_link(site, token)
        said.append(caught.value.message)
    assert len(set(said)) == 1
