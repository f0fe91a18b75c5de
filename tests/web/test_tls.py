"""The server's own https: its certificate, what it refuses, and bytes of every size through it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from bulletdrop import trust
from bulletdrop.config import load_config
from bulletdrop.core import certificate
from bulletdrop.tray.answers import CertificateChanged
from bulletdrop.tray.client import Client
from bulletdrop.web.running import HANDSHAKE_SECONDS
from tests.support.screen import wait_for
from tests.support.server import PASSWORD, Server, binary, free_port
from tests.web.kit import png, upload


@pytest.fixture
def secure(make_server: Callable[..., Server]) -> Server:
    """A server with a certificate of its own."""
    return make_server(BULLETDROP_TLS="own")


def pin_of(server: Server) -> str:
    return str(json.loads((server.data / "run" / "server.json").read_text())["fingerprint"])


@contextlib.contextmanager
def handshaken(server: Server, settings: ssl.SSLContext | None = None) -> Iterator[ssl.SSLSocket]:
    """A connection by https to whatever certificate there is."""
    settings = settings or trust.pinned_context()
    plain = socket.create_connection(("127.0.0.1", server.port), timeout=20)
    with settings.wrap_socket(plain) as wrapped:
        yield wrapped


def test_the_certificate_is_made_once_and_its_key_is_for_nobody_else(secure: Server) -> None:
    folder = secure.data / "tls"
    assert {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()} == {
        "certificate.pem": 0o600,
        "key.pem": 0o600,
    }
    assert folder.stat().st_mode & 0o777 == 0o700
    before = pin_of(secure)
    secure.stop()
    secure.start()
    assert pin_of(secure) == before
    with handshaken(secure) as connection:
        shown = connection.getpeercert(binary_form=True)
        assert shown is not None
        assert trust.fingerprint(shown) == before


def test_the_certificate_is_of_the_kind_that_browsers_and_systems_take(secure: Server) -> None:
    made = x509.load_pem_x509_certificate((secure.data / "tls" / "certificate.pem").read_bytes())
    names = made.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    machine = socket.gethostname().lower().partition(".")[0]
    assert {"localhost", f"{machine}.local"} <= set(names.get_values_for_type(x509.DNSName))
    assert "127.0.0.1" in {str(address) for address in names.get_values_for_type(x509.IPAddress)}
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days > 3600
    assert made.public_key().key_size == 256  # type: ignore[union-attr]
    assert made.signature_hash_algorithm is not None
    assert made.signature_hash_algorithm.name == "sha256"


def test_the_fingerprint_stands_in_the_log_on_the_screen_and_in_the_note_for_the_tray(secure: Server) -> None:
    text = secure.log.read_text()
    assert pin_of(secure) in text
    assert trust.shown(pin_of(secure)) in text


def test_every_size_comes_through_whole(secure: Server) -> None:
    # In one write from memory, in one piece from a file, in many pieces, and of several megabytes.
    for side in (10, 150, 480, 1500):
        picture = png(side, side)
        made = upload(secure.alice, picture)
        got = secure.anonymous.get(made["direct_url"])
        assert got.status_code == 200
        assert hashlib.sha256(got.content).digest() == hashlib.sha256(picture).digest()
        part = secure.anonymous.get(made["direct_url"], headers={"Range": "bytes=100-299"})
        assert (part.status_code, part.content) == (206, picture[100:300])


def test_links_and_cookies_are_those_of_https(secure: Server) -> None:
    made = upload(secure.alice)
    assert made["url"].startswith(f"https://127.0.0.1:{secure.port}/")
    answer = secure.anonymous.post("/api/v1/auth/login", json={"identifier": "alice", "password": PASSWORD})
    lines = answer.headers.get_list("set-cookie")
    assert len(lines) == 3
    assert all(line.startswith("__Host-bd_") and "secure" in line.lower() for line in lines)
    # Of a certificate of our own making a browser must be able to get back to http.
    assert "strict-transport-security" not in answer.headers


def test_workers_have_the_same_certificate(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_TLS="own", BULLETDROP_WORKERS="2")
    seen = set()
    for _ in range(12):
        with handshaken(server) as connection:
            seen.add(trust.fingerprint(connection.getpeercert(binary_form=True) or b""))
    assert seen == {pin_of(server)}
    assert upload(server.alice)["url"].startswith("https://")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_old_versions_of_tls_are_refused(secure: Server) -> None:
    old = trust.pinned_context.__wrapped__()
    old.minimum_version = ssl.TLSVersion.TLSv1
    old.maximum_version = ssl.TLSVersion.TLSv1_1
    with contextlib.suppress(ssl.SSLError):
        old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.raises(OSError), handshaken(secure, old):
        pass
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        now = trust.pinned_context.__wrapped__()
        now.minimum_version = now.maximum_version = version
        with handshaken(secure, now) as connection:
            assert connection.version() == version.name.replace("_", ".")


def test_plain_http_to_the_secure_port_gets_nothing_and_hurts_nobody(secure: Server) -> None:
    with socket.create_connection(("127.0.0.1", secure.port), timeout=20) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1" not in plain.recv(1000)
    assert secure.anonymous.get("/health").status_code == 200


def test_whoever_begins_a_handshake_and_does_not_go_on_is_let_go(secure: Server) -> None:
    began = time.monotonic()
    idle = [socket.create_connection(("127.0.0.1", secure.port), timeout=40) for _ in range(20)]
    idle[0].sendall(b"\x16\x03\x01")  # the first bytes of a handshake
    try:
        assert secure.anonymous.get("/health").status_code == 200
        for one in idle:
            with contextlib.suppress(ConnectionResetError):
                assert one.recv(1) == b""
    finally:
        for one in idle:
            one.close()
    assert time.monotonic() - began < HANDSHAKE_SECONDS + 15


def test_a_client_that_is_gone_in_the_middle_leaves_the_server_as_it_was(secure: Server) -> None:
    made = upload(secure.alice, png(1500, 1500))
    path = made["direct_url"].removeprefix(secure.url)
    for _ in range(5):
        with handshaken(secure) as connection:
            connection.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
    head = b"POST /api/v1/uploads HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 5000000\r\n\r\n"
    with handshaken(secure) as connection:
        connection.sendall(head + b"x" * 1000)
    assert secure.anonymous.get(path).status_code == 200
    text = secure.log.read_text()
    assert "Traceback" not in text
    assert "eof_received" not in text


def test_a_server_with_open_connections_stops_in_time(secure: Server) -> None:
    with contextlib.ExitStack() as open_ones:
        for _ in range(5):
            connection = open_ones.enter_context(handshaken(secure))
            connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
        open_ones.enter_context(socket.create_connection(("127.0.0.1", secure.port)))
        began = time.monotonic()
        assert secure.stop() == 0
    assert time.monotonic() - began < 8


def test_a_tray_beside_the_server_knows_its_certificate(secure: Server) -> None:
    _ = secure.alice
    done = subprocess.run(
        [*binary(), "upload", "-", "--filename", "shot.png", "--data", str(secure.data)],
        input=png(),
        capture_output=True,
        env={**secure.environ, "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"},
        timeout=150,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(b"https://")


def test_a_given_certificate_is_used_and_read_anew_when_it_was_renewed(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    first, second = given(tmp_path / "one"), given(tmp_path / "two")
    used = tmp_path / "used"
    shutil.copytree(tmp_path / "one" / "tls", used)
    names = {"BULLETDROP_TLS_CERTIFICATE": str(used / "certificate.pem"), "BULLETDROP_TLS_KEY": str(used / "key.pem")}
    server = make_server(BULLETDROP_TLS="file", **names)
    assert not (server.data / "tls").exists()
    client = Client(server.url, fingerprint=first)
    assert client.health()["status"] == "ok"
    # Half of a renewal: a key that is not the certificate's must not take the old pair away.
    put(tmp_path / "two" / "tls" / "key.pem", used / "key.pem")
    wait_for(lambda: "cannot be used, the old one stays" in server.log.read_text(), what="the look at the files")
    with handshaken(server) as connection:
        assert trust.fingerprint(connection.getpeercert(binary_form=True) or b"") == first
    put(tmp_path / "two" / "tls" / "certificate.pem", used / "certificate.pem")
    wait_for(lambda: pin_of(server) == second, what="the new certificate")
    with handshaken(server) as connection:
        assert trust.fingerprint(connection.getpeercert(binary_form=True) or b"") == second
    client.close()
    held = Client(server.url, fingerprint=first)
    with pytest.raises(CertificateChanged):
        held.health()


def given(folder: Path) -> str:
    """A certificate and its key in a folder's `tls`; returns the fingerprint."""
    config = load_config({"data": folder, "tls": "own"}, environ={})
    certificate.prepare(config)
    return certificate.fingerprint(config)


