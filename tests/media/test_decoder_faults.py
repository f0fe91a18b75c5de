"""Decoding children that are killed, hang, take too much, or are left behind: the next picture still gets done."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from bulletdrop.config import Config
from bulletdrop.errors import BadPicture, Unavailable
from bulletdrop.media.decoding.pool import Decoded, Decoder
from tests.media.decoder_samples import decoding_children as children
from tests.media.decoder_samples import encoded, laborious_png, png_of, scene, write

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and limits are POSIX's")


def at_work() -> list[psutil.Process]:
    """Those children that are at a picture and no longer at their start, which has ends of its own when it fails."""
    found = []
    for child in children():
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [child] if child.cpu_times().user > 0.3 else []
    return found


def begin(pool: ThreadPoolExecutor, decoder: Decoder, picture: Path) -> Future[Decoded]:
    """Have a picture decoded in a thread. With somebody waiting: work in the background stops on a busy machine."""
    return pool.submit(decoder.thumbnails, picture, mime="image/png", folder=picture.parent, urgent=True)


def until(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until something is true. Fails when it does not become so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true in time"
        time.sleep(0.01)


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A picture that is decoded in no time."""
    return write(tmp_path, "small.png", encoded(scene(64, 48), "PNG"))


@pytest.fixture
def slow(tmp_path: Path) -> Path:
    """A picture that takes some seconds of a processor."""
    return write(tmp_path, "slow.png", laborious_png())


@pytest.fixture
def decoder() -> Iterator[Decoder]:
    with Decoder(Config()) as decoder:
        yield decoder


def test_no_child_runs_before_there_is_work_and_one_is_used_again(decoder: Decoder, small: Path) -> None:
    assert children() == []
    decoder.thumbnails(small, mime="image/png", folder=small.parent)
    first = [child.pid for child in children()]
    assert len(first) == 1
    decoder.thumbnails(small, mime="image/png", folder=small.parent)
    assert [child.pid for child in children()] == first


def test_an_idle_child_ends(small: Path) -> None:
    with Decoder(Config(), idle_seconds=0.2) as decoder:
        decoder.thumbnails(small, mime="image/png", folder=small.parent)
        assert children()
        until(lambda: not children())
        decoder.thumbnails(small, mime="image/png", folder=small.parent)


def test_closing_ends_the_children_and_refuses_more(small: Path) -> None:
    decoder = Decoder(Config())
    decoder.thumbnails(small, mime="image/png", folder=small.parent)
    decoder.close()
    assert children() == []
    with pytest.raises(Unavailable):
        decoder.thumbnails(small, mime="image/png", folder=small.parent)
    decoder.close()


def test_closing_during_work_is_not_the_pictures_fault(slow: Path) -> None:
    decoder = Decoder(Config())
    with ThreadPoolExecutor() as pool:
        answer = begin(pool, decoder, slow)
        until(at_work)
        decoder.close()
        with pytest.raises(Unavailable):
            answer.result(timeout=30)
    assert sorted(path.name for path in slow.parent.iterdir()) == ["slow.png"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSEGV])
def test_a_child_killed_once_during_work_does_not_lose_the_picture(
    decoder: Decoder, slow: Path, number: signal.Signals
) -> None:
    with ThreadPoolExecutor() as pool:
        answer = begin(pool, decoder, slow)
        until(at_work)
        os.kill(children()[0].pid, number)
        assert answer.result(timeout=150).frames == 200


def test_a_child_killed_while_idle_is_replaced(decoder: Decoder, small: Path) -> None:
    for _ in range(5):
        decoder.thumbnails(small, mime="image/png", folder=small.parent)
        os.kill(children()[0].pid, signal.SIGKILL)


