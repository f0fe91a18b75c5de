"""Tools that know only Imgur or Chevereto: their requests are taken, their shapes are answered, off they are not there.

The requests are such as are sent by Flameshot (the bytes alone, called a form), imgurpython and jQuery pages (base64 in
a form), ShareX and curl (a form with a file), and the tools for Chevereto (a key in a field).
"""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import pytest

from tests.support.needs import requires
from tests.support.server import Server
from tests.web.browser import kept as person
from tests.web.cast import bearer, make_key
from tests.web.kit import BOUNDARY, FORM_TYPE, head_of, path_of, png, problem, raw, settled

MB = 1024 * 1024
PAIRS = "application/x-www-form-urlencoded"
ADDRESSES = ("/3/image", "/3/upload", "/3/image.json", "/3/image/0123", "/api/1/upload", "/3/credits")


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server where they are switched on, for files of up to 4 MB."""
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_FOREIGN_CLIENTS": "on",
        "BULLETDROP_MAX_FILE_SIZE": str(4 * MB),
    }
    server = Server(tmp_path_factory.mktemp("foreign") / "data", environ=environ)
    server.start()
    try:
        server.key_of("alice")
        yield server
    finally:
        server.close()


@pytest.fixture
def nobody(on: Server) -> httpx.Client:
    return on.anonymous


def client_id(server: Server, who: str = "alice") -> dict[str, str]:
    """A key as Imgur's tools send their client's."""
    return {"Authorization": f"Client-ID {server.key_of(who)}"}


def imgur(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What is in an answer of Imgur's shape."""
    assert answer.status_code == status, answer.text[:300]
    body = answer.json()
    assert set(body) == {"data", "success", "status"}
    assert (body["success"], body["status"]) == (status == 200, status)
    data: dict[str, Any] = body["data"]
    if status != 200:
        assert set(data) == {"error", "request", "method"}
        assert data["error"].endswith(".")
    return data


def chevereto(answer: httpx.Response, status: int = 200) -> dict[str, Any]:
    """What is in an answer of Chevereto's shape."""
    assert answer.status_code == status, answer.text[:300]
    body = answer.json()
    assert body["status_code"] == status
    assert body["status_txt"]
    found: dict[str, Any] = body["image"] if status == 200 else body["error"]
    if status != 200:
        assert found["message"].endswith(".")
    return found


def bytes_of(client: httpx.Client, link: str) -> bytes:
    """What is behind a link."""
    return client.get(path_of(link)).content


