"""What counts as a view of a share link and what does not, over a real server; the rule is in `core/sharing/limits`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.conftest import both_databases
from tests.support.server import Server
from tests.web.kit import png, problem, upload
from tests.web.link_kit import DISCORD, HTML, a_drop, grow_older, look, share, views, visitor
from tests.web.rows.teams import make_team


@both_databases
def test_a_link_for_two_is_opened_by_two(server_on: Server) -> None:
    link = share(server_on, max_views=2)
    assert [look(server_on, link["path"]).status_code for _ in range(4)] == [200, 200, 410, 410]
    told = server_on.alice.get(f"/api/v1/share-links/{link['token']}").json()
    assert (told["views"], told["state"]) == (2, "used_up")
    assert told["last_viewed_at"]


def test_views_are_counted_without_a_limit_too(shared: Server) -> None:
    link = share(shared)
    for _ in range(3):
        assert look(shared, link["path"]).status_code == 200
    assert views(shared, link) == 3


def test_the_same_browser_within_a_minute_is_the_same_view_and_after_it_another(shared: Server) -> None:
    link = share(shared, max_views=2)
    with visitor(shared) as browser:
        for _ in range(3):
            assert browser.get(link["path"]).status_code == 200
        assert views(shared, link) == 1
        grow_older(shared, browser, seconds=58)
        assert browser.get(link["path"]).status_code == 200
        assert views(shared, link) == 1
        grow_older(shared, browser, seconds=62)
        assert browser.get(link["path"]).status_code == 200
        assert views(shared, link) == 2
        grow_older(shared, browser, seconds=62)
        assert browser.get(link["path"]).status_code == 410


def test_what_belongs_to_an_opened_page_is_no_view_for_an_hour(shared: Server) -> None:
    link = share(shared, max_views=1)
    asked = (
        f"{link['path']}/file.png",
        f"{link['path']}/file.png?size=thumb",
        f"{link['path']}/file.png?download=true",
    )
    with visitor(shared) as browser:
        assert browser.get(link["path"]).status_code == 200
        grow_older(shared, browser, seconds=3500)
        for path in asked:
            assert browser.get(path).status_code == 200
        part = browser.get(asked[0], headers={"Range": "bytes=0-9"})
        assert (part.status_code, len(part.content)) == (206, 10)
        grow_older(shared, browser, seconds=3700)
        assert browser.get(asked[0]).status_code == 410
    assert views(shared, link) == 1


def test_bytes_that_are_asked_for_by_themselves_are_a_view(shared: Server) -> None:
    link = share(shared, max_views=1)
    assert look(shared, f"{link['path']}/file.png").status_code == 200
    assert look(shared, f"{link['path']}/file.png").status_code == 410
    assert look(shared, f"{link['path']}/file.png", Range="bytes=0-9").status_code == 410
    assert look(shared, f"{link['path']}/file.png?size=thumb").status_code == 410
    assert look(shared, link["path"]).status_code == 410


def test_a_head_is_no_view_and_gives_nothing(shared: Server) -> None:
    link = share(shared, max_views=1)
    for path in (link["path"], f"{link['path']}/file.png"):
        answer = httpx.head(shared.url + path, trust_env=False, timeout=30)
        assert answer.status_code == 200
        assert not {"etag", "content-length", "content-disposition", "last-modified"} & set(answer.headers)
        assert not answer.cookies
    assert views(shared, link) == 0


@pytest.mark.parametrize("headers", [DISCORD, {**HTML, "Sec-Purpose": "prefetch"}], ids=["discord", "prefetch"])
def test_robots_and_browsers_ahead_of_a_wish_use_up_nothing_and_see_nothing(
    shared: Server, headers: dict[str, str]
) -> None:
    for terms in ({"max_views": 1}, {"password": "open sesame"}):
        link = share(shared, **terms)
        page = httpx.get(shared.url + link["path"], headers=headers, trust_env=False, timeout=30)
        # What a browser fetched ahead it would show as the page itself, had it come without an error.
        assert page.status_code == (403 if "Sec-Purpose" in headers else 200)
        assert "canary" not in page.text
        file = httpx.get(f"{shared.url}{link['path']}/file.png", headers=headers, trust_env=False, timeout=30)
        assert file.status_code == 403
        assert views(shared, link) == 0
        assert not page.cookies


def test_the_owner_and_the_team_are_asked_nothing_and_counted_not(server: Server) -> None:
    team = make_team(server)
    drop = upload(server.bob, png(), team=team["slug"])
    answer = server.bob.post(f"/api/v1/uploads/{drop['id']}/share", json={"max_views": 1, "password": "open sesame"})
    link = {**answer.json(), "path": f"/l/{answer.json()['token']}"}
    for client in (server.bob, server.alice):
        assert client.get(link["path"]).status_code == 200
        assert client.get(f"{link['path']}/file.png").status_code == 200
    assert views(server, link) == 0
    # A stranger with an account is a visitor.
    assert server.charlie.get(link["path"]).status_code == 401
    opened = server.charlie.get(link["path"], headers={"X-Share-Password": "open sesame"})
    assert opened.status_code == 200
    assert views(server, link) == 1


def test_a_wrong_password_is_no_view_and_the_right_one_opens_this_link_alone(shared: Server) -> None:
    drop = a_drop(shared)
    link, other = (share(shared, drop, password="open sesame", max_views=1) for _ in range(2))
    with visitor(shared) as browser:
        asked = browser.get(link["path"])
        assert asked.status_code == 401
        assert "canary" not in asked.text
        problem(browser.get(link["path"], headers={"Accept": "application/json"}), 401, "password_needed")
        subject = asked.text.partition('name="subject" value="')[2].partition('"')[0]
        form = {"subject": subject, "next": link["path"]}
        assert browser.post("/unlock", data={**form, "password": "open sesam"}).status_code == 401
        assert views(shared, link) == 0
        opened = browser.post("/unlock", data={**form, "password": "open sesame"})
        assert (opened.status_code, opened.headers["location"]) == (303, link["path"])
        assert browser.get(link["path"]).status_code == 200
        assert browser.get(f"{link['path']}/file.png").status_code == 200
        # The same password, but another link: whoever knows one was not told of the other.
        assert browser.get(other["path"]).status_code == 401
    assert (views(shared, link), views(shared, other)) == (1, 0)


def test_a_password_that_was_changed_lets_nobody_in_who_knew_the_old_one(shared: Server) -> None:
    link = share(shared, password="open sesame")
    with visitor(shared) as browser:
        assert browser.get(link["path"], headers={"X-Share-Password": "open sesame"}).status_code == 200
        assert browser.get(link["path"]).status_code == 200
        changed = shared.alice.patch(f"/api/v1/share-links/{link['token']}", json={"password": "close sesame"})
        assert changed.status_code == 200
        assert browser.get(link["path"]).status_code == 401
        assert browser.get(f"{link['path']}/file.png").status_code == 401


def test_many_wrong_passwords_are_slowed_down(server: Server) -> None:
    link = share(server, password="open sesame")
    with ThreadPoolExecutor(8) as threads:
        tries = [f"wrong {number}" for number in range(30)]
        said = list(threads.map(lambda word: look(server, link["path"], X_Share_Password=word).status_code, tries))
    assert set(said) == {401, 429}
    assert views(server, link) == 0


def test_more_views_are_allowed_afterwards(shared: Server) -> None:
    link = share(shared, max_views=1)
    assert [look(shared, link["path"]).status_code for _ in range(2)] == [200, 410]
    assert shared.alice.patch(f"/api/v1/share-links/{link['token']}", json={"max_views": 2}).json()["views"] == 1
    assert [look(shared, link["path"]).status_code for _ in range(2)] == [200, 410]
    assert shared.alice.patch(f"/api/v1/share-links/{link['token']}", json={"max_views": None}).status_code == 200
    assert look(shared, link["path"]).status_code == 200


def test_a_browser_that_opens_many_links_is_answered_still(server: Server) -> None:
    drop = a_drop(server)
    links = [share(server, drop, max_views=1) for _ in range(120)]
    with visitor(server) as browser:
        for number, link in enumerate(links):
            assert browser.get(link["path"]).status_code == 200, number
            assert browser.get(f"{link['path']}/file.png").status_code == 200, number
        passes = [name for name in browser.cookies if name.startswith("bd_pass_")]
        assert 30 <= len(passes) <= 45
        # What was opened last is still open, and what was opened first is not.
        assert [browser.get(link["path"]).status_code for link in links[-5:]] == [200] * 5
        assert browser.get(links[0]["path"]).status_code == 410
