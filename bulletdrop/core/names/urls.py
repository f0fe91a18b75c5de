"""Links: all of them built from the configured address, never from what a client sent."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import quote

from bulletdrop.core.models import Upload
from bulletdrop.core.origin import lan_address, public_base
from bulletdrop.core.site import Site

__all__ = [
    "deletion_token",
    "deletion_url",
    "direct_url",
    "lan_address",
    "page_url",
    "public_base",
    "thumbnail_url",
    "token_fits",
    "user_url",
]


def page_url(site: Site, upload: Upload) -> str:
    """The page that shows a drop."""
    return f"{public_base(site.config)}/{quote(upload.slug)}"


def direct_url(site: Site, upload: Upload) -> str:
    """The bytes themselves, under the custom name if there is one."""
    name = quote(upload.custom_name or upload.slug)
    return f"{public_base(site.config)}/{name}.{upload.blob.ext}"


def thumbnail_url(site: Site, upload: Upload, size: str = "thumb") -> str:
    """A thumbnail in one of the four sizes."""
    return f"{public_base(site.config)}/i/{upload.id}?size={size}"


def user_url(site: Site, upload: Upload, username: str) -> str:
    """The bytes under their owner's name and their own."""
    return f"{public_base(site.config)}/u/{quote(username)}/{quote(upload.filename)}"


def deletion_url(site: Site, upload: Upload) -> str:
    """A page that asks whether to delete the drop; whoever has the link may."""
    return f"{public_base(site.config)}/delete/{quote(upload.slug)}/{deletion_token(site, upload)}"


def deletion_token(site: Site, upload: Upload) -> str:
    """What makes a deletion link nobody's guess: 128 bits of an HMAC over the drop's id.

    Of a team's drop, also over whose it is: who was given it loses it when the drop goes to somebody else.
    """
    message = f"delete:{upload.id}" + (f":{upload.owner_id}" if upload.team_id is not None else "")
    return hmac.new(site.config.secret_key.encode(), message.encode(), hashlib.sha256).hexdigest()[:32]


def token_fits(site: Site, upload: Upload, token: Any) -> bool:
    """True when the token is the drop's deletion token."""
    return hmac.compare_digest(deletion_token(site, upload).encode(), str(token).encode())
