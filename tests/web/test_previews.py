"""Previews: what chats, forums and browsers are given for a link, by recorded requests of each; oEmbed; the frame."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest

from bulletdrop.core.drops.found import find_by_id
from bulletdrop.core.models import Blob
from bulletdrop.core.site import Site
from bulletdrop.web.previews import preview_of
from tests.core.drops_kit import keep, person
from tests.media.film_samples import mp4
from tests.support.pictures import screenshot
from tests.support.server import Server
from tests.web.browser import kept as signed_in
from tests.web.kit import path_of, png, problem, upload
from tests.web.test_pages import Tags

CLIENTS = Path(__file__).with_name("clients")
ASKED = [
    pytest.param(one, id=f"{path.stem} {number} {one['asks']}")
    for path in sorted(CLIENTS.glob("*.json"))
    for number, one in enumerate(json.loads(path.read_text(encoding="utf-8"))["requests"])
]
TITLE, SAID = "Quarterly numbers", "Before the review."


@dataclass(frozen=True)
class Drops:
    """What the recorded requests ask for."""

    picture: dict[str, Any]
    film: dict[str, Any]
    bytes: bytes


@pytest.fixture(scope="module")
def drops(shared: Server) -> Drops:
    """A picture with a title, and a film."""
    data = screenshot(7, width=900, height=600)
    picture = upload(shared.alice, data, named="shot.png", title=TITLE, description=SAID)
    # Served as it is stored, which may be less than was sent.
    served = shared.anonymous.get(path_of(picture["direct_url"])).content
    return Drops(picture, upload(shared.alice, mp4(), named="film.mp4"), served)


def ask(server: Server, path: str, headers: dict[str, str], method: str = "GET") -> httpx.Response:
    """Ask as a client does: with its headers and none of ours."""
    with httpx.Client(base_url=server.url, trust_env=False, timeout=30) as client:
        client.headers.clear()
        return client.request(method, path, headers=headers)


def tags_of(server: Server, drop: dict[str, Any]) -> dict[str, str]:
    """The tags of a drop's page."""
    return Tags(ask(server, path_of(drop["url"]), {"Accept": "text/html"}).text).meta


@pytest.mark.parametrize("recorded", ASKED)
def test_each_client_gets_what_it_shows(shared: Server, drops: Drops, recorded: dict[str, Any]) -> None:
    is_film = "video" in recorded["asks"] or "film" in recorded["asks"]
    drop = drops.film if is_film else drops.picture
    paths = {
        "link": lambda: path_of(drop["url"]),
        "film's link": lambda: path_of(drop["url"]),
        "direct": lambda: path_of(drop["direct_url"]),
        "og:image": lambda: path_of(tags_of(shared, drop)["og:image"]),
        "og:video": lambda: path_of(tags_of(shared, drop)["og:video"]),
        "oembed": lambda: f"/oembed?url={drop['url']}&format=json",
    }
    answer = ask(shared, paths[recorded["asks"]](), recorded["headers"], recorded.get("method", "GET"))
    if recorded["gets"] == "head":
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-type"].startswith("text/html")
    elif recorded["gets"] == "tags":
        tags = Tags(answer.text).meta
        assert answer.headers["content-type"].startswith("text/html")
        assert (tags["og:title"], tags["og:description"], tags["og:url"]) == (TITLE, SAID, drop["url"])
        assert tags["og:image"] == drop["direct_url"]
    elif recorded["gets"] == "oembed":
        assert (answer.json()["type"], answer.json()["title"]) == ("photo", TITLE)
    elif recorded["gets"] == "picture":
        assert answer.headers["content-type"] == "image/png"
        assert answer.content == drops.bytes
    else:
        assert answer.status_code == 206
        assert answer.headers["content-type"] == "video/mp4"