def put(source: Path, target: Path) -> None:
    """Put a file in another's place, as programs that renew certificates do."""
    shutil.copy(source, target.with_suffix(".new"))
    os.replace(target.with_suffix(".new"), target)


@pytest.mark.parametrize("what", ["none", "missing", "not ours", "not its key"])
def test_files_that_are_no_certificate_and_its_key_are_said_in_a_line(tmp_path: Path, what: str) -> None:
    given(tmp_path / "one")
    given(tmp_path / "two")
    pem, key = tmp_path / "one" / "tls" / "certificate.pem", tmp_path / "one" / "tls" / "key.pem"
    if what == "not its key":
        key = tmp_path / "two" / "tls" / "key.pem"
    elif what == "not ours":
        pem.write_text("a certificate\n")
    elif what == "missing":
        pem = tmp_path / "nothing.pem"
    environ = {"BULLETDROP_TLS_CERTIFICATE": str(pem), "BULLETDROP_TLS_KEY": str(key)} if what != "none" else {}
    done = subprocess.run(
        [*binary(), "serve", "--data", str(tmp_path / "data"), "--host", "127.0.0.1", "--port", str(free_port())],
        env={**os.environ, "BULLETDROP_TLS": "file", "BULLETDROP_ANNOUNCE": "off", **environ},
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert done.returncode not in (0, -9)
    assert "Traceback" not in done.stderr
    assert "certificate" in done.stderr.splitlines()[-1]


def test_a_fingerprint_is_read_however_it_is_written() -> None:
    digits = "ab12" * 16
    assert trust.read_fingerprint(trust.shown(digits)) == digits
    assert trust.read_fingerprint(":".join(digits[at : at + 2] for at in range(0, 64, 2)).upper()) == digits


def test_the_fingerprint_is_that_of_the_first_certificate_of_a_chain(tmp_path: Path) -> None:
    first = given(tmp_path / "one")
    given(tmp_path / "two")
    pem = tmp_path / "one" / "tls" / "certificate.pem"
    pem.write_text(pem.read_text() + (tmp_path / "two" / "tls" / "certificate.pem").read_text())
    config = load_config({"data": tmp_path / "one", "tls": "own"}, environ={})
    assert certificate.fingerprint(config) == first
    read = x509.load_pem_x509_certificate(pem.read_bytes())
    assert first == hashlib.sha256(read.public_bytes(serialization.Encoding.DER)).hexdigest()
