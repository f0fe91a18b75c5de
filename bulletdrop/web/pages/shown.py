"""A drop as a page shows it: plain values, so that no template ever reaches for the database."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from bulletdrop.core.drops.pictures import SIZES
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
    preview_url: str
    preview_size: tuple[int, int] | None
    page_path: str
    direct_path: str
    thumbnail_path: str
    download_path: str
    # Of a team's drop: who brought it. Only for those who are in the team.
    sender: str
    # What the asker may do, where the row was read for somebody.
    may_change: bool


def shown(site: Site, upload: Upload) -> Shown:
    """The drop as pages show it. `upload` has its blob loaded."""
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
        srcset=_srcset(upload, blob, ("thumb", "small", "medium")) if picture else "",
        sizes=_sizes(blob),
        stage_srcset=_stage_srcset(upload, blob) if picture else "",
        is_public=upload.is_public,
        custom_name=upload.custom_name,
        tags=tuple(getattr(upload, "tag_names", ())),
        source=upload.source,
        created_at=upload.created_at,
        expires_at=upload.expires_at,
        trashed_at=upload.trashed_at,
        page_url=urls.page_url(site, upload),
        direct_url=urls.direct_url(site, upload),
        preview_url=urls.thumbnail_url(site, upload, "large"),
        preview_size=_scaled(blob, SIZES["large"]),
        page_path=f"/{quote(upload.slug)}",
        direct_path=f"/{quote(upload.custom_name or upload.slug)}.{blob.ext}",
        thumbnail_path=_thumbnail(upload, "small"),
        download_path=f"/i/{upload.id}?download=true",
        sender=upload.owner.username if upload.team_id is not None else "",
        may_change=upload.may_change,
    )


def aspect_class(width: int | None, height: int | None) -> str:
    """The class of the style sheet whose aspect is nearest; 4:3 for what has no dimensions."""
    aspect = width / height if width and height else 4 / 3
    step = round(math.log(aspect / _FIRST) / math.log(_STEP))
    return f"a{min(max(step, 0), _LAST)}"


def _kind(blob: Blob) -> str:
    main = blob.mime.partition("/")[0]
    return {"image": "picture", "video": "film"}.get(main, "other")


def _thumbnail(upload: Upload, size: str) -> str:
    return f"/i/{upload.id}?size={size}"


def _scaled(blob: Blob, longest: int) -> tuple[int, int] | None:
    """Width and height of a thumbnail whose longest side is at most `longest`; never larger than the picture."""
    if not blob.width or not blob.height:
        return None
    factor = min(1.0, longest / max(blob.width, blob.height))
    return max(1, round(blob.width * factor)), max(1, round(blob.height * factor))


def _srcset(upload: Upload, blob: Blob, names: tuple[str, ...]) -> str:
    candidates: dict[int, str] = {}
    for name in names:
        scaled = _scaled(blob, SIZES[name])
        if scaled:
            candidates.setdefault(scaled[0], _thumbnail(upload, name))
    return ", ".join(f"{path} {width}w" for width, path in candidates.items())


def _sizes(blob: Blob) -> str:
    """How wide the picture is in the gallery: a row is about 240 px high, 160 on a phone."""
    aspect = min(max((blob.width or 4) / (blob.height or 3), _FIRST), _FIRST * _STEP**_LAST)
    return f"(max-width: 719px) {round(aspect * 160)}px, {round(aspect * 240)}px"


def _stage_srcset(upload: Upload, blob: Blob) -> str:
    """Empty when the stage shows the file itself: small enough, or moving."""
    if blob.frames > 1 or blob.size <= _MOST_EXACT_BYTES:
        return ""
    return _srcset(upload, blob, ("small", "medium", "large"))
