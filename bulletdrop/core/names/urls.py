"""Links: all of them built from the configured address, never from what a client sent."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import quote, urlsplit

from bulletdrop.core.models import Album, Domain, Secret, ShareLink, ShortLink, Upload, UploadRequest
from bulletdrop.core.names.spelling import own_label
from bulletdrop.core.origin import lan_address, public_base
from bulletdrop.core.site import Site

__all__ = [
    "album_url",
    "base_of",
    "content_base",
    "copied_url",
    "deletion_token",
    "deletion_url",
    "direct_url",
    "embed_url",
    "host_of",
    "is_everybodys",
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
    """The address that links on a domain start with, scheme and port as the main one's; that itself for None."""
    main = public_base(site.config)
    if domain_name is None:
        return main
    parts = urlsplit(main)
    port = f":{parts.port}" if parts.port is not None else ""
    return f"{parts.scheme}://{domain_name}{port}"


def host_of(domain: Domain | None) -> str | None:
    """The host that links on a domain are built with: its owner's own one where they chose that; None for none."""
    if domain is None:
        return None
    label = own_label(domain.own_name)
    return f"{label}.{domain.name}" if label else domain.name


def is_everybodys(upload: Upload) -> bool:
    """True for a drop whose bytes whoever has the link may have: public, and neither password nor limit on it."""
    return upload.is_public and upload.password_hash is None and upload.max_views is None


def content_base(site: Site) -> str:
    """The address for people's files alone; empty where there is none."""
    return site.config.content_url


def _domain_of(upload: Upload) -> Domain | None:
    """The domain whose host a drop's links have. A private one's have the main address: only there are people known."""
    return upload.domain if upload.domain_id is not None and upload.is_public else None


def _name_of(upload: Upload) -> str:
    """What stands after the slash. A chosen name counts on its domain alone, where a private drop's links are not."""
    is_elsewhere = upload.domain_id is not None and _domain_of(upload) is None
    return quote(upload.slug if is_elsewhere else upload.custom_name or upload.slug)


def _bytes_base(site: Site, upload: Upload) -> str:
    """Where the bytes are: on the drop's own domain, else at the files' own address if they are everybody's."""
    domain = _domain_of(upload)
    if domain is None and is_everybodys(upload) and site.config.content_url:
        return site.config.content_url
    return base_of(site, host_of(domain))


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
    base = base_of(site, host_of(short.domain if short.domain_id is not None else None))
    return f"{base}/{quote(short.custom_name or short.slug)}"


def secret_url(site: Site, secret: Secret) -> str:
    """The page where a secret is opened."""
    return f"{public_base(site.config)}/s/{quote(secret.id)}"


def page_url(site: Site, upload: Upload) -> str:
    """The page that shows a drop, under the name that its owner chose if there is one; its slug's leads there too."""
    return f"{base_of(site, host_of(_domain_of(upload)))}/{_name_of(upload)}"


def direct_url(site: Site, upload: Upload) -> str:
    """The bytes themselves, under the custom name if there is one."""
    return f"{_bytes_base(site, upload)}/{_name_of(upload)}.{upload.blob.ext}"


def thumbnail_url(site: Site, upload: Upload, size: str = "thumb") -> str:
    """A thumbnail in one of the four sizes."""
    return f"{_bytes_base(site, upload)}/i/{upload.id}?size={size}"


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