def test_a_picture_that_ends_its_child_twice_is_broken_and_the_next_one_is_not(
    decoder: Decoder, slow: Path, small: Path
) -> None:
    with ThreadPoolExecutor() as pool:
        answer = begin(pool, decoder, slow)
        killed: set[int] = set()
        while len(killed) < 2 and not answer.done():
            for child in at_work():
                if child.pid not in killed:
                    os.kill(child.pid, signal.SIGSEGV)
                    killed.add(child.pid)
            time.sleep(0.01)
        with pytest.raises(BadPicture):
            answer.result(timeout=30)
    decoder.thumbnails(small, mime="image/png", folder=small.parent)


def test_a_stop_of_the_whole_service_does_not_break_the_picture_under_way(decoder: Decoder, slow: Path) -> None:
    with ThreadPoolExecutor() as pool:
        answer = begin(pool, decoder, slow)
        until(at_work)
        first = children()[0].pid
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            os.kill(first, number)
        assert answer.result(timeout=150).frames == 200
        assert [child.pid for child in children()] == [first]


def ask_again_while_busy(decoder: Decoder, picture: Path) -> None:
    """On a machine that is busy otherwise the clock may run out before the processor's time does."""
    for _ in range(20):
        with contextlib.suppress(Unavailable):
            decoder.thumbnails(picture, mime="image/png", folder=picture.parent, urgent=True)
            return


def test_a_picture_that_takes_too_long_is_broken_and_the_next_one_is_not(tmp_path: Path, small: Path) -> None:
    # The kernel counts whole seconds of a processor, so that two seconds may last almost three; this takes more.
    slow = write(tmp_path, "slow.png", laborious_png(600))
    with Decoder(Config(decode_seconds=2, max_total_pixels=1_000_000_000)) as decoder:
        with pytest.raises(BadPicture, match="2 seconds"):
            ask_again_while_busy(decoder, slow)
        decoder.thumbnails(small, mime="image/png", folder=small.parent)


def test_a_child_that_hangs_is_not_the_pictures_fault(small: Path) -> None:
    # Four times as long as a decode may take is waited, by the clock.
    with Decoder(Config(decode_seconds=2)) as decoder:
        decoder.thumbnails(small, mime="image/png", folder=small.parent, urgent=True)
        os.kill(children()[0].pid, signal.SIGSTOP)
        started = time.monotonic()
        with pytest.raises(Unavailable):
            decoder.thumbnails(small, mime="image/png", folder=small.parent, urgent=True)
        assert time.monotonic() - started < 20
        decoder.thumbnails(small, mime="image/png", folder=small.parent, urgent=True)


def test_a_picture_that_takes_too_much_memory_is_broken_and_the_next_one_is_not(tmp_path: Path, small: Path) -> None:
    large = write(tmp_path, "large.png", png_of(7000, 7000, zlib.compress(bytes(7000 * 28001), 1), colour=6))
    with Decoder(Config(decode_memory_mb=200)) as decoder:
        with pytest.raises(BadPicture, match="200 MB of memory"):
            decoder.thumbnails(large, mime="image/png", folder=tmp_path)
        decoder.thumbnails(small, mime="image/png", folder=tmp_path)


def test_twenty_bombs_beside_twenty_pictures(tmp_path: Path, small: Path) -> None:
    large = write(tmp_path, "large.png", png_of(7000, 7000, zlib.compress(bytes(7000 * 28001), 1), colour=6))
    with Decoder(Config(decode_memory_mb=200)) as decoder, ThreadPoolExecutor(40) as pool:
        bombs = [begin(pool, decoder, large) for _ in range(20)]
        whole = [begin(pool, decoder, small) for _ in range(20)]
        assert all(isinstance(bomb.exception(), BadPicture) for bomb in bombs)
        assert all(answer.result().width == 64 for answer in whole)
        assert len(children()) <= 2


def test_urgent_work_does_not_wait_for_the_background(slow: Path, small: Path) -> None:
    with Decoder(Config()) as decoder, ThreadPoolExecutor(8) as pool:
        background = [pool.submit(decoder.thumbnails, slow, mime="image/png", folder=slow.parent) for _ in range(2)]
        until(children)
        decoder.thumbnails(small, mime="image/png", folder=small.parent, urgent=True)
        assert not any(answer.done() for answer in background)
        # One that a busy machine has no time left for may say so.
        with contextlib.suppress(Unavailable):
            assert background[0].result().frames == 200
        decoder.close()


