"""Names, texts and terms of a drop over the API and on its page: kept exactly, or refused in words."""

from __future__ import annotations

import contextlib
import html
import re
import secrets
import sqlite3
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.server import Server
from tests.web.browser import signed_in
from tests.web.kit import path_of, png, upload

CANARY = "Correct-Horse-Canary-77"
# As in the Big List of Naughty Strings: markup, quotes, templates, commands, numbers, directions, other scripts.
NAUGHTY = (
    "undefined", "NULL", "None", "true", "-1", "1E+02", "0x0", "NaN", "١٢٣", "0,,0", "&lt;b&gt;",
    "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "' OR 1=1 --", "1;DROP TABLE upload",
    "{{ 7*7 }}", "{% raw %}", "${jndi:ldap://x}", "%s%n%x", "$(touch /tmp/x)", "`id`", "../../../etc/passwd",
    "javascript:alert(1)", "]]>", "<!--", "--><svg/onload=alert(1)>", "\\", "\\\\", "%00", "%2e%2e%2f",
    "Ω≈ç√∫˜µ≤≥÷", "田中さんにあげて下さい", "ﷺ", "הָיְתָה", "مرحبا", "👩‍👩‍👧", "🏳️‍🌈", "Ṱ̺̺o͞ ̷i", "ｔｅｓｔ",
    "\u202etxt.exe", "\ufeff", "\u200b", "\u0000", "a\u0000b", "\r\nSet-Cookie: a=b", "\n", "\t", "  x  ",
    "ﬀ", "İ", "ß", "ǅ", "\U0010ffff", "\ufffe", "\u2028", "CON", "aux.txt", "x" * 4000, "é" * 200,
)  # fmt: skip


@pytest.fixture
def drop(shared: Server) -> dict[str, Any]:
    return upload(shared.alice)


def change(server: Server, drop: dict[str, Any], **changes: Any) -> httpx.Response:
    return server.alice.patch(f"/api/v1/uploads/{drop['id']}", json=changes)


def test_a_form_and_a_body_take_the_same_wishes(shared: Server) -> None:
    wishes: dict[str, Any] = {"title": "The plan", "description": "One\nTwo", "max_views": "3", "slug_style": "date"}
    sent = upload(shared.alice, **wishes, password=CANARY)
    put = shared.alice.put(
        "/api/v1/uploads/a.png", params=wishes, content=png(), headers={"X-Upload-Password": CANARY}
    ).json()
    for one in (sent, put):
        assert (one["title"], one["description"], one["max_views"], one["views"]) == ("The plan", "One\nTwo", 3, 0)
        assert one["has_password"] is True
        assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-\w{4}", one["slug"])
        assert one["domain"] is None
        assert one["link"] == one["url"]
        again = shared.alice.get(f"/api/v1/uploads/{one['id']}")
        assert again.json() == {**one, "state": again.json()["state"], "placeholder": again.json()["placeholder"]}
        assert CANARY not in again.text
        assert "$argon2" not in again.text


def test_a_password_in_an_address_is_refused_and_kept_nowhere(server: Server) -> None:
    answer = server.alice.put(f"/api/v1/uploads/a.png?password={CANARY}", content=png())
    assert answer.status_code == 400
    assert answer.json()["error"]["field"] == "password"
    upload(server.alice, password=CANARY)
    server.stop()
    files = [path for path in server.data.rglob("*") if path.is_file()]
    assert [str(path) for path in files if CANARY.encode() in path.read_bytes()] == []
    assert CANARY not in server.log.read_text()


@pytest.mark.parametrize(
    ("field", "value"),
    [("max_views", 0), ("max_views", 1_000_001), ("password", "x" * 1025), ("slug_style", "poem"), ("title", "x" * 201),
     ("description", "x" * 4001), ("domain", "not-mine.example"), ("max_views", "many"), ("expires_at", "2001-01-01")],
)  # fmt: skip
def test_a_wish_that_cannot_be_is_refused_with_its_field(shared: Server, field: str, value: object) -> None:
    answer = shared.alice.post("/api/v1/uploads", files={"file": ("a.png", png())}, data={field: str(value)})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["field"] == field


