"""Somebody with every kind of credential, and how each is tried: a connection for each request, many at once."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import sqlite3
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pyotp

from bulletdrop.core.models import new_id
from tests.support.early import exchange
from tests.support.server import ALL_SCOPES, PASSWORD, Server
from tests.web.browser import browser, kept, sign_in
from tests.web.cast import Headers, bearer, cookies, make_key
from tests.web.kit import png, upload

PICTURE = png(16, 16)
NEW_PASSWORD = "quite another horse 42"
# Each request comes from an address of its own: a brake that is full would look like a refusal.
_ADDRESSES = itertools.count(1)
_FORM = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "text/html"}


@dataclass(frozen=True)
class Try:
    """One request with a credential: accepted when the answer is a 2xx or 303.

    Args:
        label: the credential's kind.
        once: a secret that is used up by its first use, so that it cannot be tried before.
    """

    label: str
    method: str
    path: str
    headers: Headers
    body: bytes | None = None
    once: bool = False


@dataclass
class Held:
    """A person and what was ever issued to them."""

    server: Server
    name: str
    id: str
    browser: dict[str, str] = field(default_factory=dict)
    program: dict[str, str] = field(default_factory=dict)
    keys: dict[str, str] = field(default_factory=dict)
    key_ids: dict[str, str] = field(default_factory=dict)
    drop: str = ""
    tries: list[Try] = field(default_factory=list)

    def headers(self, label: str) -> Headers:
        """What the browser's session, the program's, or a key sends along."""
        if label == "browser":
            return cookies(self.browser)
        return bearer(self.program["access_token"] if label == "program" else self.keys[label])

    def ask(self, label: str, method: str, path: str, values: object = None) -> int:
        """Ask the API as this person. Returns the status, which is no error."""
        body = None if values is None else json.dumps(values).encode()
        status, text = ask(self.server, Try(label, method, "/api/v1" + path, self.headers(label), body))
        assert status < 300, (path, status, text)
        return status


def hold_everything(server: Server, *, is_admin: bool = False) -> Held:
    """Make a person, and have one of each issued to them."""
    name = f"p{new_id()[:12]}"
    wanted = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "is_admin": is_admin}
    answer = kept(server, "alice").post("/api/v1/admin/users", json=wanted)
    assert answer.status_code == 201, answer.text
    held = Held(server, name, answer.json()["id"])
    with browser(server) as client:
        sign_in(client, name).raise_for_status()
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        held.browser = dict(client.cookies)
        scopes = {"key": ALL_SCOPES.split(), "reader": ["uploads:read"]}
        if is_admin:
            scopes["admin key"] = [*ALL_SCOPES.split(), "admin"]
        for label, each in scopes.items():
            made = make_key(client, *each)
            held.keys[label], held.key_ids[label] = made["key"], made["id"]
        held.drop = upload(client, PICTURE, is_public="false")["id"]
        held.keys["device"] = _token(server, _approved(held))
        pairing = _approved(held)
        with browser(server) as other:
            held.program = sign_in(other, name).json()
        codes = _with_app(held)
        held.ask("browser", "POST", "/account/email", {"email": f"new-{name}@example.org", "password": PASSWORD})
    reset = kept(server, "alice").post(f"/api/v1/admin/users/{held.id}/reset").json()["link"]
    held.tries = [
        *_session_tries(held),
        *(each for label in held.keys for each in _key_tries(held, label)),
        Try("pairing", "POST", "/api/v1/devices/token", {}, _json(device_code=pairing), once=True),
        _half_try(held, codes),
        _ticket_try("reset", "/auth/reset", reset, password=NEW_PASSWORD),
        _ticket_try("confirm", "/auth/email/confirm", link_of(server, f"new-{name}@example.org")),
        _ticket_try("undo", "/auth/email/undo", link_of(server, f"{name}@example.org", "email-changed")),
    ]
    return held


def link_of(server: Server, recipient: str, purpose: str = "email-change") -> str:
    """The link of the newest mail to somebody."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows:
        query = "SELECT link FROM mail WHERE recipient = ? AND purpose = ? ORDER BY created_at DESC"
        return str(rows.execute(query, (recipient, purpose)).fetchone()[0])


