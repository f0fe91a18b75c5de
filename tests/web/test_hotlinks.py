"""Hotlinks: pages elsewhere get a placeholder where the picture's owner minds, and everybody else the picture."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.kit import path_of, png, upload

CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) Chrome/156.0.0.0 Safari/537.36"}
IMAGE = {**CHROME, "Accept": "image/avif,image/*,*/*;q=0.8", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}


def choose(server: Server, name: str, mode: str, *hosts: str) -> None:
    """Set whose pages may show somebody's pictures."""
    wanted = {"hotlink": mode, "hotlink_hosts": hosts}
    kept(server, name).put("/api/v1/account", json=wanted).raise_for_status()


@pytest.fixture(scope="module")
def drop(shared: Server) -> dict[str, Any]:
    """A picture of alice's, who minds; blog.example may."""
    made = upload(shared.alice, png(), named="mine.png")
    shared.anonymous.get(path_of(made["thumbnail_url"])).raise_for_status()
    choose(shared, "alice", "list", "blog.example")
    return made


def ask(server: Server, path: str, **headers: str) -> httpx.Response:
    """Ask for a picture as a browser does for a page."""
    sent = {**IMAGE, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return server.anonymous.get(path, headers=sent)


def is_placeholder(answer: httpx.Response) -> bool:
    """True for the placeholder, after a look at how it is given."""
    if answer.status_code != 403:
        assert answer.status_code == 200, answer.text
        return False
    assert answer.headers["content-type"].startswith("image/svg+xml")
    assert answer.headers["cache-control"] == "private, no-store"
    assert "referer" in answer.headers["vary"]
    assert answer.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    return True


@pytest.mark.parametrize(
    ("referer", "is_hotlink"),
    [
        ("https://evil.example/page", True),
        ("https://evil.example/?https://blog.example/", True),
        ("https://blog.example.evil.example/", True),
        ("https://notblog.example/", True),
        ("https://blog.example@evil.example/", True),
        ("HTTPS://EVIL.EXAMPLE/", True),
        ("https://blog.example/post/1", False),
        ("https://BLOG.example:8443/", False),
        ("https://www.blog.example/", False),
        ("http://127.0.0.1:1/", False),
        ("not an address", False),
        ("https://[::1/", False),
        ("", False),
    ],
)
def test_the_host_of_the_page_decides(shared: Server, drop: dict[str, Any], referer: str, is_hotlink: bool) -> None:
    assert is_placeholder(ask(shared, path_of(drop["direct_url"]), Referer=referer)) == is_hotlink


@pytest.mark.parametrize("address", ["/{slug}", "/{slug}.png", "/i/{id}", "/i/{id}?size=thumb", "/u/alice/{filename}"])
def test_every_address_of_the_bytes_minds(shared: Server, drop: dict[str, Any], address: str) -> None:
    path = address.format(**drop)
    # In turns and at once: what one page was given is not what the next one gets.
    for _ in range(2):
        assert is_placeholder(ask(shared, path, Referer="https://evil.example/"))
        for allowed in ("https://blog.example/", shared.url):
            answer = ask(shared, path, Referer=allowed)
            assert not is_placeholder(answer)
            assert "public" not in answer.headers["cache-control"]
            assert "referer" in answer.headers["vary"]
    assert not is_placeholder(ask(shared, path))


def test_whoever_follows_a_link_sees_the_picture(shared: Server, drop: dict[str, Any]) -> None:
    path, page = path_of(drop["direct_url"]), {"Referer": "https://evil.example/", "Accept": "text/html,*/*"}
    followed = {**CHROME, **page, "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
    framed = {**followed, "Sec-Fetch-Dest": "iframe"}
    assert not is_placeholder(shared.anonymous.get(path, headers=followed))
    assert not is_placeholder(shared.anonymous.get(path, headers={**CHROME, **page}))
    assert is_placeholder(shared.anonymous.get(path, headers=framed))


def test_robots_of_chats_get_the_picture_for_their_preview(shared: Server, drop: dict[str, Any]) -> None:
    robot = {"User-Agent": "Slack-ImgProxy (+https://api.slack.com/robots)", "Accept": "*/*"}
    answer = shared.anonymous.get(path_of(drop["direct_url"]), headers={**robot, "Referer": "https://app.slack.com/"})
    assert not is_placeholder(answer)


def test_the_frame_stands_on_allowed_pages_alone(shared: Server, drop: dict[str, Any]) -> None:
    policy = shared.anonymous.get(path_of(drop["embed_url"])).headers["content-security-policy"]
    assert policy.endswith("frame-ancestors 'self' blog.example *.blog.example")


def test_a_foreign_page_cannot_tell_a_private_drop_from_none(shared: Server, drop: dict[str, Any]) -> None:
    private = upload(shared.alice, png(), named="secret.png", is_public="false")
    answer = ask(shared, path_of(private["direct_url"]), Referer="https://evil.example/")
    nothing = ask(shared, "/nothinghere.png", Referer="https://evil.example/")
    assert (answer.status_code, answer.json()["error"]["message"]) == (404, nothing.json()["error"]["message"])


def test_a_hotlink_uses_no_view_up(shared: Server, drop: dict[str, Any]) -> None:
    limited = upload(shared.alice, png(), named="once.png", max_views="1")
    assert is_placeholder(ask(shared, path_of(limited["direct_url"]), Referer="https://evil.example/"))
    assert shared.alice.get(f"/stats/{limited['id']}").json()["views"] == 0


def test_own_shuts_out_listed_hosts_too_and_off_shuts_out_nobody(shared: Server) -> None:
    shared.key_of("bob")
    made = upload(shared.bob, png(), named="bobs.png")
    path = path_of(made["direct_url"])
    assert not is_placeholder(ask(shared, path, Referer="https://evil.example/"))
    choose(shared, "bob", "own", "blog.example")
    assert is_placeholder(ask(shared, path, Referer="https://blog.example/"))
    choose(shared, "bob", "off")
    answer = ask(shared, path, Referer="https://blog.example/")
    assert not is_placeholder(answer)
    assert answer.headers["cache-control"].startswith("public")
