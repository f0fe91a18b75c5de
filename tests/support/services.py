"""Stand-ins on loopback for GitHub's and Discord's documented endpoints, which tests cannot reach."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass
class Service:
    """One running stand-in, and what it is to say.

    Args:
        person: what `GET /user` or `/users/@me` answers.
        emails: what `GET /user/emails` answers.
        heard: the questions that were asked of it, as (method, path, form or query, authorization).
    """

    url: str = ""
    person: dict[str, Any] = field(default_factory=dict)
    emails: Any = field(default_factory=list)
    heard: list[tuple[str, str, dict[str, str], str]] = field(default_factory=list)
    _codes: dict[str, str] = field(default_factory=dict)
    _tokens: set[str] = field(default_factory=set)

    def consent(self, address: str) -> str:
        """What a person does at the page of `address`: agree. Returns where the browser is sent back to."""
        asked = _plain(urlsplit(address).query)
        code = secrets.token_hex(10)
        self._codes[code] = asked.get("code_challenge", "")
        return f"{asked['redirect_uri']}?code={code}&state={asked['state']}"

    def swap(self, form: dict[str, str]) -> dict[str, str]:
        """The answer of the token endpoint; GitHub's and Discord's refusals look alike but for their status."""
        challenge = self._codes.pop(form.get("code", ""), None)
        made = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest())
        if form.get("client_secret") != "the secret":
            return {"error": "incorrect_client_credentials"}
        if challenge is None or made.rstrip(b"=").decode() != challenge:
            return {"error": "bad_verification_code"}
        token = secrets.token_hex(10)
        self._tokens.add(token)
        return {"access_token": token, "token_type": "bearer", "scope": "read:user,user:email"}

    def answer(self, method: str, path: str, form: dict[str, str], authorization: str) -> tuple[int, Any]:
        """Status and JSON for one question."""
        self.heard.append((method, path, form, authorization))
        if (method, path) in (("POST", "/login/oauth/access_token"), ("POST", "/api/oauth2/token")):
            return 200, self.swap(form)
        if authorization.removeprefix("Bearer ") not in self._tokens:
            return 401, {"message": "Bad credentials"}
        if path in ("/api/v3/user", "/api/users/@me"):
            return 200, self.person
        return (200, self.emails) if path == "/api/v3/user/emails" else (404, {})


@contextlib.contextmanager
def service() -> Iterator[Service]:
    """A running stand-in."""
    made = Service()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({})

        def do_POST(self) -> None:
            self._answer(_plain(self.rfile.read(int(self.headers.get("content-length", 0))).decode()))

        def _answer(self, form: dict[str, str]) -> None:
            status, value = made.answer(self.command, self.path, form, self.headers.get("authorization", ""))
            body = json.dumps(value).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _plain(text: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(text).items()}
