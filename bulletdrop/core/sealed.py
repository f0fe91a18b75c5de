"""Sealed: small secrets that the server must be able to read back, encrypted with a key made of its secret key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets

from bulletdrop.core.site import Site
from bulletdrop.errors import Unavailable

_NONCE = 12


def seal(site: Site, plain: bytes, *, purpose: str, owner: str) -> str:
    """Encrypt with AES-256-GCM, for one purpose and one owner: moved to another row it does not open.

    Args:
        purpose: what it is, such as `totp`; part of the key.
        owner: the id of the row it belongs to; authenticated with it.
    Returns: base64url text.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = secrets.token_bytes(_NONCE)
    sealed = AESGCM(_key(site, purpose)).encrypt(nonce, plain, owner.encode())
    return base64.urlsafe_b64encode(nonce + sealed).decode("ascii")


def unseal(site: Site, text: str, *, purpose: str, owner: str) -> bytes:
    """What was sealed. Raises Unavailable when it does not open: another secret key, or a changed row."""
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.urlsafe_b64decode(text)
        return AESGCM(_key(site, purpose)).decrypt(raw[:_NONCE], raw[_NONCE:], owner.encode())
    except (InvalidTag, ValueError) as error:
        raise Unavailable("A secret of this account cannot be read: the server's secret.key is not its own.") from error


def _key(site: Site, purpose: str) -> bytes:
    # HKDF's expand step (RFC 5869) for one block: the secret key is uniform already.
    return hmac.new(site.config.secret_key.encode(), f"sealed:{purpose}\x01".encode(), hashlib.sha256).digest()
