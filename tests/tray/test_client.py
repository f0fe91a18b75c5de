"""The client over a real socket: what it sends, what it understands, how it fails."""

from __future__ import annotations

import contextlib
import http.client
import io
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop import errors
from bulletdrop.errors import BulletDropError
from bulletdrop.tray.answers import Answer, ServerFault, Unreachable, error_of, retry_after
from bulletdrop.tray.client import Client, FileCut, safe_name, sha256_of
from bulletdrop.tray.wire import Target, Wire, is_loopback
from tests.tray.engine_kit import FakeServer, Rule, eventually, fake_server, png, write


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with fake_server() as fake:
        yield fake


@pytest.fixture
def client(server: FakeServer) -> Iterator[Client]:
    one = Client(server.url, "bd_test")
    yield one
    one.close()


def test_a_file_goes_as_it_is_with_its_length_and_digest(client: Client, server: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "shot.png", png(size=700_000))
    seen: list[tuple[int, int | None]] = []
    done = client.upload(path, "shot ü.png", sha256=sha256_of(path), progress=lambda sent, of: seen.append((sent, of)))
    one = server.kept[0]
    assert (one.name, one.sha256, one.size) == ("shot ü.png", sha256_of(path), path.stat().st_size)
    assert done.link == f"{server.url}/s0"
    assert seen[-1] == (one.size, one.size)
    assert [sent for sent, _ in seen] == sorted(sent for sent, _ in seen)


def test_a_stream_of_unknown_length_goes_in_chunks(client: Client, server: FakeServer) -> None:
    data = png(size=600_000)
    read_end, write_end = os.pipe()

    def pour() -> None:
        with os.fdopen(write_end, "wb") as pipe:
            pipe.write(data)

    threading.Thread(target=pour).start()
    with os.fdopen(read_end, "rb") as pipe:
        client.upload(pipe, "piped.png")
    assert server.kept[0].size == len(data)
    assert server.kept[0].headers["transfer-encoding"] == "chunked"


def test_wishes_go_as_a_form(client: Client, server: FakeServer, tmp_path: Path) -> None:
    data = png()
    path = write(tmp_path / "shot.png", data)
    client.upload(path, 'a "b" ü.png', wishes={"custom_name": "my-shot", "is_public": "false"})
    form = server.kept[0].form
    assert b'name="custom_name"\r\n\r\nmy-shot\r\n' in form
    assert 'filename="a %22b%22 ü.png"'.encode() in form
    assert data in form


def test_the_connection_is_kept_and_a_server_that_hung_up_meanwhile_is_no_error(
    client: Client, server: FakeServer, tmp_path: Path
) -> None:
    path = write(tmp_path / "shot.png", png())
    for _ in range(3):
        client.upload(path, "shot.png")
    assert server.connections == 1
    server.down()
    server.up()
    client.upload(path, "shot.png")
    assert server.connections == 2


def test_a_connection_that_rested_for_long_is_opened_anew(server: FakeServer) -> None:
    for idle_seconds, connections in ((300, 1), (0.1, 3)):
        wire = Wire(Target.parse(server.url, {}), connect_seconds=30, answer_seconds=30, idle_seconds=idle_seconds)
        wire.exchange("GET", "/health", {}, None)
        time.sleep(0.15)
        wire.exchange("GET", "/health", {}, None)
        assert server.connections == connections
        wire.close()


def test_a_client_that_is_closed_while_it_connects_sends_nothing(server: FakeServer) -> None:
    class Slow(Target):
        def connection(self, seconds: float) -> http.client.HTTPConnection:
            made = super().connection(seconds)
            connect = made.connect

            def connect_and_close() -> None:
                connect()
                wire.close()

            made.connect = connect_and_close  # type: ignore[method-assign]
            return made

    wire = Wire(Slow.parse(server.url, {}), connect_seconds=30, answer_seconds=30)
    with pytest.raises(Unreachable, match="was closed"):
        wire.exchange("POST", "/api/v1/reservations", {}, None)
    assert server.small == []


