"""A drop as a page shows it: plain values, so that no template ever reaches for the database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from bulletdrop.core.drops.pictures import SIZES, has_thumbnails, scaled
from bulletdrop.core.models import Blob, Upload
from bulletdrop.core.names import urls
from bulletdrop.core.site import Site
from bulletdrop.web import words

# The aspect classes of the style sheet, in steps of 2 %. `ui/build.mjs` has the same three numbers.
_FIRST, _STEP, _LAST = 0.4, 1.02, 122
# Up to this size the drop page shows the file itself: text in a screenshot stays exact.
_MOST_EXACT_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Shown:
    """One drop, ready for a template. Addresses in `*_url` are absolute, in `*_path` they are our own."""

    id: str
    slug: str
    owner_id: str
    name: str
    filename: str
    kind: str  # picture, film or other
    ext: str
    mime: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    frames: int
    aspect: str
    withdrawn: bool
    problem: str
    placeholder: str
    srcset: str
    sizes: str
    stage_srcset: str
    is_public: bool
    custom_name: str | None
    tags: tuple[str, ...]
    source: str
    created_at: datetime
    expires_at: datetime | None
    trashed_at: datetime | None
    page_url: str
    direct_url: str
    page_path: str
    direct_path: str
    thumbnail_path: str
    download_path: str
    # Of a team's drop: who brought it. Only for those who are in the team.
    sender: str
    # What the asker may do, where the row was read for somebody.
    may_change: bool
    description: str
    # Of a film: a picture for before it plays; empty where there is none.
    poster_path: str
    # Its terms, for its own people: whether it asks for a password, and how often it was seen of how often it may be.
    has_password: bool
    max_views: int | None
    views: int
    last_viewed_at: datetime | None

    @property
    def is_open(self) -> bool:
        """True for what everybody who has the address may see at any time."""
        return self.is_public and not self.has_password and self.max_views is None


def shown(site: Site, upload: Upload, *, base: str = "") -> Shown:
    """The drop as pages show it. `upload` has its blob loaded.

    Args:
        base: where its bytes are for whoever was let in by something else, such as `/l/{token}`; its own addresses
            when left out.
    """
    blob: Blob = upload.blob
    kind = _kind(blob)
    picture = kind == "picture" and blob.state != "broken"
    return Shown(
        id=upload.id,
        slug=upload.slug,
        owner_id=upload.owner_id,
        name=words.name(upload.title or upload.original_filename) or upload.slug,
        filename=words.name(upload.original_filename),
        kind=kind,
        ext=blob.ext,
        mime=blob.mime,
        size=blob.size,
        sha256=blob.sha256,
        width=blob.width,
        height=blob.height,
        frames=blob.frames,
        aspect=aspect_class(blob.width, blob.height),
        withdrawn=blob.state == "broken",
        problem=blob.problem or "",
        placeholder=blob.placeholder or "" if picture else "",
        srcset=_srcset(upload, blob, ("thumb", "small", "medium"), base) if picture else "",
        sizes=_sizes(blob),
        stage_srcset=_stage_srcset(upload, blob, base) if picture else "",
        is_public=upload.is_public,
        custom_name=upload.custom_name,
        tags=tuple(getattr(upload, "tag_names", ())),
        source=upload.source,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        trashed_at=upload.trashed_at,
        page_url=urls.page_url(site, upload),
        direct_url=urls.direct_url(site, upload),
        page_path=f"/{quote(upload.slug)}",
        # By the slug: a chosen name counts on its domain alone, and the page may be looked at elsewhere.
        direct_path=f"{base}/i/{upload.id}" if base else f"/{quote(upload.slug)}.{blob.ext}",
        thumbnail_path=_thumbnail(upload, "small", base),
        download_path=f"{base}/i/{upload.id}?download=true",
        sender=upload.owner.username if upload.team_id is not None else "",
        may_change=upload.may_change,
        description=upload.description,
        poster_path=_thumbnail(upload, "large", base) if kind == "film" and has_thumbnails(blob) else "",
        has_password=upload.password_hash is not None,
        max_views=upload.max_views,
        views=upload.views,
        last_viewed_at=upload.last_viewed_at,
    )


def aspect_class(width: int | None, height: int | None) -> str:
    """The class of the style sheet whose aspect is nearest; 4:3 for what has no dimensions."""
    aspect = width / height if width and height else 4 / 3
    step = round(math.log(aspect / _FIRST) / math.log(_STEP))
    return f"a{min(max(step, 0), _LAST)}"


def _kind(blob: Blob) -> str:
    main = blob.mime.partition("/")[0]
    return {"image": "picture", "video": "film"}.get(main, "other")


def _thumbnail(upload: Upload, size: str, base: str = "") -> str:
    return f"{base}/i/{upload.id}?size={size}"


def _srcset(upload: Upload, blob: Blob, names: tuple[str, ...], base: str) -> str:
    candidates: dict[int, str] = {}
    for name in names:
        size = scaled(blob, SIZES[name])
        if size:
            candidates.setdefault(size[0], _thumbnail(upload, name, base))
    return ", ".join(f"{path} {width}w" for width, path in candidates.items())


def _sizes(blob: Blob) -> str:
    """How wide the picture is in the gallery: a row is about 240 px high, 160 on a phone."""
    aspect = min(max((blob.width or 4) / (blob.height or 3), _FIRST), _FIRST * _STEP**_LAST)
    return f"(max-width: 719px) {round(aspect * 160)}px, {round(aspect * 240)}px"


def _stage_srcset(upload: Upload, blob: Blob, base: str) -> str:
    """Empty when the stage shows the file itself: small enough, or moving."""
    if blob.frames > 1 or blob.size <= _MOST_EXACT_BYTES:
        return ""
    return _srcset(upload, blob, ("small", "medium", "large"), base)
