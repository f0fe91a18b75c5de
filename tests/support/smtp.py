"""A real mail server that the tests run: it takes every mail, over plain SMTP or STARTTLS, or refuses as it is told."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import email
import email.policy
import ssl
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.support.server import free_port


class Sink:
    """What arrived. `reply` is said to every mail; "250 OK" takes it."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.reply = "250 OK"
        self.port = free_port()
        self._arrived = threading.Condition()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 -- aiosmtpd's name
        """Called by the server for each mail."""
        if self.reply.startswith("250"):
            message = email.message_from_bytes(envelope.content, policy=email.policy.default)
            with self._arrived:
                self.mails.append(message)
                self._arrived.notify_all()
        return self.reply

    def wait(self, fits: Callable[[EmailMessage], bool], *, seconds: float = 40) -> EmailMessage:
        """The first mail that fits, waited for."""
        deadline = time.monotonic() + seconds
        with self._arrived:
            while True:
                for mail in self.mails:
                    if fits(mail):
                        return mail
                left = deadline - time.monotonic()
                if left <= 0 or not self._arrived.wait(left):
                    told = [(mail["To"], mail["Subject"]) for mail in self.mails]
                    raise AssertionError(f"no such mail arrived in {seconds} s; there are {told}")

    def to(self, address: str, about: str = "") -> EmailMessage:
        """The first mail to an address whose subject holds some words."""
        return self.wait(lambda mail: mail["To"] == address and about in mail["Subject"])


def text_of(mail: EmailMessage, kind: str = "plain") -> str:
    """The text of a mail, or its HTML (`kind="html"`)."""
    part = mail.get_body((kind,))
    assert part is not None, kind
    return str(part.get_content())


@contextlib.contextmanager
def mail_server(*, certificate: Path | None = None) -> Iterator[Sink]:
    """A mail server on 127.0.0.1. With a certificate (`self_made`) it asks for STARTTLS."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aiosmtpd.controller import Controller

    sink = Sink()
    # As long as a busy machine may take for its thread's first turn.
    options: dict[str, Any] = {"ready_timeout": 30.0}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        options |= {"tls_context": context, "require_starttls": True}
    controller: Any = Controller(sink, hostname="127.0.0.1", port=sink.port, enable_SMTPUTF8=True, **options)
    lines: list[Any] = []
    make_line = controller.factory

    def remembered() -> Any:
        lines.append(make_line())
        return lines[-1]

    controller.factory = remembered
    controller.start()
    try:
        yield sink
    finally:
        asyncio.run_coroutine_threadsafe(_hang_up(controller, lines), controller.loop).result(30)
        controller.stop()


async def _hang_up(controller: Any, lines: list[Any]) -> None:
    """End what is under way: a server that is stopped later may be sending still, and its line would stay open."""
    # Closed is the server afterwards: asyncio does not end calls that it took and has no line for yet.
    for listening in controller.server.sockets:
        controller.loop.remove_reader(listening)
    # A call that was taken needs some turns of the loop for its line, and a line that is ended some for its socket.
    for _ in range(10):
        await asyncio.sleep(0)
        for line in lines:
            if line.transport is not None:
                line.transport.abort()


def self_made(folder: Path) -> Path:
    """A certificate for localhost and 127.0.0.1 with its key, in one file. Nobody trusts it who was not told to."""
    import ipaddress

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "mail.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
    return path