def test_who_waits_longer_than_he_wants_is_told_to_come_again(slow: Path, small: Path) -> None:
    with Decoder(Config(decode_processes=1)) as decoder, ThreadPoolExecutor() as pool:
        answer = begin(pool, decoder, slow)
        until(children)
        with pytest.raises(Unavailable) as refusal:
            decoder.thumbnails(small, mime="image/png", folder=small.parent, urgent=True, wait_seconds=0.1)
        assert refusal.value.retry_after
        answer.result()


def test_without_a_program_to_start_it_is_unavailable(tmp_path: Path, small: Path) -> None:
    for command in (
        [str(tmp_path / "missing"), "decode"],
        [sys.executable, "-c", "1/0"],
        [sys.executable, "-c", "print(1)"],
    ):
        with Decoder(Config(), command=command) as decoder, pytest.raises(Unavailable):
            decoder.thumbnails(small, mime="image/png", folder=small.parent)


def test_a_missing_folder_is_not_the_pictures_fault(decoder: Decoder, small: Path) -> None:
    with pytest.raises(Unavailable):
        decoder.thumbnails(small, mime="image/png", folder=small.parent / "missing")
    with pytest.raises(Unavailable):
        decoder.thumbnails(small.parent / "missing.png", mime="image/png", folder=small.parent)


def test_one_name_is_one_thread_at_a_time(decoder: Decoder) -> None:
    inside = 0
    most = 0
    guard = threading.Lock()

    def enter(_: int) -> bool:
        nonlocal inside, most
        with decoder.alone("blob"):
            with guard:
                inside += 1
                most = max(most, inside)
            time.sleep(0.005)
            with guard:
                inside -= 1
        return True

    with ThreadPoolExecutor(10) as pool:
        assert all(pool.map(enter, range(30)))
    assert most == 1
    with decoder.alone("blob"), ThreadPoolExecutor() as pool:

        def try_briefly() -> bool:
            with decoder.alone("blob", seconds=0.05) as alone:
                return alone

        assert pool.submit(try_briefly).result() is False


def test_a_child_knows_no_secret_and_cannot_start_programs_with_more_rights(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BULLETDROP_SECRET_KEY", "canary-in-the-environment")
    with Decoder(Config()) as decoder:
        decoder.thumbnails(small, mime="image/png", folder=small.parent)
        child = children()[0]
        assert "canary" not in repr(child.environ())
        if sys.platform == "linux":
            status = Path(f"/proc/{child.pid}/status").read_text()
            assert "NoNewPrivs:\t1" in status
            limits = Path(f"/proc/{child.pid}/limits").read_text()
            assert f"Max address space         {1024**3}" in limits
            assert "Max core file size        0 " in limits


PARENT = """
import sys, threading
from pathlib import Path
from bulletdrop.config import Config
from bulletdrop.media.decoding.pool import Decoded, Decoder
decoder = Decoder(Config())
slow, small = Path(sys.argv[1]), Path(sys.argv[2])
# From a thread that ends: a child tied to it would end with it.
def decode(path):
    decoder.thumbnails(path, mime="image/png", folder=path.parent)
thread = threading.Thread(target=decode, args=(small,))
thread.start(); thread.join()
threading.Thread(target=decode, args=(slow,)).start()
import time; time.sleep(0.3)
child, = decoder._all
print(child.pid, flush=True)
time.sleep(60)
"""


def test_a_child_never_outlives_a_killed_parent(slow: Path, small: Path) -> None:
    root = str(Path(__file__).parents[2])
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(slow), str(small)],
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": root},
    )
    with parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        assert child.cmdline()[-1] == "decode"
        parent.kill()
        parent.wait()
        until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