def test_the_link_of_a_named_drop_has_the_chosen_name_and_its_slug_works_on(shared: Server) -> None:
    name = f"Plan-{secrets.token_hex(4)}"
    made = upload(shared.alice, png(seed=name.encode()), custom_name=name)
    link = f"{shared.url}/{name}"
    assert (made["url"], made["link"], made["direct_url"]) == (link, link, f"{link}.png")
    for path in (f"/{name}", f"/{name.lower()}", f"/{made['slug']}"):
        page = shared.anonymous.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200, "no name of a drop leads around in a circle"
        assert f'rel="canonical" href="{link}"' in page.text
        assert f'value="{link}"' in page.text, "the link to copy"
    told = shared.anonymous.get("/oembed", params={"url": link})
    assert told.status_code == 200, told.text
    with signed_in(shared, "alice") as alice:
        change_page = alice.get(f"/drops/{made['id']}/change").text
        assert change_page.index(link) < change_page.index(f"{shared.url}/{made['slug']}")
    without = change(shared, made, custom_name=None).json()
    assert without["url"] == f"{shared.url}/{made['slug']}"


def test_an_old_name_leads_on_for_as_long_as_was_asked(shared: Server, drop: dict[str, Any]) -> None:
    old, new = f"old-{drop['slug']}", f"new-{drop['slug']}"
    change(shared, drop, custom_name=old).raise_for_status()
    now = change(shared, drop, custom_name=new, keep_old_name="30d").raise_for_status().json()
    for name in (old, new):
        assert shared.anonymous.get(f"/{name}.png").status_code == 200
        assert shared.anonymous.get(f"/{name}", follow_redirects=True).status_code == 200
    led = shared.anonymous.get(f"/{old}", headers={"Accept": "text/html"})
    assert (led.status_code, led.headers["location"]) == (301, now["url"])
    taken = shared.bob.put(f"/api/v1/uploads/a.png?custom_name={old}", content=png())
    assert taken.status_code == 409
    assert taken.json()["error"]["code"] == "name_taken"
    change(shared, drop, end_old_names=True).raise_for_status()
    assert shared.anonymous.get(f"/{old}.png").status_code == 404
    change(shared, drop, custom_name=None).raise_for_status()
    assert shared.anonymous.get(f"/{new}.png").status_code == 404
    for span in ("2000d", "soon", "2001-01-01"):
        refused = change(shared, drop, custom_name=new, keep_old_name=span)
        assert (refused.status_code, refused.json()["error"]["field"]) == (400, "keep_old_name")


def test_an_expired_drop_lies_in_its_owners_trash_and_is_no_broken_tile(server: Server) -> None:
    drop, other = upload(server.alice), upload(server.alice, png(seed=b"other"))
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
        rows.execute("UPDATE upload SET expires_at = 1 WHERE id = ?", (drop["id"],))
    with signed_in(server, "alice") as alice:
        gallery = alice.get("/", headers={"Accept": "text/html"}).text
        assert other["id"] in gallery
        assert drop["id"] not in gallery
        said = alice.get(f"/drops/{drop['id']}/change").text
        assert "It has expired" in said or "It lies in the trash" in said
        trash = alice.get("/trash").text
        assert drop["id"] in trash
        assert "once restored, it stays" in trash
        assert alice.get(f"/trash/{drop['id']}/face").status_code == 200
        restored = alice.post(f"/drops/{drop['id']}/restore", data={"csrf": alice.cookies["bd_csrf"], "next": "/trash"})
        assert restored.status_code == 303, restored.text
    again = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
    assert (again["expires_at"], again["trashed_at"]) == (None, None)
    assert server.anonymous.get(path_of(drop["direct_url"])).status_code == 200


