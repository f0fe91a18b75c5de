"""Opens untrusted pictures inside a decoding child: pinned formats, caps on pixels and frames, every frame decoded."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

# Named one by one: a format that is not imported here cannot be reached by any bytes.
from PIL import (
    AvifImagePlugin,
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    JpegImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    WebPImagePlugin,
)

from bulletdrop.errors import BadPicture, TooManyPixels, UnknownType
from bulletdrop.media.decoding import turbojpeg

# One plugin a type; naming the module's own constant would tie us to Pillow's, hence the check that it was imported.
_PLUGINS = {
    "image/png": ("PNG", PngImagePlugin),
    "image/jpeg": ("JPEG", JpegImagePlugin),
    "image/gif": ("GIF", GifImagePlugin),
    "image/webp": ("WEBP", WebPImagePlugin),
    "image/avif": ("AVIF", AvifImagePlugin),
    "image/bmp": ("BMP", BmpImagePlugin),
    "image/tiff": ("TIFF", TiffImagePlugin),
}
HEIC = frozenset({"image/heic", "image/heif"})


@dataclass(frozen=True, kw_only=True)
class Caps:
    """What a picture may hold: pixels in a frame, pixels in all frames together, frames."""

    max_pixels: int
    max_total_pixels: int
    max_frames: int

    def check(self, size: tuple[int, int], *, frames: int = 1) -> None:
        """Raises TooManyPixels for a picture of this size and so many frames of it."""
        pixels = size[0] * size[1]
        if pixels > self.max_pixels:
            raise TooManyPixels(
                f"The picture has {size[0]} × {size[1]} = {pixels / 1e6:.0f} million pixels;"
                f" at most {self.max_pixels / 1e6:.0f} million are taken."
            )
        if frames > self.max_frames:
            raise TooManyPixels(f"The animation has more than {self.max_frames} frames, the most that are taken.")
        if frames * pixels > self.max_total_pixels:
            raise TooManyPixels(
                f"All frames of the animation together have more than {self.max_total_pixels / 1e6:.0f} million pixels,"
                " the most that are taken."
            )


def prepare(caps: Caps) -> None:
    """Set Pillow up for this process: its own bomb guard at our cap, no library of ours may start threads at will."""
    Image.MAX_IMAGE_PIXELS = caps.max_pixels
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    # A thread for each core would each want a stack and an arena out of the memory limit.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    warnings.simplefilter("ignore")
    warnings.simplefilter("error", Image.DecompressionBombWarning)


@contextmanager
def faults_are_the_pictures() -> Iterator[None]:
    """The one seam where foreign exceptions while decoding become BadPicture.

    Pillow refuses in eight kinds of exception (OSError, SyntaxError, ValueError, EOFError, struct.error, zlib.error,
    IndexError, TypeError were all seen), so all are caught. An OSError that carries the system's error number is
    the disk's fault and passes, as do our own errors, MemoryError and ImportError.
    """
    try:
        yield
    except (BadPicture, UnknownType, MemoryError, ImportError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise TooManyPixels("The picture has more pixels than are taken.") from error
    except Exception as error:
        if isinstance(error, OSError) and error.errno:
            raise
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        if reason == "encoding error 1":  # libwebp's name for having no memory
            raise MemoryError from error
        raise BadPicture(f"The picture is damaged and cannot be shown: {reason}") from error


def open_picture(path: Path, *, mime: str, caps: Caps) -> ImageFile.ImageFile:
    """Open without decoding, as the named type and no other, within the caps for one frame.

    Raises: BadPicture, TooManyPixels; UnknownType for a type that is not decoded here.
    """
    with faults_are_the_pictures():
        picture = Image.open(path, formats=[_format(mime)])
        caps.check(picture.size)
        return picture


def _format(mime: str) -> str:
    if mime in HEIC:
        try:
            import pillow_heif  # type: ignore[import-not-found, import-untyped, unused-ignore]
        except ImportError as error:
            raise UnknownType(
                "HEIC pictures are taken when the server has the extra “heic” (pip install bulletdrop[heic])."
                " Send this one as JPEG or PNG."
            ) from error
        pillow_heif.register_heif_opener()
        return "HEIF"
    if mime not in _PLUGINS:
        raise UnknownType(f"{mime} is not a picture that can be decoded.")
    return _PLUGINS[mime][0]


def prove(path: Path, *, mime: str, caps: Caps) -> None:
    """The checks that need a look of their own: `verify()` finds what decoding forgives (PNG's checksums), and so
    does libturbojpeg for JPEG.

    Raises: BadPicture, TooManyPixels, UnknownType.
    """
    with faults_are_the_pictures():
        with open_picture(path, mime=mime, caps=caps) as picture:
            picture.verify()
        if mime == "image/jpeg":
            try:
                turbojpeg.check(path.read_bytes())
            except turbojpeg.Damaged as error:
                raise BadPicture(f"The picture is damaged: {error}") from error


def every_further_frame(picture: ImageFile.ImageFile, *, caps: Caps) -> int:
    """Decode all frames after the first, and count them all.

    The frame after the last allowed one is not decoded: a file that lies about its number cannot cost more.

    Raises: BadPicture, TooManyPixels.
    """
    # A Multi-Picture JPEG (some phones) carries other pictures, not frames.
    if picture.format in ("JPEG", "MPO", "BMP") or not hasattr(picture, "seek"):
        return 1
    with faults_are_the_pictures():
        for frame in itertools.count(1):
            try:
                picture.seek(frame)
            except EOFError:
                return frame
            caps.check(picture.size, frames=frame + 1)
            picture.load()
    raise AssertionError("the loop above only ends by returning or raising")
