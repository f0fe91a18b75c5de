"""Short links: they lead where their owner said, as often and as long as it was said, and nowhere else."""

from __future__ import annotations

import asyncio
import sqlite3
from typing import Any

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import browser, kept

FAR = "https://example.org/a/page?with=query#part"


def make(server: Server, name: str = "alice", **wishes: Any) -> dict[str, Any]:
    """A short link of somebody's."""
    answer = kept(server, name).post("/api/v1/short-links", json={"url": FAR, **wishes})
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def visit(server: Server, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    """A visitor without a cookie asks for an address."""
    with browser(server, **headers) as client:
        return client.request(method, path)


def views(server: Server, link: dict[str, Any]) -> int:
    answer = kept(server, "alice").get(f"/api/v1/short-links/{link['id']}")
    return int(answer.json()["views"])


def test_a_short_link_leads_to_its_target_and_tells_it_nothing_of_us(shared: Server) -> None:
    link = make(shared)
    answer = visit(shared, f"/{link['slug']}")
    assert (answer.status_code, answer.headers["location"]) == (302, FAR)
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["cache-control"] == "no-store"
    assert link["short_url"].endswith(f"/{link['slug']}")
    assert views(shared, link) == 1


def test_a_chosen_name_leads_there_too_and_is_nobody_elses(shared: Server) -> None:
    link = make(shared, custom_name="Our-Wiki")
    for name in ("Our-Wiki", "our-wiki", link["slug"]):
        assert visit(shared, f"/{name}").headers["location"] == FAR
    taken = kept(shared, "charlie").post("/api/v1/short-links", json={"url": FAR, "custom_name": "OUR-WIKI"})
    assert (taken.status_code, taken.json()["error"]["field"]) == (409, "custom_name")
    sent = kept(shared, "charlie").post(
        "/api/v1/uploads", files={"file": ("a.png", b"x", "image/png")}, data={"custom_name": "our-wiki"}
    )
    assert sent.status_code in (400, 409, 415)
    kept(shared, "alice").delete(f"/api/v1/short-links/{link['id']}").raise_for_status()
    assert visit(shared, "/our-wiki").status_code == 404
    assert make(shared, "charlie", custom_name="our-wiki")["custom_name"] == "our-wiki"


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)//https://example.org",
        "java\nscript:alert(1)",
        "\x01javascript:alert(1)",
        "data:text/html,<script>1</script>",
        "file:///etc/passwd",
        "mailto:alice@example.org",
        "vbscript:x",
        "blob:https://example.org/1",
        "//example.org/",
        "/account",
        "example.org",
        "https:example.org",
        "https:///example.org",
        "https://",
        "https://good.example@evil.example/",
        "https://good.example:443@evil.example/",
        "https://user:password@example.org/",
        "https://example.org\\@evil.example/",
        "https:\\\\evil.example/",
        "https://example.org/a b",
        "https://example.org/\r\nSet-Cookie: a=b",
        "https://example.org/\u202egnp.exe",
        "https://exam\u200bple.org/",
        "https://exa%6dple.org/",
        "https://127.1/",
        "https://0x7f000001/",
        "https://2130706433/",
        "https://[fe80::1%25eth0]/",
        "https://a..b/",
        "https://example.org:0/",
        "https://example.org:70000/",
        "https://example.org:8o/",
        "https://" + "a" * 64 + ".org/",
        "https://\u2100.org/",
        "https://example.org/" + "a" * 4096,
        "",
        " ",
    ],
)
def test_what_is_no_plain_address_of_a_page_is_refused(shared: Server, url: str) -> None:
    answer = kept(shared, "alice").post("/api/v1/short-links", json={"url": url})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == "url"


@pytest.mark.parametrize(
    ("given", "kept_as"),
    [
        ("HTTP://EXAMPLE.ORG:80", "http://example.org/"),
        ("https://bücher.example/ä?ö#ü", "https://xn--bcher-kva.example/%C3%A4?%C3%B6#%C3%BC"),
        ("https://ｅxample。org/", "https://example.org/"),
        ("https://[::1]:8484/x", "https://[::1]:8484/x"),
        ('https://example.org/<script>"', "https://example.org/%3Cscript%3E%22"),
        ("https://my_host.lan/a|b[c]%20%zz", "https://my_host.lan/a|b[c]%20%zz"),
        ("https://example.org/?a=https://u:p@b/@c", "https://example.org/?a=https://u:p@b/@c"),
        ("  https://example.org/\n", "https://example.org/"),
    ],
)
def test_an_address_is_kept_as_browsers_read_it(shared: Server, given: str, kept_as: str) -> None:
    link = make(shared, url=given)
    assert link["url"] == kept_as
    assert visit(shared, f"/{link['slug']}").headers["location"] == kept_as


