"""Nothing of a drop that is not open reaches a stranger: every state, every address, every client, every piece of it.

What must not appear, in bodies or headers: its title, description, file name and tags; the digest, size and
dimensions of its bytes; any of the bytes themselves, whole or as a thumbnail; and no answer may be one to keep.
"""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.kit import path_of, png, upload
from tests.web.link_kit import grow_older, visitor

CLIENTS = Path(__file__).with_name("clients")
PASSWORD = "open sesame"
STATES = ("public", "private", "expired", "passworded", "limited", "used up", "trashed", "hidden", "revoked")
# Of no size or aspect that anything else here has.
WIDTH, HEIGHT = 317, 211


@dataclass
class Drop:
    """A drop, and everything of it that must not be seen."""

    row: dict[str, Any]
    canaries: dict[str, bytes] = field(default_factory=dict)

    def found_in(self, answer: httpx.Response) -> list[str]:
        """Which pieces of the drop an answer holds that were not in the question."""
        asked = str(answer.request.url).encode()
        head = "\n".join(f"{name}: {value}" for name, value in answer.headers.items()).encode()
        told = [(name, canary) for name, canary in self.canaries.items() if canary not in asked]
        return [name for name, canary in told if canary in head or canary in answer.content]

    def addresses(self) -> list[tuple[str, str]]:
        """Everything that could be asked of it: what it is, and the path."""
        row = self.row
        slug, number, ext = row["slug"], row["id"], row["direct_url"].rpartition(".")[2]
        quoted = row["url"].replace(":", "%3A").replace("/", "%2F")
        found = [
            ("page", f"/{slug}"),
            ("page by its name", f"/{row['custom_name']}"),
            ("bytes", f"/{slug}.{ext}"),
            ("bytes with another ending", f"/{slug}.jpg"),
            ("bytes by its name", f"/{row['custom_name']}.{ext}"),
            ("bytes by id", f"/i/{number}"),
            ("download", f"/i/{number}?download=true"),
            ("a query of one's own", f"/{slug}.{ext}?x=1"),
            ("its owner's address", f"/u/alice/{row['filename']}"),
            ("info", f"/info/{number}"),
            ("stats", f"/stats/{number}"),
            ("embed", f"/embed/{number}"),
            ("oembed", f"/oembed?url={quoted}"),
            ("oembed of its bytes", f"/oembed?url={quoted}.{ext}"),
            ("oembed as xml", f"/oembed?format=xml&url={quoted}"),
            ("the API", f"/api/v1/uploads/{number}"),
            ("its place in the trash", f"/trash/{number}/face"),
            ("change", f"/drops/{number}/change"),
            ("share", f"/drops/{number}/share"),
        ]
        if "shared" in row:
            found += [("a link", f"/l/{row['shared']}"), ("its file", f"/l/{row['shared']}/file.{ext}")]
            found += [("its file small", f"/l/{row['shared']}/file.{ext}?size=thumb"), ("a copy", f"{row['there']}")]
        return found + [(f"thumbnail {size}", f"/i/{number}?size={size}") for size in ("thumb", "small", "large")]


