"""Share links over the API and as visitors meet them: they show their object and no more, and end when they should."""

from __future__ import annotations

import contextlib
import io
import re
import sqlite3
import zipfile
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bulletdrop.core.models import new_id
from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.browser import kept
from tests.web.kit import png, problem, upload
from tests.web.link_kit import DISCORD, HTML, Json, a_drop, look, share, views, visitor
from tests.web.rows.teams import make_team
from tests.web.test_pages import Tags

LINKS = "/api/v1/share-links"


def an_album(server: Server, *drops: Json, **fields: Any) -> Json:
    """An album of alice's with these drops."""
    made = server.alice.post("/api/v1/albums", json={"title": "Holidays", **fields})
    assert made.status_code == 201, made.text
    album: Json = made.json()
    put = server.alice.post(f"/api/v1/albums/{album['id']}/items", json={"ids": [drop["id"] for drop in drops]})
    assert put.status_code == 200, put.text
    return album


def share_album(server: Server, album: Json, **terms: Any) -> Json:
    """A share link to an album, with its path."""
    link: Json = server.alice.post(f"/api/v1/albums/{album['id']}/share", json=terms).json()
    return {**link, "path": f"/l/{link['token']}"}


@both_databases
def test_a_link_is_made_listed_changed_revoked_and_deleted(server_on: Server) -> None:
    link = share(server_on, note="For the printer", max_views=3, password="open sesame")
    path = f"{LINKS}/{link['token']}"
    assert re.fullmatch(r"[1-9A-HJ-NP-Za-km-z]{22}", link["token"])
    assert link["url"].endswith(link["path"])
    assert (link["note"], link["has_password"], link["max_views"], link["views"]) == ("For the printer", True, 3, 0)
    listed = server_on.alice.get(LINKS, params={"q": "printer", "state": "active"}).json()
    assert [one["token"] for one in listed["items"]] == [link["token"]]
    assert server_on.alice.get(LINKS, params={"upload": link["upload_id"]}).json()["items"] == listed["items"]
    changed = server_on.alice.patch(
        path, json={"password": None, "note": "Anybody", "expires_at": "2099-01-01T00:00:00Z"}
    )
    assert changed.status_code == 200
    assert changed.json() == server_on.alice.get(path).json()
    assert (changed.json()["has_password"], changed.json()["note"]) == (False, "Anybody")
    assert look(server_on, link["path"]).status_code == 200
    assert server_on.alice.patch(path, json={"revoked": True}).json()["state"] == "revoked"
    assert look(server_on, link["path"]).status_code == 404
    problem(server_on.alice.patch(path, json={"max_views": 9}), 409)
    problem(server_on.alice.patch(path, json={"revoked": False}), 400, "invalid")
    assert [one["state"] for one in server_on.alice.get(LINKS, params={"state": "ended"}).json()["items"]] == [
        "revoked"
    ]
    assert server_on.alice.delete(path).status_code == 204
    assert server_on.alice.get(LINKS).json()["items"] == []
    problem(server_on.alice.get(path), 404)


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        ({"max_views": 0}, "max_views"),
        ({"max_views": 10**30}, "max_views"),
        ({"max_views": "3"}, "max_views"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"expires_at": "2099-01-01T00:00:00"}, "expires_at"),
        ({"password": "x" * 2000}, "password"),
        ({"note": "a\nb"}, "note"),
        ({"note": "x" * 201}, "note"),
        ({"revoked": True}, "revoked"),
    ],
)
def test_terms_that_cannot_be_are_refused_with_their_field(shared: Server, terms: Json, field: str) -> None:
    answer = shared.alice.post(f"/api/v1/uploads/{a_drop(shared)['id']}/share", json=terms)
    assert problem(answer, 400, "invalid")["field"] == field


