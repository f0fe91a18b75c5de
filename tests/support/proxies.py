"""A real Caddy and a real nginx in front of a server, with the examples that people are given."""

from __future__ import annotations

import contextlib
import datetime
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.needs import requires
from tests.support.server import certificates, free_port

EXAMPLES = Path(__file__).parents[2] / "packaging" / "proxies"
MAIN, FILES, SHARE, WILD = "drop.example.org", "files.example.net", "share.example.com", "wild.example.com"


@dataclass
class Proxy:
    """One that runs, and a client's way to it: by name, but always to this machine.

    Args:
        https, http: its ports.
        trusted: what its certificates are checked against: a wrong one is an error.
    """

    name: str
    https: int
    http: int
    trusted: ssl.SSLContext
    root: Path
    _clients: dict[str, httpx.Client] = field(default_factory=dict)

    def request(self, host: str, method: str, path: str, **options: Any) -> httpx.Response:
        """A request by https to a name, which its certificate must be for."""
        if "https" not in self._clients:
            base = f"https://127.0.0.1:{self.https}"
            self._clients["https"] = httpx.Client(base_url=base, verify=self.trusted, timeout=30, trust_env=False)
        headers = {"Host": host, **options.pop("headers", {})}
        named = {"sni_hostname": host}
        return self._clients["https"].request(method, path, headers=headers, extensions=named, **options)

    def get(self, host: str, path: str, **headers: str) -> httpx.Response:
        """A GET by https."""
        return self.request(host, "GET", path, headers=headers)

    def plain(self, host: str, path: str) -> httpx.Response:
        """A GET without TLS."""
        return httpx.get(
            f"http://127.0.0.1:{self.http}{path}",
            headers={"Host": host},
            trust_env=False,
            verify=certificates(),
            timeout=30,
        )

    def close(self) -> None:
        """Close the connections."""
        for client in self._clients.values():
            client.close()


@contextlib.contextmanager
def caddy(folder: Path, port: int, *, https: int = 0) -> Iterator[Proxy]:
    """The example's Caddy in front of a port, with certificates of its own authority. Skips where there is no Caddy."""
    requires("caddy")
    folder.mkdir(parents=True)
    http, https = free_port(), https or free_port()
    options = f"admin off\n\tskip_install_trust\n\tlocal_certs\n\thttp_port {http}\n\thttps_port {https}"
    options += f"\n\tdefault_bind 127.0.0.1\n\tstorage file_system {folder / 'kept'}"
    text = (EXAMPLES / "Caddyfile").read_text(encoding="utf-8").replace("127.0.0.1:8484", f"127.0.0.1:{port}")
    config = folder / "Caddyfile"
    config.write_text(text.replace("{\n", f"{{\n\t{options}\n", 1), encoding="utf-8")
    environ = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        command = ["caddy", "run", "--config", str(config), "--adapter", "caddyfile"]
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environ, start_new_session=True)
        try:
            root = folder / "kept" / "pki" / "authorities" / "local" / "root.crt"
            _wait(process, https, folder / "log", root)
            proxy = Proxy("caddy", https, http, ssl.create_default_context(cafile=str(root)), root)
            yield proxy
            proxy.close()
        finally:
            _end(process)


@contextlib.contextmanager
def nginx(folder: Path, port: int, *, https: int = 0) -> Iterator[Proxy]:
    """The example's nginx in front of a port, with a certificate of the test's own. Skips where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        requires("nginx", package="nginx-light")
    folder.mkdir(parents=True)
    http, https = free_port(), https or free_port()
    _certificate(folder, [MAIN, FILES, SHARE, WILD, f"*.{WILD}"])
    text = (EXAMPLES / "nginx.conf").read_text(encoding="utf-8")
    for old, new in (
        ("127.0.0.1:8484", f"127.0.0.1:{port}"),
        ("/etc/ssl/bulletdrop", str(folder)),
        ("listen 80", f"listen 127.0.0.1:{http}"),
        ("listen 443", f"listen 127.0.0.1:{https}"),
    ):
        assert old in text, old
        text = text.replace(old, new)
    (folder / "site.conf").write_text(text, encoding="utf-8")
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("proxy", "client_body", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off;\nworker_processes 1;\npid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}include {folder}/site.conf;\n}}\n",
        encoding="utf-8",
    )
    with (folder / "log").open("wb") as log:
        command = [str(program), "-e", f"{folder}/log", "-p", str(folder), "-c", f"{folder}/nginx.conf"]
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            root = folder / "root.pem"
            _wait(process, https, folder / "log", root)
            proxy = Proxy("nginx", https, http, ssl.create_default_context(cafile=str(root)), root)
            yield proxy
            proxy.close()
        finally:
            _end(process)


def _wait(process: subprocess.Popen[bytes], port: int, log: Path, root: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 20):
            if root.exists() and _has_certificate(port, root):
                return
        time.sleep(0.05)
    raise AssertionError(f"the proxy does not answer:\n{log.read_text(errors='replace')[-3000:]}")


def _has_certificate(port: int, root: Path) -> bool:
    """True once the main address has its certificate: Caddy listens before."""
    trusted = ssl.create_default_context(cafile=str(root))
    try:
        with (
            socket.create_connection(("127.0.0.1", port), 5) as plain,
            trusted.wrap_socket(plain, server_hostname=MAIN),
        ):
            return True
    except OSError:
        return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def _certificate(folder: Path, names: list[str]) -> None:
    """An authority in `root.pem`, and a certificate of it for the names in `fullchain.pem` and `privkey.pem`."""
    now = datetime.datetime.now(datetime.UTC)
    days = datetime.timedelta(days=2)
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the tests' own authority")])

    def made(subject: x509.Name, public: Any, *extensions: tuple[x509.ExtensionType, bool]) -> x509.Certificate:
        builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(public)
        builder = (
            builder.serial_number(x509.random_serial_number()).not_valid_before(now - days).not_valid_after(now + days)
        )
        for extension, critical in extensions:
            builder = builder.add_extension(extension, critical)
        return builder.sign(root_key, hashes.SHA256())

    signing = x509.KeyUsage(
        digital_signature=True,
        crl_sign=True,
        key_cert_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    ski = x509.SubjectKeyIdentifier.from_public_key(root_key.public_key())
    root = made(
        issuer,
        root_key.public_key(),
        (x509.BasicConstraints(ca=True, path_length=0), True),
        (signing, True),
        (ski, False),
    )
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    alternatives = x509.SubjectAlternativeName([x509.DNSName(name) for name in names])
    aki = x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key())
    leaf = made(subject, key.public_key(), (alternatives, False), (aki, False))
    pem = serialization.Encoding.PEM
    (folder / "root.pem").write_bytes(root.public_bytes(pem))
    (folder / "fullchain.pem").write_bytes(leaf.public_bytes(pem))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