def test_links_look_as_their_owner_likes(server: Server) -> None:
    with signed_in(server, "alice") as alice:
        alice.put("/api/v1/account", json={"slug_style": "words", "link_ending": True}).raise_for_status()
    made = upload(server.alice)
    assert re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", made["slug"])
    assert made["link"] == made["direct_url"]
    assert server.anonymous.get(path_of(made["link"])).headers["content-type"] == "image/png"


def test_preferences_are_checked_and_told(server: Server) -> None:
    with signed_in(server, "alice") as alice:
        hosts = [
            "https://Forum.Example.org/thread/1",
            "*.bücher.example",
            "forum.example.org",
            "10.0.0.1:8080",
            "[::1]",
        ]
        told = alice.put(
            "/api/v1/account", json={"hotlink": "list", "hotlink_hosts": hosts, "embed_color": "#D9480F"}
        ).json()
        assert told["hotlink_hosts"] == ["forum.example.org", "xn--bcher-kva.example", "10.0.0.1", "::1"]
        assert (told["hotlink"], told["embed_color"]) == ("list", "#d9480f")
        for wrong in ({"hotlink_hosts": ["no host"]}, {"embed_color": "red"}, {"hotlink": "maybe"}, {"slug_style": "x"},
                      {"hotlink_hosts": [f"h{n}.example" for n in range(101)]}):  # fmt: skip
            answer = alice.put("/api/v1/account", json=wrong)
            assert answer.status_code == 400
            assert answer.json()["error"]["field"] == next(iter(wrong))
        assert alice.get("/api/v1/account").json()["hotlink"] == "list"


def test_hosts_are_parted_by_lines_and_commas_alone(server: Server) -> None:
    with signed_in(server, "alice") as alice:
        form = {"csrf": alice.cookies["bd_csrf"], "do": "pages", "hotlink": "list"}

        def post(hosts: str) -> httpx.Response:
            sent = {**form, "hotlink_hosts": hosts}
            return alice.post("/account/links", data=sent, headers={"Accept": "text/html"})

        refused = post("forum.example.org\r\nnot a host!!")
        assert refused.status_code == 400
        assert "“not a host!!” is no host" in html.unescape(refused.text)
        assert post(" forum.example.org \r\n\r\nwiki.example.org, news.example.org,\n").status_code == 303
        told = alice.get("/api/v1/account").json()["hotlink_hosts"]
    assert told == ["forum.example.org", "wiki.example.org", "news.example.org"]


def test_the_page_changes_a_drop_without_a_script(server: Server) -> None:
    drop = upload(server.alice)
    path = f"/drops/{drop['id']}/change"
    with signed_in(server, "alice") as alice:

        def post(**form: str) -> httpx.Response:
            return alice.post(path, data={"csrf": alice.cookies["bd_csrf"], **form}, headers={"Accept": "text/html"})

        assert post(do="text", title="The plan", description="One\r\nTwo", tags="a, b").status_code == 303
        assert post(do="link", custom_name="first-name").status_code == 303
        assert post(do="link", custom_name="release-2", keep_old_name="30d").status_code == 303
        until = "2031-05-06T07:08"
        alice.cookies.set("bd_zone", "Europe/Berlin")
        assert (
            post(
                do="access", is_public="yes", password=CANARY, max_views="4", expires="at", expires_at=until
            ).status_code
            == 303
        )
        now = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
        assert (now["title"], now["description"], now["tags"]) == ("The plan", "One\nTwo", ["a", "b"])
        assert (now["custom_name"], now["has_password"], now["max_views"]) == ("release-2", True, 4)
        assert now["expires_at"] == "2031-05-06T05:08:00Z"
        page = alice.get(path).text
        assert "first-name" in page
        assert CANARY not in page
        assert 'value="2031-05-06T07:08"' in page
        # Left empty it stays, and it goes when that is asked for.
        post(do="access", is_public="no", expires="keep", max_views="")
        now = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
        assert (now["has_password"], now["is_public"], now["max_views"]) == (True, False, None)
        assert now["expires_at"] == "2031-05-06T05:08:00Z"
        post(do="access", is_public="yes", open="yes", expires="")
        now = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
        assert (now["has_password"], now["is_public"], now["expires_at"]) == (False, True, None)
        post(do="old")
        assert "first-name" not in alice.get(path).text


