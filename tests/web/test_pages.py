"""Pages over HTTP: who sees what, what tags say, and that hostile names stay names."""

from __future__ import annotations

import json
import re
from html import unescape
from html.parser import HTMLParser

import httpx
import pytest

from tests.support.needs import unavailable
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server
from tests.web.kit import path_of, png

HTML = {"Accept": "text/html"}


class Tags(HTMLParser):
    """The meta tags and the elements of a page, and what a strict policy forbids in it."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.meta: dict[str, str] = {}
        self.inline: list[str] = []
        self.names: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note one element."""
        self.names.append(tag)
        found = dict(attrs)
        self.inline += [f"{tag} {name}" for name in found if name == "style" or name.startswith("on")]
        if tag == "style" or (tag == "script" and "src" not in found):
            self.inline.append(tag)
        if tag == "meta":
            self.meta[found.get("property") or found.get("name") or ""] = found.get("content") or ""


def test_nobody_is_sent_to_set_up_first_and_to_sign_in_later(server: Server) -> None:
    for path in ("/", "/signin"):
        assert server.anonymous.get(path, headers=HTML).headers["location"] == "/setup"
    for path in ("/trash", "/signin?next=/trash"):
        assert server.anonymous.get(path, headers=HTML).headers["location"] == "/setup?next=/trash"
    assert server.anonymous.get("/setup", headers=HTML).status_code == 200
    assert 'name="next" value="/"' in server.anonymous.get("/setup?next=//elsewhere.example", headers=HTML).text
    server.key_of("alice")
    assert server.anonymous.get("/setup", headers=HTML).headers["location"] == "/signin"
    assert server.anonymous.get("/", headers=HTML).headers["location"] == "/signin"
    sent = server.anonymous.get("/trash?cursor=x", headers=HTML)
    assert sent.headers["location"] == "/signin?next=/trash%3Fcursor%3Dx"


def test_pages_of_a_drop_show_it_to_its_owner_and_hide_it_from_others(shared: Server) -> None:
    private = _upload(shared, is_public="false")
    for path in (path_of(private["url"]), f"/info/{private['id']}"):
        assert shared.alice.get(path, headers=HTML).status_code == 200
        for stranger in (shared.charlie, shared.anonymous):
            answer = stranger.get(path, headers=HTML)
            assert answer.status_code == 404
            assert "secret plan" not in answer.text
            assert private["id"] not in answer.text


@pytest.mark.parametrize("act", ["trash", "restore", "show"])
def test_only_the_owner_acts_on_a_drop(shared: Server, act: str) -> None:
    made = _upload(shared)
    path = f"/drops/{made['id']}/{act}"
    assert shared.charlie.post(path, headers=HTML).status_code == 404
    assert shared.anonymous.post(path, headers=HTML).headers["location"] == "/signin"
    assert shared.anonymous.get(path_of(made["url"]), headers=HTML).status_code == 200
    assert shared.alice.post(path, headers=HTML).status_code == 303
    assert shared.alice.get(path, headers=HTML).status_code == 405


def test_faces_in_the_trash_are_their_owners_alone(shared: Server) -> None:
    made = _upload(shared)
    shared.alice.delete(f"/api/v1/uploads/{made['id']}").raise_for_status()
    face = f"/trash/{made['id']}/face"
    answer = shared.alice.get(face)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "image/webp"
    assert "no-store" in answer.headers["cache-control"]
    assert shared.charlie.get(face).status_code == 404
    assert shared.anonymous.get(face, headers=HTML).status_code == 302
    assert shared.anonymous.get(f"/i/{made['id']}?size=thumb").status_code == 404


def test_tags_describe_a_public_picture(shared: Server) -> None:
    made = _upload(shared, data=screenshot(1, width=3000, height=1500), name="A “quoted” & <b>bold name.png")
    tags = Tags(shared.anonymous.get(path_of(made["url"]), headers=HTML).text)
    assert tags.meta["og:title"] == "A “quoted” & <b>bold name.png"
    assert tags.meta["og:url"] == made["url"]
    assert tags.meta["og:type"] == "website"
    assert tags.meta["og:image"] == made["direct_url"]
    assert (tags.meta["og:image:width"], tags.meta["og:image:height"]) == ("3000", "1500")
    assert tags.meta["twitter:card"] == "summary_large_image"
    assert "b" not in tags.names
    preview = shared.anonymous.get(path_of(tags.meta["og:image"]))
    assert preview.headers["content-type"] == tags.meta["og:image:type"] == "image/png"