def test_no_answer_at_the_short_address_is_kept_for_who_asks_otherwise(shared: Server, drops: Drops) -> None:
    path = path_of(drops.picture["url"])
    image, page = {"Accept": "image/webp,image/*,*/*;q=0.8"}, {"Accept": "text/html"}
    # In both orders and twice each, faster than our own cache forgets.
    for _ in range(2):
        for headers, kind in ((image, "image/png"), (page, "text/html; charset=utf-8"), (image, "image/png")):
            answer = ask(shared, path, headers)
            assert answer.headers["content-type"] == kind
            assert "public" not in answer.headers["cache-control"]
            assert {"accept", "sec-fetch-dest"} <= set(answer.headers["vary"].lower().replace(" ", "").split(","))


def test_a_film_is_described_so_that_discord_plays_it(shared: Server, drops: Drops) -> None:
    tags = tags_of(shared, drops.film)
    assert tags["og:type"] == "video.other"
    assert tags["og:video"] == tags["og:video:url"] == drops.film["direct_url"]
    assert tags["og:video:type"] == "video/mp4"
    assert int(tags["og:video:width"]) > 0
    assert int(tags["og:video:height"]) > 0


def test_over_https_the_secure_addresses_and_the_player_are_named(make_server: Any) -> None:
    server = make_server(BULLETDROP_PUBLIC_URL="https://pics.example", BULLETDROP_MIN_FREE_DISK="0")
    film = upload(server.alice, mp4(), named="film.mp4")
    tags = Tags(server.anonymous.get(path_of(film["url"]), headers={"Accept": "text/html"}).text).meta
    assert tags["og:video:secure_url"] == f"https://pics.example/{film['slug']}.mp4"
    assert tags["twitter:card"] == "player"
    assert tags["twitter:player"] == f"https://pics.example/embed/{film['id']}"
    assert tags["twitter:player:stream"] == tags["og:video"]


def test_the_owner_chooses_the_colour_beside_previews(shared: Server, drops: Drops) -> None:
    shared.key_of("bob")
    made = upload(shared.bob, png())
    signed_in(shared, "bob").put("/api/v1/account", json={"embed_color": "#12ab34"}).raise_for_status()
    assert tags_of(shared, made)["theme-color"] == "#12ab34"
    assert tags_of(shared, drops.picture)["theme-color"] != "#12ab34"


def test_a_picture_too_heavy_for_previews_is_told_as_a_thumbnail(shared: Server) -> None:
    heavy = upload(shared.alice, png(2600, 500), named="heavy.png")
    tags = tags_of(shared, heavy)
    assert tags["og:image"].endswith(f"/i/{heavy['id']}?size=large")
    assert (tags["og:image:type"], tags["og:image:width"]) == ("image/webp", "2048")


def test_a_name_that_turns_text_around_is_told_without_that(shared: Server) -> None:
    made = upload(shared.alice, png(), named="a\u200fb\u200e.png")
    assert tags_of(shared, made)["og:title"] == "ab.png"
    assert shared.anonymous.get("/oembed", params={"url": made["url"]}).json()["title"] == "ab.png"


def test_what_a_file_is_called_cannot_leave_its_tag(shared: Server) -> None:
    name = '"><meta property="og:url" content="https://evil.example"><x y="'
    made = upload(shared.alice, png(), named="x.png", title=name, description=name)
    page = Tags(ask(shared, path_of(made["url"]), {"Accept": "text/html"}).text)
    assert page.meta["og:title"] == page.meta["og:description"] == name
    assert page.meta["og:url"] == made["url"]
    assert "x" not in page.names
    told = ask(shared, f"/oembed?format=xml&url={made['url']}", {})
    assert ElementTree.fromstring(told.content).findtext("title") == name


@pytest.mark.parametrize("form", ["url", "direct_url", "embed_url", "thumbnail_url"])
def test_oembed_knows_every_address_of_a_drop(shared: Server, drops: Drops, form: str) -> None:
    told = shared.anonymous.get("/oembed", params={"url": drops.picture[form]}).json()
    assert told["type"] == "photo"
    assert (told["url"], told["width"], told["height"]) == (drops.picture["direct_url"], 900, 600)
    assert (told["version"], told["provider_name"]) == ("1.0", "BulletDrop")


