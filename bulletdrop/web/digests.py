"""What a client says its bytes hash to: X-SHA256 and Content-Digest (RFC 9530)."""

from __future__ import annotations

import base64
import binascii
import re

from bulletdrop.errors import Invalid, WrongDigest

_HEX = re.compile(r"[0-9a-fA-F]{64}")
# A dictionary of structured fields: sha-256=:base64:, other=:…:
_MEMBER = re.compile(r"\s*([a-z*][a-z0-9_.*-]*)\s*=\s*:([A-Za-z0-9+/=]*):\s*(?:;[^,]*)?")


def announced_sha256(header: str | None) -> str | None:
    """The digest in X-SHA256 in lower-case hex, or None without one. Raises Invalid when it is no SHA-256."""
    if header is None:
        return None
    value = header.strip()
    if not _HEX.fullmatch(value):
        raise Invalid("X-SHA256 needs 64 hexadecimal digits.", field="X-SHA256")
    return value.lower()


def announced_content_digest(header: str | None) -> str | None:
    """The sha-256 in Content-Digest in hex, or None when there is none.

    Algorithms that we do not know are skipped, as RFC 9530 section 2 asks. Raises Invalid for a malformed value.
    """
    if header is None:
        return None
    found: str | None = None
    for member in header.split(","):
        parsed = _MEMBER.fullmatch(member)
        if not parsed:
            raise Invalid("Content-Digest cannot be read. It looks like sha-256=:base64:.", field="Content-Digest")
        algorithm, value = parsed.groups()
        if algorithm == "sha-256":
            found = _decoded(value)
    return found


def _decoded(value: str) -> str:
    try:
        digest = base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise Invalid("Content-Digest holds no base64.", field="Content-Digest") from error
    if len(digest) != 32:
        raise Invalid("The sha-256 in Content-Digest needs 32 bytes.", field="Content-Digest")
    return digest.hex()


def check_digest(announced: str | None, *received: str) -> None:
    """Raise WrongDigest unless `announced` is None or one of the digests of what was received."""
    if announced is not None and announced not in received:
        raise WrongDigest("The bytes that arrived do not match their checksum. Nothing was kept; send the file again.")
