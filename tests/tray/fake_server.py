"""A real HTTP server for the tray's tests that behaves as told, and remembers."""

from __future__ import annotations

import hashlib
import json
import secrets
import ssl
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from bulletdrop.clock import rfc3339


@dataclass
class Received:
    """One upload that the fake server keeps."""

    name: str
    sha256: str
    size: int
    key: str | None
    headers: dict[str, str]
    form: bytes = b""
    answers: int = 1
    query: dict[str, str] = field(default_factory=dict)
    slug: str = ""
    is_public: bool = True
    deleted: int = 0
    albums: list[str] = field(default_factory=list)


@dataclass
class Rule:
    """How to treat one request: with a status, refuse it (`early`: before the body is read). Else keep it, but `lose`
    the answer (hang up), or `hold` it back for so many seconds."""

    status: int = 0
    code: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    early: bool = False
    lose: bool = False
    hold: float = 0.0
    body: bytes | None = None


class FakeServer:
    """Answers uploads as BulletDrop does, unless a rule says otherwise. `kept` is what it has, in order.

    With `reserves` it hands slugs out: `open` are those not filled yet, `ended` maps the others to why nothing came.
    `small` are the requests beside uploads: method and path.
    `health` is how to treat the question whether it is there; None answers it.
    While `lets_in` is cleared, uploads that came are not taken yet; while `lets_out` is, what was kept is not answered.
    """

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.tls = tls
        self.kept: list[Received] = []
        self.rules: deque[Rule] = deque()
        self.always: Rule | None = None
        self.judge: Callable[[str], Rule | None] = lambda name: None
        self.delay = 0.0
        self.rate = 0.0  # bytes per second that it reads; 0: as they come
        self.reserves = False
        self.link_ending = False
        self.lasts = timedelta(days=7)
        self.open: set[str] = set()
        self.stores: dict[str, str] = {}
        self.most_open = 200
        self.ended: dict[str, str] = {}
        self.small: list[tuple[str, str]] = []
        self.judge_small: Callable[[str, str], Rule | None] = lambda method, path: None
        self.health: Rule | None = None
        self.requests = 0
        self.connections = 0
        self.lock = threading.Lock()
        self.stopped = threading.Event()
        self.lets_in, self.lets_out = threading.Event(), threading.Event()
        self.lets_in.set()
        self.lets_out.set()
        self.port = 0
        self._http: ThreadingHTTPServer | None = None
        self.up()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def up(self) -> None:
        """Listen (again, on the same port)."""
        fake = self

        class Handler(_Handler):
            owner = fake

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128
            allow_reuse_address = True

            def handle_error(self, request: Any, client_address: Any) -> None:
                """A client that goes away is no news."""

        self._http = Server(("127.0.0.1", self.port), Handler)
        self.port = self._http.server_address[1]
        if self.tls is not None:
            # The handshake is made by the connection's own thread, at its first read.
            self._http.socket = self.tls.wrap_socket(self._http.socket, server_side=True, do_handshake_on_connect=False)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()

    def down(self) -> None:
        """Stop listening and hang up on everybody."""
        if self._http is not None:
            self._http.shutdown()
            self._http.server_close()
            self._http = None
        with self.lock:
            for connection in _Handler.open_sockets.pop(id(self), set()):
                connection.shutdown()

    def names(self) -> list[str]:
        with self.lock:
            return [one.name for one in self.kept]


