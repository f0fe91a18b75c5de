"""Conversion on arrival, inside a child, of what browsers do not show: TIFF → PNG, HEIC → JPEG or PNG."""

from __future__ import annotations

import io
from pathlib import Path

from PIL import Image, ImageOps

from bulletdrop.errors import UnknownType
from bulletdrop.media.decoding.opening import HEIC, Caps, faults_are_the_pictures, open_picture, prove
from bulletdrop.media.decoding.thumbnails import to_srgb

# Modes that a PNG holds as they are.
_PNG_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"})


def convert(source: Path, target: Path, *, mime: str, caps: Caps) -> str:
    """Write the first page of a TIFF as PNG, or a HEIC as JPEG (as PNG when it has transparency).

    The picture stands upright afterwards and carries no metadata but its colour profile.

    Returns: the MIME type of what was written.
    Raises: BadPicture, TooManyPixels; UnknownType when this type is not converted here; OSError for the disk.
    """
    if mime not in HEIC and mime != "image/tiff":
        raise UnknownType(f"{mime} needs no conversion, or none is known.")
    prove(source, mime=mime, caps=caps)
    with open_picture(source, mime=mime, caps=caps) as picture, faults_are_the_pictures():
        picture.load()
        caps.check(picture.size)
        kind, data = _as_heic(picture) if mime in HEIC else ("image/png", _as_png(picture))
    target.write_bytes(data)
    return kind


def _as_png(picture: Image.Image) -> bytes:
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    if upright.mode.startswith("I"):
        upright = upright if upright.mode == "I;16" else upright.convert("I").convert("I;16")
    elif upright.mode not in _PNG_MODES:
        # CMYK and LAB go through their profile into sRGB, which PNG needs not name.
        upright, profile = to_srgb(upright, profile)
    upright.info = {}
    buffer = io.BytesIO()
    upright.save(buffer, "PNG", icc_profile=profile)
    return buffer.getvalue()


def _as_heic(picture: Image.Image) -> tuple[str, bytes]:
    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture)
    transparent = upright.mode in ("RGBA", "LA", "La", "RGBa") and upright.getchannel("A").getextrema() != (255, 255)
    upright.info = {}
    buffer = io.BytesIO()
    if transparent:
        upright.convert("RGBA").save(buffer, "PNG", icc_profile=profile)
        return "image/png", buffer.getvalue()
    # 4:2:0 is what the HEIC had; quality 92 adds nothing that can be seen.
    upright.convert("RGB").save(buffer, "JPEG", quality=92, subsampling=2, optimize=True, icc_profile=profile)
    return "image/jpeg", buffer.getvalue()
