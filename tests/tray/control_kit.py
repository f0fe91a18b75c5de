"""What speaks to the control server in the tests: a program that knows the secret, and just as much of a browser."""

from __future__ import annotations

import http.client
import json
import re
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.tray.steering_kit import Controlled


@dataclass
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json()["error"]["code"])


def ask(tray: Controlled, path: str, *, method: str = "GET", body: Any = None, **headers: Any) -> Reply:
    """One request, with headers exactly as given (`_` for `-`) and Host as it should be unless given."""
    with closing(http.client.HTTPConnection("127.0.0.1", tray.control.port, timeout=30)) as line:
        line.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Host": f"127.0.0.1:{tray.control.port}"} | given).items():
            line.putheader(name, value)
        if body is not None:
            line.putheader("Content-Length", str(len(body)))
        line.endheaders(body)
        reply = line.getresponse()
        return Reply(reply.status, {name.lower(): value for name, value in reply.getheaders()}, reply.read())


def as_program(tray: Controlled, path: str, value: object = None, *, method: str = "", **headers: str) -> Reply:
    """One request with the secret of control.json; with a value, a POST."""
    entry = json.loads((tray.data / "tray" / "control.json").read_text())
    body = None if value is None else json.dumps(value).encode()
    method = method or ("GET" if value is None else "POST")
    return ask(tray, path, method=method, body=body, Authorization=f"Bearer {entry['secret']}", **headers)


class Browser:
    """Just what a browser does with cookies and forms."""

    def __init__(self, tray: Controlled, ticket: str = "") -> None:
        self.tray = tray
        self.entered = ask(tray, ticket or tray.control.page_address().removeprefix(tray.control.url))
        self.cookie, self.room, self._csrf = "", "", ""
        if self.entered.status == 200:
            cookie = self.entered.headers["set-cookie"]
            self.cookie = cookie.partition(";")[0]
            self.room = re.search(r"Path=(/[^/]+/);", cookie)[1]  # type: ignore[index]

    def get(self, place: str, **headers: str) -> Reply:
        return ask(self.tray, self.room + place, Cookie=self.cookie, **headers)

    def csrf(self) -> str:
        if not self._csrf:
            found = re.search(r'name="csrf" value="([^"]+)"', self.get("general").text)
            assert found
            self._csrf = found[1]
        return self._csrf

    def post(self, place: str, fields: Mapping[str, str], **headers: str) -> Reply:
        fields = {"csrf": self.csrf(), **fields} if "csrf" not in fields else fields
        given: dict[str, Any] = {
            "Origin": self.tray.control.url,
            "Content_Type": "application/x-www-form-urlencoded",
            **headers,
        }
        body = urlencode(fields).encode()
        return ask(self.tray, self.room + place, method="POST", body=body, Cookie=self.cookie, **given)
