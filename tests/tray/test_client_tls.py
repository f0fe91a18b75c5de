"""Uploads over https: a real handshake, certificates that count and that do not, a proxy in between."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bulletdrop import errors
from bulletdrop.clock import ManualClock
from bulletdrop.tray.answers import CertificateChanged, Untrusted
from bulletdrop.tray.client import Client, Unreachable, sha256_of
from bulletdrop.tray.gate import Gate
from bulletdrop.tray.meeting import meet
from bulletdrop.tray.preferences import Server
from bulletdrop.trust import context, find_bundle, fingerprint
from tests.support.screen import wait_for
from tests.tray.engine_kit import FakeServer, Rule, fake_server, png, write


def certificate(folder: Path, name: str = "drop.example.org") -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 and a name, as a file, and the server's settings with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(names, critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    plain = serialization.NoEncryption()
    pem.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    )
    settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    settings.load_cert_chain(pem)
    return pem, settings


@contextmanager
def proxy() -> Iterator[tuple[str, list[str]]]:
    """A proxy that tunnels every CONNECT to the host's port on 127.0.0.1, and remembers what was asked."""
    asked: list[str] = []
    listener = socket.create_server(("127.0.0.1", 0))

    def pump(source: socket.socket, drain: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                drain.sendall(data)
        except OSError:
            return
        finally:
            drain.close()

    def serve() -> None:
        while True:
            try:
                inner, _ = listener.accept()
            except OSError:
                return
            with inner.makefile("rb") as lines:
                asked.append(lines.readline().decode().strip())
                while lines.readline().strip():
                    continue
            outer = socket.create_connection(("127.0.0.1", int(asked[-1].split()[1].rpartition(":")[2])))
            inner.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for pair in ((inner, outer), (outer, inner)):
                threading.Thread(target=pump, args=pair, daemon=True).start()

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", asked
    finally:
        listener.close()


@pytest.fixture
def secure(tmp_path: Path) -> Iterator[tuple[FakeServer, ssl.SSLContext]]:
    pem, settings = certificate(tmp_path)
    with fake_server(settings) as server:
        yield server, ssl.create_default_context(cafile=str(pem))


def test_a_trusted_server_is_used_over_one_kept_connection(
    secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path
) -> None:
    server, trust = secure
    client = Client(server.url, "bd_test", trust=trust)
    path = write(tmp_path / "shot.png", png(size=2_000_000))
    for _ in range(3):
        client.upload(path, "shot.png", sha256=sha256_of(path))
    assert [one.sha256 for one in server.kept] == [sha256_of(path)] * 3
    assert server.connections == 1
    client.close()


def test_an_early_answer_is_heard_over_tls_too(secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path) -> None:
    server, trust = secure
    server.rules.append(Rule(413, "too_big", early=True))
    client = Client(server.url, "bd_test", trust=trust)
    with pytest.raises(errors.TooBig):
        client.upload(write(tmp_path / "huge.png", png(size=30_000_000)), "huge.png")
    client.close()


def test_an_untrusted_server_gets_nothing_and_the_person_hears_why(
    secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path
) -> None:
    server, _ = secure
    client = Client(server.url, "bd_secret")
    with pytest.raises(Unreachable, match="certificate is not trusted"):
        client.upload(write(tmp_path / "shot.png", png()), "shot.png")
    assert server.requests == 0


def test_a_secure_server_behind_a_proxy_is_reached_by_a_tunnel(
    secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path
) -> None:
    server, trust = secure
    with proxy() as (address, asked):
        url = f"https://drop.example.org:{server.port}"
        client = Client(url, "bd_test", trust=trust, environ={"https_proxy": address})
        client.upload(write(tmp_path / "shot.png", png()), "shot.png")
        client.close()
    assert [line.rpartition(" ")[0] for line in asked] == [f"CONNECT drop.example.org:{server.port}"]
    assert server.names() == ["shot.png"]


def test_a_server_is_held_to_one_certificate_whoever_vouches_for_it(
    secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path
) -> None:
    server, _ = secure
    # By an address that is not in it, and without anybody's word: the fingerprint alone counts.
    client = Client(server.url.replace("127.0.0.1", "localhost"), "bd_test", fingerprint=pin(tmp_path))
    for _ in range(2):
        client.upload(write(tmp_path / "shot.png", png()), "shot.png")
    assert server.connections == 1
    client.close()


@contextmanager
def listener(settings: ssl.SSLContext) -> Iterator[tuple[str, list[bytes]]]:
    """Shakes hands with everybody, and notes what it is told after that: b"" for nothing until the end."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def listen() -> None:
        while True:
            try:
                plain, _ = listening.accept()
            except OSError:
                return
            plain.settimeout(10)
            try:
                with settings.wrap_socket(plain, server_side=True) as secure:
                    heard.append(secure.recv(1000))
            except OSError:  # in the middle of the handshake, too: who does not like the certificate goes
                heard.append(b"")

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    try:
        yield f"https://127.0.0.1:{listening.getsockname()[1]}", heard
    finally:
        listening.shutdown(socket.SHUT_RDWR)
        listening.close()
        thread.join(60)


def test_another_certificate_gets_no_byte_of_any_request(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other")
    _, settings = certificate(tmp_path)
    with listener(settings) as (url, heard):
        client = Client(url, "bd_secret", fingerprint=pin(tmp_path / "other"))
        picture = write(tmp_path / "shot.png", png())
        asks: tuple[Callable[[], object], ...] = (
            client.health,
            lambda: client.upload(picture, "shot.png"),
            lambda: client.pair_begin("desk"),
            lambda: client.pair_with_code("BCDF-GHJK", "desk"),
        )
        for ask in asks:
            with pytest.raises(CertificateChanged, match="another certificate"):
                ask()
        client.warm()  # never raises, and says nothing either
        client.close()
        wait_for(lambda: len(heard) == len(asks) + 1, what="the end of every connection")
        assert set(heard) == {b""}
        # It does hear what is said to it: by a client that was told of this certificate.
        right = Client(url, "bd_secret", fingerprint=pin(tmp_path), answer_seconds=0.5)
        with pytest.raises(Unreachable):
            right.health()
        wait_for(lambda: len(heard) > len(asks) + 1, what="a word")
        assert heard[-1].startswith(b"GET /health")


def test_a_certificate_that_changes_while_the_tray_runs_is_noticed_at_the_next_connection(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    pem, settings = certificate(tmp_path)
    other, _ = certificate(tmp_path / "other")
    with fake_server(settings) as server:
        client = Client(server.url, "bd_secret", fingerprint=pin(tmp_path))
        client.health()
        client._wire._drop(client._wire._mine.connection)
        settings.load_cert_chain(other)
        with pytest.raises(CertificateChanged):
            client.health()
        settings.load_cert_chain(pem)
        assert client.health() is not None
        client.close()


def test_a_server_that_was_paired_by_its_certificate_is_never_asked_by_http(tmp_path: Path) -> None:
    with pytest.raises(CertificateChanged, match="http has none"):
        Client("http://127.0.0.1:9", "bd_secret", fingerprint="ab" * 32)


def test_it_holds_up_everything_until_the_person_has_looked_like_a_token_that_is_refused() -> None:
    gate = Gate(ManualClock())
    gate.failed(CertificateChanged())
    assert gate.blocked
    assert gate.needs_person
    assert gate.wait() is None


def test_the_certificate_of_a_server_that_is_new_is_looked_at_without_a_word(
    secure: tuple[FakeServer, ssl.SSLContext], tmp_path: Path
) -> None:
    server, _ = secure
    asked: list[str] = []

    def no(seen: str) -> bool:
        asked.append(seen)
        return False

    with pytest.raises(Untrusted):
        meet(server.url, is_theirs=no)
    assert asked == [pin(tmp_path)]
    met = meet(server.url, is_theirs=lambda seen: True)
    assert met == Server(url=server.url, fingerprint=pin(tmp_path))
    with pytest.raises(CertificateChanged):
        meet(server.url, fingerprint="cd" * 32, is_theirs=lambda seen: True)


def pin(folder: Path) -> str:
    """The fingerprint of the certificate that was made there."""
    text = (folder / "server.pem").read_text()
    return fingerprint(ssl.PEM_cert_to_DER_cert(text[: text.index("-----BEGIN PRIVATE")]))


def test_the_systems_certificates_are_found_wherever_they_lie(tmp_path: Path) -> None:
    assert context() is context()
    assert context().verify_mode is ssl.CERT_REQUIRED
    assert context().check_hostname
    assert find_bundle({"SSL_CERT_FILE": "/x"}) is None
    assert find_bundle({}, (str(tmp_path / "none"),)) is None


def test_a_server_without_https_is_said_to_have_none_and_where_it_is() -> None:
    with fake_server() as plain:
        secure = plain.url.replace("http:", "https:")
        with pytest.raises(Unreachable, match=f"does not speak https. Use {plain.url}"):
            Client(secure, "bd_test").health()