class _Handler(BaseHTTPRequestHandler):
    owner: FakeServer
    protocol_version = "HTTP/1.1"
    open_sockets: dict[int, set[Any]] = {}
    timeout = 30
    disable_nagle_algorithm = True
    wbufsize = -1

    def setup(self) -> None:
        super().setup()
        self.owner.connections += 1
        self.open_sockets.setdefault(id(self.owner), set()).add(self)

    def finish(self) -> None:
        self.open_sockets.get(id(self.owner), set()).discard(self)
        super().finish()

    def shutdown(self) -> None:
        try:
            self.connection.shutdown(2)
        except OSError:
            return

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base class's name
        """Quiet."""

    def do_GET(self) -> None:
        if self.path == "/api/v1/reservations" or self.path.startswith("/api/v1/uploads/"):
            self._small("GET")
            return
        if self.owner.health is not None:
            self._refuse(self.owner.health)
            return
        self._answer(200, {"status": "ok", "instance": "fake", "version": "0"})

    def do_PUT(self) -> None:
        self._upload(unquote(urlsplit(self.path).path.rsplit("/", 1)[1]))

    def do_POST(self) -> None:
        if self.path == "/api/v1/uploads":
            self._upload("")
        else:
            self._small("POST")

    def do_PATCH(self) -> None:
        self._small("PATCH")

    def do_DELETE(self) -> None:
        self._small("DELETE")

    def _small(self, method: str) -> None:
        """Reservations, changes, deletions, albums."""
        fake = self.owner
        value = json.loads(self._body() or b"{}")
        path = self.path.removeprefix("/api/v1")
        with fake.lock:
            fake.small.append((method, path))
            rule = fake.judge_small(method, path)
        if rule is not None and not rule.lose:
            self._refuse(rule)
            return
        noun, _, rest = path.lstrip("/").partition("/")
        with fake.lock:
            status, answer = self._change(method, noun, rest, value)
        if rule is not None:
            self.close_connection = True
            self.shutdown()
            return
        if status >= 400:
            self._refuse(Rule(status, str(answer["code"])))
        else:
            self._answer(status, answer)

    def _change(self, method: str, noun: str, rest: str, value: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        fake = self.owner
        if noun == "reservations" and fake.reserves:
            if method == "GET":
                return 200, {"items": [{"slug": one, "store": fake.stores[one]} for one in sorted(fake.open)]}
            if method == "POST":
                room = fake.most_open - sum(fake.stores[one] == value["store"] for one in fake.open)
                items = [self._hand_out(value["store"]) for _ in range(min(room, value["count"]))]
                return (201, {"items": items}) if items else (429, {"code": "too_many"})
            if rest not in fake.open:
                return 404, {"code": "not_found"}
            fake.open.discard(rest)
            fake.ended[rest] = str(value.get("code", ""))
            return 200, {}
        if noun == "uploads" or noun == "albums":
            wanted = value["ids"][0] if noun == "albums" else rest
            found = [one for n, one in enumerate(fake.kept) if wanted == f"s{n}" and not one.deleted]
            if not found:
                return 404, {"code": "not_found"}
            if noun == "albums":
                found[0].albums.append(rest.partition("/")[0])
            elif method == "GET":
                return 200, self._fields(found[0])
            elif method == "DELETE":
                found[0].deleted += 1
            else:
                found[0].is_public = value["is_public"]
            return 200, {}
        return 404, {"code": "not_found"}

    def _hand_out(self, store: str) -> dict[str, object]:
        fake = self.owner
        slug = f"r{len(fake.open) + len(fake.ended) + len(fake.kept)}x{secrets.token_hex(3)}"
        fake.open.add(slug)
        fake.stores[slug] = store
        ends = datetime.now(UTC) + fake.lasts
        return {
            "slug": slug,
            "url": f"{fake.url}/{slug}",
            "direct_base": f"{fake.url}/{slug}",
            "link_ending": fake.link_ending,
            "expires_at": rfc3339(ends),
        }

    def _upload(self, name: str) -> None:
        fake = self.owner
        with fake.lock:
            fake.requests += 1
            rule = fake.rules.popleft() if fake.rules else fake.judge(name) or fake.always or Rule()
        if rule.early:
            self.close_connection = True
            self._refuse(rule)
            return
        body = self._body()
        if body is None:
            self.close_connection = True
            return
        fake.stopped.wait(fake.delay)
        fake.lets_in.wait()
        if rule.status:
            self._refuse(rule)
            return
        if not body or not (kept_now := self._keep(name, body))[1]:
            kept = self._by_key() if not body else None
            if kept is None:
                self._refuse(Rule(409, "not_reserved") if body else Rule(400, "empty_file"))
                return
            kept_now = (kept, 200)
        kept, status = kept_now
        fake.stopped.wait(rule.hold)
        fake.lets_out.wait()
        if rule.lose:
            self.close_connection = True
            self.shutdown()
            return
        self._answer(status, self._fields(kept))

    def _fields(self, kept: Received) -> dict[str, Any]:
        fake = self.owner
        upload_id = f"s{fake.kept.index(kept)}"
        slug = kept.slug or upload_id
        links = {"url": f"{fake.url}/{slug}", "direct_url": f"{fake.url}/{slug}.png"}
        links["deletion_url"] = f"{fake.url}/delete/{slug}/x"
        more = {"sha256": kept.sha256, "size": kept.size, "slug": slug, "is_public": kept.is_public}
        return {"id": upload_id, **links, **more}

    def _by_key(self) -> Received | None:
        key = self.headers.get("Idempotency-Key")
        return next((one for one in self.owner.kept if key and one.key == key), None)

    def _keep(self, name: str, body: bytes) -> tuple[Received, int]:
        digest = hashlib.sha256(body).hexdigest()
        key = self.headers.get("Idempotency-Key")
        with self.owner.lock:
            for one in self.owner.kept:
                if key and one.key == key:
                    one.answers += 1
                    return one, 200
            query = dict(parse_qsl(urlsplit(self.path).query))
            slug = query.get("slug", "")
            if slug and slug not in self.owner.open:
                return Received("", "", 0, None, {}), 0
            self.owner.open.discard(slug)
            form = body if self.headers.get("Content-Type", "").startswith("multipart/") else b""
            one = Received(name, digest, len(body), key, {k.lower(): v for k, v in self.headers.items()}, form)
            one.query, one.slug, one.is_public = query, slug, query.get("is_public") != "false"
            self.owner.kept.append(one)
            return one, 201

    def _body(self) -> bytes | None:
        if self.headers.get("Transfer-Encoding") == "chunked":
            parts = []
            while length := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(length))
                self.rfile.readline()
            self.rfile.readline()
            return b"".join(parts)
        length = int(self.headers.get("Content-Length", 0))
        if self.owner.rate and length > 100_000:
            return self._slowly(length)
        body = self.rfile.read(length)
        return body if len(body) == length else None

    def _slowly(self, length: int) -> bytes | None:
        body = bytearray()
        while len(body) < length and not self.owner.stopped.is_set():
            piece = self.rfile.read(min(50_000, length - len(body)))
            if not piece:
                return None
            body += piece
            self.owner.stopped.wait(len(piece) / self.owner.rate)
        return bytes(body) if len(body) == length else None

    def _refuse(self, rule: Rule) -> None:
        if rule.body is not None:
            self._raw(rule.status, rule.body, rule.headers)
        else:
            error = {"code": rule.code, "message": f"The fake server says {rule.code}.", "field": None}
            self._answer(rule.status, {"error": error | {"request_id": "r"}}, rule.headers)

    def _answer(self, status: int, value: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self._raw(status, json.dumps(value).encode(), headers or {})

    def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


@contextmanager
def fake_server(tls: ssl.SSLContext | None = None) -> Iterator[FakeServer]:
    server = FakeServer(tls)
    try:
        yield server
    finally:
        for event in (server.stopped, server.lets_in, server.lets_out):
            event.set()
        server.down()
