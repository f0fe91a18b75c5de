"""When a file is whole: each container, cut at every place, and the names that never count."""

from __future__ import annotations

import io
import os
import struct
import time
from pathlib import Path

import pytest
from PIL import Image

from bulletdrop.tray.ready import End, ending, has_writer, is_ignored, is_recording
from tests.tray.engine_kit import png


def picture(kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.effect_noise((48, 32), 60).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def box(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), name) + content


MP4 = box(b"ftyp", b"isom\0\0\2\0isomiso2") + box(b"moov", b"m" * 40) + box(b"mdat", b"d" * 900)
WEBM_HEAD = b"\x1a\x45\xdf\xa3\x8f\x42\x82\x84webm\x42\x87\x81\x04\x42\x85\x81\x02"[:20]
WEBM = WEBM_HEAD + b"\x18\x53\x80\x67\x01\0\0\0\0\0\1\0" + b"c" * 256

WHOLE = {
    "png": png("whole"),
    "jpeg": picture("JPEG"),
    "gif": picture("GIF"),
    "webp": picture("WEBP"),
    "avif": picture("AVIF"),
    "bmp": picture("BMP"),
    "mp4": MP4,
    "webm": WEBM,
}


def end_of(data: bytes) -> End:
    return ending(io.BytesIO(data), len(data))


@pytest.mark.parametrize("kind", WHOLE)
def test_a_whole_file_ends_exactly(kind: str) -> None:
    assert end_of(WHOLE[kind]) is End.EXACT


@pytest.mark.parametrize("kind", WHOLE)
def test_a_file_cut_anywhere_is_partial(kind: str) -> None:
    data = WHOLE[kind]
    wrong = [cut for cut in range(len(data)) if end_of(data[:cut]) is not End.PARTIAL]
    assert wrong == []


@pytest.mark.parametrize("kind", ["png", "jpeg", "gif", "webp", "bmp", "webm"])
def test_bytes_after_the_end_are_no_reason_to_wait_for_ever(kind: str) -> None:
    assert end_of(WHOLE[kind] + b"trailing bytes") is End.LOOSE


def test_a_tiff_has_no_end_mark_so_it_must_rest() -> None:
    assert end_of(picture("TIFF")) is End.LOOSE
    assert end_of(picture("TIFF")[:64]) is End.PARTIAL


def test_a_recording_without_its_index_is_partial() -> None:
    still_recording = MP4[:24] + struct.pack(">I4s", 0, b"mdat") + b"d" * 100
    assert end_of(still_recording) is End.PARTIAL


def test_a_live_webm_of_unknown_length_must_rest() -> None:
    assert end_of(WEBM_HEAD + b"\x18\x53\x80\x67\x01\xff\xff\xff\xff\xff\xff\xff" + b"c" * 99) is End.LOOSE


@pytest.mark.parametrize(
    "data",
    [
        b"BMX is a kind of bicycle, and this is a text about it.",
        b"<!doctype html><title>not a picture</title>",
        b"%PDF-1.7 and so on and on",
        b"\0\0\0\x14ftypqt  \0\0\0\0qt  " + b"\0" * 30,
        b"\x1a\x45\xdf\xa3\x93\x42\x82\x88matroska" + b"\0" * 40,
        b"PK\x03\x04" + b"\0" * 40,
    ],
)
def test_other_files_are_foreign_whatever_their_name(data: bytes) -> None:
    assert end_of(data) is End.FOREIGN


def test_recordings_are_told_from_pictures() -> None:
    assert [kind for kind, data in WHOLE.items() if is_recording(io.BytesIO(data))] == ["mp4", "webm"]


@pytest.mark.parametrize(
    "name",
    [
        *(".DS_Store", "._shot.png", "Thumbs.db", "desktop.ini", "shot.png.tmp", "x.crdownload", "x.part", "~$x.png"),
        *(".stfolder", "@eaDir", ".shot.png", "SHOT.PNG.PART", "shot.png~"),
    ],
)
def test_litter_is_ignored_by_name(name: str) -> None:
    assert is_ignored(name)


@pytest.mark.parametrize("name", ["Screenshot from 2026-11-20 12-00.png", "スクリーンショット.png", "part.png", "none"])
def test_screenshots_are_not_ignored_whatever_their_language(name: str) -> None:
    assert not is_ignored(name)


def test_an_open_writer_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    with path.open("wb") as writer, path.open("rb") as reader:
        assert has_writer(reader.fileno()) is True
        writer.close()
        assert has_writer(reader.fileno()) is False


def test_looking_for_a_writer_harms_neither_the_writer_nor_us(tmp_path: Path) -> None:
    path = tmp_path / "shot.png"
    path.write_bytes(b"x")
    with path.open("rb") as reader:
        for _ in range(300):
            has_writer(reader.fileno())
            os.close(os.open(path, os.O_WRONLY))


@pytest.mark.parametrize("head", [png()[:40], MP4[:24], b"\xff\xd8\xff\xe0\0\x04\0\0\xff\xda\0\x02"])
def test_a_huge_file_that_is_still_being_filled_is_judged_at_once(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "shot.png"
    with path.open("wb") as file:
        file.write(head)
        file.truncate(3 * 1024**3)
    began = time.monotonic()
    with path.open("rb") as file:
        assert ending(file, path.stat().st_size) is End.PARTIAL
    assert time.monotonic() - began < 20


@pytest.mark.parametrize("part", [b"\0\0\0\0abcd\0\0\0\0", b"\0\0\0\x08free"])
def test_no_number_of_parts_holds_up_the_others(part: bytes) -> None:
    data = (png()[:33] if part[4:8] == b"abcd" else MP4[:24]) + part * 400_000
    began = time.monotonic()
    assert ending(io.BytesIO(data), len(data)) is End.LOOSE
    assert time.monotonic() - began < 10
