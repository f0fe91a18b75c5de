"""The form's parser: however a body is cut into pieces, the same comes out, and never more than was sent."""

from __future__ import annotations

import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.errors import BulletDropError
from bulletdrop.web.parts import Limits, MultipartSink, RawSink, Received, boundary_of
from tests.web.kit import BOUNDARY, form


def limits(folder: Path, *, file_size: int = 100_000, files: int = 5) -> Limits:
    return Limits(folder=folder, file_size=file_size, files=files, min_free_disk=0)


def parse(folder: Path, pieces: list[bytes], **changes: int) -> tuple[Received, list[bytes]]:
    """Feed pieces, one batch each; what was received and the files' bytes. Leaves nothing in the folder."""
    sink = MultipartSink(limits(folder, **changes), BOUNDARY, hash_body=True)
    try:
        for piece in pieces:
            sink.feed([piece])
        received = sink.finish()
        return received, [incoming.path.read_bytes() for incoming in received.files]
    finally:
        sink.abort()
        assert not list(folder.iterdir())


def cut(body: bytes, seed: int, most: int) -> list[bytes]:
    """The body in pieces of 1 to `most` bytes."""
    chance, pieces, start = random.Random(seed), [], 0
    while start < len(body):
        end = start + chance.randint(1, most)
        pieces.append(body[start:end])
        start = end
    return pieces


# Bytes that look like parts of boundaries are what parsers stumble over.
TRICKY = st.lists(
    st.sampled_from(
        [b"\r", b"\n", b"\r\n", b"--", b"\r\n--", f"\r\n--{BOUNDARY[:-1]}".encode(), b"x", b"\0", BOUNDARY.encode()]
    )
    | st.binary(max_size=20),
    max_size=30,
).map(b"".join)


@settings(max_examples=300, deadline=None)
@given(
    data=TRICKY.filter(lambda data: data and f"\r\n--{BOUNDARY}".encode() not in data),
    seed=st.integers(),
    most=st.sampled_from([1, 2, 7, 60, 5000]),
)
def test_any_bytes_in_any_pieces_come_out_whole(data: bytes, seed: int, most: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        received, files = parse(Path(folder), cut(form(data, fields={"tags": "a"}), seed, most))
        assert files == [data]
        assert received.fields == {"tags": ["a"]}
        assert received.files[0].size == len(data)


@settings(max_examples=200, deadline=None)
@given(
    data=st.binary(min_size=1, max_size=300),
    seed=st.integers(),
    most=st.sampled_from([1, 7, 5000]),
    share=st.floats(0, 1),
)
def test_no_form_that_was_cut_short_is_taken(data: bytes, seed: int, most: int, share: float) -> None:
    whole = form(data)
    # The line end after the closing boundary may be missing: the boundary itself was there.
    end = min(int(len(whole) * share), len(whole) - 3)
    with tempfile.TemporaryDirectory() as folder, pytest.raises(BulletDropError):
        parse(Path(folder), cut(whole[:end], seed, most))


@settings(max_examples=300, deadline=None)
@given(where=st.integers(0, 10_000), value=st.integers(0, 255), insert=st.booleans(), seed=st.integers())
def test_a_changed_byte_is_refused_or_stays_a_form(where: int, value: int, insert: bool, seed: int) -> None:
    body = bytearray(form(b"some bytes of a picture", fields={"custom_name": "x"}))
    where %= len(body)
    if insert:
        body.insert(where, value)
    else:
        body[where] = value
    with tempfile.TemporaryDirectory() as folder:
        try:
            received, files = parse(Path(folder), cut(bytes(body), seed, 50))
        except BulletDropError:
            return
        assert len(files) == len(received.files) == 1
        assert received.files[0].size == len(files[0])


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=2000))
def test_noise_is_never_a_form(noise: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.raises(BulletDropError):
        parse(Path(folder), [noise] if noise else [])


def test_too_many_files_and_too_many_parts_are_refused(tmp_path: Path) -> None:
    part = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\nx\r\n'.encode()
    end = f"--{BOUNDARY}--\r\n".encode()
    assert len(parse(tmp_path, [part * 5 + end])[1]) == 5
    with pytest.raises(BulletDropError):
        parse(tmp_path, [part * 6 + end])
    field = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n'.encode()
    with pytest.raises(BulletDropError):
        parse(tmp_path, [field * 500 + part + end])


def test_a_file_beyond_the_limit_is_refused_while_it_is_read(tmp_path: Path) -> None:
    with pytest.raises(BulletDropError, match="Too large"):
        parse(tmp_path, [form(b"x" * 2000)[:1500]], file_size=1000)


def test_nothing_is_written_after_an_abort(tmp_path: Path) -> None:
    sink = RawSink(limits(tmp_path), "a.png")
    sink.feed([b"x"])
    sink.abort()
    sink.feed([b"y"])
    assert not list(tmp_path.iterdir())


BAD_TYPES = [
    "",
    "image/png",
    "multipart/form-data",
    "multipart/mixed; boundary=x",
    "multipart/form-data; boundary=",
    "multipart/form-data; boundary=" + "x" * 300,
]


@pytest.mark.parametrize("kind", BAD_TYPES)
def test_a_type_that_is_no_form_is_refused(kind: str) -> None:
    with pytest.raises(BulletDropError):
        boundary_of(kind)


@pytest.mark.parametrize(
    "kind", ["multipart/form-data; boundary=abc", 'Multipart/Form-Data; charset=utf-8; boundary="abc"']
)
def test_a_boundary_is_found_in_all_its_spellings(kind: str) -> None:
    assert boundary_of(kind) == "abc"
