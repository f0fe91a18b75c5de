"""The people of the authorization tests, and what each of them comes with: headers alone, so that no cookie stays."""

from __future__ import annotations

import contextlib
import itertools
import sqlite3
import time
from collections.abc import Mapping
from typing import Any

import httpx
import jwt
import pyotp

from tests.support.server import ALL_SCOPES, PASSWORD, Server
from tests.web.browser import browser, kept, sign_in

Headers = dict[str, str]


class Cast:
    """alice, bob, charlie, root2 (an admin who owns nothing), dora (an admin with an authenticator app).

    Args:
        server: a running one that believes 127.0.0.1 where a request comes from: each request here comes from an
            address of its own, so that no brake on guessing answers in the place of a refusal.
    """

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client = httpx.Client(base_url=server.url, timeout=30, trust_env=False)
        self._addresses = (f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}" for n in itertools.count(1))
        server.key_of("alice")
        for name, is_admin in (("bob", False), ("charlie", False), ("root2", True), ("dora", True)):
            enrol(server, name, is_admin=is_admin)
        self._totp()
        self._headers = {**self._keys(), **self._ended()}

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def request(self, method: str, path: str, headers: Mapping[str, str], **options: Any) -> httpx.Response:
        """Ask from an address where nobody has been yet, with these headers and nothing else."""
        self._client.cookies.clear()
        sent = {"X-Forwarded-For": next(self._addresses), **headers}
        return self._client.request(method, path, headers=sent, **options)

    def comes_with(self, who: str) -> Headers:
        """What a column of the tables sends along."""
        signed_in = {"cookie": "alice", "owner": "alice", "other": "bob", "stranger": "charlie", "admin": "root2"}
        if who in signed_in:
            return cookies(dict(kept(self.server, signed_in[who]).cookies))
        if who.startswith("half"):
            ticket = self.half_ticket()
            in_cookies = {"Cookie": "; ".join(f"bd_{name}={ticket}" for name in ("half", "access", "refresh"))}
            return {"half": bearer(ticket), "half_key": {"X-API-Key": ticket}, "half_cookie": in_cookies}[who]
        return self._headers[who]

    def half_ticket(self) -> str:
        """The ticket of dora, whose password was right; a new one each time, for it bears few wrong codes."""
        answer = self.request("POST", "/api/v1/auth/login", {}, json={"identifier": "dora", "password": PASSWORD})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["second_factor"]["ticket"])

    def _totp(self) -> None:
        client = kept(self.server, "dora")
        begun = client.post("/api/v1/account/totp", json={"password": PASSWORD}).json()
        code = pyotp.TOTP(begun["secret"]).now()
        client.post("/api/v1/account/totp/confirm", json={"code": code}).raise_for_status()

    def _keys(self) -> dict[str, Headers]:
        alice = kept(self.server, "alice")
        reader = make_key(alice, "uploads:read")
        gone = make_key(alice, *ALL_SCOPES.split(), "admin")
        alice.delete(f"/api/v1/api-keys/{gone['id']}").raise_for_status()
        of = {name: bearer(self.server.key_of(name)) for name in ("alice", "bob", "charlie")}
        return {
            **of,
            "nobody": {},
            "anonymous": {},
            "key": of["alice"],
            "foreign": of["bob"],
            "reader": bearer(reader["key"]),
            "revoked": bearer(gone["key"]),
            "forged": bearer("eyJhbGciOiJub25lIn0.eyJzdWIiOiJhbGljZSJ9."),
        }

    def _ended(self) -> dict[str, Headers]:
        """Three sessions of alice's: a token that is overdue, refresh tokens that are, and a signed-out one."""
        secret = (self.server.data / "secret.key").read_text().strip()
        token = overdue(self._sign_in("alice")["bd_access"], secret)
        lapsed = self._sign_in("alice")
        session = jwt.decode(lapsed["bd_access"], options={"verify_signature": False})["sid"]
        with contextlib.closing(sqlite3.connect(self.server.data / "bulletdrop.db", timeout=10)) as rows, rows:
            assert rows.execute("UPDATE session SET expires_at = 1 WHERE id = ?", (session,)).rowcount == 1
        ended = self._sign_in("alice")
        self.request("POST", "/api/v1/auth/logout", cookies(ended)).raise_for_status()
        return {
            "expired": bearer(token),
            "lapsed": cookies({**lapsed, "bd_access": overdue(lapsed["bd_access"], secret)}),
            "ended": cookies(ended),
        }

    def _sign_in(self, name: str) -> dict[str, str]:
        """The cookies of a new session."""
        with browser(self.server) as client:
            sign_in(client, name).raise_for_status()
            return dict(client.cookies)


def enrol(server: Server, name: str, *, is_admin: bool = False) -> None:
    """Add somebody with a key of all scopes, over HTTP: a process of the command line for each would take longer."""
    wanted = {"username": name, "email": f"{name}@example.org", "password": PASSWORD, "is_admin": is_admin}
    kept(server, "alice").post("/api/v1/admin/users", json=wanted).raise_for_status()
    with browser(server) as client:
        sign_in(client, name).raise_for_status()
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        server.remember(name, make_key(client, *ALL_SCOPES.split())["key"])


def make_key(client: httpx.Client, *scopes: str) -> dict[str, Any]:
    """A key of whoever is signed in, with its id."""
    # A key with an admin's power asks for the password again; for others it is there for nothing.
    wanted = {"name": "tests", "scopes": scopes, "password": PASSWORD}
    answer = client.post("/api/v1/api-keys", json=wanted)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def bearer(token: str) -> Headers:
    """A key or token as a program sends it."""
    return {"Authorization": f"Bearer {token}"}


def cookies(values: Mapping[str, str]) -> Headers:
    """What a browser sends along: its cookies, and the CSRF token as our script does."""
    sent = "; ".join(f"{name}={value}" for name, value in values.items())
    return {"Cookie": sent, "X-CSRF-Token": values["bd_csrf"]}


def overdue(token: str, secret: str) -> str:
    """An access token as the server would have made it for the same session an hour ago."""
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience="bulletdrop")
    now = int(time.time())
    return jwt.encode({**claims, "iat": now - 3600, "exp": now - 2700}, secret, algorithm="HS256")