def made(server: Server, state: str) -> Drop:
    """A drop in a state, its thumbnails ready."""
    mark = f"canary-{state.replace(' ', '-')}"
    terms = {"passworded": {"password": PASSWORD}, "limited": {"max_views": "1000"}, "used up": {"max_views": "1"}}
    fields = {"title": f"{mark}-title", "description": f"{mark}-said", "tags": f"{mark}-tag", "custom_name": mark}
    fields |= terms.get(state, {})
    row = upload(server.alice, png(WIDTH, HEIGHT), named=f"{mark}-file.png", **fields)
    own = server.alice.get(path_of(row["direct_url"]))
    thumbnails = {size: server.alice.get(f"/i/{row['id']}?size={size}") for size in ("thumb", "small", "large")}
    canaries = {name: f"{mark}-{name}".encode() for name in ("title", "said", "tag", "file")}
    canaries |= {"digest": row["sha256"].encode(), "size": b": %d\n" % row["size"]}
    # A bare number would also be found in a request's id.
    canaries |= {"width in tags": b'="%d"' % WIDTH, "width in JSON": b":%d" % WIDTH, "width": f"{WIDTH} × ".encode()}
    for name, answer in (("bytes", own), *thumbnails.items()):
        assert answer.status_code == 200, (state, name)
        canaries[f"{name} themselves"] = answer.content[len(answer.content) // 2 :][:24]
        canaries[f"{name}' digest"] = hashlib.sha256(answer.content).hexdigest().encode()
    if state == "revoked":
        link = server.alice.post(f"/api/v1/uploads/{row['id']}/share", json={"note": f"{mark}-title"}).json()
        row |= {"shared": link["token"], "there": copy_behind(server, link["token"])}
    settle(server, row, state)
    return Drop(row, canaries)


def copy_behind(server: Server, token: str) -> str:
    """The address of a picture on the page of a share link, while that works."""
    page = server.anonymous.get(f"/l/{token}", headers={"Accept": "text/html"})
    server.anonymous.cookies.clear()
    return str(re.findall(rf'src="(/l/{token}/[^"]+)"', page.text)[0]).split("?")[0]


def settle(server: Server, row: dict[str, Any], state: str) -> None:
    """Bring a drop into its state."""
    api = f"/api/v1/uploads/{row['id']}"
    acts: dict[str, Callable[[], httpx.Response]] = {
        "private": lambda: server.alice.patch(api, json={"is_public": False}),
        "trashed": lambda: server.alice.delete(api),
        "used up": lambda: server.anonymous.get(f"/{row['slug']}.png"),
        "revoked": lambda: server.alice.patch(f"/api/v1/share-links/{row['shared']}", json={"revoked": True}),
    }
    if state == "revoked":
        server.alice.patch(api, json={"is_public": False}).raise_for_status()
        assert server.anonymous.get(row["there"]).status_code == 200
    if state in acts:
        acts[state]().raise_for_status()
    if state in ("expired", "hidden"):
        # The clock cannot be turned from outside, and an admin's hiding is a form.
        change = {"expired": "expires_at = 1", "hidden": "is_public = 0, hidden_at = 1"}[state]
        with closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
            assert rows.execute(f"UPDATE upload SET {change} WHERE id = ?", (row["id"],)).rowcount == 1
    # What lay ready from before counts for a second, and the clients' own cookies for nothing here.
    time.sleep(1.1)
    server.anonymous.cookies.clear()


@pytest.fixture(scope="module")
def drops(shared: Server) -> dict[str, Drop]:
    """One drop in each state."""
    return {state: made(shared, state) for state in STATES}


def asked_by() -> dict[str, dict[str, str]]:
    """Every recorded client's every way to ask, and what a prying one would send."""
    found = {}
    for path in sorted(CLIENTS.glob("*.json")):
        for number, one in enumerate(json.loads(path.read_text(encoding="utf-8"))["requests"]):
            found[f"{path.stem} {number}"] = one["headers"]
    prying = {
        "a range": {"Range": "bytes=0-99", "Accept": "*/*"},
        "a prefetch": {"Sec-Purpose": "prefetch;prerender", "Accept": "text/html"},
        "a hotlink": {"Referer": "https://evil.example/", "Accept": "image/*"},
        "JSON": {"Accept": "application/json"},
        "a wrong password": {"X-Share-Password": "guess", "Accept": "text/html"},
        "forged cookies": {"Cookie": "bd_pass_x=ffffffff.0; bd_open_x=ffffffff.0; bd_access=x", "Accept": "image/*"},
    }
    return found | prying


@pytest.mark.parametrize("state", [state for state in STATES if state not in ("public", "limited")])
def test_nothing_of_it_reaches_anybody_who_may_not_see_it(
    shared: Server, drops: dict[str, Drop], state: str, record_property: Callable[[str, object], None]
) -> None:
    drop, leaks, count = drops[state], [], 0
    with httpx.Client(base_url=shared.url, trust_env=False, timeout=30) as client:
        for who, headers in asked_by().items():
            if who == "a wrong password" and state == "passworded":
                headers = {**headers, "X-Share-Password": f"guess {time.monotonic()}"}
            for what, path in drop.addresses():
                for method in ("GET", "HEAD"):
                    client.cookies.clear()
                    client.headers.clear()
                    answer = client.request(method, path, headers=headers)
                    count += 1
                    wrong = drop.found_in(answer)
                    if answer.headers.get("cache-control", "").startswith("public") or "etag" in answer.headers:
                        wrong.append("something to keep")
                    if wrong:
                        leaks.append((who, method, what, answer.status_code, wrong))
    record_property(f"requests for what is {state}", count)
    assert leaks == []


def test_the_canaries_are_found_where_they_may_be(shared: Server, drops: dict[str, Drop]) -> None:
    drop = drops["public"]
    seen: set[str] = set()
    with httpx.Client(base_url=shared.url, trust_env=False, timeout=30) as client:
        for _, path in drop.addresses():
            for kind in ("text/html", "application/json"):
                seen |= set(drop.found_in(client.get(path, headers={"Accept": kind})))
    # The tags are its owner's alone; a thumbnail larger than the picture is made at its own size, so all were asked.
    assert set(drop.canaries) - seen <= {"tag", "medium themselves", "medium' digest"}


@pytest.mark.parametrize("what", ["robots", "heads"])
def test_of_a_limited_drop_robots_and_heads_get_nothing_and_use_nothing_up(
    shared: Server, drops: dict[str, Drop], what: str
) -> None:
    drop, leaks = drops["limited"], []
    robots = ("discord", "slack", "telegram", "mastodon", "whatsapp", "imessage", "bluesky", "a prefetch")
    before = views(shared, drop)
    with httpx.Client(base_url=shared.url, trust_env=False, timeout=30) as client:
        for who, headers in asked_by().items():
            is_robot = who.startswith(robots) and "Firefox" not in headers.get("User-Agent", "")
            if is_robot != (what == "robots"):
                continue
            for address, path in drop.addresses():
                client.cookies.clear()
                client.headers.clear()
                answer = client.request("GET" if what == "robots" else "HEAD", path, headers=headers)
                if wrong := drop.found_in(answer) + (["an ETag"] if "etag" in answer.headers else []):
                    leaks.append((who, address, answer.status_code, wrong))
    assert leaks == []
    assert views(shared, drop) == before


def views(server: Server, drop: Drop) -> int:
    """How often the owner is told that a drop was seen."""
    return int(server.alice.get(f"/stats/{drop.row['id']}").json()["views"])


def test_a_password_opens_every_address_and_another_one_none(server: Server) -> None:
    # On a server of its own: the wrong passwords of the other tests count against the right ones here.
    drop = made(server, "passworded")
    for path in (f"/{drop.row['slug']}.png", f"/i/{drop.row['id']}?size=thumb", f"/info/{drop.row['id']}"):
        right = server.anonymous.get(path, headers={"X-Share-Password": PASSWORD})
        server.anonymous.cookies.clear()
        assert right.status_code == 200
        assert "public" not in right.headers["cache-control"]
        wrong = server.anonymous.get(path, headers={"X-Share-Password": "open sesam"})
        assert wrong.status_code == 401
        assert not drop.found_in(wrong)


def test_the_form_for_a_password_is_the_same_for_everything(shared: Server) -> None:
    first, second = (upload(shared.alice, png(), named=f"{n}.png", password=PASSWORD) for n in ("one", "two"))
    pages = []
    for row in (first, second):
        text = shared.anonymous.get(path_of(row["url"]), headers={"Accept": "text/html"}).text
        pages.append(text.replace(row["id"], "").replace(row["slug"], ""))
    assert pages[0] == pages[1]


def test_a_limited_drop_is_seen_as_often_as_allowed_whichever_address_is_asked(shared: Server) -> None:
    row = upload(shared.alice, png(), named="three.png", max_views="3")
    shared.alice.get(f"/i/{row['id']}?size=thumb").raise_for_status()
    paths = [f"/{row['slug']}", f"/{row['slug']}.png", f"/i/{row['id']}?size=thumb", f"/u/alice/{row['filename']}"]
    paths += [f"/info/{row['id']}", f"/i/{row['id']}"]
    statuses = []
    for path in paths:
        shared.anonymous.cookies.clear()
        statuses.append(shared.anonymous.get(path).status_code)
    shared.anonymous.cookies.clear()
    assert statuses == [200, 200, 200, 410, 410, 410]
    # Its owner still sees it, and is not counted.
    assert shared.alice.get(f"/{row['slug']}.png").status_code == 200
    assert shared.alice.get(f"/stats/{row['id']}").json()["views"] == 3


def test_what_was_opened_may_be_looked_at_again_with_its_parts(shared: Server) -> None:
    row = upload(shared.alice, png(), named="once.png", max_views="1")
    shared.alice.get(f"/i/{row['id']}?size=thumb").raise_for_status()
    with httpx.Client(base_url=shared.url, trust_env=False, timeout=30) as visitor:
        assert visitor.get(f"/{row['slug']}", headers={"Accept": "text/html"}).status_code == 200
        assert visitor.get(f"/{row['slug']}.png").status_code == 200
        assert visitor.get(f"/{row['slug']}.png", headers={"Range": "bytes=10-19"}).status_code == 206
        assert visitor.get(f"/i/{row['id']}?size=thumb").status_code == 200
        assert visitor.get(f"/info/{row['id']}").status_code == 200
    assert shared.anonymous.get(f"/{row['slug']}.png").status_code == 410


def test_what_belongs_to_an_opened_page_is_there_for_an_hour_and_the_same_again_for_a_minute(shared: Server) -> None:
    row = upload(shared.alice, png(), named="once.png", max_views="1")
    path, page = f"/{row['slug']}.png", f"/{row['slug']}"
    from_page = ({"Sec-Fetch-Site": "same-origin"}, {"Referer": shared.url + page}, {"Range": "bytes=0-"})
    with visitor(shared) as browser:
        assert browser.get(page).status_code == 200
        grow_older(shared, browser, seconds=120)
        for headers in from_page:
            assert browser.get(path, headers=headers).status_code in (200, 206)
        assert browser.get(f"/i/{row['id']}?download=true").status_code == 200
        # By itself, or from a page elsewhere, it would be one more look.
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Referer": "https://evil.example/"}):
            assert browser.get(path, headers=headers).status_code == 410
        assert browser.get(page).status_code == 410
        grow_older(shared, browser, seconds=3700)
        for headers in from_page:
            assert browser.get(path, headers=headers).status_code == 410


def test_views_are_whose_it_is_alone(shared: Server, drops: dict[str, Drop]) -> None:
    for state in ("public", "limited"):
        path = f"/stats/{drops[state].row['id']}"
        nothing = shared.charlie.get("/stats/nothing").json()["error"]
        for client in (shared.charlie, shared.anonymous):
            answer = client.get(path)
            assert answer.status_code == 404
            assert answer.json()["error"]["message"] == nothing["message"]
        assert set(shared.alice.get(path).json()) >= {"views", "max_views", "last_viewed_at"}
