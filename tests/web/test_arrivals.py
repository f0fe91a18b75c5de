"""Links before their bytes, over HTTP: handed out, waited for, filled, refused; and what is said meanwhile."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.support.server import Server
from tests.web.arrival_kit import (
    ENDED,
    HTML,
    ROBOT,
    WAITING,
    asking,
    held,
    listening,
    look,
    put,
    reserve,
)
from tests.web.browser import kept as kept_browser
from tests.web.kit import kept, png, post_form, problem, raw, settled, upload
from tests.web.quota_kit import ask


def test_a_link_is_there_before_its_bytes_and_leads_to_them_afterwards(server_on: Server) -> None:
    row = reserve(server_on.alice)[0]
    assert row["url"] == row["direct_base"] == f"{server_on.url}/{row['slug']}"
    assert row["expires_at"].endswith("Z")
    before = look(server_on, urlsplit(row["url"]).path)
    assert before.status_code == 200
    assert WAITING in before.text
    assert before.headers["cache-control"] == "no-store"
    assert before.headers["x-robots-tag"] == "noindex"
    page, bytes_, robot = (
        listening(server_on, row["slug"]),
        asking(server_on, f"/{row['slug']}.png", Accept="*/*"),
        asking(server_on, f"/{row['slug']}", **ROBOT),
    )
    time.sleep(0.7)
    assert not any(one.is_over for one in (page, bytes_, robot))
    data = png()
    made = put(server_on.alice, row["slug"], data)
    filled_at = time.monotonic()
    assert made.status_code == 201
    assert (made.json()["slug"], made.json()["url"]) == (row["slug"], row["url"])
    assert made.json()["direct_url"] == f"{row['direct_base']}.png"
    assert page.outcome().endswith("event: arrived\ndata:\n\n")
    assert bytes_.outcome().status_code == 200
    assert bytes_.outcome().content == server_on.alice.get(f"/{row['slug']}.png").content
    tags = robot.outcome()
    assert f'property="og:image" content="{row["direct_base"]}.png"' in tags.text
    assert WAITING not in tags.text
    assert max(one.ended_at for one in (page, bytes_, robot)) - filled_at < 5
    after = look(server_on, f"/{row['slug']}")
    assert f'src="/{row["slug"]}.png"' in after.text
    assert WAITING not in after.text


def test_a_device_lists_what_it_holds_and_ends_what_will_not_come(server_on: Server) -> None:
    rows = reserve(server_on.alice, 3)
    slugs = [row["slug"] for row in rows]
    listed = server_on.alice.get("/api/v1/reservations").json()["items"]
    assert sorted(listed, key=str) == sorted(rows, key=str)
    assert server_on.bob.get("/api/v1/reservations").json() == {"items": []}
    stream, bytes_ = listening(server_on, slugs[0]), asking(server_on, f"/{slugs[0]}.png")
    time.sleep(0.5)
    why = {"code": "deleted", "message": "plan.png was deleted before it was sent."}
    path = f"/api/v1/reservations/{slugs[0]}"
    problem(server_on.bob.request("DELETE", path, json=why), 404, "not_found")
    assert server_on.alice.request("DELETE", path, json=why).status_code == 204
    assert server_on.alice.delete(path).status_code == 204
    assert "event: ended" in stream.outcome()
    assert problem(bytes_.outcome(), 410, "gone")["message"] == "Nothing will come at this address."
    page = look(server_on, f"/{slugs[0]}")
    assert page.status_code == 410
    assert ENDED in page.text
    assert "plan.png" not in page.text
    # Whose it is may know why.
    assert "plan.png was deleted" in server_on.alice.get(f"/{slugs[0]}", headers=HTML).text
    left = server_on.alice.get("/api/v1/reservations").json()["items"]
    assert {row["slug"] for row in left} == set(slugs[1:])
    problem(put(server_on.alice, slugs[0]), 409, "not_reserved")


def test_of_fifty_who_fill_one_link_at_once_one_makes_the_drop(server_on: Server) -> None:
    slug = held(server_on.alice)
    key = server_on.key_of("alice")

    def send(number: int) -> httpx.Response:
        headers = {"Authorization": f"Bearer {key}"}
        with httpx.Client(base_url=server_on.url, headers=headers, trust_env=False, timeout=60) as client:
            return put(client, slug, png(seed=bytes([number + 1])))

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(send, range(50)))
    assert Counter(answer.status_code for answer in answers) == {201: 1, 409: 49}
    won = next(answer.json() for answer in answers if answer.status_code == 201)
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409} == {"not_reserved"}
    assert server_on.anonymous.get(f"/{slug}.png").headers["etag"].strip('"').startswith(won["sha256"][:16])
    assert len(server_on.alice.get("/api/v1/uploads").json()["items"]) == 1
    assert len([path for path in (server_on.data / "uploads").rglob("*") if path.is_file()]) == 1
    assert server_on.command("verify", "--read-data").returncode == 0


def test_a_repeat_is_answered_with_the_first_result(server_on: Server) -> None:
    slug = held(server_on.alice)
    data = png()
    first = put(server_on.alice, slug, data, key="once")
    again = put(server_on.alice, slug, data, key="once")
    assert first.status_code == again.status_code == 201
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["idempotency-replayed"] == "true"
    problem(put(server_on.alice, slug, data, key="another"), 409, "not_reserved")


def test_of_twenty_repeats_at_once_each_is_answered_with_the_one_drop(server_on: Server) -> None:
    for number in range(4):
        slug = held(server_on.alice)
        ready = threading.Barrier(20)

        def send(_index: int, slug: str = slug, key: str = f"once-{number}", ready: threading.Barrier = ready) -> Any:
            with server_on.client("alice") as client:
                ready.wait()
                return put(client, slug, key=key)

        with ThreadPoolExecutor(20) as pool:
            answers = list(pool.map(send, range(20)))
        assert {answer.status_code for answer in answers} == {201}
        assert {answer.json()["slug"] for answer in answers} == {slug}


def test_a_form_names_a_link_too_and_for_one_file_alone(shared: Server) -> None:
    slug = held(shared.alice)
    two = [("file", (f"{name}.png", png(), "image/png")) for name in "ab"]
    wrong = shared.alice.post("/api/v1/uploads", files=two, data={"slug": slug})
    assert problem(wrong, 400, "invalid")["field"] == "slug"
    assert upload(shared.alice, slug=slug, custom_name="form-filled")["slug"] == slug
    assert shared.anonymous.get("/form-filled.png").status_code == 200
    assert shared.anonymous.get(f"/{slug}.png").status_code == 200


def test_a_link_of_another_device_is_refused_before_the_bytes_are_sent(shared: Server) -> None:
    slug = held(shared.alice)
    before = settled(shared)
    for client in (shared.bob, shared.charlie, kept_browser(shared, "alice")):
        problem(put(client, slug), 409, "not_reserved")
    key = shared.key_of("bob")
    with raw(shared) as connection:
        head = f"PUT /api/v1/uploads/a.png?slug={slug} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n"
        connection.send(f"{head}Content-Length: 1000000\r\nExpect: 100-continue\r\n\r\n".encode())
        assert connection.head()[0] == 409
    assert settled(shared) == before
    assert WAITING in look(shared, f"/{slug}").text
    assert put(shared.alice, slug).status_code == 201


@pytest.mark.parametrize(
    ("data", "code"),
    [(b"just words", "unknown_type"), (b"", "empty_file"), (png()[:40] + b"\0" * 400, "bad_picture")],
    ids=["no picture", "empty", "broken"],
)
def test_a_file_that_is_never_taken_ends_its_link_with_a_clear_word(shared: Server, data: bytes, code: str) -> None:
    slug = held(shared.alice)
    stream, bytes_ = listening(shared, slug), asking(shared, f"/{slug}.png")
    time.sleep(0.5)
    refused = put(shared.alice, slug, data)
    assert refused.json()["error"]["code"] == code
    assert stream.outcome().endswith("event: ended\ndata:\n\n")
    assert bytes_.outcome().status_code == 410
    page = look(shared, f"/{slug}")
    assert page.status_code == 410
    assert ENDED in page.text
    # What the server says of the file is for its owner: to others it would tell what it was.
    said = refused.json()["error"]["message"]
    assert said not in page.text
    assert said.split("“")[0] in shared.alice.get(f"/{slug}", headers=HTML).text.replace("&#39;", "'")


def test_a_file_that_is_too_large_ends_its_link_as_soon_as_that_is_known(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_MAX_FILE_SIZE="20000", BULLETDROP_MIN_FREE_DISK="0")
    slug = held(server.alice)
    problem(put(server.alice, slug, png(200, 200)), 413, "too_big")
    assert look(server, f"/{slug}").status_code == 410


def test_a_cut_or_damaged_upload_leaves_its_link_to_the_next_try(shared: Server) -> None:
    slug = held(shared.alice)
    data = png()
    wrong = shared.alice.put(f"/api/v1/uploads/a.png?slug={slug}", content=data, headers={"X-SHA256": "0" * 64})
    problem(wrong, 400, "wrong_digest")
    problem(put(shared.alice, slug, data[:-20]), 400, "truncated")
    head = f"PUT /api/v1/uploads/a.png?slug={slug} HTTP/1.1\r\nHost: localhost\r\n"
    with raw(shared) as connection:
        auth = f"Authorization: Bearer {shared.key_of('alice')}\r\nContent-Length: {len(data)}\r\n\r\n"
        connection.send((head + auth).encode() + data[:50])
    assert WAITING in look(shared, f"/{slug}").text
    assert put(shared.alice, slug, data).status_code == 201


def test_a_form_without_a_file_leaves_the_link(shared: Server) -> None:
    slug = held(shared.alice)
    body = b'------bulletdrop-test-boundary\r\nContent-Disposition: form-data; name="slug"\r\n\r\n' + slug.encode()
    answer = post_form(shared.alice, body + b"\r\n------bulletdrop-test-boundary--\r\n")
    assert answer.status_code == 400
    assert WAITING in look(shared, f"/{slug}").text


@pytest.mark.parametrize("count", [0, 51, -1, "5", 1.5, None])
def test_a_count_that_is_none_is_refused(shared: Server, count: object) -> None:
    assert problem(shared.alice.post("/api/v1/reservations", json={"count": count}), 400)["field"] == "count"


def test_a_link_says_whether_its_owner_wants_the_file_itself_to_be_copied(server_on: Server) -> None:
    assert reserve(server_on.bob)[0]["link_ending"] is False
    ask(server_on, "UPDATE \"user\" SET link_ending = TRUE WHERE username = 'bob'")
    assert reserve(server_on.bob)[0]["link_ending"] is True


def test_a_device_holds_two_hundred_and_is_told_so(server: Server) -> None:
    assert [len(reserve(server.bob, 45)) for _ in range(5)] == [45, 45, 45, 45, 20]
    refused = server.bob.post("/api/v1/reservations", json={"count": 1})
    problem(refused, 429, "too_many")
    assert int(refused.headers["retry-after"]) > 0
    assert len(reserve(server.alice, 20)) == 20


def test_a_key_that_is_revoked_takes_its_links_along(server_on: Server) -> None:
    browser = kept_browser(server_on, "alice")
    made = browser.post("/api/v1/api-keys", json={"name": "laptop", "scopes": ["uploads:write"]}).json()
    with httpx.Client(
        base_url=server_on.url, headers={"Authorization": f"Bearer {made['key']}"}, trust_env=False, timeout=30
    ) as laptop:
        slug = held(laptop)
    stream = listening(server_on, slug)
    time.sleep(0.5)
    assert browser.delete(f"/api/v1/api-keys/{made['id']}").status_code == 204
    assert "event: ended" in stream.outcome()
    page = look(server_on, f"/{slug}")
    assert page.status_code == 410
    assert "This did not arrive: the device that was to send it is no longer connected." in page.text
    assert "taken it back" not in page.text


def test_after_a_kill_the_link_is_still_held_and_is_filled(server: Server) -> None:
    slug = held(server.alice)
    server.kill()
    server.start()
    assert WAITING in look(server, f"/{slug}").text
    assert put(server.alice, slug, key="k").status_code == 201
    server.kill()
    server.start()
    assert put(server.alice, slug, key="k").headers["idempotency-replayed"] == "true"
    assert look(server, f"/{slug}").status_code == 200
    assert kept(server).uploads == 1


def test_what_was_handed_out_is_nobodys_name(shared: Server) -> None:
    slug = held(shared.alice)
    wrong = shared.bob.post(
        "/api/v1/uploads", files={"file": ("a.png", png(), "image/png")}, data={"custom_name": slug}
    )
    problem(wrong, 409, "name_taken")
    short = shared.bob.post("/api/v1/short-links", json={"url": "https://example.org/", "custom_name": slug})
    assert short.status_code == 409


def test_an_account_says_whether_its_name_is_told(shared: Server) -> None:
    browser = kept_browser(shared, "bob")
    assert browser.get("/api/v1/account").json()["names_arrivals"] is False
    quiet = held(shared.bob)
    assert browser.put("/api/v1/account", json={"names_arrivals": True}).json()["names_arrivals"] is True
    named = held(shared.bob)
    assert "bob" not in look(shared, f"/{quiet}").text
    assert "From <bdi>bob</bdi>." in look(shared, f"/{named}").text
    assert browser.put("/api/v1/account", json={"names_arrivals": False}).status_code == 200
    assert "bob" not in look(shared, f"/{named}").text


def test_who_asks_at_the_very_moment_of_the_fill_gets_the_bytes(server_on: Server) -> None:
    data = [png(seed=bytes([number])) for number in range(30)]
    for slug, content in zip([row["slug"] for row in reserve(server_on.alice, 30)], data, strict=True):
        asked = [asking(server_on, f"/{slug}.png", Accept="*/*") for _ in range(3)]
        assert put(server_on.alice, slug, content).status_code == 201
        assert [one.outcome().status_code for one in asked] == [200, 200, 200], slug
