"""Bytes out: every address of a drop, conditions, ranges, names, who may see them."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from tests.support.server import Server
from tests.web.kit import form, head_of, path_of, png, post_form, problem, raw, upload


@pytest.fixture(scope="module")
def drop(shared: Server) -> dict[str, Any]:
    """A public picture of about 60 KB, with its bytes."""
    data = png(160, 120)
    return {**upload(shared.alice, data, named="drop.png", custom_name="my-drop"), "data": data}


@pytest.fixture(scope="module")
def large(shared: Server) -> dict[str, Any]:
    """A public picture of about 300 KB: too large for the cache of small files."""
    data = png(400, 250)
    return {**upload(shared.alice, data, named="large.png"), "data": data}


def addresses(drop: dict[str, Any]) -> list[str]:
    """Every path that gives the drop's bytes."""
    found = [path_of(drop["direct_url"]), f"/{drop['slug']}.png", f"/i/{drop['id']}", f"/u/alice/{drop['filename']}"]
    if drop["custom_name"]:
        found.append(f"/{drop['custom_name']}.png")
    return found


def test_every_address_gives_the_same_bytes(shared: Server, drop: dict[str, Any]) -> None:
    for path in [*addresses(drop), f"/i/{drop['id']}?download=true", "/MY-DROP.png"]:
        answer = shared.anonymous.get(path)
        assert answer.status_code == 200, path
        assert answer.content == drop["data"], path
        assert answer.headers["content-type"] == "image/png"


def test_the_tag_is_the_hash_of_the_bytes(shared: Server, drop: dict[str, Any], large: dict[str, Any]) -> None:
    for each in (drop, large):
        for _ in range(2):
            answer = shared.anonymous.get(f"/i/{each['id']}")
            assert answer.headers["etag"] == f'"{hashlib.sha256(answer.content).hexdigest()}"'
    thumbnail = shared.anonymous.get(f"/i/{drop['id']}?size=thumb")
    assert thumbnail.headers["etag"] == f'"{hashlib.sha256(thumbnail.content).hexdigest()}"'


@pytest.mark.parametrize("which", ["drop", "large"])
def test_head_says_what_get_says(shared: Server, which: str, request: pytest.FixtureRequest) -> None:
    each = request.getfixturevalue(which)
    for path in [*addresses(each), f"/i/{each['id']}?size=small"]:
        get, head = shared.anonymous.get(path), shared.anonymous.head(path)
        assert head.status_code == 200
        assert head.content == b""
        changing = {"x-request-id", "date"}
        assert {k: v for k, v in head.headers.items() if k not in changing} == {
            k: v for k, v in get.headers.items() if k not in changing
        }
        assert int(head.headers["content-length"]) == len(get.content)