def ask(server: Server, one: Try) -> tuple[int, str]:
    """Send a request on a connection of its own, so that any worker may get it. Returns status and text."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    try:
        number = next(_ADDRESSES)
        sent = {"Connection": "close", "X-Forwarded-For": f"10.1.{number >> 8 & 255}.{number & 255}", **one.headers}
        answer = exchange(connection, one.method, one.path, one.body, sent)
        return answer.status, answer.read().decode("utf-8", "replace")[:4000]
    finally:
        connection.close()


def accepted(server: Server, tries: Iterable[Try], *, times: int = 1) -> tuple[list[str], list[str], float]:
    """Try all, several times and many at once.

    Returns: what was accepted, what was refused, and the seconds that it took to have tried each once.
    """
    began, took = time.monotonic(), 0.0
    yes: list[str] = []
    no: list[str] = []
    everything = list(tries)
    with ThreadPoolExecutor(12) as threads:
        for _ in range(times):
            for one, (status, text) in zip(
                everything, threads.map(lambda one: ask(server, one), everything), strict=True
            ):
                assert status < 500, (one, status, text)
                assert status != 429, (one, text)
                is_in = status < 300 or status == 303
                (yes if is_in else no).append(f"{one.label}: {one.method} {one.path} {status}")
            took = took or time.monotonic() - began
    return yes, no, took


def _session_tries(held: Held) -> list[Try]:
    """Two sessions on every kind of route: as a token, as cookies with the CSRF token, and both refresh tokens."""
    tries = []
    for label, headers in (
        ("browser", cookies(held.browser)),
        ("browser", bearer(held.browser["bd_access"])),
        ("program", bearer(held.program["access_token"])),
        ("program", {"Cookie": f"bd_access={held.program['access_token']}", "X-CSRF-Token": "x"}),
    ):
        tries += _reads(held, label, headers)
        if headers.get("X-CSRF-Token") != "x":
            tries.append(Try(label, "PUT", "/api/v1/uploads/a.png", headers, PICTURE))
            tries.append(Try(label, "GET", "/api/v1/api-keys", headers))
            tries.append(Try(label, "POST", "/account", {**headers, **_FORM}, b"bio=hello"))
    for label, token in (("browser", held.browser["bd_refresh"]), ("program", held.program["refresh_token"])):
        refresh = {"Cookie": f"bd_refresh={token}"}
        tries.append(Try(f"{label} refresh", "POST", "/api/v1/auth/refresh", {}, _json(refresh_token=token), once=True))
        tries.append(Try(f"{label} refresh", "POST", "/api/v1/auth/refresh", refresh, b"{}", once=True))
        tries.append(Try(f"{label} refresh", "GET", "/api/v1/auth/me", refresh, once=True))
    return tries


def _key_tries(held: Held, label: str) -> list[Try]:
    headers = bearer(held.keys[label])
    tries = _reads(held, label, headers)
    tries.append(Try(label, "GET", "/api/v1/uploads", {"X-API-Key": held.keys[label]}))
    if label != "reader":
        tries.append(Try(label, "PUT", "/api/v1/uploads/a.png", headers, PICTURE))
    if label == "admin key":
        tries.append(Try(label, "GET", "/api/v1/admin/users", headers))
    return tries


def _reads(held: Held, label: str, headers: Headers) -> list[Try]:
    pages = {**headers, "Accept": "text/html"}
    return [
        Try(label, "GET", "/api/v1/auth/me", headers),
        Try(label, "GET", "/api/v1/uploads", headers),
        Try(label, "GET", "/", pages),
        Try(label, "GET", f"/i/{held.drop}", headers),
    ]


def _half_try(held: Held, codes: list[str]) -> Try:
    with browser(held.server) as client:
        ticket = sign_in(client, held.name).json()["second_factor"]["ticket"]
    return Try("half", "POST", "/api/v1/auth/recovery", {}, _json(ticket=ticket, code=codes[0]), once=True)


def _ticket_try(label: str, path: str, link: str, **more: str) -> Try:
    token = link.partition("#")[2].partition("=")[2]
    return Try(label, "POST", f"/api/v1{path}", {}, _json(token=token, **more), once=True)


def _with_app(held: Held) -> list[str]:
    """Set an app up. Returns the recovery codes."""
    body = json.dumps({"password": PASSWORD}).encode()
    _, text = ask(held.server, Try("", "POST", "/api/v1/account/totp", held.headers("browser"), body))
    code = _json(code=pyotp.TOTP(json.loads(text)["secret"]).now())
    _, text = ask(held.server, Try("", "POST", "/api/v1/account/totp/confirm", held.headers("browser"), code))
    return list(json.loads(text)["recovery_codes"])


def _approved(held: Held) -> str:
    """The device code of a device that its owner has said yes to."""
    _, text = ask(held.server, Try("", "POST", "/api/v1/devices/code", {}, _json(device_name="desk")))
    begun = json.loads(text)
    held.ask("browser", "POST", "/devices/approve", {"user_code": begun["user_code"]})
    return str(begun["device_code"])


def _token(server: Server, device_code: str) -> str:
    status, text = ask(server, Try("", "POST", "/api/v1/devices/token", {}, _json(device_code=device_code)))
    assert status == 200, text
    return str(json.loads(text)["key"])


def _json(**values: str) -> bytes:
    return json.dumps(values).encode()
