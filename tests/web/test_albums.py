"""Albums over HTTP: the API, the page that visitors see, the bytes behind it, the zip, and who is let in."""

from __future__ import annotations

import io
import re
import time
import zipfile
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import browser
from tests.web.kit import path_of, png, problem, upload
from tests.web.rows.teams import make_team

DISCORD = "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)"


def make(client: httpx.Client, *drops: dict[str, Any], **wishes: Any) -> dict[str, Any]:
    """An album with these drops in it, as the API answers it."""
    answer = client.post("/api/v1/albums", json={"title": "Harbour", **wishes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    if drops:
        put = client.post(f"/api/v1/albums/{made['id']}/items", json={"ids": [drop["id"] for drop in drops]})
        assert put.json()["added"] == len(drops), put.text
    return made


def change(client: httpx.Client, album: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """Change an album over the API."""
    answer = client.patch(f"/api/v1/albums/{album['id']}", json=changes)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_an_album_is_made_filled_ordered_and_emptied_over_the_api(shared: Server) -> None:
    alice = shared.alice
    first, second, third = (upload(alice, named=f"{name}.png") for name in "abc")
    album = make(alice, first, second, third, description="By the sea")
    path = f"/api/v1/albums/{album['id']}"
    found = alice.get(path).json()
    assert (found["count"], found["cover"], found["sort"], found["may_change"]) == (3, first["id"], "manual", True)
    assert path_of(found["url"]) == f"/a/{found['slug']}"
    ordered = alice.put(f"{path}/items", json={"ids": [third["id"]]})
    assert ordered.status_code == 200, ordered.text
    page = alice.get(f"{path}/items?limit=2").json()
    rest = alice.get(f"{path}/items?limit=2&cursor={page['next']}").json()
    assert [row["id"] for row in page["items"] + rest["items"]] == [third["id"], first["id"], second["id"]]
    assert rest["next"] is None
    assert alice.delete(f"{path}/items/{first['id']}").status_code == 204
    problem(alice.delete(f"{path}/items/{first['id']}"), 404)
    changed = change(alice, album, title="Port", cover=second["id"], sort="newest", max_views=5, password="sea")
    assert (changed["title"], changed["cover"], changed["has_password"]) == ("Port", second["id"], True)
    assert [row["id"] for row in alice.get(f"{path}/items").json()["items"]] == [third["id"], second["id"]]
    assert found["id"] in [row["id"] for row in alice.get("/api/v1/albums").json()["items"]]
    assert alice.delete(path).status_code == 204
    problem(alice.get(path), 404)
    assert alice.get(f"/api/v1/uploads/{second['id']}").json()["trashed_at"] is None


def test_somebody_elses_drop_and_one_that_never_was_are_refused_with_the_same_words(shared: Server) -> None:
    album, theirs = make(shared.alice), upload(shared.bob)
    path = f"/api/v1/albums/{album['id']}/items"
    answers = [shared.alice.post(path, json={"ids": [one]}) for one in (theirs["id"], "x" * 22)]
    assert len({problem(answer, 404)["message"] for answer in answers}) == 1
    assert shared.alice.get(path).json()["items"] == []


def test_a_team_sees_and_changes_its_albums_and_a_stranger_learns_of_none(shared: Server) -> None:
    team = make_team(shared)
    drop = upload(shared.bob, team=team["slug"])
    album = make(shared.bob, drop, team=team["slug"], is_public=False)
    assert shared.alice.get(f"/api/v1/albums/{album['id']}").json()["sender"] == "bob"
    assert change(shared.alice, album, title="Ours")["title"] == "Ours"
    shared.key_of("charlie")
    problem(shared.charlie.get(f"/api/v1/albums/{album['id']}"), 404)
    problem(shared.charlie.get(f"/api/v1/albums?team={team['slug']}"), 404)
    assert shared.charlie.get(path_of(album["url"])).status_code == 404
    assert shared.alice.get(path_of(album["url"])).status_code == 200


def test_visitors_see_private_drops_through_the_album_and_their_bytes_there_alone(shared: Server) -> None:
    data = png()
    private = upload(shared.alice, data, named="private.png", is_public="false")
    other = upload(shared.alice, named="other.png", is_public="false")
    album = make(shared.alice, private)
    path = path_of(album["url"])
    with browser(shared) as visitor:
        page = visitor.get(path)
        assert page.status_code == 200
        assert f"{path}/i/{private['id']}" in page.text
        whole = visitor.get(f"{path}/i/{private['id']}")
        assert (whole.status_code, whole.content) == (200, data)
        assert "public" not in whole.headers["cache-control"]
        assert visitor.get(f"{path}/i/{private['id']}?size=thumb").status_code == 200
        assert visitor.get(f"{path}/i/{other['id']}").status_code == 404
        for own in (f"/i/{private['id']}", path_of(private["url"]), path_of(private["direct_url"])):
            assert visitor.get(own).status_code == 404


def test_a_drop_with_a_password_of_its_own_is_a_locked_tile_that_tells_nothing_of_it(shared: Server) -> None:
    locked = upload(shared.alice, named="canary-name.png")
    answer = shared.alice.patch(f"/api/v1/uploads/{locked['id']}", json={"max_views": 1})
    if answer.status_code == 400:
        pytest.skip("drops have no terms over the API yet")
    shown = upload(shared.alice, named="plain.png")
    album = make(shared.alice, locked, shown)
    path = path_of(album["url"])
    with browser(shared) as visitor:
        text = visitor.get(path).text
        assert "Locked" in text
        assert path_of(locked["url"]) in text
        assert "canary-name" not in text
        assert locked["id"] not in text
        assert visitor.get(f"{path}/i/{locked['id']}").status_code == 404
        names = zipfile.ZipFile(io.BytesIO(visitor.get(f"{path}/zip").content)).namelist()
        assert names == ["plain.png"]
    assert shared.alice.get(f"{path}/i/{locked['id']}").status_code == 200


def test_a_private_album_is_to_strangers_as_one_that_never_was(shared: Server) -> None:
    drop = upload(shared.alice)
    album = make(shared.alice, drop, is_public=False)
    path = path_of(album["url"])
    with browser(shared) as visitor:
        for below in ("", "/zip", f"/i/{drop['id']}"):
            asked, never = visitor.get(path + below), visitor.get(f"/a/nothing-there{below}")
            assert asked.status_code == never.status_code == 404
            assert _words(asked) == _words(never)


def _words(answer: httpx.Response) -> str:
    return re.sub(r"/a/[\w-]+(/\S*)?", "", answer.text)


def test_a_password_opens_one_album_and_no_other_with_the_same_password(shared: Server) -> None:
    drop = upload(shared.alice, is_public="false")
    album, other = (make(shared.alice, drop, password="harbour") for _ in range(2))
    path, elsewhere = path_of(album["url"]), path_of(other["url"])
    with browser(shared) as visitor:
        for below in ("", "/zip", f"/i/{drop['id']}"):
            assert visitor.get(path + below).status_code == 401
        opened = visitor.get(path, headers={"X-Share-Password": "harbour"})
        assert opened.status_code == 200
        assert 'name="robots" content="noindex"' in opened.text
        assert "og:" not in opened.text
        assert visitor.get(f"{path}/i/{drop['id']}").status_code == 200
        assert visitor.get(f"{path}/zip").status_code == 200
        assert visitor.get(elsewhere).status_code == 401
        assert visitor.get(f"{elsewhere}/i/{drop['id']}").status_code == 401
        change(shared.alice, album, password="another")
        assert visitor.get(path).status_code == 401


@pytest.mark.parametrize("end", ["private", "deleted", "over", "taken out", "trashed"])
def test_whoever_was_let_in_before_gets_nothing_once_it_ended(shared: Server, end: str) -> None:
    drop = upload(shared.alice, is_public="false")
    album = make(shared.alice, drop, password="harbour", max_views=5)
    path, item = path_of(album["url"]), f"{path_of(album['url'])}/i/{drop['id']}"
    with browser(shared) as visitor:
        assert visitor.get(path, headers={"X-Share-Password": "harbour"}).status_code == 200
        assert [visitor.get(each).status_code for each in (path, item, f"{path}/zip")] == [200] * 3
        if end == "private":
            change(shared.alice, album, is_public=False)
        elif end == "deleted":
            shared.alice.delete(f"/api/v1/albums/{album['id']}").raise_for_status()
        elif end == "over":
            soon = datetime.now(UTC) + timedelta(seconds=4)
            change(shared.alice, album, expires_at=soon.isoformat())
            time.sleep((soon - datetime.now(UTC)).total_seconds() + 0.2)
        elif end == "taken out":
            shared.alice.delete(f"/api/v1/albums/{album['id']}/items/{drop['id']}").raise_for_status()
        else:
            shared.alice.delete(f"/api/v1/uploads/{drop['id']}").raise_for_status()
        assert visitor.get(item).status_code == 404
        if end in ("private", "deleted", "over"):
            assert [visitor.get(each).status_code for each in (path, f"{path}/zip")] == [404] * 2
        else:
            assert drop["id"] not in visitor.get(path).text
            assert zipfile.ZipFile(io.BytesIO(visitor.get(f"{path}/zip").content)).namelist() == []


def test_views_are_counted_once_a_visitor_and_no_more_are_given_than_allowed(shared: Server) -> None:
    drop = upload(shared.alice)
    album = make(shared.alice, drop, max_views=2)
    path = path_of(album["url"])
    for number in (1, 2):
        with browser(shared) as visitor:
            for below in ("", f"/i/{drop['id']}?size=thumb", "/zip", ""):
                assert visitor.get(path + below).status_code == 200
            assert visitor.head(path).status_code == 200
        assert shared.alice.get(f"/api/v1/albums/{album['id']}").json()["views"] == number
    with browser(shared) as late:
        for below in ("", f"/i/{drop['id']}", "/zip"):
            assert late.get(path + below).status_code == 410
    assert shared.alice.get(path).status_code == 200, "its owner is never counted"


def test_robots_learn_of_an_open_album_its_title_and_cover_and_of_a_guarded_one_nothing(shared: Server) -> None:
    drop = upload(shared.alice, named="cover.png")
    album = make(shared.alice, drop, title="Canary harbour")
    path = path_of(album["url"])
    with browser(shared) as robot:
        robot.headers["User-Agent"] = DISCORD
        text = robot.get(path).text
        image = re.search(r'og:image" content="([^"]+)"', text)
        assert image is not None
        assert robot.get(path_of(image[1])).status_code == 200
        assert 'og:title" content="Canary harbour"' in text
        for terms in ({"password": "x"}, {"password": None, "max_views": 3}):
            change(shared.alice, album, **terms)
            answer = robot.get(path)
            assert answer.status_code == 200
            assert "Canary" not in answer.text
            assert drop["id"] not in answer.text
            assert robot.get(f"{path}/i/{drop['id']}").status_code == 403
            assert robot.get(f"{path}/zip").status_code == 403
    assert shared.alice.get(f"/api/v1/albums/{album['id']}").json()["views"] == 0


def test_titles_and_descriptions_cannot_break_out_of_the_page(shared: Server) -> None:
    hostile = '"><script>alert(1)</script><meta http-equiv=refresh content=0;url=//evil>'
    drop = upload(shared.alice)
    shared.alice.patch(f"/api/v1/uploads/{drop['id']}", json={"title": hostile[:200]}).raise_for_status()
    album = make(shared.alice, drop, title=hostile, description=hostile)
    with browser(shared) as visitor:
        text = visitor.get(path_of(album["url"])).text
    assert "<script>alert" not in text
    assert "<meta http-equiv" not in text


def test_the_zip_says_what_it_is_and_its_head_gives_nothing_away(shared: Server) -> None:
    drops = [upload(shared.alice, named=name) for name in ("shot.png", "shot.png", "日本.png")]
    album = make(shared.alice, *drops, title="Hafen ü/\\")
    path = path_of(album["url"]) + "/zip"
    with browser(shared) as visitor:
        head = visitor.head(path)
        assert (head.status_code, head.content) == (200, b"")
        answer = visitor.get(path)
    assert answer.headers["content-type"] == "application/zip"
    assert "filename*=UTF-8''Hafen%20%C3%BC__.zip" in answer.headers["content-disposition"]
    assert answer.headers["cache-control"] == "no-store"
    with zipfile.ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.namelist() == ["shot.png", "shot (2).png", "日本.png"]
        assert archive.testzip() is None


def test_a_private_drops_page_tells_its_owner_which_album_shows_it_all_the_same(shared: Server) -> None:
    drop = upload(shared.alice, is_public="false")
    album = make(shared.alice, drop, title="Canary album")
    page = shared.alice.get(path_of(drop["url"])).text
    assert "Shown all the same" in page
    assert f"/albums/{album['id']}" in page
    shared.alice.patch(f"/api/v1/uploads/{drop['id']}", json={"is_public": True}).raise_for_status()
    assert "Canary album" not in shared.anonymous.get(path_of(drop["url"])).text
    change(shared.alice, album, is_public=False)
    assert "Shown too" in shared.alice.get(path_of(drop["url"])).text


def test_an_empty_album_says_so_and_a_long_one_goes_on(shared: Server) -> None:
    album = make(shared.alice)
    with browser(shared) as visitor:
        assert "There is nothing in this album yet." in visitor.get(path_of(album["url"])).text
        assert visitor.get(path_of(album["url"]) + "?start=9999").status_code == 200
        assert visitor.get(path_of(album["url"]) + "?start=-1&start=x").status_code == 200
        names = zipfile.ZipFile(io.BytesIO(visitor.get(path_of(album["url"]) + "/zip").content)).namelist()
        assert names == []


def test_whom_a_private_album_is_shown_to_is_said_by_whether_it_has_a_team(shared: Server) -> None:
    alice, team = shared.alice, make_team(shared)
    own, ours = make(alice, is_public=False), make(alice, is_public=False, team=team["slug"])
    html = {"Accept": "text/html"}
    page = alice.get(f"/albums/{own['id']}", headers=html).text
    assert "Only you see it now." in page
    assert "You are not counted." in page
    page = alice.get(f"/albums/{ours['id']}", headers=html).text
    assert "Only you and its team see it now." in page
    assert "You and your team are not counted." in page
