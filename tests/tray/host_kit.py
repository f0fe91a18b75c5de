"""A host of somebody else's for the tests: keeps what it is sent and answers as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Seen:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What the host says to one."""

    body: str
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Host:
    """`says` answers every request that is no HEAD; `seen` is what came."""

    port: int = 0
    says: Callable[[Seen], Answer] = lambda _seen: Answer("{}")
    seen: list[Seen] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"


@contextmanager
def foreign_host(says: Callable[[Seen], Answer]) -> Iterator[Host]:
    """A host that runs as long as the block."""
    host = Host(says=says)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
            """Quiet."""

        def _answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            seen = Seen(self.command, self.path, headers, body)
            host.seen.append(seen)
            answer = Answer("") if self.command == "HEAD" else host.says(seen)
            data = answer.body.encode()
            self.send_response(answer.status)
            for name, value in {"Content-Length": str(len(data)), **answer.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _answer  # noqa: N815 -- the base class's names

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    server = Server(("127.0.0.1", 0), Handler)
    host.port = server.server_address[1]
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield host
    finally:
        server.shutdown()
        server.server_close()


def sxcu(url: str, **fields: Any) -> str:
    """The text of a custom uploader that sends to an address."""
    usual = {
        "Version": "15.0.0",
        "DestinationType": "ImageUploader, FileUploader",
        "RequestMethod": "POST",
        "RequestURL": url,
        "Body": "MultipartFormData",
        "FileFormName": "file",
        "URL": "{json:url}",
    }
    return json.dumps({**usual, **fields})