def test_threads_have_connections_of_their_own(client: Client, server: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "shot.png", png(size=300_000))
    threads = [threading.Thread(target=client.upload, args=(path, f"{n}.png")) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(server.names()) == [f"{n}.png" for n in range(8)]


def test_nobody_there_is_told_in_words(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = Client(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(Unreachable, match="nobody listens there"):
            client.health()


def test_a_server_that_never_answers_is_left_after_the_limit(server: FakeServer, tmp_path: Path) -> None:
    server.lets_in.clear()
    client = Client(server.url, "bd_test", answer_seconds=1)
    with pytest.raises(Unreachable, match="did not answer in time"):
        client.upload(write(tmp_path / "shot.png", png()), "shot.png")
    client.close()


@contextmanager
def dripping(piece: bytes, pause: float) -> Iterator[str]:
    """The address of a server that answers with the same piece for ever, so many seconds apart."""
    over = threading.Event()
    listener = socket.create_server(("127.0.0.1", 0))

    def answer() -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n")
                while not over.wait(pause):
                    connection.sendall(piece)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        over.set()
        with contextlib.suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


@pytest.mark.parametrize("piece", [b"X", b"\r\n{"], ids=["header", "body"])
def test_an_answer_that_comes_byte_by_byte_holds_nobody_for_ever(piece: bytes) -> None:
    with dripping(piece, 0.05) as url:
        wire = Wire(Target.parse(url, {}), connect_seconds=30, answer_seconds=1)
        began = time.monotonic()
        with pytest.raises(Unreachable):
            wire.exchange("GET", "/health", {}, None)
        # No silence was ever as long as the limit for one.
        assert time.monotonic() - began < 30
        wire.close()


def test_an_early_answer_is_heard_before_the_body_is_through(
    client: Client, server: FakeServer, tmp_path: Path
) -> None:
    path = write(tmp_path / "huge.png", png(size=50_000_000))
    server.rules.append(Rule(413, "too_big", early=True))
    seen: list[int] = []
    with pytest.raises(errors.TooBig, match="The fake server says too_big"):
        client.upload(path, "huge.png", progress=lambda sent, of: seen.append(sent))
    assert not seen or seen[-1] < path.stat().st_size, "the rest was sent for nothing"


def test_a_file_that_is_shorter_than_announced_is_told_apart_from_the_network(
    client: Client, server: FakeServer, tmp_path: Path
) -> None:
    path = write(tmp_path / "shot.png", png())
    with pytest.raises(FileCut):
        client.upload(path, "shot.png", size=path.stat().st_size + 1)
    client.upload(path, "shot.png")
    assert server.names() == ["shot.png"]


def test_a_file_that_grows_is_sent_as_announced(client: Client, server: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "shot.png", png())
    client.upload(path, "shot.png", size=1000)
    assert server.kept[0].size == 1000


def test_only_a_bulletdrop_is_believed(client: Client, server: FakeServer, tmp_path: Path) -> None:
    path = write(tmp_path / "shot.png", png())
    for body in (b"<html>", b"[]", b"{}", b'{"id": 5, "url": "x"}', b"[" * 200_000, b'{"id": "1", "url": "x"}'):
        server.rules.append(Rule(200, body=body))
        with pytest.raises(Unreachable, match="not a BulletDrop"):
            client.upload(path, "shot.png")


def says(body: bytes) -> Callable[[str, str], Rule]:
    return lambda _method, _path: Rule(200, body=body)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "file:///etc/passwd", "/run/me.desktop", "--help", "http://h/a\nb", "http://["]
)
def test_what_is_no_address_of_the_web_is_never_a_link(
    client: Client, server: FakeServer, tmp_path: Path, link: str
) -> None:
    path, good = write(tmp_path / "shot.png", png()), "https://h.example/a"
    for name in ("url", "link", "direct_url", "deletion_url"):
        fields = {"id": "1", "url": good, name: link}
        server.rules.append(Rule(200, body=json.dumps(fields).encode()))
        with pytest.raises(Unreachable, match="not a BulletDrop"):
            client.upload(path, "shot.png")
    asked = {"device_code": "d", "user_code": "u", "expires_in": 600, "interval": 5, "verification_uri": good}
    for told in (link, "" if link.startswith("http") else f"{link}?code=u"):
        body = json.dumps({**asked, "verification_uri_complete": told}).encode()
        # As the answer to all that comes.
        server.judge_small = says(body)
        with pytest.raises(Unreachable, match="not a BulletDrop"):
            client.pair_begin("laptop")
    item = {"slug": "s", "url": good, "direct_base": link, "expires_at": "2027-01-01T00:00:00Z"}
    server.judge_small = says(json.dumps({"items": [item]}).encode())
    with pytest.raises(Unreachable, match="not a BulletDrop"):
        client.reserve(1)


def answer(status: int, body: bytes = b"", **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, body)


def told(code: str) -> bytes:
    return b'{"error": {"code": "%b", "message": "Said so.", "field": "file"}}' % code.encode()


@pytest.mark.parametrize(
    "given, expected",
    [
        (answer(413, told("too_big")), errors.TooBig),
        (answer(401, told("revoked_key")), errors.RevokedKey),
        (answer(409, told("not_set_up")), errors.NotSetUp),
        (answer(507, told("disk_full")), errors.DiskFull),
        (answer(418, told("a_code_of_tomorrow")), errors.Rejected),
        (answer(408, told("a_code_of_tomorrow")), ServerFault),
        (answer(599, told("a_code_of_tomorrow")), ServerFault),
        (answer(413, b"<html>nginx"), errors.TooBig),
        (answer(500, b"oops"), ServerFault),
        (answer(502, b"bad gateway"), Unreachable),
        (answer(404, b"<html>apache"), Unreachable),
        (answer(301, location="https://drop.example.org/"), Unreachable),
    ],
)
def test_answers_become_errors_by_code_first_and_status_second(given: Answer, expected: type[BulletDropError]) -> None:
    error = error_of("http://server", given)
    assert type(error) is expected
    assert error.message


def test_the_servers_own_sentence_is_shown() -> None:
    error = error_of("http://server", answer(413, told("too_big")))
    assert (error.message, error.field) == ("Said so.", "file")


def test_retry_after_is_understood_as_seconds_and_as_a_date() -> None:
    now = datetime(2026, 11, 20, 12, 0, 0, tzinfo=UTC)
    assert retry_after(answer(503, retry_after="120"), now) == 120
    assert retry_after(answer(503, retry_after="Fri, 20 Nov 2026 12:00:30 GMT"), now) == 30
    assert retry_after(answer(503, retry_after="Fri, 20 Nov 2026 11:00:00 GMT"), now) == 0
    assert retry_after(answer(503, retry_after="soon"), now) is None
    for unreadable in ("-1", "1e9", "²", "Fri, 20 Nov 99999999999 12:00:00 GMT"):
        assert retry_after(answer(503, retry_after=unreadable), now) is None
    for endless in ("9" * 400, "Fri, 31 Dec 9999 23:59:59 GMT"):
        assert retry_after(answer(503, retry_after=endless), now) == 86_400
    assert retry_after(answer(503), now) is None


@pytest.mark.parametrize(
    "address",
    [
        *("", "drop.example.org", "ftp://drop.example.org", "http://", "http://x:notaport"),
        *("http://[", "https://a b/", "http://a\x7fb/"),
    ],
)
def test_an_address_that_is_none_is_refused_in_words(address: str) -> None:
    with pytest.raises(errors.Invalid, match="no server address"):
        Client(address)


def test_loopback_goes_past_every_proxy_and_others_through_it() -> None:
    environ = {"http_proxy": "http://proxy:3128", "HTTPS_PROXY": "proxy:3129", "no_proxy": "intra.example, .lan"}
    assert Target.parse("http://127.0.0.1:8484", environ).proxy is None
    assert Target.parse("http://localhost:8484", environ).proxy is None
    assert Target.parse("http://[::1]:8484", environ).proxy is None
    assert Target.parse("http://drop.lan", environ).proxy is None
    assert Target.parse("http://a.intra.example", environ).proxy is None
    plain = Target.parse("http://drop.example.org/base", environ)
    assert plain.proxy is not None
    assert plain.proxy.port == 3128
    assert plain.request_target("/health") == "http://drop.example.org/base/health"
    secure = Target.parse("https://drop.example.org", environ)
    assert secure.proxy is not None
    assert (secure.proxy.hostname, secure.proxy.port) == ("proxy", 3129)
    assert isinstance(secure.connection(1), http.client.HTTPSConnection)


def test_a_proxy_is_really_asked(server: FakeServer) -> None:
    # The fake server plays the proxy: it sees the whole address and answers for it.
    client = Client("http://drop.example.org", environ={"http_proxy": server.url})
    assert client.health()["instance"] == "fake"
    client.close()


def test_loopback_is_known() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.9.9.9", "::1", "localhost", "x.localhost")] == [True] * 5
    assert not any(is_loopback(host) for host in ("192.168.1.2", "example.org", "127.0.0.1.example.org"))


@pytest.mark.parametrize(
    "name, safe",
    [
        ("shot.png", "shot.png"),
        ("a/b\\c.png", "a_b_c.png"),
        ("line\nbreak\x00.png", "line_break_.png"),
        ("gnp\u202e.exe.png", "gnp_.exe.png"),
        (".hidden.png", "hidden.png"),
        ("", "screenshot"),
        ("bad\udcff.png", "bad?.png"),
    ],
)
def test_names_lose_what_servers_must_refuse(name: str, safe: str) -> None:
    assert safe_name(name) == safe


def test_long_names_keep_their_ending_and_whole_characters() -> None:
    name = safe_name("ü" * 300 + ".png")
    assert name.endswith("ü.png")
    assert len(name.encode()) <= 200


def test_a_closed_client_lets_go_of_a_request_under_way(server: FakeServer) -> None:
    client = Client(server.url, answer_seconds=30)
    server.delay = 30
    failed: list[BulletDropError] = []

    def send() -> None:
        try:
            client.upload(io.BytesIO(b"x"), "x.png", size=1)
        except BulletDropError as error:
            failed.append(error)

    thread = threading.Thread(target=send)
    thread.start()
    eventually(lambda: server.requests)
    client.close()
    thread.join(60)
    assert [type(error) for error in failed] == [Unreachable]