def test_a_repeated_request_makes_one_link(shared: Server) -> None:
    path, headers = f"/api/v1/uploads/{a_drop(shared)['id']}/share", {"Idempotency-Key": new_id()}
    tokens = {shared.alice.post(path, json={"max_views": 1}, headers=headers).json()["token"] for _ in range(3)}
    assert len(tokens) == 1


def test_a_page_behind_a_link_gives_nothing_away_but_its_drop(shared: Server) -> None:
    title, name = "Wanted", f"canary-{new_id()[:8]}"
    drop = a_drop(shared, title=title, is_public="true", custom_name=name)
    link = share(shared, drop, note="for-nobody-else", max_views=50)
    hidden = [drop["id"], drop["slug"], name, "alice", "for-nobody-else", drop["deletion_url"].rpartition("/")[2]]
    with visitor(shared) as browser:
        page = browser.get(link["path"])
        assert title in page.text
        own = set(re.findall(r"/l/[\w-]+(?:/[\w./-]*)?(?:\?[\w=]*)?", page.text))
        answers = [page, *(browser.get(address) for address in own)]
    assert len(own) >= 2
    for answer in answers:
        assert answer.status_code == 200, answer.url
        said = str(sorted(answer.headers.items())) + (answer.text if "html" in answer.headers["content-type"] else "")
        assert [one for one in hidden if one in said] == []
        assert "no-store" in answer.headers["cache-control"]
        assert "private" in answer.headers["cache-control"]
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["x-robots-tag"] == "noindex"


def test_an_album_behind_a_link_gives_no_address_of_itself_or_its_drops_away(shared: Server) -> None:
    drops = [a_drop(shared) for _ in range(3)]
    album = an_album(shared, *drops, is_public=False)
    link = share_album(shared, album, max_views=1)
    with visitor(shared) as browser:
        page = browser.get(link["path"])
        assert page.status_code == 200
        hidden = [album["id"], album["slug"], "alice"] + [drop[what] for drop in drops for what in ("id", "slug")]
        assert [one for one in hidden if one in page.text] == []
        sources = re.findall(r'src="(/l/[^"]+)"', page.text)
        assert len(set(sources)) == 3
        assert all(browser.get(source).headers["content-type"] == "image/webp" for source in sources)
        whole = browser.get(sources[0].partition("?")[0])
        assert whole.headers["content-type"] == "image/png"
        zipped = browser.get(f"{link['path']}/zip")
        assert zipped.status_code == 200
        assert album["slug"] not in str(zipped.headers)
        assert len(zipfile.ZipFile(io.BytesIO(zipped.content)).namelist()) == 3
        # All of it was one view, and there is none left for others.
        assert views(shared, link) == 1
    assert look(shared, link["path"]).status_code == 410
    assert look(shared, sources[0]).status_code == 410
    assert look(shared, f"{link['path']}/zip").status_code == 410


def test_a_link_gives_no_other_drop_whatever_is_asked_below_it(shared: Server) -> None:
    mine, other = a_drop(shared), a_drop(shared)
    link, sibling = share(shared, mine), share(shared, other)
    album = share_album(shared, an_album(shared, mine))
    page = look(shared, sibling["path"]).text
    foreign = re.findall(r'src="/l/[^"/]+/i/([^"?]+)', page)[0]
    inside = re.findall(r'src="/l/[^"/]+/i/([^"?]+)', look(shared, album["path"]).text)[0]
    assert look(shared, f"{sibling['path']}/i/{foreign}").status_code == 200
    assert look(shared, f"{album['path']}/i/{inside}").status_code == 200
    asked = [other["id"], mine["id"], foreign, "..%2Ffile.png", "%00", "A" * 30, "A" * 29, "ä" * 30, ""]
    for path in (link["path"], album["path"]):
        names = [*asked, *([inside] if path == link["path"] else [])]
        assert {look(shared, f"{path}/i/{name}").status_code for name in names} == {404}
        assert {look(shared, f"{path}/{name}").status_code for name in asked[:-1]} == {404}
    for name in ("file.jpg", "file.", "file", "File.png", f"{mine['slug']}.png", "zip"):
        assert look(shared, f"{link['path']}/{name}").status_code == 404, name
    assert look(shared, f"{album['path']}/file.png").status_code == 404
    assert look(shared, f"/l/{link['token'][:-1]}").status_code == 404
    assert look(shared, f"/l/{link['token'].swapcase()}").status_code == 404
    # And the drops themselves stay as private as they were.
    for drop in (mine, other):
        assert look(shared, f"/i/{drop['id']}").status_code == 404