def test_off_there_is_nothing_at_their_addresses(shared: Server) -> None:
    for path, method in itertools.product(ADDRESSES, ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")):
        for headers in ({}, client_id(shared), {"X-API-Key": shared.key_of("alice")}):
            answer = shared.anonymous.request(method, path, headers=headers, content=b"x" * 3000)
            nothing = shared.anonymous.request(method, "/3/image/0/1", headers=headers, content=b"x" * 3000)
            error, never = problem(answer, 404, "not_found"), problem(nothing, 404, "not_found")
            assert error["message"] == never["message"]


def test_the_admin_switches_them_on_and_off_while_the_server_runs(server: Server) -> None:
    def asked() -> int:
        return server.anonymous.post("/3/image", content=png(), headers=client_id(server)).status_code

    assert asked() == 404
    for value, status in (("on", 200), ("off", 404)):
        answer = server.alice.patch("/api/v1/admin/settings", json={"foreign_clients": value})
        assert answer.status_code == 200, answer.text
        deadline = time.monotonic() + 30
        while asked() != status:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def test_a_form_with_a_file_is_answered_as_imgur_does(on: Server, nobody: httpx.Client) -> None:
    data = png(40, 30)
    fields = {"type": "file", "title": "A title", "description": "Two\nlines"}
    answer = nobody.post("/3/upload", data=fields, files={"image": ("shot.png", data)}, headers=client_id(on))
    found = imgur(answer)
    assert bytes_of(nobody, found["link"]) == data
    assert found["link"].endswith(f"/{found['id']}.png")
    assert (found["width"], found["height"], found["size"], found["type"]) == (40, 30, len(data), "image/png")
    assert (found["title"], found["description"], found["name"]) == ("A title", "Two\nlines", "shot.png")
    mine = on.alice.get("/api/v1/uploads").json()["items"][0]
    assert (mine["slug"], mine["source"], mine["title"]) == (found["id"], "api", "A title")


@pytest.mark.parametrize("where", ["client id", "bearer", "x-api-key"])
def test_the_key_comes_as_their_tools_send_it(on: Server, nobody: httpx.Client, where: str) -> None:
    key = on.key_of("alice")
    headers = {"client id": client_id(on), "bearer": bearer(key), "x-api-key": {"X-API-Key": key}}[where]
    imgur(nobody.post("/3/image", content=png(), headers={**headers, "Content-Type": "image/png"}))


def as_urlsafe(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


BODIES: dict[str, Callable[[bytes], tuple[bytes, str]]] = {
    # Flameshot and ksnip.
    "the bytes, called a form": lambda data: (data, PAIRS),
    "the bytes, of a type": lambda data: (data, "image/png"),
    "the bytes, of no type": lambda data: (data, ""),
    # imgurpython, jQuery.
    "base64": lambda data: (urlencode({"image": base64.b64encode(data), "type": "base64"}).encode(), PAIRS),
    "base64 after its type": lambda d: (urlencode({"type": "base64", "image": base64.b64encode(d)}).encode(), PAIRS),
    "base64 with its plus signs as they are": lambda d: (b"image=" + base64.b64encode(d), PAIRS),
    "base64 in lines": lambda d: (b"image=" + quote(base64.encodebytes(d)).encode(), PAIRS),
    "base64 for addresses": lambda d: (b"image=" + as_urlsafe(d) + b"&name=a.png", PAIRS),
    "a data address": lambda d: (urlencode({"image": b"data:image/png;base64," + base64.b64encode(d)}).encode(), PAIRS),
    "base64 in a part": lambda d: (part(base64.b64encode(d)), FORM_TYPE),
    "base64 in lines in a part": lambda d: (part(base64.encodebytes(d)), FORM_TYPE),
    "bytes in a part without a name": lambda d: (part(d), FORM_TYPE),
}


def part(value: bytes, name: str = "image", more: bytes = b"") -> bytes:
    """A form with one part that has no file's name."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n'.encode()
    return more + head + value + f"\r\n--{BOUNDARY}--\r\n".encode()


@pytest.mark.parametrize("size", [20, 500])
@pytest.mark.parametrize("name", BODIES)
def test_every_form_of_a_picture_arrives_as_it_was(on: Server, nobody: httpx.Client, name: str, size: int) -> None:
    data = png(size, size)
    body, kind = BODIES[name](data)
    headers = {**client_id(on), **({"Content-Type": kind} if kind else {})}
    found = imgur(nobody.post("/3/image", content=body, headers=headers))
    assert bytes_of(nobody, found["link"]) == data


def test_a_body_of_unknown_length_is_taken_too(on: Server, nobody: httpx.Client) -> None:
    data = png(700, 700)
    text = b"type=base64&image=" + quote(base64.b64encode(data), safe="").encode()

    def pieces() -> Iterator[bytes]:
        for at in range(0, len(text), 9973):
            yield text[at : at + 9973]

    found = imgur(nobody.post("/3/image", content=pieces(), headers={**client_id(on), "Content-Type": PAIRS}))
    assert bytes_of(nobody, found["link"]) == data


def test_the_credits_that_tools_ask_for_first_are_there(on: Server, nobody: httpx.Client) -> None:
    assert imgur(nobody.get("/3/credits", headers=client_id(on)))["ClientRemaining"] > 0
    imgur(nobody.get("/3/credits"), 401)
    imgur(nobody.post("/3/credits", headers=client_id(on)), 404)
    imgur(nobody.get("/3/image", headers=client_id(on)), 405)
    imgur(nobody.get("/3/account", headers=client_id(on)), 404)


def test_the_hash_deletes_and_nothing_else_does(on: Server, nobody: httpx.Client) -> None:
    found = imgur(nobody.post("/3/image", content=png(), headers=client_id(on)))
    path = f"/3/image/{found['deletehash']}"
    imgur(nobody.delete(path), 401)
    imgur(nobody.get(path, headers=client_id(on)), 405)
    imgur(nobody.delete(f"/3/image/{'0' * 32}{found['id']}", headers=client_id(on)), 404)
    imgur(nobody.delete(f"/3/image/{found['id']}", headers=client_id(on)), 404)
    assert nobody.get(path_of(found["link"])).status_code == 200
    # Whoever was given the hash may, as with the deletion link; the key only says who asks.
    done = nobody.delete(path, headers=client_id(on, "charlie"))
    assert done.json() == {"data": True, "success": True, "status": 200}
    assert nobody.get(path_of(found["link"])).status_code == 404


REFUSED: dict[str, tuple[bytes, str, int, str]] = {
    "an address": (b"image=https%3A%2F%2F127.0.0.1%2Fa.png&type=url", PAIRS, 400, "fetches nothing"),
    "an address in a part": (part(b"http://169.254.169.254/latest/"), FORM_TYPE, 400, "fetches nothing"),
    "a file's address": (b"image=file:///etc/passwd", PAIRS, 400, "fetches nothing"),
    "no file": (b"type=file", PAIRS, 400, "no file"),
    "nothing": (b"", "image/png", 400, "no file"),
    "an empty field": (b"image=", PAIRS, 400, "empty"),
    "a form without a file": (part(b"x", "title"), FORM_TYPE, 400, "no file"),
    "two pictures": (b"image=AAAA&image=AAAA", PAIRS, 413, "one file"),
    "broken base64": (b"image=" + b"A" * 401 + b"=A", PAIRS, 400, "base64"),
    "base64 that goes on": (b"image=" + b"QUE=" * 100, PAIRS, 400, "nor base64"),
    "a text": (b"just words that are no picture at all.", "text/plain", 415, "does not take"),
    "a picture that ends early": (png()[:200], "image/png", 400, "ends before"),
    "json": (b'{"image": "AAAA"}', "application/json", 400, "not as JSON"),
    "a title that is too long": (b"title=" + b"x" * 20_000 + b"&image=AAAA", PAIRS, 413, "too long"),
    "a form that ends early": (part(b"AAAA")[:-20], FORM_TYPE, 400, "closing boundary"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_taken_is_refused_in_their_shape(on: Server, nobody: httpx.Client, name: str) -> None:
    body, kind, status, words = REFUSED[name]
    before = settled(on)
    answer = nobody.post("/3/image", content=body, headers={**client_id(on), "Content-Type": kind})
    assert words in imgur(answer, status)["error"]
    assert settled(on) == before


def test_too_large_is_told_before_and_while_it_comes(on: Server, nobody: httpx.Client) -> None:
    before = settled(on)
    large = base64.b64encode(b"\0" * (5 * MB))
    headers = {**client_id(on), "Content-Type": PAIRS}
    assert "up to 4 MB" in imgur(nobody.post("/3/image", content=b"image=" + large, headers=headers), 413)["error"]
    pieces = iter([b"image=", *(large[at : at + MB] for at in range(0, len(large), MB))])
    assert "up to 4 MB" in imgur(nobody.post("/3/image", content=pieces, headers=headers), 413)["error"]
    with raw(on) as line:
        line.send(head_of(on, "POST", "/3/image", Content_Length=str(50 * MB), Expect="100-continue"))
        status, _, body = line.response()
    assert (status, json.loads(body)["status"]) == (413, 413)
    assert settled(on) == before


@pytest.mark.parametrize("path", ["/3/image", "/api/1/upload"])
def test_nobody_gets_in_without_a_key_that_counts(on: Server, nobody: httpx.Client, path: str) -> None:
    shaped = imgur if path == "/3/image" else chevereto
    alice = person(on, "alice")
    reader, gone = make_key(alice, "uploads:read"), make_key(alice, "uploads:write")
    alice.delete(f"/api/v1/api-keys/{gone['id']}").raise_for_status()
    session = dict(alice.cookies)
    token = session["bd_access"]
    before = settled(on)
    wrong: list[tuple[dict[str, str], int]] = [
        ({}, 401),
        ({"Authorization": "Client-ID 16d41e28a3ba71e"}, 401),
        ({"Authorization": "Bearer bd_" + "x" * 43}, 401),
        ({"Authorization": f"Bearer {gone['key']}"}, 401),
        ({"Authorization": f"Bearer {reader['key']}"}, 403),
        # A browser's session is nothing to them, so no other site's page can use it.
        ({"Cookie": "; ".join(f"{name}={value}" for name, value in session.items())}, 401),
        ({"Authorization": f"Bearer {token}"}, 401),
    ]
    for headers, status in wrong:
        answer = nobody.post(path, files={"image" if shaped is imgur else "source": ("a.png", png())}, headers=headers)
        shaped(answer, status)
    for name in ("key", "access_token", "client_id"):
        if (path, name) != ("/3/image", "key"):
            answer = nobody.post(f"{path}?{name}={on.key_of('alice')}", files={"source": ("a.png", png())})
            assert "no place in an address" in answer.text
    assert settled(on) == before


def test_their_requests_count_under_the_keys_limit(on: Server, nobody: httpx.Client) -> None:
    wanted = {"name": "few", "scopes": ["uploads:write"], "rate_limit_per_hour": 3}
    key = person(on, "alice").post("/api/v1/api-keys", json=wanted).json()["key"]
    codes = [nobody.post("/3/image", content=png(), headers=bearer(key)).status_code for _ in range(3)]
    assert codes == [200, 200, 200]
    answer = nobody.post("/3/image", content=png(), headers=bearer(key))
    imgur(answer, 429)
    assert int(answer.headers["retry-after"]) > 0
    chevereto(nobody.post("/api/1/upload", data={"key": key, "source": "AAAA"}), 429)


def test_their_uploads_count_under_the_plans_limits(on: Server, nobody: httpx.Client) -> None:
    key = on.key_of("bob")
    bob = on.bob.get("/api/v1/auth/me").json()["id"]
    data = png(300, 300)
    room = 2 * len(data) + 100
    on.alice.patch(f"/api/v1/admin/users/{bob}", json={"limits": {"storage": room}}).raise_for_status()
    text = b"image=" + quote(base64.b64encode(data), safe="").encode()
    headers = {**bearer(key), "Content-Type": PAIRS}
    # Base64 is a third longer than its file: it must not be refused for that.
    imgur(nobody.post("/3/image", content=text, headers=headers))
    chevereto(nobody.post("/api/1/upload", data={"key": key}, files={"source": ("b.png", png(300, 300))}))
    imgur(nobody.post("/3/image", content=text, headers=headers), 507)
    chevereto(nobody.post("/api/1/upload", data={"key": key}, files={"source": ("b.png", data)}), 507)


def test_a_form_for_chevereto_is_answered_as_it_does(on: Server, nobody: httpx.Client) -> None:
    data = png(20, 10)
    fields = {"key": on.key_of("alice"), "title": "T", "tags": "a, b", "expiration": "P1DT2H", "format": "json"}
    found = chevereto(nobody.post("/api/1/upload", data=fields, files={"source": ("shot.png", data, "image/png")}))
    assert bytes_of(nobody, found["url"]) == bytes_of(nobody, found["image"]["url"]) == data
    assert (found["width"], found["height"], found["size"], found["mime"]) == (20, 10, len(data), "image/png")
    assert (found["name"], found["extension"], found["original_filename"]) == ("shot", "png", "shot.png")
    assert nobody.get(path_of(found["url_viewer"]), headers={"Accept": "text/html"}).status_code == 200
    assert nobody.get(path_of(found["thumb"]["url"])).headers["content-type"] == "image/webp"
    assert nobody.get(path_of(found["delete_url"]), headers={"Accept": "text/html"}).status_code == 200
    mine = on.alice.get("/api/v1/uploads").json()["items"][0]
    assert (mine["title"], mine["tags"]) == ("T", ["a", "b"])
    assert mine["expires_at"]


def test_chevereto_answers_with_a_text_or_a_redirect_too(on: Server, nobody: httpx.Client) -> None:
    source = base64.b64encode(png()).decode()
    text = nobody.post("/api/1/upload", data={"key": on.key_of("alice"), "format": "txt", "source": source})
    assert text.headers["content-type"].startswith("text/plain")
    assert nobody.get(path_of(text.text)).headers["content-type"] == "image/png"
    answer = nobody.post(
        "/api/1/upload?format=redirect", data={"source": source}, headers={"X-API-Key": on.key_of("alice")}
    )
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(on.url)
    for fields in ({"format": "xml"}, {"expiration": "tomorrow"}, {"expiration": "P9999Y"}, {"expiration": "P"}):
        chevereto(nobody.post("/api/1/upload", data={"key": on.key_of("alice"), "source": source, **fields}), 400)


def test_a_key_after_the_file_counts_while_so_little_has_come(on: Server, nobody: httpx.Client) -> None:
    def sent(size: int) -> httpx.Response:
        body = [
            f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="source"; filename="a.png"\r\n\r\n'.encode(),
            png(size, size),
            f'\r\n--{BOUNDARY}\r\nContent-Disposition: form-data; name="key"\r\n\r\n'.encode(),
            on.key_of("alice").encode(),
            f"\r\n--{BOUNDARY}--\r\n".encode(),
        ]
        return nobody.post("/api/1/upload", content=b"".join(body), headers={"Content-Type": FORM_TYPE})

    before = settled(on)
    chevereto(sent(100))
    # Beyond the first megabyte nothing is taken from somebody who has not said who they are.
    assert "before the file" in chevereto(sent(1100), 401)["message"]
    assert settled(on).unfinished == before.unfinished == 0


def test_curl_speaks_to_both(on: Server, tmp_path: Any) -> None:
    requires("curl")
    (tmp_path / "a.png").write_bytes(png())
    key = on.key_of("alice")
    for path, options in (
        ("/3/image", ["-H", f"Authorization: Client-ID {key}", "-F", "image=@a.png"]),
        ("/api/1/upload", ["-F", f"key={key}", "-F", "source=@a.png"]),
    ):
        command = ["curl", "-s", "-f", *options, f"{on.url}{path}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150, check=True)
        assert json.loads(done.stdout)