def test_oembed_keeps_to_the_size_that_fits(shared: Server, drops: Drops) -> None:
    told = shared.anonymous.get("/oembed", params={"url": drops.picture["url"], "maxwidth": "700"}).json()
    assert (told["width"], told["height"]) == (640, 427)
    assert shared.anonymous.get(path_of(told["url"])).headers["content-type"] == "image/webp"
    film = shared.anonymous.get("/oembed", params={"url": drops.film["url"], "maxwidth": "32"}).json()
    assert (film["type"], film["width"]) == ("video", 32)
    assert f'src="{drops.film["embed_url"]}"' in film["html"]


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/{slug}",
        "https://evil.example@127.0.0.1.evil.example/{slug}",
        "http://8.8.8.8/{slug}",
        "javascript:alert(1)//{slug}",
        "file:///etc/passwd",
        "//{slug}",
        "{slug}",
        "http://[::1/{slug}",
        "{base}/{slug}/more",
        "{base}/%ff",
        "{base}/{slug}%00",
        "{base}/",
        "{base}/info/{id}",
    ],
)
def test_oembed_tells_nothing_of_what_is_not_a_drop_here(shared: Server, drops: Drops, url: str) -> None:
    asked = url.format(slug=drops.picture["slug"], id=drops.picture["id"], base=shared.url)
    problem(shared.anonymous.get("/oembed", params={"url": asked}), 404, "not_found")


def test_oembed_says_what_it_cannot_do(shared: Server, drops: Drops) -> None:
    url = drops.picture["url"]
    problem(shared.anonymous.get("/oembed"), 400)
    problem(shared.anonymous.get("/oembed", params={"url": url, "maxwidth": "wide"}), 400)
    problem(shared.anonymous.get("/oembed", params={"url": url, "format": "yaml"}), 501)


def test_the_frame_may_stand_on_any_page_and_runs_nothing(shared: Server, drops: Drops) -> None:
    for drop in (drops.picture, drops.film):
        answer = shared.anonymous.get(path_of(drop["embed_url"]), headers={"Accept": "text/html"})
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors *" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
        page = Tags(answer.text)
        assert "script" not in page.names
        assert "form" not in page.names
        assert page.inline == []
    # Every other page stays out of frames.
    page_policy = shared.anonymous.get(path_of(drops.picture["url"])).headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page_policy


def test_the_frame_is_the_same_for_whoever_asks(shared: Server, drops: Drops) -> None:
    path = path_of(drops.picture["embed_url"])
    answers = [client.get(path).text for client in (shared.alice, shared.charlie, shared.anonymous)]
    assert len(set(answers)) == 1
    assert "set-cookie" not in shared.alice.get(path, headers={"Cookie": "bd_refresh=nonsense"}).headers


def test_search_engines_are_not_invited_but_may_read_that(shared: Server, drops: Drops) -> None:
    robots = shared.anonymous.get("/robots.txt").text
    assert "Disallow: /\n" not in robots
    for path in (path_of(drops.picture["url"]), path_of(drops.picture["direct_url"]), f"/info/{drops.picture['id']}"):
        assert shared.anonymous.get(path).headers["x-robots-tag"] == "noindex"
    assert shared.anonymous.get("/sitemap.xml").status_code == 404


def test_search_engines_may_list_open_drops_when_the_admin_wants_it(make_server: Any) -> None:
    server = make_server(BULLETDROP_SEARCH_ENGINES="on", BULLETDROP_MIN_FREE_DISK="0")
    open_drop, limited = upload(server.alice), upload(server.alice, max_views="5")
    for path in (path_of(open_drop["url"]), path_of(open_drop["direct_url"])):
        assert "x-robots-tag" not in server.anonymous.get(path).headers
    for path in (path_of(limited["url"]), path_of(limited["direct_url"])):
        assert server.anonymous.get(path).headers["x-robots-tag"] == "noindex"


