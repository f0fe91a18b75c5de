"""Uploads over https: a real handshake, certificates that count and that do not, a proxy in between."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from bulletdrop import errors
from bulletdrop.tray.client import Client, Unreachable, sha256_of
from bulletdrop.trust import context, find_bundle
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


def test_the_systems_certificates_are_found_wherever_they_lie(tmp_path: Path) -> None:
    assert context() is context()
    assert context().verify_mode is ssl.CERT_REQUIRED
    assert context().check_hostname
    assert find_bundle({"SSL_CERT_FILE": "/x"}) is None
    assert find_bundle({}, (str(tmp_path / "none"),)) is None