def test_a_drop_that_leaves_the_album_leaves_its_links(shared: Server) -> None:
    drop = a_drop(shared)
    album = an_album(shared, drop)
    link = share_album(shared, album)
    source = re.findall(r'src="(/l/[^"]+)"', look(shared, link["path"]).text)[0]
    assert look(shared, source).status_code == 200
    gone = shared.alice.request("DELETE", f"/api/v1/albums/{album['id']}/items", json={"ids": [drop["id"]]})
    if gone.status_code == 405:
        gone = shared.alice.delete(f"/api/v1/albums/{album['id']}/items/{drop['id']}")
    assert gone.status_code < 300, gone.text
    assert look(shared, source).status_code == 404


def test_robots_are_told_of_an_open_link_to_an_open_drop_and_of_no_other(shared: Server) -> None:
    public, private = a_drop(shared, is_public="true", title="Wanted"), a_drop(shared)
    link = share(shared, public)
    page = httpx.get(shared.url + link["path"], headers=DISCORD, trust_env=False, timeout=30)
    tags = Tags(page.text).meta
    assert tags["og:title"] == "Wanted"
    assert tags["og:url"] == link["url"]
    assert tags["og:image"].startswith(link["url"] + "/file.")
    assert public["id"] not in page.text
    assert public["slug"] not in page.text
    assert "oembed" not in page.text
    picture = httpx.get(tags["og:image"], headers=DISCORD, trust_env=False, timeout=30)
    assert picture.headers["content-type"].startswith("image/")
    assert views(shared, link) == 0
    for other in (share(shared, private), share(shared, public, max_views=5), share(shared, public, password="x")):
        for headers in (HTML, DISCORD):
            page = httpx.get(shared.url + other["path"], headers=headers, trust_env=False, timeout=30)
            assert "og:image" not in page.text
            assert "Wanted" not in str(Tags(page.text).meta)


def set_row(server: Server, table: str, row_id: str, **values: object) -> None:
    """Change a row as an admin, a job or the time would."""
    marks = ", ".join(f"{name} = ?" for name in values)
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
        changed = rows.execute(f'UPDATE "{table}" SET {marks} WHERE id = ?', [*values.values(), row_id])
        assert changed.rowcount == 1


def revoke(server: Server, link: Json) -> None:
    server.alice.patch(f"{LINKS}/{link['token']}", json={"revoked": True}).raise_for_status()


def remove(server: Server, link: Json) -> None:
    server.alice.delete(f"{LINKS}/{link['token']}").raise_for_status()


def let_expire(server: Server, link: Json) -> None:
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
        rows.execute("UPDATE share_link SET expires_at = 1 WHERE token = ?", (link["token"],))


def trash(server: Server, link: Json) -> None:
    server.alice.delete(f"/api/v1/uploads/{link['upload_id']}").raise_for_status()


def let_the_drop_expire(server: Server, link: Json) -> None:
    set_row(server, "upload", link["upload_id"], expires_at=1)


def hide(server: Server, link: Json) -> None:
    admin = kept(server, "alice")
    answer = admin.post(f"/admin/uploads/{link['upload_id']}/hide", data={"reason": "no"}, headers=HTML)
    assert answer.status_code == 303, answer.text


