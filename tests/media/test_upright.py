"""Orientation turned into pixels: all eight, in every format, compared with Pillow's own, and what must survive it."""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms, ImageOps, JpegImagePlugin, PngImagePlugin

from bulletdrop.config import Config
from bulletdrop.errors import BadPicture
from bulletdrop.media import formats
from bulletdrop.media.decoding import turbojpeg
from bulletdrop.media.decoding.pool import Decoder
from tests.media.decoder_samples import MIMES, animation, encoded, garbled_jpeg, needs_turbojpeg, scene, unlike, write

TURNS = range(2, 9)
# Orientation → the one that undoes it.
BACK = {2: 2, 3: 3, 4: 4, 5: 5, 6: 8, 7: 7, 8: 6}
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(Config()) as decoder:
        yield decoder


def exif_of(orientation: int) -> Image.Exif:
    """EXIF with an orientation, a camera and a place."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "A camera"
    exif.get_ifd(0x8825)[1] = "N"
    return exif


def turned(decoder: Decoder, source: Path, mime: str, orientation: int) -> Image.Image:
    """The picture as the decoder turns it, loaded."""
    target = source.with_name("target")
    decoder.upright(source, target, mime=mime, orientation=orientation)
    with Image.open(target) as picture:
        picture.load()
        return picture


def as_shown(source: Path) -> Image.Image:
    """The picture as Pillow turns it."""
    with Image.open(source) as picture:
        return ImageOps.exif_transpose(picture)


def same(one: Image.Image, other: Image.Image) -> bool:
    """Whether all pixels are equal, opacity included."""
    return (
        one.size == other.size and ImageChops.difference(one.convert("RGBA"), other.convert("RGBA")).getbbox() is None
    )


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("sampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_turned_and_turned_back_has_identical_pixels(
    decoder: Decoder, tmp_path: Path, orientation: int, progressive: bool, sampling: int, mode: str
) -> None:
    needs_turbojpeg()
    options = {"progressive": progressive, "subsampling": sampling, "exif": exif_of(orientation), "quality": 83}
    source = write(tmp_path, "source", encoded(scene(320, 208, mode=mode), "JPEG", **options))
    first = turned(decoder, source, "image/jpeg", orientation)
    assert unlike(first, as_shown(source)) < 1.5
    assert first.size == as_shown(source).size
    assert bool(first.info.get("progressive")) == progressive
    (tmp_path / "target").rename(tmp_path / "once")
    back = turned(decoder, tmp_path / "once", "image/jpeg", BACK[orientation])
    with Image.open(source) as original:
        assert same(back, original)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("size", [(321, 208), (320, 211), (317, 203), (7, 5), (1, 1)])
def test_a_jpeg_never_loses_its_edge(decoder: Decoder, tmp_path: Path, orientation: int, size: tuple[int, int]) -> None:
    source = write(tmp_path, "source", encoded(scene(*size), "JPEG", quality=90, exif=exif_of(orientation)))
    picture = turned(decoder, source, "image/jpeg", orientation)
    expected = as_shown(source)
    assert picture.size == expected.size
    assert unlike(picture, expected) < (2 if min(size) > 16 else 6)  # a few pixels, all of them an edge


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_encoding_again_keeps_the_tables_and_the_colours(
    decoder: Decoder, tmp_path: Path, orientation: int, mode: str, sampling: int
) -> None:
    data = encoded(scene(317, 203, mode=mode), "JPEG", quality=71, subsampling=sampling, exif=exif_of(orientation))
    source = write(tmp_path, "source", data)
    picture = turned(decoder, source, "image/jpeg", orientation)
    assert isinstance(picture, JpegImagePlugin.JpegImageFile)
    with Image.open(source) as original:
        assert isinstance(original, JpegImagePlugin.JpegImageFile)
        assert {key: sorted(table) for key, table in picture.quantization.items()} == {
            key: sorted(table) for key, table in original.quantization.items()
        }
    assert picture.mode == mode
    assert unlike(picture, as_shown(source)) < 2.5


@pytest.mark.parametrize("size", [(320, 208), (317, 203)])
def test_only_the_colour_profile_of_a_jpeg_survives(decoder: Decoder, tmp_path: Path, size: tuple[int, int]) -> None:
    # A profile of more than 64 KB lies in several segments.
    profile = PROFILE + bytes(150_000)
    data = encoded(scene(*size), "JPEG", exif=exif_of(6), icc_profile=profile, comment=b"a comment", dpi=(300, 150))
    source = write(tmp_path, "source", data)
    picture = turned(decoder, source, "image/jpeg", 6)
    assert picture.info["icc_profile"] == profile
    assert not picture.getexif()
    assert "comment" not in picture.info
    left = (tmp_path / "target").read_bytes()
    assert b"A camera" not in left
    assert b"Exif" not in left


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("kind", ["png", "webp", "bmp", "gif"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_a_lossless_picture_keeps_every_pixel(
    decoder: Decoder, tmp_path: Path, orientation: int, kind: str, mode: str
) -> None:
    options = {"lossless": True, "exact": True} if kind == "webp" else {}
    picture = scene(61, 43, mode=mode).convert("RGB" if kind == "webp" and mode in ("P", "1") else mode)
    source = write(tmp_path, "source", encoded(picture, kind, **options))
    with Image.open(source) as stored:
        expected = ImageOps.exif_transpose(_with_orientation(stored, orientation))
    assert same(turned(decoder, source, MIMES[kind], orientation), expected)


def _with_orientation(picture: Image.Image, orientation: int) -> Image.Image:
    copy = picture.copy()
    copy.info["exif"] = exif_of(orientation).tobytes()
    return copy


@pytest.mark.parametrize("kind", ["png", "webp"])
def test_sixteen_bits_transparency_and_profile_of_a_picture_survive(
    decoder: Decoder, tmp_path: Path, kind: str
) -> None:
    lossless = {"lossless": True} if kind == "webp" else {}
    data = encoded(scene(61, 43, mode="RGBA"), kind, icc_profile=PROFILE, exif=exif_of(6), **lossless)
    picture = turned(decoder, write(tmp_path, "source", data), MIMES[kind], 6)
    assert picture.mode == "RGBA"
    assert picture.info["icc_profile"] == PROFILE
    assert not picture.getexif()


def test_sixteen_bits_of_grey_survive(decoder: Decoder, tmp_path: Path) -> None:
    grey = scene(61, 43, mode="I").point(lambda value: value * 257).convert("I;16")
    picture = turned(decoder, write(tmp_path, "source", encoded(grey, "PNG")), "image/png", 6)
    assert picture.mode == "I;16"
    assert list(picture.get_flattened_data()) == list(grey.transpose(Image.Transpose.ROTATE_270).get_flattened_data())


def test_what_a_pngs_numbers_mean_survives(decoder: Decoder, tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"gAMA", struct.pack(">I", 100_000))
    info.add(b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000))
    info.add_text("Comment", "at home")
    source = write(tmp_path, "source", encoded(scene(61, 43), "PNG", pnginfo=info, exif=exif_of(8)))
    picture = turned(decoder, source, "image/png", 8)
    assert picture.info["gamma"] == 1.0
    assert picture.info["chromaticity"][0] == pytest.approx(0.3127)
    assert "Comment" not in picture.info


@pytest.mark.parametrize("mode", ["RGB", "L", "P"])
def test_one_transparent_colour_survives(decoder: Decoder, tmp_path: Path, mode: str) -> None:
    picture = scene(61, 43, mode=mode)
    key = picture.getpixel((3, 3))
    data = encoded(picture, "PNG", transparency=key)
    with Image.open(io.BytesIO(data)) as stored:
        expected = stored.convert("RGBA").transpose(Image.Transpose.ROTATE_270)
    assert same(turned(decoder, write(tmp_path, "source", data), "image/png", 6), expected)


@pytest.mark.parametrize("kind", ["png", "gif", "webp"])
def test_an_animation_stays_one(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    data = animation(7, kind)
    source = write(tmp_path, "source", data)
    target = tmp_path / "target"
    decoder.upright(source, target, mime=MIMES[kind], orientation=6)
    with Image.open(source) as before, Image.open(target) as after:
        assert getattr(after, "n_frames", 1) == 7
        for frame in range(7):
            before.seek(frame)
            after.seek(frame)
            expected = before.convert("RGB").transpose(Image.Transpose.ROTATE_270)
            assert unlike(after, expected) < (6 if kind == "webp" else 0.001)
            assert after.info["duration"] == before.info["duration"]


@pytest.mark.parametrize("kind", ["webp", "avif"])
def test_lossy_pictures_are_turned_at_high_quality(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    source = write(tmp_path, "source", encoded(scene(), kind, exif=exif_of(5)))
    with Image.open(source) as stored:
        expected = stored.convert("RGB").transpose(Image.Transpose.TRANSPOSE)
    assert unlike(turned(decoder, source, MIMES[kind], 5), expected) < 3


def test_a_broken_picture_is_refused_before_it_is_turned(decoder: Decoder, tmp_path: Path) -> None:
    needs_turbojpeg()
    source = write(tmp_path, "source", garbled_jpeg())
    with pytest.raises(BadPicture):
        decoder.upright(source, tmp_path / "target", mime="image/jpeg", orientation=6)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("size", [(320, 208), (317, 203)])
@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_what_was_turned_is_taken_at_the_door(
    decoder: Decoder, tmp_path: Path, kind: str, size: tuple[int, int]
) -> None:
    data = encoded(scene(*size), kind, exif=exif_of(6), icc_profile=PROFILE)
    source, target = write(tmp_path, "source", data), tmp_path / "target"
    limits = formats.Limits(50_000_000, 200_000_000, 2000)
    with source.open("rb") as file:
        assert formats.inspect(file, limits).orientation == 6
    decoder.upright(source, target, mime=MIMES[kind], orientation=6)
    with target.open("rb") as file:
        inspection = formats.inspect(file, limits)
    assert (inspection.width, inspection.height, inspection.orientation) == (size[1], size[0], 1)


def test_without_the_library_a_jpeg_is_encoded_again(tmp_path: Path) -> None:
    with pytest.raises(turbojpeg.NotPerfect):
        turbojpeg.turn(b"no JPEG", orientation=6, progressive=False)
