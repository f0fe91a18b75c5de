"""Which certificates count: the system's, also where the program was built on another system than it runs on."""

from __future__ import annotations

import functools
import hashlib
import os
import re
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

from bulletdrop.errors import Invalid

# A frozen program's OpenSSL looks where Debian keeps its list. Others keep it here (Go's crypto/x509, root_linux.go).
BUNDLES = (
    "/etc/ssl/certs/ca-certificates.crt",  # Debian, Ubuntu, Gentoo, Arch
    "/etc/pki/tls/certs/ca-bundle.crt",  # Fedora, RHEL
    "/etc/ssl/ca-bundle.pem",  # openSUSE
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",  # RHEL
    "/etc/ssl/cert.pem",  # Alpine, macOS
)


def find_bundle(environ: Mapping[str, str] = os.environ, bundles: tuple[str, ...] = BUNDLES) -> str | None:
    """A file of trusted certificates to load besides OpenSSL's own default; None when that default is there."""
    defaults = ssl.get_default_verify_paths()
    if sys.platform == "win32" or environ.get("SSL_CERT_FILE") or environ.get("SSL_CERT_DIR"):
        return None
    if defaults.cafile or (defaults.capath and any(Path(defaults.capath).iterdir())):
        return None
    return next((bundle for bundle in bundles if Path(bundle).is_file()), None)


@functools.cache
def context() -> ssl.SSLContext:
    """The settings for all https connections: certificates and names are checked. Made once, for it takes 20 ms."""
    made = ssl.create_default_context()
    if bundle := find_bundle():
        made.load_verify_locations(bundle)
    return made


@functools.cache
def pinned_context() -> ssl.SSLContext:
    """The settings for a server that is known by its fingerprint: nobody vouches for it, and its name says nothing.

    Whoever connects with it must compare the fingerprint before the first byte. That the server has the certificate's
    key is proved by the handshake itself, whoever vouches for it (RFC 8446, 4.4.3).
    """
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    return made


def fingerprint(certificate: bytes) -> str:
    """SHA-256 of a certificate in DER, 64 hexadecimal digits."""
    return hashlib.sha256(certificate).hexdigest()


def shown(digits: str) -> str:
    """A fingerprint for people, who compare it piece by piece: "AB12 CD34 …"."""
    return " ".join(digits[at : at + 4] for at in range(0, len(digits), 4)).upper()


def read_fingerprint(text: str) -> str:
    """A fingerprint as somebody wrote it: with spaces or colons, in either case. Raises Invalid."""
    digits = re.sub(r"[\s:]", "", text).lower()
    if not re.fullmatch(r"[0-9a-f]{64}", digits):
        raise Invalid("A fingerprint is the SHA-256 of a certificate: 64 hexadecimal digits.", field="fingerprint")
    return digits