def test_a_plus_shows_the_target_counts_nothing_and_goes_nowhere(shared: Server) -> None:
    link = make(shared, url="https://bücher.example/ä?<b>", title="Books & more")
    answer = visit(shared, f"/{link['slug']}+")
    assert answer.status_code == 200
    assert "location" not in answer.headers
    assert 'http-equiv="refresh"' not in answer.text
    for piece in ("<strong>xn--bcher-kva.example</strong>", "bücher.example", "/%C3%A4?%3Cb%3E", "Books &amp; more"):
        assert piece in answer.text
    assert 'rel="noreferrer noopener nofollow"' in answer.text
    assert views(shared, link) == 0


def test_of_a_link_with_a_password_or_a_limit_a_plus_tells_nothing(shared: Server) -> None:
    for terms in ({"password": "open sesame"}, {"max_views": 1}):
        link = make(shared, title="Our secret page", **terms)
        for path, headers in ((f"/{link['slug']}+", {}), (f"/{link['slug']}", {"User-Agent": "Slackbot 1.0"})):
            answer = visit(shared, path, **headers)
            assert answer.status_code == 200
            assert "example.org" not in answer.text
            assert "Our secret page" not in answer.text
        assert views(shared, link) == 0
        hers = kept(shared, "alice").get(f"/{link['slug']}+")
        assert "example.org" in hers.text


def test_a_head_is_not_counted_and_of_a_limited_link_gives_nothing_away(shared: Server) -> None:
    link, limited = make(shared), make(shared, max_views=1)
    answer = visit(shared, f"/{link['slug']}", "HEAD")
    assert (answer.status_code, answer.headers["location"]) == (302, FAR)
    answer = visit(shared, f"/{limited['slug']}", "HEAD")
    assert "example.org" not in str(answer.headers)
    assert (views(shared, link), views(shared, limited)) == (0, 0)


def test_a_robot_of_a_chat_reads_where_a_link_leads_and_is_not_counted(shared: Server) -> None:
    link = make(shared, title="Minutes")
    answer = visit(shared, f"/{link['slug']}", **{"User-Agent": "Mozilla/5.0 (compatible; Discordbot/2.0)"})
    assert answer.status_code == 200
    assert '<meta property="og:title" content="Minutes">' in answer.text
    assert FAR in answer.text
    assert views(shared, link) == 0


def test_a_link_that_asks_first_never_redirects(shared: Server) -> None:
    link = make(shared, asks_first=True)
    answer = visit(shared, f"/{link['slug']}")
    assert answer.status_code == 200
    assert f'href="{FAR}"' in answer.text
    assert 'http-equiv="refresh"' not in answer.text
    assert views(shared, link) == 1


def test_a_password_is_asked_for_before_anything_is_told(shared: Server) -> None:
    link = make(shared, password="open sesame", title="Minutes")
    answer = visit(shared, f"/{link['slug']}")
    assert answer.status_code == 401
    assert "example.org" not in answer.text + str(answer.headers)
    assert "Minutes" not in answer.text
    assert visit(shared, f"/{link['slug']}", **{"X-Share-Password": "sesame"}).status_code == 401
    opened = visit(shared, f"/{link['slug']}", **{"X-Share-Password": "open sesame"})
    assert opened.headers["location"] == FAR
    with browser(shared) as client:
        subject = answer.text.partition('name="subject" value="')[2].partition('"')[0]
        form = {"subject": subject, "next": f"/{link['slug']}", "password": "open sesame"}
        sent = client.post("/unlock", data=form)
        assert sent.headers["location"] == f"/{link['slug']}"
        shown = client.get(f"/{link['slug']}")
        assert f'content="0; url={FAR}"' in shown.text
    assert views(shared, link) == 2


def test_what_is_over_or_switched_off_is_as_if_it_had_never_been(shared: Server) -> None:
    link, alice = make(shared), kept(shared, "alice")
    never = visit(shared, "/nothing-here")
    own = f"/api/v1/short-links/{link['id']}"
    assert alice.patch(own, json={"revoked": True}).json()["revoked_at"] is not None
    for path in (f"/{link['slug']}", f"/{link['slug']}+"):
        gone = visit(shared, path)
        assert (gone.status_code, gone.text.replace(path, "")) == (404, never.text.replace("/nothing-here", ""))
    assert alice.patch(own, json={"revoked": False}).json()["revoked_at"] is None
    assert visit(shared, f"/{link['slug']}").status_code == 302
    with sqlite3.connect(shared.data / "bulletdrop.db") as rows:
        rows.execute("UPDATE short_link SET expires_at = 1 WHERE id = ?", (link["id"],))
    rows.close()
    assert visit(shared, f"/{link['slug']}").status_code == 404


