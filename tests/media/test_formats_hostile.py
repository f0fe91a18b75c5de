"""Whatever comes in, only four errors come out, soon, and with little memory."""

from __future__ import annotations

import io
import struct
import subprocess
import sys
import time
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bulletdrop.errors import BadPicture, Truncated, UnknownType
from bulletdrop.media.formats import copy_pieces, inspect
from tests.media import film_samples
from tests.media.format_samples import FULL, PLAIN, chunk, png, zip_file

SAMPLES = {
    **{f"plain {name}": make for name, make in PLAIN.items()},
    **{f"full {name}": make for name, make in FULL.items()},
}
SIGNATURES = sorted({make()[:16] for make in PLAIN.values()})
# Numbers at which lengths and counts go wrong.
EDGES = [
    b"\0",
    b"\xff",
    b"\0\0",
    b"\xff\xff",
    b"\0\0\0\0",
    b"\0\0\0\1",
    b"\1\0\0\0",
    b"\x7f\xff\xff\xff",
    b"\xff" * 4,
    b"\xff" * 8,
]
# Generous for four busy cores: what is meant is "no loop that a few megabytes can keep busy".
SOON = 5.0

# One change: where (as a share of the file), what kind, how many bytes, and which bytes.
CHANGES = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(["flip", "write", "insert", "remove", "repeat", "cut"]),
        st.integers(1, 40),
        st.one_of(st.sampled_from(EDGES), st.binary(min_size=1, max_size=8)),
    ),
    min_size=1,
    max_size=4,
)


def changed(data: bytes, changes: list[tuple[float, str, int, bytes]]) -> bytes:
    """The file after some accidents."""
    result = bytearray(data)
    for share, kind, length, content in changes:
        at = int(share * len(result))
        if kind == "flip" and result:
            result[at] ^= 1 << length % 8
        elif kind == "write":
            result[at : at + len(content)] = content
        elif kind == "insert":
            result[at:at] = content
        elif kind == "remove":
            del result[at : at + length]
        elif kind == "repeat":
            result[at:at] = result[at : at + length]
        elif kind == "cut":
            del result[len(result) - length :]
    return bytes(result)


def with_true_checksums(data: bytes) -> bytes:
    """A PNG whose chunks' checksums fit again, so that a change gets past them."""
    result = bytearray(data)
    at = 8
    while at + 12 <= len(result):
        end = at + 12 + int.from_bytes(result[at : at + 4], "big")
        if end > len(result):
            break
        result[end - 4 : end] = struct.pack(">I", zlib.crc32(result[at + 4 : end - 4]))
        at = end
    return bytes(result)


def check(data: bytes) -> None:
    """Inspect; what is taken must be taken again, unchanged, once it was stripped."""
    try:
        first = inspect(io.BytesIO(data))
    except (UnknownType, Truncated, BadPicture):
        return
    stored = io.BytesIO()
    size, _ = copy_pieces(io.BytesIO(data), stored, first.pieces)
    assert size == first.size
    second = inspect(stored)
    assert second.unchanged
    assert (second.kind, second.width, second.height, second.frames) == (
        first.kind,
        first.width,
        first.height,
        first.frames,
    )


@settings(max_examples=400, deadline=None)
@given(st.binary(max_size=400))
def test_random_bytes_do_no_harm(data: bytes) -> None:
    check(data)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(SIGNATURES), st.binary(max_size=400))
def test_random_bytes_behind_a_signature_do_no_harm(signature: bytes, data: bytes) -> None:
    check(signature + data)


@pytest.mark.parametrize("name", SAMPLES)
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(changes=CHANGES)
def test_a_damaged_file_does_no_harm(name: str, changes: list[tuple[float, str, int, bytes]]) -> None:
    data = changed(SAMPLES[name](), changes)
    check(data)
    if data.startswith(b"\x89PNG"):
        check(with_true_checksums(data))


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(SAMPLES)), st.sampled_from(sorted(SAMPLES)), st.floats(0, 1), st.floats(0, 1))
def test_half_of_one_file_and_half_of_another_do_no_harm(one: str, other: str, first: float, second: float) -> None:
    head, tail = SAMPLES[one](), SAMPLES[other]()
    check(head[: int(first * len(head))] + tail[int(second * len(tail)) :])


def _many(parts: bytes, size: int = 8_000_000) -> bytes:
    return parts * (size // len(parts))


def _jpeg(before_scan: bytes = b"", in_scan: bytes = b"", after_scan: bytes = b"") -> bytes:
    data = PLAIN["jpeg"]()
    at = data.index(b"\xff\xda")
    start = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return data[:at] + before_scan + data[at:start] + in_scan + data[start:-2] + after_scan + data[-2:]


def _scan() -> bytes:
    data = PLAIN["jpeg"]()
    return data[data.index(b"\xff\xda") : -2]


def _gif(before_image: bytes = b"", in_chain: bytes = b"") -> bytes:
    data = PLAIN["gif"]()
    at = data.index(b"\x2c\0\0\0\0")
    table = 3 << ((data[at + 9] & 7) + 1) if data[at + 9] & 0x80 else 0
    chain = at + 11 + table
    return data[:at] + before_image + data[at:chain] + in_chain + data[chain:]


def _webp(extra: bytes) -> bytes:
    data = PLAIN["webp_animated"]() + extra
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def _deep_mp4() -> bytes:
    inner = b""
    for _ in range(5000):
        inner = film_samples.box(b"moov", inner)
    return PLAIN["mp4"]().replace(b"moov", b"free") + inner


def _circling_tiff() -> bytes:
    data = bytearray(PLAIN["tiff"]())
    start = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[start : start + 2])[0]
    struct.pack_into("<I", data, start + 2 + 12 * count, start)
    return bytes(data)


