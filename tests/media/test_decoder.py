"""Decoding in a child: what is taken and what is refused. Real children throughout."""

from __future__ import annotations

import base64
import io
import random
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageCms

from bulletdrop.config import Config
from bulletdrop.errors import BadPicture, TooManyPixels, UnknownType
from bulletdrop.media.decoding.pool import SIZES, Decoder
from tests.media.decoder_samples import (
    MIMES,
    animation,
    encoded,
    garbled_jpeg,
    needs_turbojpeg,
    png_of,
    scene,
    swapped_profile,
    unlike,
    write,
)


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    with Decoder(Config()) as decoder:
        yield decoder


@pytest.mark.parametrize("kind", MIMES)
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1"])
def test_a_whole_picture_of_each_kind_gets_four_thumbnails(
    decoder: Decoder, tmp_path: Path, kind: str, mode: str
) -> None:
    picture = scene(900, 600, mode=mode)
    if kind == "jpeg" and mode in ("RGBA", "P"):
        picture = picture.convert("CMYK")
    if kind in ("webp", "avif") and mode in ("P", "1"):
        picture = picture.convert("RGB")
    source = write(tmp_path, "source", encoded(picture, kind))
    decoded = decoder.thumbnails(source, mime=MIMES[kind], folder=tmp_path, urgent=True)
    assert (decoded.width, decoded.height, decoded.frames) == (900, 600, 1)
    assert set(decoded.files) == set(SIZES)
    with Image.open(source) as opened:
        original = opened.convert("RGBA")
    transparent = mode == "RGBA" and kind in ("png", "webp", "avif")
    for name, path in decoded.files.items():
        with Image.open(path, formats=["WEBP"]) as thumbnail:
            assert max(thumbnail.size) == min(SIZES[name], 900)
            assert thumbnail.mode == ("RGBA" if transparent else "RGB")
            on_white = Image.new("RGBA", thumbnail.size, "white")
            expected = Image.alpha_composite(on_white, original.resize(thumbnail.size))
            assert unlike(Image.alpha_composite(on_white, thumbnail.convert("RGBA")), expected) < (
                20 if mode == "P" else 8
            )  # dots of a palette
    assert 5 <= len(base64.b64decode(decoded.placeholder)) <= 26


def test_a_small_picture_is_never_made_larger(decoder: Decoder, tmp_path: Path) -> None:
    source = write(tmp_path, "source", encoded(scene(40, 30), "PNG"))
    decoded = decoder.thumbnails(source, mime="image/png", folder=tmp_path)
    for path in decoded.files.values():
        with Image.open(path) as thumbnail:
            assert thumbnail.size == (40, 30)
    assert len(set(decoded.files.values())) == 4


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (3, 2)])
def test_a_line_and_a_dot_are_pictures_too(decoder: Decoder, tmp_path: Path, size: tuple[int, int]) -> None:
    source = write(tmp_path, "source", encoded(Image.new("RGB", size, "red"), "PNG"))
    decoded = decoder.thumbnails(source, mime="image/png", folder=tmp_path)
    assert (decoded.width, decoded.height) == size
    with Image.open(decoded.files["thumb"]) as thumbnail:
        assert min(thumbnail.size) >= 1


@pytest.mark.parametrize("kind", ["png", "gif", "webp", "avif"])
def test_every_frame_of_an_animation_is_counted(decoder: Decoder, tmp_path: Path, kind: str) -> None:
    source = write(tmp_path, "source", animation(12, kind))
    decoded = decoder.thumbnails(source, mime=MIMES[kind], folder=tmp_path)
    assert decoded.frames == 12
    with Image.open(decoded.files["thumb"]) as thumbnail:
        assert getattr(thumbnail, "n_frames", 1) == 1


def test_sixteen_bits_of_grey_are_not_cut_to_white(decoder: Decoder, tmp_path: Path) -> None:
    grey = Image.linear_gradient("L").convert("I").point(lambda value: value * 256).convert("I;16")
    source = write(tmp_path, "source", encoded(grey, "PNG"))
    decoded = decoder.thumbnails(source, mime="image/png", folder=tmp_path)
    with Image.open(decoded.files["thumb"]) as thumbnail:
        assert unlike(thumbnail, Image.linear_gradient("L")) < 3