def test_tags_of_a_private_drop_say_nothing_even_to_its_owner(shared: Server) -> None:
    made = _upload(shared, is_public="false")
    answer = shared.alice.get(path_of(made["url"]), headers=HTML)
    tags = Tags(answer.text)
    assert not [name for name in tags.meta if name.startswith(("og:", "twitter:"))]
    assert tags.meta["robots"] == "noindex"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)<b>.png",
        '"><img src=x onerror=alert(1)>.png',
        "{{ 7 * 7 }}.png",
        "x" * 240 + ".png",
        "Übergröße 🎉 日本語.png",
    ],
)
def test_hostile_names_stay_names(shared: Server, name: str) -> None:
    made = _upload(shared, name=name)
    for client, path in (
        (shared.anonymous, path_of(made["url"])),
        (shared.anonymous, f"/info/{made['id']}"),
        (shared.anonymous, path_of(made["deletion_url"])),
        (shared.alice, "/"),
    ):
        text = client.get(path, headers=HTML).text
        assert made["original_filename"] in unescape(text)
        tags = Tags(text)
        assert tags.inline == []
        assert "b" not in tags.names


def test_no_page_needs_anything_inline(shared: Server) -> None:
    made = _upload(shared)
    paths = ["/", "/trash", "/signin", "/nothing", f"/info/{made['id']}"]
    paths += [path_of(made["url"]), path_of(made["deletion_url"])]
    for path in paths:
        for client in (shared.alice, shared.anonymous):
            answer = client.get(path, headers=HTML)
            assert (path, Tags(answer.text).inline) == (path, [])
            if answer.headers["content-type"].startswith("text/html"):
                assert "'unsafe" not in answer.headers["content-security-policy"]


def test_errors_are_pages_for_browsers_and_json_for_programs(shared: Server) -> None:
    page = shared.anonymous.get("/nothing", headers=HTML)
    assert page.status_code == 404
    assert "There is nothing at this address." in page.text
    program = shared.anonymous.get("/nothing")
    assert program.json()["error"]["code"] == "not_found"
    wrong = shared.alice.get("/?cursor=nonsense", headers=HTML)
    assert wrong.status_code == 400
    assert "This cursor is none of ours." in wrong.text


def test_info_is_json_for_programs_and_says_nothing_of_the_owner(shared: Server) -> None:
    made = _upload(shared)
    facts = shared.anonymous.get(f"/info/{made['id']}").json()
    assert facts["sha256"] == made["sha256"]
    assert (facts["width"], facts["height"]) == (made["width"], made["height"])
    assert "alice" not in json.dumps(facts)
    assert "source" not in facts


def test_a_form_from_another_site_changes_nothing(shared: Server) -> None:
    made = _upload(shared)
    with shared.client() as browser:
        login = browser.post("/api/v1/auth/login", json={"identifier": "alice", "password": PASSWORD})
        assert login.status_code == 200
        path = f"/drops/{made['id']}/trash"
        assert browser.post(path, headers=HTML).status_code == 403
        token = _csrf(browser)
        elsewhere = {**HTML, "Origin": "https://evil.example"}
        assert browser.post(path, headers=elsewhere, data={"csrf": token}).status_code == 403
        framed = {**HTML, "Sec-Fetch-Site": "cross-site"}
        assert browser.post(path, headers=framed, data={"csrf": token}).status_code == 403
        assert shared.anonymous.get(path_of(made["url"]), headers=HTML).status_code == 200
        assert browser.post(path, headers=HTML, data={"csrf": token}).headers["location"] == f"/?trashed={made['id']}"


def test_signing_in_never_leads_to_another_site(shared: Server) -> None:
    for back in ("//evil.example", "https://evil.example", "/\\evil.example", "javascript:alert(1)"):
        with shared.client() as browser:
            form = {"identifier": "alice", "password": PASSWORD, "next": back}
            assert browser.post("/signin", headers=HTML, data=form).headers["location"] == "/"


def test_a_new_tile_comes_as_a_part_of_the_page(shared: Server) -> None:
    made = _upload(shared)
    part = shared.alice.get(f"/?only={made['id']}", headers=HTML).text
    assert "<html" not in part
    assert part.count('class="tile ') == 1
    assert shared.charlie.get(f"/?only={made['id']}", headers=HTML).status_code == 404


def test_built_files_are_kept_for_good_and_the_manifest_is_asked_again(shared: Server) -> None:
    page = shared.anonymous.get("/signin", headers=HTML).text
    built = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    if not any("-" in path for path in built):
        unavailable("the page is not built (python packaging/build_page.py)")
    for path in built:
        answer = shared.anonymous.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"], path
    assert "no-cache" in shared.anonymous.get("/static/manifest.json").headers["cache-control"]
    assert shared.anonymous.get("/favicon.ico").status_code == 200


def _upload(
    server: Server, *, data: bytes | None = None, name: str = "secret plan.png", **fields: str
) -> dict[str, str]:
    answer = server.alice.post("/api/v1/uploads", files={"file": (name, data or png())}, data=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, str] = answer.json()
    return made


def _csrf(browser: httpx.Client) -> str:
    found = re.search(r'name="csrf" content="(\w+)"', browser.get("/", headers=HTML).text)
    assert found
    return found[1]