def test_the_page_says_beside_the_field_what_is_wrong(server: Server) -> None:
    drop = upload(server.alice)
    path = f"/drops/{drop['id']}/change"
    with signed_in(server, "alice") as alice:
        wrong: tuple[tuple[dict[str, str], str], ...] = (
            ({"do": "link", "custom_name": "admin"}, "This name is reserved."),
            ({"do": "link", "custom_name": "a/b"}, "A name has 1 to 100 letters"),
            ({"do": "access", "max_views": "many"}, "Write how often as a whole number"),
            ({"do": "access", "expires": "at", "expires_at": "soon"}, "Choose the day and the time."),
            ({"do": "access", "expires": "at", "expires_at": "2001-01-01T00:00"}, "lies in the past"),
            ({"do": "text", "title": "x\u202ey"}, "all of them visible"),
            ({"do": "nonsense"}, "nothing of this name"),
        )
        for form, words in wrong:
            answer = alice.post(path, data={"csrf": alice.cookies["bd_csrf"], **form}, headers={"Accept": "text/html"})
            assert answer.status_code == (409 if "custom_name" in form and "reserved" in words else 400), form
            if form["do"] != "nonsense":
                assert words in html.unescape(answer.text), form


@pytest.mark.parametrize("text", NAUGHTY)
def test_a_naughty_text_is_kept_exactly_or_refused(shared: Server, drop: dict[str, Any], text: str) -> None:
    for field in ("title", "description"):
        answer = change(shared, drop, **{field: text})
        assert answer.status_code in (200, 400), answer.text
        if answer.status_code == 200:
            kept = shared.alice.get(f"/api/v1/uploads/{drop['id']}").json()[field]
            assert kept == text.replace("\r\n", "\n").strip()
    for path in (path_of(drop["url"]), f"/drops/{drop['id']}/change"):
        page = shared.alice.get(path, headers={"Accept": "text/html"})
        assert page.status_code == 200
        assert "<script>alert" not in page.text
        assert "onerror=alert" not in html_attributes(page.text)
        assert "49" not in re.findall(r"<h1[^>]*>.*?</h1>", page.text, re.DOTALL)[0] or "{{" not in text


@pytest.mark.parametrize("text", NAUGHTY)
def test_a_naughty_name_is_found_at_its_address_or_refused(shared: Server, drop: dict[str, Any], text: str) -> None:
    answer = change(shared, drop, custom_name=text)
    assert answer.status_code in (200, 400, 409), answer.text
    if answer.status_code == 200 and answer.json()["custom_name"] is not None:
        name = answer.json()["custom_name"]
        assert shared.anonymous.get(path_of(answer.json()["direct_url"])).status_code == 200
        assert shared.anonymous.get(f"/{quote(name)}", headers={"Accept": "text/html"}).status_code == 200
    change(shared, drop, custom_name=None)
    sent = shared.alice.put("/api/v1/uploads/a.png", params={"title": text, "custom_name": text}, content=png())
    assert sent.status_code in (201, 400, 409, 413), sent.text
    if sent.status_code == 201:
        shared.alice.patch(f"/api/v1/uploads/{sent.json()['id']}", json={"custom_name": None})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.fixed_dictionaries({}, optional={"title": st.text(), "description": st.text(), "custom_name": st.text()}))
def test_no_text_is_an_error_of_the_server(shared: Server, drop: dict[str, Any], changes: dict[str, str]) -> None:
    answer = shared.alice.patch(f"/api/v1/uploads/{drop['id']}", json=changes)
    assert answer.status_code in (200, 400, 409), answer.text


def html_attributes(page: str) -> str:
    """What a browser reads as attributes: everything inside of tags, without what stands in quotes."""
    return " ".join(re.sub(r'"[^"]*"', "", tag) for tag in re.findall(r"<[^>]*>", page))
