"""The first contact with a server: by which address, and whether its certificate is one to trust from now on."""

from __future__ import annotations

import http.client
import os
import re
from collections.abc import Callable, Mapping
from urllib.parse import parse_qs, urlsplit

from bulletdrop import trust
from bulletdrop.errors import Invalid
from bulletdrop.tray.answers import CertificateChanged, Untrusted
from bulletdrop.tray.client import Client
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.servers import client_for
from bulletdrop.tray.wire import NETWORK_ERRORS, Target, certificate_of
from bulletdrop.tray.words import t

LINK = "bulletdrop"
CONNECT_SECONDS = 10.0


def read_link(text: str) -> tuple[str, str, str]:
    """Address, code and fingerprint of what a QR code of the server's page holds; the last may be "".

    Raises: Invalid for another text.
    """
    try:
        parts = urlsplit(text.strip())
        values = {name: given[0] for name, given in parse_qs(parts.query, max_num_fields=20).items()}
    except ValueError:
        parts, values = urlsplit(""), {}
    if parts.scheme != LINK or parts.netloc != "pair" or not values.get("url") or not values.get("code"):
        raise Invalid("This is no link for pairing. It begins with bulletdrop://pair?", field="url")
    fingerprint = values.get("fp", "")
    return values["url"].rstrip("/"), values["code"], trust.read_fingerprint(fingerprint) if fingerprint else ""


def address_of(text: str) -> str:
    """What a person writes as an address, made whole: "drop.example.org" is https, a number in the LAN http.

    Raises: Invalid.
    """
    if not re.match(r"[a-z]+://", text):
        host = text.partition("/")[0].partition(":")[0]
        is_near = re.fullmatch(r"[0-9.]+|localhost|[^.]+|.+\.(local|lan|home\.arpa)", host) is not None
        text = f"{'http' if is_near else 'https'}://{text}"
    try:
        parts = urlsplit(text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.username is None
        fits = fits and not re.search(r"[\s<>\"'\\^`{|}]", text)
        _ = parts.port
    except ValueError:
        fits = False
    if not fits:
        raise Invalid(t("This is no address of a server. Write it like https://drop.example.org."), field="server")
    return f"{parts.scheme}://{parts.netloc}{parts.path}".rstrip("/")


def meet(
    url: str,
    *,
    fingerprint: str = "",
    is_theirs: Callable[[str], bool] = lambda seen: False,
    environ: Mapping[str, str] = os.environ,
) -> Server:
    """Look at a server for the first time, and settle what its certificate has to be from now on.

    Args:
        fingerprint: what the person, or the QR code, says that it is; "" where nobody said.
        is_theirs: asked with the fingerprint of a certificate that nobody vouches for; True holds the server to it.

    Returns: the server; its fingerprint is "" where the system trusts it, or for http.
    Raises: Unreachable; Untrusted when the person did not say yes; CertificateChanged when it shows another certificate
        than `fingerprint`; Invalid for what is no address.
    """
    url = url.rstrip("/")
    wanted = Server(url=url, fingerprint=fingerprint)
    if fingerprint and not url.startswith("https:"):
        raise CertificateChanged(f"{url} shows no certificate to compare with the fingerprint you gave. Use https.")
    try:
        _hello(wanted, environ)
    except CertificateChanged as error:
        seen = trust.shown(seen_certificate(url, environ=environ))
        raise CertificateChanged(
            f"The server at {url} shows another certificate than the fingerprint you gave, so nothing was sent. Compare"
            f" it with the server's page “Pair a device”. Its fingerprint: {seen}"
        ) from error
    except Untrusted:
        seen = seen_certificate(url, environ=environ)
        if not is_theirs(seen):
            raise
        wanted = Server(url=url, fingerprint=seen)
        # Again, held to it: from here on nobody else is spoken to.
        _hello(wanted, environ)
    return wanted


def seen_certificate(url: str, *, environ: Mapping[str, str] = os.environ, seconds: float = CONNECT_SECONDS) -> str:
    """The fingerprint of the certificate that a server shows to anybody. Nothing is said to it.

    Raises: Unreachable.
    """
    connection = Target.parse(url, environ, trust.pinned_context()).connection(seconds)
    assert isinstance(connection, http.client.HTTPSConnection)
    try:
        connection.connect()
        return certificate_of(connection.sock)
    except NETWORK_ERRORS as error:
        raise Untrusted(f"The server at {url} shows no certificate.") from error
    finally:
        connection.close()


def _hello(server: Server, environ: Mapping[str, str]) -> None:
    client: Client = client_for(server, "", environ=environ)
    try:
        client.health()
    finally:
        client.close()