def test_links_on_a_domain_are_told_with_it_and_known_by_it(make_server: Any) -> None:
    server = make_server(BULLETDROP_MIN_FREE_DISK="0")
    made = server.alice.post("/api/v1/admin/domains", json={"name": "pics.example"})
    assert made.status_code == 201, made.text
    server.alice.post(f"/api/v1/domains/{made.json()['id']}/claim", json={}).raise_for_status()
    drop = upload(server.alice, png(), domain="pics.example", custom_name="holiday", title=TITLE)
    assert drop["url"] == f"http://pics.example:{server.port}/holiday"
    there = {"Host": f"pics.example:{server.port}"}
    tags = Tags(server.anonymous.get(path_of(drop["url"]), headers={**there, "Accept": "text/html"}).text).meta
    assert (tags["og:title"], tags["og:url"]) == (TITLE, drop["url"])
    asked = (
        drop["url"],
        f"http://pics.example:{server.port}/{drop['slug']}",
        f"http://pics.example:{server.port}/holiday.png",
    )
    for url in asked:
        for headers in ({}, there):
            assert server.anonymous.get("/oembed", params={"url": url}, headers=headers).json()["title"] == TITLE
    # The name counts on its domain alone, and a stranger's host is nobody's.
    problem(server.anonymous.get("/oembed", params={"url": f"{server.url}/holiday"}), 404)
    problem(server.anonymous.get("/oembed", params={"url": f"http://else.example/{drop['slug']}"}), 404)


def test_where_files_have_an_address_of_their_own_previews_lead_there(make_server: Any) -> None:
    server = make_server(
        BULLETDROP_MIN_FREE_DISK="0",
        BULLETDROP_PUBLIC_URL="http://main.example",
        BULLETDROP_CONTENT_URL="http://files.example",
    )
    main, files = {"Host": "main.example"}, {"Host": "files.example"}
    server.alice.headers.update(main)
    drop = upload(server.alice, png(), title=TITLE)
    slug = f"/{drop['slug']}"
    tags = Tags(server.anonymous.get(slug, headers={**main, "Accept": "text/html"}).text).meta
    assert tags["og:url"] == f"http://main.example{slug}"
    assert tags["og:image"] == f"http://files.example{slug}.png"
    assert server.anonymous.get(f"{slug}.png", headers=files).status_code == 200
    for path, headers in ((slug, {"Accept": "image/*"}), (f"{slug}.png", {})):
        moved = server.anonymous.get(path, headers={**main, **headers})
        assert (moved.status_code, moved.headers["location"]) == (302, f"http://files.example{slug}.png")
    policy = server.anonymous.get(f"/embed/{drop['id']}", headers=main).headers["content-security-policy"]
    assert "img-src 'self' http://files.example;" in policy
    # What has terms stays where visitors are known.
    limited = upload(server.alice, png(), max_views="5")
    assert server.anonymous.get(f"/{limited['slug']}.png", headers=main).status_code == 200
    there = server.anonymous.get(f"/{limited['slug']}.png", headers=files)
    assert there.status_code == 404


def test_a_film_with_a_poster_is_told_with_it(site: Site) -> None:
    film = keep(site, person(site, "alice"), mp4(), name="film.mp4")
    without = preview_of(site, find_by_id(site, film.id))
    assert without is not None
    assert without.picture is None
    Blob.update(placeholder="x").where(Blob.id == film.blob_id).execute()
    told = preview_of(site, find_by_id(site, film.id))
    assert told is not None
    assert told.picture is not None
    assert told.film is not None
    assert told.picture.url.endswith(f"/i/{film.id}?size=large")
    assert told.film.url.endswith(f"/{film.slug}.mp4")