ENDS = [revoke, remove, let_expire, trash, let_the_drop_expire, hide]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_when_a_link_ends_no_pass_and_no_password_opens_it_again(
    shared: Server, end: Callable[[Server, Json], None]
) -> None:
    link = share(shared, a_drop(shared, is_public="true"), password="open sesame", max_views=5)
    asked = (link["path"], f"{link['path']}/file.png", f"{link['path']}/file.png?size=thumb")
    with visitor(shared) as browser:
        browser.headers["X-Share-Password"] = "open sesame"
        assert [browser.get(path).status_code for path in asked] == [200, 200, 200]
        end(shared, link)
        ended = [browser.get(path) for path in asked]
        never = browser.get(f"/l/{new_id()}")
        assert {answer.status_code for answer in ended} == {404}
        said = re.sub(r"<code>.*?</code>", "", ended[0].text)
        assert said == re.sub(r"<code>.*?</code>", "", never.text)
        # Nor for whoever made it: a link that ended is one that never was.
        assert shared.alice.get(link["path"], headers=HTML).status_code == 404


def test_a_link_ends_when_who_made_it_is_demoted_or_leaves(server: Server) -> None:
    team = make_team(server)
    drop = upload(server.bob, png(), team=team["slug"], is_public="false")
    link = server.bob.post(f"/api/v1/uploads/{drop['id']}/share", json={}).json()
    path, bob_id = f"/l/{link['token']}", server.bob.get("/api/v1/auth/me").json()["id"]
    member = f"/api/v1/teams/{team['id']}/members/{bob_id}"
    alice = kept(server, "alice")
    assert look(server, path).status_code == 200
    alice.patch(member, json={"role": "viewer"}).raise_for_status()
    assert look(server, path).status_code == 404
    alice.patch(member, json={"role": "member"}).raise_for_status()
    assert look(server, path).status_code == 200
    alice.delete(member).raise_for_status()
    assert look(server, path).status_code == 404
    # He sees that it ended, and no longer of what.
    left = server.bob.get(f"{LINKS}/{link['token']}").json()
    assert (left["state"], left["name"]) == ("no_right", "")
    assert drop["slug"] not in kept(server, "bob").get("/links", headers=HTML).text
    # Who owns the team ends it for good.
    assert server.alice.get(LINKS, params={"upload": drop["id"]}).json()["items"][0]["token"] == link["token"]
    remove(server, link)
    problem(server.bob.get(f"{LINKS}/{link['token']}"), 404)


def test_a_key_without_the_right_to_see_drops_makes_no_way_to_see_them(server: Server) -> None:
    drop = a_drop(server)
    made = kept(server, "alice").post("/api/v1/api-keys", json={"name": "k", "scopes": ["links:read", "links:write"]})
    key = {"Authorization": f"Bearer {made.json()['key']}"}
    answer = server.anonymous.post(f"/api/v1/uploads/{drop['id']}/share", json={}, headers=key)
    problem(answer, 403)
    link = share(server, drop, password="open sesame")
    assert server.anonymous.get(link["path"], headers={**HTML, **key}).status_code == 401


def test_passwords_of_links_stand_nowhere(server: Server) -> None:
    secret = f"canary {new_id()}"
    link = share(server, password=secret)
    with visitor(server) as browser:
        page = browser.get(link["path"])
        subject = page.text.partition('name="subject" value="')[2].partition('"')[0]
        form = {"subject": subject, "next": link["path"], "password": secret}
        assert browser.post("/unlock", data=form).status_code == 303
        assert browser.get(link["path"]).status_code == 200
        assert browser.get(link["path"], headers={"X-Share-Password": secret}).status_code == 200
        assert secret not in str(browser.cookies)
    server.stop()
    kept_bytes = b"".join(path.read_bytes() for path in server.data.rglob("*") if path.is_file())
    assert secret.encode() not in kept_bytes
    assert secret not in server.log.read_text()
    assert link["token"] not in server.log.read_text()
