"""Veils: names for drops behind a share link that lead nowhere else, so that a link gives no drop's own address away.

The address of a public drop's bytes is made of its id. Behind a link with a password or a number of views, whoever was
let in once could pass that address on; so the link's page has other names for its drops, made from their ids by a
cipher with a key of the link's own: four rounds of Feistel's with HMAC-SHA256, after M. Luby and C. Rackoff, "How to
construct pseudorandom permutations from pseudorandom functions" (1988). A name cannot be turned back, nor another one
made, without the server's key; and no table has to be kept.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from bulletdrop.core.models import ShareLink
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound

_HALF = 11
_ROUNDS = range(4)


def veiled(site: Site, link: ShareLink, upload_id: str) -> str:
    """The name of a drop at this link: 30 characters for an id of 22."""
    left, right = upload_id.encode()[:_HALF], upload_id.encode()[_HALF:]
    for number in _ROUNDS:
        left, right = right, _mixed(site, link, number, right, left)
    return base64.urlsafe_b64encode(left + right).decode().rstrip("=")


def unveiled(site: Site, link: ShareLink, name: str) -> str:
    """The id of a drop by its name at this link. Raises NotFound for what is no name of this link's."""
    try:
        both = base64.b64decode(name + "==", altchars=b"-_", validate=True)
        left, right = both[:_HALF], both[_HALF:]
        if len(both) != 2 * _HALF:
            raise ValueError("of another length")
        for number in reversed(_ROUNDS):
            left, right = _mixed(site, link, number, left, right), left
        return (left + right).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise NotFound("There is no such drop at this link.") from error


def _mixed(site: Site, link: ShareLink, number: int, key_half: bytes, half: bytes) -> bytes:
    message = f"veil:{link.id}:{number}:".encode() + key_half
    stream = hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).digest()
    return bytes(one ^ other for one, other in zip(half, stream, strict=False))
