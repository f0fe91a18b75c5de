"""What the answers about drops give away, and to whom; and that slow pictures hold up nobody's list."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from PIL import Image

from tests.support.server import Server
from tests.web.kit import form, path_of, png, post_form, problem, settled, upload


@pytest.fixture
def weak(shared: Server) -> Iterator[httpx.Client]:
    """Alice, with a key that may read and write and nothing else."""
    arguments = ("key", "add", "alice", "--name", "weak", "--scope", "uploads:read uploads:write")
    key = shared.command(*arguments).stdout.strip()
    with httpx.Client(base_url=shared.url, headers={"Authorization": f"Bearer {key}"}, timeout=30) as client:
        yield client


def test_only_who_may_delete_is_told_the_deletion_link(shared: Server, weak: httpx.Client) -> None:
    made = upload(shared.alice)
    path = f"/api/v1/uploads/{made['id']}"
    assert made["deletion_url"] == shared.alice.get(path).json()["deletion_url"]
    assert weak.get(path).json()["deletion_url"] is None
    assert weak.patch(path, json={"title": "x"}).json()["deletion_url"] is None
    assert {drop["deletion_url"] for drop in weak.get("/api/v1/uploads").json()["items"]} == {None}


def test_a_new_drop_of_ones_own_comes_with_its_deletion_link_and_a_repeat_without(weak: httpx.Client) -> None:
    made, again = (post_form(weak, form(png()), **{"Idempotency-Key": "own"}) for _ in range(2))
    assert made.json()["deletion_url"]
    assert again.json()["id"] == made.json()["id"]
    assert again.json()["deletion_url"] is None


def test_an_upload_does_not_tell_that_somebody_else_has_the_same_bytes(shared: Server) -> None:
    data = png()
    first = upload(shared.alice, data)
    assert shared.alice.get(path_of(first["thumbnail_url"])).status_code == 200
    time.sleep(1.1)  # Last-Modified counts whole seconds.
    second = upload(shared.bob, data)
    own = ("state", "placeholder", "problem", "width", "height", "frames")
    assert [second[name] for name in own] == [first[name] for name in own]
    assert (second["state"], second["placeholder"]) == ("new", None)
    times = [shared.anonymous.get(path_of(drop["direct_url"])).headers["last-modified"] for drop in (first, second)]
    assert times[0] != times[1]


def test_pictures_that_take_long_to_convert_hold_up_nobodys_list(shared: Server) -> None:
    def tiff(number: int) -> bytes:
        buffer = io.BytesIO()
        Image.new("RGB", (6000, 4000), (number, 0, 0)).save(buffer, "TIFF", compression="tiff_lzw")
        return buffer.getvalue()

    pictures = [tiff(number) for number in range(8)]
    shared.bob.get("/api/v1/uploads")
    with ThreadPoolExecutor(8) as threads, httpx.Client(timeout=120) as client:
        headers = {"Authorization": f"Bearer {shared.key_of('alice')}"}
        url = f"{shared.url}/api/v1/uploads/a.tiff"
        sent = [threads.submit(client.put, url, content=data, headers=headers) for data in pictures]
        slowest = 0.0
        while not all(one.done() for one in sent):
            started = time.monotonic()
            assert shared.bob.get("/api/v1/uploads").status_code == 200
            slowest = max(slowest, time.monotonic() - started)
            time.sleep(0.02)
        answers = [one.result() for one in sent]
    assert [answer.status_code for answer in answers] == [201] * 8, answers[0].text
    took = sorted(answer.elapsed.total_seconds() for answer in answers)
    assert slowest < max(0.5, took[0] / 2), (slowest, took)


@pytest.mark.parametrize("raw", [True, False])
def test_a_repeat_whose_bytes_do_not_match_their_digest_is_refused(shared: Server, raw: bool) -> None:
    data, other = png(), png()

    def send(body: bytes, digest_of: bytes) -> httpx.Response:
        headers = {"Idempotency-Key": f"digest {raw}", "X-SHA256": hashlib.sha256(digest_of).hexdigest()}
        if raw:
            return shared.alice.put("/api/v1/uploads/a.png", content=body, headers=headers)
        return post_form(shared.alice, form(body), **headers)

    first = send(data, data)
    assert first.status_code == 201
    problem(send(data, other), 400, "wrong_digest")
    problem(send(other, data), 400, "wrong_digest")
    for body in (data, other):
        again = send(body, body)
        assert (again.status_code, again.json()["id"]) == (201, first.json()["id"])
    assert settled(shared).unfinished == 0


def test_two_digests_that_contradict_each_other_are_refused(shared: Server) -> None:
    data = png()
    right, wrong = hashlib.sha256(data).hexdigest(), hashlib.sha256(b"").hexdigest()
    for both in ((right, wrong), (wrong, right)):
        headers = [("X-SHA256", one) for one in both]
        answer = shared.alice.put("/api/v1/uploads/a.png", content=data, headers=headers)
        assert problem(answer, 400)["field"] == "X-SHA256"
