"""Bodies of foreign tools, however they are cut: they become their bytes, or are refused and leave nothing."""

from __future__ import annotations

import base64
import contextlib
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bulletdrop.errors import Rejected
from bulletdrop.web.foreign_bodies import ForeignForm, ForeignPairs, sniffed
from bulletdrop.web.parts import Limits
from tests.support.server import Server
from tests.web.kit import BOUNDARY
from tests.web.test_foreign_clients import part

MB = 1024 * 1024
FILES, KNOWN = ("image",), ("title", "name")


def sunk(
    make: Callable[[Limits], Any], body: bytes, cuts: list[int], folder: Any
) -> tuple[bytes, dict[str, list[str]]]:
    """What a sink makes of a body that comes in such pieces."""
    sink = make(Limits(folder, 10 * MB, 1, 0))
    places = sorted({0, len(body), *(cut % (len(body) + 1) for cut in cuts)})
    try:
        for start, end in itertools.pairwise(places):
            sink.feed([body[start:end]])
        whole = sink.finish()
        return whole.files[0].path.read_bytes(), whole.fields
    finally:
        sink.abort()


CUTS = st.lists(st.integers(0, 5000), max_size=12)


@settings(max_examples=150, deadline=None)
@given(st.binary(min_size=1, max_size=3000), st.text(max_size=30), CUTS, st.booleans())
def test_however_it_is_cut_base64_becomes_its_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, title: str, cuts: list[int], last: bool
) -> None:
    folder = tmp_path_factory.getbasetemp()
    pairs = [("title", title.encode("utf-8", "replace")), ("image", base64.b64encode(data))]
    body = urlencode(pairs[::-1] if last else pairs).encode()
    found, fields = sunk(lambda limits: ForeignPairs(limits, files=FILES, known=KNOWN), body, cuts, folder)
    assert found == data
    assert fields["title"] == [title.encode("utf-8", "replace").decode()]
    form = part(base64.encodebytes(data))
    found, _ = sunk(lambda limits: ForeignForm(limits, BOUNDARY, files=FILES, known=KNOWN), form, cuts, folder)
    assert found == data


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400), CUTS, st.sampled_from([b"", b"image=", b"title=a&image=", b"image=data:a;base64,"]))
def test_whatever_comes_is_taken_or_refused_and_leaves_nothing(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, cuts: list[int], head: bytes
) -> None:
    folder = tmp_path_factory.mktemp("left", numbered=True)
    body = head + data
    with contextlib.suppress(Rejected):
        sunk(lambda limits: sniffed(limits, body, files=FILES, known=KNOWN), body, cuts, folder)
    assert list(folder.iterdir()) == []


def test_sixty_megabytes_of_base64_take_no_more_memory_than_a_small_picture(make_server: Callable[..., Server]) -> None:
    server = make_server(BULLETDROP_FOREIGN_CLIENTS="on", BULLETDROP_MIN_FREE_DISK="0")
    headers = {"X-API-Key": server.key_of("alice"), "Content-Type": "application/x-www-form-urlencoded"}

    def most() -> int:
        """The most memory that the server has had, in bytes."""
        line = next(one for one in Path(f"/proc/{server.pid}/status").read_text().splitlines() if "VmHWM" in one)
        return int(line.split()[1]) * 1024

    def pieces(count: int) -> Iterator[bytes]:
        yield b"type=base64&image="
        yield from itertools.repeat(base64.b64encode(bytes(768 * 1024)), count)

    def sent(count: int) -> int:
        return server.anonymous.post("/3/image", content=pieces(count), headers=headers).status_code

    # It is no picture, and refused once it has come.
    assert sent(2) == 415
    before = most()
    assert sent(80) == 415
    assert most() - before < 16 * MB
