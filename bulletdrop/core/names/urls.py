"""Links: all of them built from the configured address, never from what a client sent."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlsplit

from bulletdrop.core.models import Album, Secret, ShareLink, ShortLink, Upload, UploadRequest
from bulletdrop.core.origin import lan_address, public_base
from bulletdrop.core.site import Site

__all__ = [
    "album_url",
    "base_of",
    "copied_url",
    "deletion_token",
    "deletion_url",
    "direct_url",
    "embed_url",
    "lan_address",
    "link_url",
    "page_url",
    "public_base",
    "request_url",
    "secret_url",
    "short_url",
    "thumbnail_url",
    "token_fits",
    "user_url",
]


def base_of(site: Site, domain_name: str | None) -> str:
    """The address that links on a domain start with; the main one for None."""
    main = public_base(site.config)
    if domain_name is None:
        return main
    parts = urlsplit(main)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{domain_name}{port}"


def _base_of_drop(site: Site, upload: Upload) -> str:
    return base_of(site, upload.domain.name if upload.domain_id is not None and upload.domain is not None else None)


def copied_url(site: Site, upload: Upload) -> str:
    """The link as its owner likes it: to the page, or with the ending to the bytes."""
    return direct_url(site, upload) if upload.owner.link_ending else page_url(site, upload)


def embed_url(site: Site, upload: Upload) -> str:
    """The drop alone, for a frame in somebody's page."""
    return f"{public_base(site.config)}/embed/{upload.id}"


def album_url(site: Site, album: Album) -> str:
    """An album's page."""
    return f"{public_base(site.config)}/a/{quote(album.slug)}"


def link_url(site: Site, link: ShareLink) -> str:
    """A share link."""
    return f"{public_base(site.config)}/l/{quote(link.token)}"


def request_url(site: Site, wanted: UploadRequest) -> str:
    """The page where a guest adds files."""
    return f"{public_base(site.config)}/r/{quote(wanted.token)}"


def short_url(site: Site, short: ShortLink) -> str:
    """A short link, under its chosen name if it has one."""
    base = base_of(site, short.domain.name if short.domain_id is not None and short.domain is not None else None)
    return f"{base}/{quote(short.custom_name or short.slug)}"


def secret_url(site: Site, secret: Secret) -> str:
    """The page where a secret is opened."""
    return f"{public_base(site.config)}/s/{quote(secret.id)}"


def page_url(site: Site, upload: Upload) -> str:
    """The page that shows a drop."""
    return f"{_base_of_drop(site, upload)}/{quote(upload.slug)}"


def direct_url(site: Site, upload: Upload) -> str:
    """The bytes themselves, under the custom name if there is one."""
    name = quote(upload.custom_name or upload.slug)
    return f"{_base_of_drop(site, upload)}/{name}.{upload.blob.ext}"


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
