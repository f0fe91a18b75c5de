"""The menu's small pictures: made by a child, kept on disk, bounded."""

from __future__ import annotations

import io
import os
import struct
import threading
import zlib
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.thumbs import KEPT, SIDE, Thumbs, make_thumbnails
from tests.support.pictures import screenshot

WHEN = datetime(2026, 11, 20, tzinfo=UTC)


def capture(folder: Path, number: int = 1, *, name: str = "shot.png", content: bytes | None = None) -> Item:
    path = folder / name
    path.write_bytes(screenshot(number) if content is None else content)
    return Item(number, path, name, 9, Status.DONE, WHEN, sha256=f"{number:032x}" * 2)


class Maker:
    """Thumbs, and a signal each time some are ready."""

    def __init__(self, data: Path) -> None:
        self.ready = threading.Event()
        self.thumbs = Thumbs(data, ready=self.ready.set)

    def made(self, *items: Item) -> dict[int, bytes]:
        """What is there after the child has ended."""
        found = self.thumbs.of(items)
        assert self.ready.wait(30)
        self.ready.clear()
        return found or self.thumbs.of(items)


def test_a_picture_is_small_square_and_there_after_the_child(tmp_path: Path) -> None:
    maker, item = Maker(tmp_path), capture(tmp_path)
    assert maker.thumbs.of([item]) == {}, "the first menu does not wait"
    assert maker.ready.wait(30)
    with Image.open(io.BytesIO(maker.thumbs.of([item])[1])) as small:
        assert (small.size, small.format) == ((SIDE, SIDE), "PNG")


def test_the_second_start_reads_it_from_the_disk(tmp_path: Path) -> None:
    item = capture(tmp_path)
    first = Maker(tmp_path).made(item)
    item.path.unlink()
    assert Thumbs(tmp_path, ready=lambda: None).of([item]) == first


def test_what_is_no_picture_is_tried_once_and_left_alone(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    broken = capture(tmp_path, 1, name="broken.png", content=b"\x89PNG\r\n\x1a\nno")
    assert maker.made(broken) == {}
    assert maker.thumbs.of([broken]) == {}
    assert not maker.ready.wait(0.5), "no second child"


def test_films_and_captures_that_are_not_hashed_yet_get_none(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    film = capture(tmp_path, 1, name="film.mp4", content=b"film")
    early = replace(capture(tmp_path, 2), sha256=None)
    assert maker.thumbs.of([film, early]) == {}
    assert not maker.ready.wait(0.3)


def test_the_folder_never_holds_more_than_a_few(tmp_path: Path) -> None:
    maker = Maker(tmp_path)
    maker.thumbs.folder.mkdir(parents=True)
    for number in range(KEPT + 20):
        old = maker.thumbs.folder / f"{number:031d}f.png"
        old.write_bytes(b"old")
        os.utime(old, (number, number))
    item = capture(tmp_path)
    assert maker.made(item)
    left = list(maker.thumbs.folder.glob("*.png"))
    assert len(left) == KEPT
    assert f"{item.sha256}"[:32] in {path.stem for path in left}
    assert f"{0:031d}f" not in {path.stem for path in left}


@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3840, 2160), (400, 3000)])
def test_every_shape_gives_a_small_picture(tmp_path: Path, size: tuple[int, int]) -> None:
    source, target = tmp_path / "source.png", tmp_path / "target.png"
    Image.new("RGB", size, "red").save(source)
    make_thumbnails([(source, target)])
    with Image.open(target) as small:
        assert small.size == (SIDE, SIDE)
        assert small.convert("RGBA").getpixel((SIDE // 2, SIDE // 2)) == (255, 0, 0, 255)


def test_a_picture_that_would_fill_the_memory_is_not_decoded(tmp_path: Path) -> None:
    source, target = tmp_path / "bomb.png", tmp_path / "target.png"
    source.write_bytes(black(30_000))
    make_thumbnails([(source, target)])
    assert not target.exists()
    source.write_bytes(black(300))
    make_thumbnails([(source, target)])
    assert target.exists()


def black(side: int) -> bytes:
    """A square PNG of one bit a pixel, by hand: the library takes seconds for the large one."""
    rows = zlib.compress(bytes((1 + (side + 7) // 8) * side), 1)
    parts = ((b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)), (b"IDAT", rows), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