def test_a_profile_that_cannot_be_read_does_not_matter(decoder: Decoder, tmp_path: Path) -> None:
    source = write(tmp_path, "source", encoded(scene(), "PNG", icc_profile=b"no profile at all"))
    decoded = decoder.thumbnails(source, mime="image/png", folder=tmp_path)
    with Image.open(decoded.files["thumb"]) as thumbnail:
        assert unlike(thumbnail, scene()) < 6


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_thumbnails_show_the_colours_that_the_profile_means(
    decoder: Decoder, tmp_path: Path, kind: str, mode: str
) -> None:
    red = Image.new("RGB" if kind == "jpeg" else mode, (2500, 100), (255, 0, 0))
    source = write(tmp_path, "source", encoded(red, kind, icc_profile=swapped_profile()))
    decoded = decoder.thumbnails(source, mime=MIMES[kind], folder=tmp_path)
    with Image.open(decoded.files["large"]) as thumbnail:
        assert "icc_profile" not in thumbnail.info
        assert unlike(thumbnail, Image.new("RGB", thumbnail.size, (0, 255, 0))) < 6


def broken_files() -> dict[str, tuple[str, bytes]]:
    """Files whose containers are right, or nearly, and whose pictures are not."""
    rows = b"".join(b"\x00" + random.Random(row).randbytes(300) for row in range(100))
    png = encoded(scene(), "PNG")
    jpeg = encoded(scene(640, 480), "JPEG", quality=95)
    gif = encoded(scene(), "GIF")
    webp = encoded(scene(), "WEBP")
    lossless = encoded(scene(), "WEBP", lossless=True)
    avif = encoded(scene(), "AVIF")
    return {
        "png with an unknown filter": ("png", png_of(100, 100, zlib.compress(b"\x09" + rows[1:]))),
        "png with deflate garbage": ("png", png_of(100, 100, random.Random(1).randbytes(3000))),
        "png with a wrong checksum": ("png", png.replace(png[60:64], bytes(4))),
        "png cut off": ("png", png[:-400]),
        "jpeg cut off": ("jpeg", jpeg[: len(jpeg) // 2]),
        "jpeg without a picture": ("jpeg", jpeg[:2] + b"\xff\xd9"),
        "gif cut off": ("gif", gif[: len(gif) // 2]),
        "webp of noise": ("webp", webp[:60] + random.Random(5).randbytes(len(webp) - 60)),
        "lossless webp of noise": ("webp", lossless[:30] + random.Random(3).randbytes(len(lossless) - 30)),
        "avif of noise": ("avif", avif[:-300] + random.Random(2).randbytes(300)),
        "bmp cut off": ("bmp", encoded(scene(), "BMP")[:9000]),
        "an animation with a broken last frame": ("gif", animation(9, "GIF")[:-60]),
        "a jpeg called png": ("png", jpeg),
        "nothing": ("png", b""),
        "noise": ("webp", random.Random(4).randbytes(5000)),
    }


@pytest.mark.parametrize("name", broken_files())
def test_a_broken_picture_is_refused(decoder: Decoder, tmp_path: Path, name: str) -> None:
    kind, data = broken_files()[name]
    source = write(tmp_path, "source", data)
    with pytest.raises(BadPicture) as refusal:
        decoder.thumbnails(source, mime=MIMES[kind], folder=tmp_path)
    assert refusal.value.message
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_jpeg_whose_data_are_noise_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    needs_turbojpeg()
    with pytest.raises(BadPicture, match="Huffman"):
        decoder.thumbnails(write(tmp_path, "noise", garbled_jpeg()), mime="image/jpeg", folder=tmp_path)


def test_a_jpeg_that_only_pretends_to_end_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    needs_turbojpeg()
    half = encoded(scene(640, 480), "JPEG")[:8000] + b"\xff\xd9"
    with pytest.raises(BadPicture):
        decoder.thumbnails(write(tmp_path, "half", half), mime="image/jpeg", folder=tmp_path)


def test_stray_bytes_between_a_jpegs_markers_do_not_matter(decoder: Decoder, tmp_path: Path) -> None:
    whole = encoded(scene(), "JPEG")
    stray = whole[:-2] + b"\x00\x11\x22" + whole[-2:]
    assert decoder.thumbnails(write(tmp_path, "stray", stray), mime="image/jpeg", folder=tmp_path).frames == 1


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("sampling", [0, 1, 2])
def test_whole_jpegs_of_all_sorts_pass(
    decoder: Decoder, tmp_path: Path, mode: str, progressive: bool, sampling: int
) -> None:
    data = encoded(scene(333, 211, mode=mode), "JPEG", progressive=progressive, subsampling=sampling)
    assert decoder.thumbnails(write(tmp_path, "jpeg", data), mime="image/jpeg", folder=tmp_path).width == 333


def test_a_type_that_is_no_picture_is_unknown(decoder: Decoder, tmp_path: Path) -> None:
    with pytest.raises(UnknownType):
        decoder.thumbnails(write(tmp_path, "svg", b"<svg/>"), mime="image/svg+xml", folder=tmp_path)


def test_a_picture_of_huge_dimensions_is_refused_before_it_is_unpacked(decoder: Decoder, tmp_path: Path) -> None:
    bomb = png_of(30_000, 30_000, zlib.compress(bytes(1_000_000)), bits=1, colour=0)
    with pytest.raises(TooManyPixels):
        decoder.thumbnails(write(tmp_path, "bomb", bomb), mime="image/png", folder=tmp_path)


@pytest.mark.parametrize("size", [(7100, 7100), (10_000, 7000)])
def test_a_picture_over_the_cap_is_refused(decoder: Decoder, tmp_path: Path, size: tuple[int, int]) -> None:
    large = png_of(*size, zlib.compress(bytes(1000)), bits=1, colour=0)
    with pytest.raises(TooManyPixels):
        decoder.thumbnails(write(tmp_path, "large", large), mime="image/png", folder=tmp_path)


@pytest.mark.parametrize("kind", ["gif", "webp", "png"])
def test_an_animation_of_too_many_frames_is_refused(tmp_path: Path, kind: str) -> None:
    source = write(tmp_path, "source", animation(41, kind))
    with Decoder(Config(max_frames=40)) as decoder, pytest.raises(TooManyPixels, match="40 frames"):
        decoder.thumbnails(source, mime=MIMES[kind], folder=tmp_path)


def test_a_gif_of_two_thousand_and_one_frames_is_refused(decoder: Decoder, tmp_path: Path) -> None:
    source = write(tmp_path, "source", animation(2001, "GIF", width=8, height=8))
    with pytest.raises(TooManyPixels):
        decoder.thumbnails(source, mime="image/gif", folder=tmp_path)


def test_the_pixels_of_all_frames_together_are_limited(tmp_path: Path) -> None:
    source = write(tmp_path, "source", animation(30, "GIF", width=100, height=100))
    with Decoder(Config(max_total_pixels=250_000)) as decoder, pytest.raises(TooManyPixels, match="together"):
        decoder.thumbnails(source, mime="image/gif", folder=tmp_path)


@pytest.mark.parametrize("mode", ["1", "I;16", "F", "CMYK", "RGBA", "P"])
def test_a_tiff_becomes_a_png_with_the_same_pixels(decoder: Decoder, tmp_path: Path, mode: str) -> None:
    picture = scene(mode="I").point(lambda value: value * 200).convert("I;16") if mode == "I;16" else scene(mode=mode)
    source = write(tmp_path, "source", encoded(picture, "TIFF", compression="tiff_lzw"))
    assert decoder.convert(source, tmp_path / "target", mime="image/tiff") == "image/png"
    with Image.open(tmp_path / "target", formats=["PNG"]) as converted:
        if mode == "I;16":
            assert list(converted.get_flattened_data()) == list(picture.get_flattened_data())
        elif mode in ("1", "RGBA", "P"):
            assert ImageChops.difference(converted.convert("RGBA"), picture.convert("RGBA")).getbbox() is None
        else:
            assert unlike(converted, picture) < 12
        assert not converted.getexif()


def test_colours_of_a_tiff_in_lab_are_kept(decoder: Decoder, tmp_path: Path) -> None:
    srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    orange = ImageCms.profileToProfile(Image.new("RGB", (64, 64), (250, 120, 10)), srgb, lab, outputMode="LAB")
    assert orange is not None
    profile = ImageCms.ImageCmsProfile(lab).tobytes()
    source = write(tmp_path, "source", encoded(orange, "TIFF", icc_profile=profile))
    assert decoder.convert(source, tmp_path / "target", mime="image/tiff") == "image/png"
    with Image.open(tmp_path / "target") as converted:
        assert unlike(converted, Image.new("RGB", (64, 64), (250, 120, 10))) < 4


def test_the_first_page_of_a_tiff_is_taken_and_stands_upright(decoder: Decoder, tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    tiff = io.BytesIO()
    scene().save(tiff, "TIFF", save_all=True, append_images=[Image.new("RGB", (9, 9))], exif=exif)
    decoder.convert(write(tmp_path, "source", tiff.getvalue()), tmp_path / "target", mime="image/tiff")
    with Image.open(tmp_path / "target") as converted:
        assert ImageChops.difference(converted, scene().transpose(Image.Transpose.ROTATE_270)).getbbox() is None


def test_a_heic_without_the_extra_says_what_to_do(decoder: Decoder, tmp_path: Path) -> None:
    try:
        import pillow_heif  # type: ignore[import-not-found, import-untyped, unused-ignore]  # noqa: F401
    except ImportError:
        with pytest.raises(UnknownType, match="extra"):
            decoder.convert(write(tmp_path, "source", b"...."), tmp_path / "target", mime="image/heic")
