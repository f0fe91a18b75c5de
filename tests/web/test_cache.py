"""The cache of ready answers: bounded, valid for a second, and never older than a change in this process."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from bulletdrop.web.cache import VALID_SECONDS, Cache
from bulletdrop.web.prepared import OpenFile, Prepared, prepare

NOW = datetime(2026, 11, 20, tzinfo=UTC)


class Ticks:
    """A clock by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def answer(body: bytes = b"x", file: OpenFile | None = None) -> Prepared:
    return prepare(
        sha256="0" * 64,
        mime="image/png",
        filename="a.png",
        size=len(body),
        modified=NOW,
        public=True,
        download=False,
        seconds_left=None,
        body=None if file else body,
        file=file,
    )


def test_an_answer_counts_for_a_second() -> None:
    clock = Ticks()
    cache = Cache(10**6, clock)
    cache.put(b"/a", answer(), generation=cache.generation)
    assert cache.get(b"/a") is not None
    clock.now += VALID_SECONDS + 0.01
    assert cache.get(b"/a") is None
    assert cache.weight == 0


def test_a_change_drops_everything_also_what_is_on_its_way() -> None:
    cache = Cache(10**6)
    before = cache.generation
    cache.put(b"/a", answer(), generation=before)
    cache.expire_all()
    assert cache.get(b"/a") is None
    cache.put(b"/b", answer(), generation=before)
    assert cache.get(b"/b") is None


def test_the_memory_stays_within_its_limit() -> None:
    cache = Cache(200_000)
    for number in range(500):
        cache.put(b"/%d" % number, answer(b"x" * 10_000), generation=0)
        assert cache.weight <= 200_000
    assert 10 <= len(cache) <= 20
    assert cache.get(b"/499") is not None
    assert cache.get(b"/0") is None
    cache.put(b"/huge", answer(b"x" * 150_000), generation=0)
    assert cache.get(b"/huge") is None


def test_a_cache_without_memory_keeps_nothing() -> None:
    cache = Cache(0)
    cache.put(b"/a", answer(), generation=0)
    assert len(cache) == 0


def test_no_file_stays_open_after_its_answer_went(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"hello")
    clock = Ticks()
    cache = Cache(10**6, clock)

    def open_files() -> int:
        return sum(link.resolve() == path for link in Path("/proc/self/fd").iterdir() if link.exists())

    for number in range(200):
        cache.put(b"/%d" % number, answer(file=OpenFile(path)), generation=0)
    assert open_files() <= 64
    clock.now += 2
    cache.sweep()
    assert open_files() == 0
