"""Previews: what chats and other sites are told of a drop, as tags of its page and as oEmbed. Open drops alone.

Nothing is told of a drop that is private, limited, locked, withdrawn or silent: whatever shows a preview keeps it.
Sources: ogp.me; the cards' markup reference of X; oembed.com; for films, what Discord's makers say it plays, which is
a file named by `og:video` with its type and size, and no page in a frame (discord-api-docs, issue 734).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import urlencode

from bulletdrop.core.drops.found import is_silent
from bulletdrop.core.drops.pictures import SIZES, has_thumbnails, scaled
from bulletdrop.core.models import Blob, Upload
from bulletdrop.core.names import urls
from bulletdrop.core.sharing.limits import is_guarded
from bulletdrop.core.site import Site
from bulletdrop.web import words

# Chats show these from the file itself, which keeps screenshots exact. Beyond this many bytes WhatsApp shows none, so
# there is a thumbnail of 2048 pixels; animations only move as themselves, and Discord takes those of 8 MB.
_EXACT = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})
_MOST_EXACT_BYTES = 600 * 1024
_MOST_MOVING_BYTES = 8 * 1024 * 1024
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
# For a film whose size is not known; players need one.
_USUAL = (1280, 720)
_LONGEST_DESCRIPTION = 300


@dataclass(frozen=True)
class Picture:
    """A picture at an address, with its size where it is known."""

    url: str
    mime: str
    width: int | None
    height: int | None


@dataclass(frozen=True)
class Preview:
    """What is told of one drop. Addresses are absolute.

    kind: photo, video or link, as oEmbed calls them.
    picture: the picture itself, or a film's poster.
    film: the film, with its size.
    """

    kind: str
    site_name: str
    site_url: str
    title: str
    description: str
    colour: str
    page_url: str
    embed_url: str
    oembed_url: str
    picture: Picture | None
    film: Picture | None

    @property
    def is_secure(self) -> bool:
        """True where the drop is served by https."""
        return self.page_url.startswith("https://")


def is_told(site: Site, upload: Upload) -> bool:
    """True for a drop of which something may be told to whoever asks, and kept by them."""
    is_open = upload.is_public and not is_guarded(upload)
    return is_open and upload.blob.state != "broken" and not is_silent(site, upload)


def preview_of(site: Site, upload: Upload) -> Preview | None:
    """What is told of a drop that was found alive; None where nothing is."""
    if not is_told(site, upload):
        return None
    blob: Blob = upload.blob
    kind = {"image": "photo", "video": "video"}.get(blob.mime.partition("/")[0], "link")
    page_url = urls.page_url(site, upload)
    main = urls.base_of(site, None)
    colour = upload.owner.embed_color
    return Preview(
        kind=kind,
        site_name=site.config.site_name,
        site_url=main,
        title=title_of(upload),
        description=_description(upload),
        colour=colour if _COLOUR.fullmatch(colour) else "",
        page_url=page_url,
        embed_url=urls.embed_url(site, upload),
        oembed_url=f"{main}/oembed?{urlencode({'url': page_url, 'format': 'json'})}",
        picture=_picture(site, upload, blob) if has_thumbnails(blob) else None,
        film=_film(site, upload, blob) if kind == "video" else None,
    )


def title_of(upload: Upload) -> str:
    """What a drop is called where others see it: one line, whatever its owner typed."""
    return words.name(upload.title or upload.original_filename) or upload.slug


def fitting(site: Site, upload: Upload, *, width: int | None, height: int | None) -> Picture:
    """The largest picture of a drop within these limits, in pixels; the smallest there is where none fits.

    The sizes that are told are those of the bytes, so the last resort is too large and says so by its numbers.
    """
    blob: Blob = upload.blob
    found = [_original(site, upload, blob)] if blob.mime.startswith("image/") else []
    found += [_thumbnail(site, upload, name) for name in sorted(SIZES, key=lambda name: -SIZES[name])]
    for picture in found:
        if (picture.width or 0) <= (width or 10**9) and (picture.height or 0) <= (height or 10**9):
            return picture
    return found[-1]


def _description(upload: Upload) -> str:
    """What its owner says of it, or what it is: WhatsApp shows no preview without a description."""
    blob: Blob = upload.blob
    told = words.name(" ".join(upload.description.split()))
    if not told:
        size = f"{blob.width} × {blob.height}, " if blob.width and blob.height else ""
        told = f"{blob.ext.upper()}, {size}{words.size(blob.size)}"
    return told if len(told) <= _LONGEST_DESCRIPTION else told[: _LONGEST_DESCRIPTION - 1].rstrip() + "…"


def _picture(site: Site, upload: Upload, blob: Blob) -> Picture:
    if blob.mime in _EXACT and blob.size <= (_MOST_MOVING_BYTES if blob.frames > 1 else _MOST_EXACT_BYTES):
        return _original(site, upload, blob)
    return _thumbnail(site, upload, "large")


def _original(site: Site, upload: Upload, blob: Blob) -> Picture:
    return Picture(urls.direct_url(site, upload), blob.mime, blob.width, blob.height)


def _thumbnail(site: Site, upload: Upload, name: str) -> Picture:
    width, height = scaled(upload.blob, SIZES[name]) or (None, None)
    return Picture(urls.thumbnail_url(site, upload, name), "image/webp", width, height)


def _film(site: Site, upload: Upload, blob: Blob) -> Picture:
    width, height = (blob.width, blob.height) if blob.width and blob.height else _USUAL
    return Picture(urls.direct_url(site, upload), blob.mime, width, height)
