"""libturbojpeg through ctypes: turns a JPEG without decoding it to pixels, and finds damage that decoders forgive.

The library is found, not shipped as a Python package: the binary carries it, from source it is the system's
(Debian: libturbojpeg0). Everything works without it, with less: see `upright` and `opening`.
The calls are those of API 2.x, which 3.x still has (libjpeg-turbo, turbojpeg.h).
"""

from __future__ import annotations

import ctypes
import functools
import sys
from pathlib import Path

_NAMES = {
    "linux": ("libturbojpeg.so.0",),
    "darwin": (
        "libturbojpeg.0.dylib",
        "/opt/homebrew/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/usr/local/opt/jpeg-turbo/lib/libturbojpeg.dylib",
        "/opt/local/lib/libturbojpeg.dylib",
    ),
    "win32": ("turbojpeg.dll", "libturbojpeg.dll"),
}

# EXIF orientation → TJXOP_*: what has to be done to the stored pixels so that they stand upright (EXIF 2.32, tag 274).
_OPERATION = {2: 1, 3: 6, 4: 2, 5: 3, 6: 5, 7: 4, 8: 7}
_PERFECT, _PROGRESSIVE, _COPY_NONE, _OPTIMIZE = 1, 32, 64, 256
_STOP_ON_WARNING = 8192
_GRAY, _CMYK = 6, 11
_COLORSPACE_CMYK = (3, 4)


# What libjpeg says (jerror.h) when part of the picture is lost, in contrast to what is merely odd.
_DAMAGE = ("bad Huffman code", "bad arithmetic code", "premature end", "Premature end", "instead of RST")


class NotPerfect(Exception):
    """The picture cannot be turned without loss: its edge is not on a block, or the library cannot read it."""


class Damaged(Exception):
    """The compressed data break off or do not decode."""


class _Region(ctypes.Structure):
    _fields_ = (("x", ctypes.c_int), ("y", ctypes.c_int), ("w", ctypes.c_int), ("h", ctypes.c_int))


class _Transform(ctypes.Structure):
    _fields_ = (
        ("r", _Region),
        ("op", ctypes.c_int),
        ("options", ctypes.c_int),
        ("data", ctypes.c_void_p),
        ("customFilter", ctypes.c_void_p),
    )


@functools.cache
def _library() -> ctypes.CDLL | None:
    bundle: str | None = getattr(sys, "_MEIPASS", None)
    names = _NAMES.get(sys.platform, ())
    bundled = [str(Path(bundle) / name) for name in names] if bundle else []
    for name in (*bundled, *names):
        try:
            library = ctypes.CDLL(name)
            _declare(library)
        except (OSError, AttributeError):
            continue
        return library
    return None


def _declare(library: ctypes.CDLL) -> None:
    pointer, number, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_ulong
    to_number = ctypes.POINTER(number)
    for name, result, arguments in (
        ("tjInitTransform", pointer, []),
        ("tjDestroy", number, [pointer]),
        ("tjFree", None, [pointer]),
        ("tjGetErrorStr2", ctypes.c_char_p, [pointer]),
        ("tjDecompressHeader3", number, [pointer, ctypes.c_char_p, size, to_number, to_number, to_number, to_number]),
        ("tjDecompress2", number, [pointer, ctypes.c_char_p, size, pointer, *[number] * 5]),
        (
            "tjTransform",
            number,
            [
                *(pointer, ctypes.c_char_p, size, number),
                *(ctypes.POINTER(pointer), ctypes.POINTER(size), ctypes.POINTER(_Transform), number),
            ],
        ),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments


def available() -> bool:
    """Whether the library is here."""
    return _library() is not None


def turn(data: bytes, *, orientation: int, progressive: bool) -> bytes:
    """The same JPEG, upright, its coefficients moved and not recomputed. Carries no metadata, not even the ICC profile.

    Args:
        data: the whole JPEG.
        orientation: what EXIF says, 2 to 8.
        progressive: whether to write it progressive again.

    Raises: NotPerfect.
    """
    library = _library()
    if library is None:
        raise NotPerfect("libturbojpeg is not installed")
    options = _PERFECT | _COPY_NONE | _OPTIMIZE | (_PROGRESSIVE if progressive else 0)
    transform = _Transform(_Region(), _OPERATION[orientation], options, None, None)
    handle = library.tjInitTransform()
    target, length = ctypes.c_void_p(None), ctypes.c_ulong(0)
    try:
        failed = library.tjTransform(
            handle, data, len(data), 1, ctypes.byref(target), ctypes.byref(length), ctypes.byref(transform), 0
        )
        # A warning also counts: where the library is in doubt, decoding and encoding again shows what browsers show.
        if failed or not target.value:
            raise NotPerfect(_reason(library, handle))
        return ctypes.string_at(target.value, length.value)
    finally:
        if target.value:
            library.tjFree(target)
        library.tjDestroy(handle)


def check(data: bytes) -> None:
    """Follow the compressed data to their end, at an eighth of the size; does nothing without the library.

    Pillow's decoder paints grey where the data are wrong and says nothing.

    Raises: Damaged. Other warnings are let pass, such as of stray bytes before a marker: cameras write them, and
        nothing is lost. What cannot be decoded at all is left to the real decoder to say.
    """
    library = _library()
    if library is None:
        return
    handle = library.tjInitTransform()
    width, height, subsampling, colorspace = (ctypes.c_int() for _ in range(4))
    fields = [ctypes.byref(field) for field in (width, height, subsampling, colorspace)]
    try:
        if library.tjDecompressHeader3(handle, data, len(data), *fields):
            return  # a sampling it does not know: Pillow's own decoder has to do
        small_width, small_height = -(-width.value // 8), -(-height.value // 8)
        pixels = _CMYK if colorspace.value in _COLORSPACE_CMYK else _GRAY
        pitch = small_width * (4 if pixels == _CMYK else 1)
        buffer = ctypes.create_string_buffer(pitch * small_height)
        size = (small_width, pitch, small_height)
        if library.tjDecompress2(handle, data, len(data), buffer, *size, pixels, _STOP_ON_WARNING):
            reason = _reason(library, handle)
            if any(damage in reason for damage in _DAMAGE):
                raise Damaged(reason)
    finally:
        library.tjDestroy(handle)


def _reason(library: ctypes.CDLL, handle: int) -> str:
    text: bytes | None = library.tjGetErrorStr2(handle)
    return (text or b"").decode("ascii", "replace")