def test_a_short_link_cannot_lead_to_itself_but_to_others_of_ours_it_can(shared: Server) -> None:
    alice = kept(shared, "alice")
    base = make(shared)["short_url"].rpartition("/")[0]
    answer = alice.post("/api/v1/short-links", json={"url": f"{base}/ring", "custom_name": "ring"})
    assert (answer.status_code, answer.json()["error"]["field"]) == (400, "url")
    first = make(shared, url=f"{base}/second-of-two", custom_name="first-of-two")
    answer = alice.post("/api/v1/short-links", json={"url": f"{base}/First-of-two+", "custom_name": "second-of-two"})
    assert answer.status_code == 400
    link = make(shared, url=first["short_url"])
    answer = alice.patch(f"/api/v1/short-links/{first['id']}", json={"url": link["short_url"]})
    assert answer.status_code == 400
    assert make(shared, url=f"{base}/account")["url"] == f"{base}/account"


def test_a_repeat_with_the_same_key_is_answered_with_the_first_link(shared: Server) -> None:
    alice, said = kept(shared, "alice"), {"Idempotency-Key": "once"}
    first = alice.post("/api/v1/short-links", json={"url": FAR}, headers=said)
    again = alice.post("/api/v1/short-links", json={"url": FAR}, headers=said)
    assert first.json() == again.json()
    assert again.headers["idempotency-replayed"] == "true"
    other = kept(shared, "charlie").post("/api/v1/short-links", json={"url": FAR}, headers=said)
    assert other.json()["id"] != first.json()["id"]


def test_the_list_goes_on_by_cursor_and_finds_by_title_name_and_target(shared: Server) -> None:
    bob = kept(shared, "bob")
    made = [make(shared, "bob", title=f"Number {n}", url=f"https://host{n}.example/") for n in range(5)]
    first = bob.get("/api/v1/short-links?limit=3").json()
    rest = bob.get(f"/api/v1/short-links?limit=3&cursor={first['next']}").json()
    assert [one["id"] for one in first["items"] + rest["items"]] == [one["id"] for one in reversed(made)]
    assert rest["next"] is None
    for search in ("number 3", "HOST3", made[3]["slug"]):
        found = bob.get("/api/v1/short-links", params={"q": search}).json()["items"]
        assert [one["id"] for one in found] == [made[3]["id"]]
    assert bob.get("/api/v1/short-links", params={"q": "%"}).json()["items"] == []


def test_a_name_may_hold_dots_of_its_own(shared: Server) -> None:
    make(shared, custom_name="release-1.2")
    assert visit(shared, "/release-1.2").headers["location"] == FAR
    assert "example.org" in visit(shared, "/release-1.2+").text
    assert visit(shared, "/release-1.png").status_code == 404


def test_a_domain_shows_its_own_links_alone_and_asks_for_passwords_there(shared: Server) -> None:
    alice = kept(shared, "alice")
    domain = alice.post("/api/v1/admin/domains", json={"name": "go.example"}).json()
    alice.post(f"/api/v1/domains/{domain['id']}/claim", json={}).raise_for_status()
    link = make(shared, domain="go.example", custom_name="lunch")
    locked = make(shared, domain="go.example", password="open sesame")
    other = make(shared)
    assert link["domain"] == "go.example"
    assert link["short_url"].partition("://")[2].startswith("go.example")
    there = {"Host": "go.example"}
    assert visit(shared, "/lunch", **there).headers["location"] == FAR
    assert visit(shared, "/lunch").status_code == 404
    assert visit(shared, f"/{other['slug']}", **there).status_code == 404
    asked = visit(shared, f"/{locked['slug']}", **there)
    assert asked.status_code == 401
    subject = asked.text.partition('name="subject" value="')[2].partition('"')[0]
    form = {"subject": subject, "next": f"/{locked['slug']}", "password": "open sesame"}
    with browser(shared, Host="go.example", Origin="http://go.example") as client:
        sent = client.post("/unlock", data=form)
        assert (sent.status_code, sent.headers.get("location")) == (303, f"/{locked['slug']}")


async def rush(server: Server, path: str, clients: int) -> list[httpx.Response]:
    """So many visitors at once, none with a cookie."""
    async with httpx.AsyncClient(base_url=server.url, trust_env=False, timeout=30) as client:
        return await asyncio.gather(*(client.get(path, headers={"Cookie": ""}) for _ in range(clients)))


@pytest.mark.parametrize("asks_first", [False, True])
def test_a_limit_of_three_is_three_however_many_come_at_once(server_on: Server, asks_first: bool) -> None:
    for _ in range(5):
        link = make(server_on, max_views=3, asks_first=asks_first)
        answers = asyncio.run(rush(server_on, f"/{link['slug']}", 20))
        given = [one for one in answers if "example.org" in one.text + one.headers.get("location", "")]
        assert len(given) == 3
        assert {one.status_code for one in answers} == {200 if asks_first else 302, 410}
        assert views(server_on, link) == 3
