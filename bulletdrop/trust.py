"""Which certificates count: the system's, also where the program was built on another system than it runs on."""

from __future__ import annotations

import functools
import os
import ssl
import sys
from collections.abc import Mapping
from pathlib import Path

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