BOMBS: dict[str, Callable[[], bytes]] = {
    "png of empty chunks": lambda: png(1, 1)[:33] + _many(chunk(b"teSt", b"")),
    "png of empty data": lambda: png(1, 1)[:33] + _many(chunk(b"IDAT", b"")),
    "png whose data unpack to nothing": lambda: png(1, 1)[:33] + chunk(b"IDAT", b"x\x01" + _many(b"\0\0\0\xff\xff")),
    "png whose data unpack to much": lambda: png(1, 1)[:33] + chunk(b"IDAT", zlib.compress(bytes(100_000_000))),
    "png with a huge length": lambda: png(1, 1)[:33] + b"\x7f\xff\xff\xffIDAT",
    "png whose profile unpacks to much": lambda: png(
        1, 1, extra=chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(100_000_000)))
    ),
    "jpeg of comments": lambda: _jpeg(_many(b"\xff\xfe\0\2")),
    "jpeg of fill": lambda: _jpeg(_many(b"\xff")),
    "jpeg of fill in its data": lambda: _jpeg(in_scan=_many(b"\xff")),
    "jpeg of stuffing": lambda: _jpeg(in_scan=_many(b"\xff\0")),
    "jpeg of restarts": lambda: _jpeg(b"\xff\xdd\0\4\0\1", _many(bytes(range(0xD0, 0xD8)).replace(b"", b"\xff")[:-1])),
    "jpeg of scans": lambda: _jpeg(after_scan=_many(_scan())),
    "gif of short blocks": lambda: _gif(in_chain=_many(b"\1\0")[:-1]),
    "gif of comments": lambda: _gif(_many(b"\x21\xfe\0")),
    "webp of chunks": lambda: _webp(_many(b"ABCD\0\0\0\0")),
    "webp of empty frames": lambda: _webp(_many(b"ANMF\0\0\0\0")),
    "mp4 of free boxes": lambda: PLAIN["mp4"]() + _many(b"\0\0\0\x08free"),
    "mp4 of data boxes": lambda: PLAIN["mp4"]() + _many(b"\0\0\0\x08mdat"),
    "mp4 in itself": _deep_mp4,
    "webm of voids": lambda: film_samples.webm(live=True) + _many(b"\xec\x80"),
    "webm of blocks": lambda: film_samples.webm(live=True) + _many(b"\xa3\x80"),
    "avif of free boxes": lambda: PLAIN["avif"]() + _many(b"\0\0\0\x08free"),
    "tiff in a circle": _circling_tiff,
    "zip of nothing": lambda: zip_file() + bytes(8_000_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_goes_off_nowhere(name: str) -> None:
    source = io.BytesIO(BOMBS[name]())
    started = time.thread_time()
    try:
        inspect(source)
    except (UnknownType, Truncated, BadPicture):
        refused = True
    else:
        # What hides in a part that is dropped does no harm either.
        refused = name == "png whose profile unpacks to much"
    assert refused
    assert time.thread_time() - started < SOON


_MEASURE = """
import contextlib, resource, sys
from bulletdrop.media.formats import inspect
from bulletdrop.errors import Rejected
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for path in sys.argv[1:]:
    with open(path, "rb") as file, contextlib.suppress(Rejected):
        inspect(file)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_no_bomb_takes_much_memory(tmp_path: Path) -> None:
    pytest.importorskip("resource")
    paths = []
    for number, make in enumerate(BOMBS.values()):
        path = tmp_path / str(number)
        path.write_bytes(make())
        paths.append(str(path))
    told = subprocess.run([sys.executable, "-c", _MEASURE, *paths], capture_output=True, check=True, timeout=150)
    kilobytes = int(told.stdout) // (1024 if sys.platform == "darwin" else 1)
    assert kilobytes < 64 * 1024


def _sparse_film(path: Path, size: int) -> None:
    """An MP4 of any size that takes no room: its data are a hole."""
    start = film_samples.box(b"ftyp", b"isom", struct.pack(">I", 512), b"isommp42")
    whole = film_samples.mp4(header_first=True)
    header = whole[len(start) : whole.index(b"mdat") - 4]
    offset = len(start) + len(header) + 16
    moved = header.replace(struct.pack(">I", offset - 8), struct.pack(">I", offset))
    with path.open("wb") as file:
        file.write(start + moved + struct.pack(">I4sQ", 1, b"mdat", size))
        file.write(film_samples.PICTURES + film_samples.SOUNDS)
        file.truncate(offset - 16 + size)


def test_a_film_of_a_gigabyte_is_not_read_through(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    _sparse_film(path, 1 << 30)
    started = time.thread_time()
    with path.open("rb") as file:
        inspection = inspect(file)
        at_end = file.tell()
    assert time.thread_time() - started < 1.0
    assert inspection.size > 1 << 30
    assert at_end < 1 << 20


def test_a_picture_of_forty_megapixels_is_followed_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    pack = zlib.compressobj(1)
    row = bytes(1 + 3 * 8000)
    data = b"".join(pack.compress(row * 100) for _ in range(50)) + pack.flush()
    header = struct.pack(">IIBBBBB", 8000, 5000, 8, 2, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b""))
    tracemalloc.start()
    with path.open("rb") as file:
        assert inspect(file).unchanged
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 4 * 1024 * 1024