def conditions(etag: str, modified: str) -> list[tuple[dict[str, str], int]]:
    """Headers and the status they must bring, as RFC 9110 section 13.2.2 orders them."""
    early, late = "Mon, 01 Jan 2001 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    return [
        ({"If-None-Match": etag}, 304),
        ({"If-None-Match": f"W/{etag}"}, 304),
        ({"If-None-Match": f'"other", {etag}, W/"third"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": late}, 200),
        ({"If-Modified-Since": modified}, 304),
        ({"If-Modified-Since": late}, 304),
        ({"If-Modified-Since": early}, 200),
        ({"If-Modified-Since": "no date"}, 200),
        ({"If-Match": etag}, 200),
        ({"If-Match": "*"}, 200),
        ({"If-Match": f"W/{etag}"}, 412),
        ({"If-Match": '"other"'}, 412),
        ({"If-Unmodified-Since": early}, 412),
        ({"If-Unmodified-Since": late}, 200),
        ({"Range": "bytes=0-9"}, 206),
        ({"Range": "bytes=0-9", "If-Range": etag}, 206),
        ({"Range": "bytes=0-9", "If-Range": modified}, 206),
        ({"Range": "bytes=0-9", "If-Range": f"W/{etag}"}, 200),
        ({"Range": "bytes=0-9", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=0-9", "If-Range": early}, 200),
        ({"Range": "bytes=0-9", "If-Range": late}, 200),
        ({"Range": "bytes=0-9", "If-None-Match": etag}, 304),
        ({"Range": "bytes=99999999-"}, 416),
        ({"Range": "bytes=99999999-", "If-Range": '"other"'}, 200),
        ({"Range": "bytes=-0"}, 416),
        ({"Range": "bytes=0-1,5-6"}, 200),
        ({"Range": "bytes=9-0"}, 200),
        ({"Range": "bytes=a-b"}, 200),
        ({"Range": "bytes="}, 200),
        ({"Range": "pages=1-2"}, 200),
        ({"Range": "bytes=" + "9" * 5000 + "-"}, 416),
    ]


@pytest.mark.parametrize("which", ["drop", "large"])
def test_conditions_bring_what_the_standard_says(shared: Server, which: str, request: pytest.FixtureRequest) -> None:
    each = request.getfixturevalue(which)
    path = f"/i/{each['id']}"
    whole = shared.anonymous.get(path)
    for headers, status in conditions(whole.headers["etag"], whole.headers["last-modified"]):
        for method in ("GET", "HEAD"):
            answer = shared.anonymous.request(method, path, headers=headers)
            # HEAD knows no ranges (RFC 9110 section 14.2).
            expected = 200 if method == "HEAD" and status in (206, 416) else status
            assert answer.status_code == expected, (method, headers)
            if answer.status_code in (200, 206, 304):
                assert answer.headers["etag"] == whole.headers["etag"]
                assert answer.headers["cache-control"] == whole.headers["cache-control"]
            if answer.status_code == 304:
                assert answer.content == b""
                assert "content-length" not in answer.headers
            if answer.status_code == 200 and method == "GET":
                assert answer.content == each["data"]


@pytest.mark.parametrize("which", ["drop", "large"])
def test_a_range_gives_exactly_its_bytes(shared: Server, which: str, request: pytest.FixtureRequest) -> None:
    each = request.getfixturevalue(which)
    data, size = each["data"], len(each["data"])
    spans = {"0-0": (0, 1), "0-99": (0, 100), "100-": (100, size), "-1": (size - 1, size), "-100": (size - 100, size)}
    spans |= {f"{size - 1}-": (size - 1, size), f"10-{size * 2}": (10, size), f"-{size * 2}": (0, size)}
    for written, (start, end) in spans.items():
        answer = shared.anonymous.get(f"/i/{each['id']}", headers={"Range": f"bytes={written}"})
        assert answer.status_code == 206
        assert answer.content == data[start:end], written
        assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
        assert int(answer.headers["content-length"]) == end - start
    past = shared.anonymous.get(f"/i/{each['id']}", headers={"Range": f"bytes={size}-"})
    assert past.status_code == 416
    assert past.headers["content-range"] == f"bytes */{size}"


def test_thumbnails_come_in_four_sizes_also_before_they_were_made(shared: Server) -> None:
    buffer = io.BytesIO()
    Image.linear_gradient("L").resize((3000, 1500)).convert("RGB").save(buffer, "PNG")
    made = upload(shared.alice, buffer.getvalue())
    for size, longest in {"large": 2048, "medium": 1280, "small": 640, "thumb": 320}.items():
        answer = shared.anonymous.get(f"/i/{made['id']}?size={size}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert max(picture.size) == longest
    error = problem(shared.anonymous.get(f"/i/{made['id']}?size=huge"), 400, "invalid")
    assert error["field"] == "size"


NAMES = {
    "plain name.png": 'inline; filename="plain name.png"',
    "ü.png": "inline; filename=\"_.png\"; filename*=UTF-8''%C3%BC.png",
    "日本.png": "inline; filename=\"__.png\"; filename*=UTF-8''%E6%97%A5%E6%9C%AC.png",
    "100%.png": "inline; filename=\"100_.png\"; filename*=UTF-8''100%25.png",
    "a;b=c.png": 'inline; filename="a;b=c.png"',
}


@pytest.mark.parametrize("name", NAMES)
def test_the_name_for_saving_is_written_for_all_clients(shared: Server, name: str) -> None:
    made = post_form(shared.alice, form(png(), filename=name)).json()
    answer = shared.anonymous.get(f"/i/{made['id']}")
    assert answer.headers["content-disposition"] == NAMES[name]
    saved = shared.anonymous.get(f"/i/{made['id']}?download=true")
    assert saved.headers["content-disposition"] == NAMES[name].replace("inline", "attachment", 1)


def test_public_bytes_may_be_kept_for_ever_and_private_ones_not_at_all(shared: Server, drop: dict[str, Any]) -> None:
    public = shared.anonymous.get(f"/i/{drop['id']}")
    assert public.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert public.headers["cross-origin-resource-policy"] == "cross-origin"
    private = upload(shared.alice, is_public="false")
    for path in (path_of(private["direct_url"]), f"/i/{private['id']}", f"/i/{private['id']}?size=thumb"):
        answer = shared.alice.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_an_address_that_can_come_to_mean_another_drop_is_asked_for_again(shared: Server) -> None:
    first = upload(shared.alice, png(seed=b"first"), custom_name="holiday")
    path = path_of(first["direct_url"])
    before = shared.anonymous.get(path)
    assert before.headers["cache-control"] == "public, no-cache"
    assert shared.anonymous.get(path, headers={"If-None-Match": before.headers["etag"]}).status_code == 304
    shared.alice.patch(f"/api/v1/uploads/{first['id']}", json={"custom_name": None})
    second = upload(shared.alice, png(seed=b"second"), custom_name="holiday")
    after = shared.anonymous.get(path, headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.headers["etag"] == f'"{second["sha256"]}"'
    by_name = shared.anonymous.get(f"/u/alice/{first['filename']}")
    assert by_name.headers["cache-control"] == "public, no-cache"


def test_a_drop_that_expires_is_not_cached_beyond_its_end(shared: Server) -> None:
    made = upload(shared.alice, expires_at="1h")
    caching = shared.anonymous.get(f"/i/{made['id']}").headers["cache-control"]
    age = int(caching.split("max-age=")[1].split(",")[0])
    assert 3500 <= age <= 3600


def test_a_private_drop_is_its_owners_alone(shared: Server) -> None:
    made = upload(shared.alice, named="secret.png", is_public="false", custom_name="my-secret")
    for path in (*addresses(made), f"/i/{made['id']}?size=thumb", f"/{made['slug']}"):
        assert shared.alice.get(path).status_code == 200, path
        for stranger in (shared.bob, shared.anonymous):
            refused = stranger.get(path)
            never_was = stranger.get("/i/doesnotexist")
            assert refused.status_code == 404
            assert refused.json()["error"]["message"] == never_was.json()["error"]["message"]


def test_user_bytes_can_never_run_as_a_page(shared: Server, drop: dict[str, Any]) -> None:
    for path in (*addresses(drop), f"/i/{drop['id']}?size=thumb", f"/i/{drop['id']}?download=true"):
        headers = shared.anonymous.get(path).headers
        assert headers["content-security-policy"] == "sandbox; default-src 'none'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"].startswith("image/")


def test_what_is_no_picture_is_saved_and_never_shown(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_ACCEPTED_TYPES="png,text,pdf,zip")
    text = post_form(server.alice, form(b"<script>alert(1)</script>\n", filename="page.html"))
    assert text.status_code == 201, text.text
    answer = server.anonymous.get(text.json()["direct_url"])
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["content-disposition"].startswith("inline")
    problem(server.anonymous.get(text.json()["thumbnail_url"]), 404, "not_found")
    empty_zip = b"PK\x05\x06" + b"\0" * 18
    packed = post_form(server.alice, form(empty_zip, filename="a.zip"))
    if packed.status_code == 201:
        answer = server.anonymous.get(packed.json()["direct_url"])
        assert answer.headers["content-disposition"].startswith("attachment")


@pytest.mark.parametrize("kind", ["small", "large"])
def test_a_change_shows_in_the_very_next_answer(shared: Server, kind: str) -> None:
    made = upload(shared.alice, png() if kind == "small" else png(300, 200))
    path, api = f"/i/{made['id']}", f"/api/v1/uploads/{made['id']}"
    etag = shared.anonymous.get(path).headers["etag"]
    for _ in range(3):
        assert shared.anonymous.get(path).status_code == 200
        assert shared.alice.patch(api, json={"is_public": False}).status_code == 200
        assert shared.anonymous.get(path, headers={"If-None-Match": etag}).status_code == 404
        assert shared.alice.patch(api, json={"is_public": True}).status_code == 200
        assert shared.anonymous.get(path, headers={"Range": "bytes=0-1"}).status_code == 206
        assert shared.alice.delete(api).status_code == 200
        assert shared.anonymous.get(path, headers={"If-None-Match": etag}).status_code == 404
        assert shared.alice.post(f"{api}/restore").status_code == 200
        assert shared.anonymous.get(path, headers={"If-None-Match": etag}).status_code == 304


def test_an_expired_drop_is_gone_within_a_second(shared: Server) -> None:
    soon = int(time.time()) + 5
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(soon))
    made = upload(shared.alice, expires_at=stamp)
    path = f"/i/{made['id']}"
    assert shared.anonymous.get(path).status_code == 200
    while time.time() < soon + 1.2:
        shared.anonymous.get(path)
        time.sleep(0.05)
    problem(shared.anonymous.get(path), 404)


def test_a_broken_picture_is_withdrawn_and_its_bytes_are_never_served(shared: Server) -> None:
    made = post_form(shared.alice, form(broken_png()))
    if made.status_code != 201:
        problem(made, made.status_code)
        return
    for path in (f"/i/{made.json()['id']}", path_of(made.json()["direct_url"]), f"/i/{made.json()['id']}?size=thumb"):
        problem(shared.anonymous.get(path), 410, "withdrawn")


def broken_png() -> bytes:
    """Whole by its container and its checksums, but with a filter type that no row can have."""
    import struct
    import zlib

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\x63" + bytes(30) for _ in range(10))
    header = struct.pack(">IIBBBBB", 10, 10, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_a_name_with_percent_signs_that_is_no_text_is_not_found(shared: Server) -> None:
    for path in (
        "/%ff.png",
        "/i/%ff",
        "/u/alice/%ff.png",
        "/%00",
        "/..%2f..%2fetc%2fpasswd",
        "/u/alice/..%2f..%2fx.png",
    ):
        problem(shared.anonymous.get(path), 404, "not_found")


def test_a_request_with_a_body_gets_its_bytes_too(shared: Server, drop: dict[str, Any]) -> None:
    with raw(shared) as connection:
        for _ in range(2):
            connection.send(head_of(shared, "GET", f"/i/{drop['id']}", Content_Length="5") + b"hello")
            status, _, body = connection.response()
            assert status == 200
            assert body == drop["data"]
