"""How the one file starts: it unpacks itself once, heals, tidies up, and leaves nothing behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from bulletdrop import __version__
from tests.support.built import built
from tests.support.server import free_port

pytestmark = [
    pytest.mark.binary,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("binary"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the one file is Linux's form of the program"),
]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A home of its own, so that nothing is unpacked yet."""
    for name in ("cache", "tmp"):
        (tmp_path / name).mkdir()
    return {
        "HOME": str(tmp_path),
        "PATH": os.environ["PATH"],
        "TMPDIR": str(tmp_path / "tmp"),
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
    }


def run(environ: dict[str, str], *arguments: str, program: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [str(program or built()), *arguments]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def unpacked(environ: dict[str, str]) -> list[Path]:
    return sorted(Path(environ["XDG_CACHE_HOME"], "bulletdrop").iterdir())


def test_the_version_is_told_without_unpacking_anything(environ: dict[str, str]) -> None:
    done = run(environ, "--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"bulletdrop {__version__}\n", "", 0)
    assert list(Path(environ["XDG_CACHE_HOME"]).iterdir()) == []


def test_it_unpacks_once_and_a_later_start_finds_it(environ: dict[str, str]) -> None:
    assert run(environ, "config").returncode == 0
    first = unpacked(environ)
    made = first[0].stat().st_mtime_ns
    assert run(environ, "config").returncode == 0
    assert unpacked(environ) == first
    assert len(first) == 1
    assert first[0].stat().st_mtime_ns == made


def test_two_first_starts_at_once_both_succeed(environ: dict[str, str]) -> None:
    command = [str(built()), "config"]
    starts = [subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL) for _ in range(3)]
    assert [start.wait(60) for start in starts] == [0, 0, 0]
    assert len(unpacked(environ)) == 1


def test_what_a_cache_cleaner_took_is_unpacked_again(environ: dict[str, str]) -> None:
    run(environ, "config")
    shutil.rmtree(unpacked(environ)[0] / "_internal" / "sanic")
    assert run(environ, "config").returncode == 0
    assert (unpacked(environ)[0] / "_internal" / "sanic").is_dir()


def test_an_older_version_goes_unless_it_runs(environ: dict[str, str]) -> None:
    import fcntl

    folder = Path(environ["XDG_CACHE_HOME"], "bulletdrop")
    for name in ("0.0.1-idle", "0.0.2-running"):
        (folder / name).mkdir(parents=True, mode=0o700)
        (folder / name / ".in-use").touch()
    folder.chmod(0o700)
    with (folder / "0.0.2-running" / ".in-use").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        run(environ, "config")
    names = [path.name for path in unpacked(environ)]
    assert "0.0.1-idle" not in names
    assert "0.0.2-running" in names


def test_a_damaged_file_says_so_and_unpacks_nothing(environ: dict[str, str], tmp_path: Path) -> None:
    content = bytearray(built().read_bytes())
    content[len(content) // 2] ^= 0xFF
    damaged = tmp_path / "bulletdrop"
    damaged.write_bytes(content)
    damaged.chmod(0o755)
    done = run(environ, "config", program=damaged)
    assert done.returncode == 1
    assert "damaged" in done.stderr
    assert unpacked(environ) == []


def test_a_home_that_cannot_be_written_is_no_obstacle(environ: dict[str, str]) -> None:
    done = run({**environ, "XDG_CACHE_HOME": "/proc/nowhere", "HOME": "/proc/nowhere"}, "config")
    assert done.returncode == 0, done.stderr
    assert [path.name for path in Path(environ["TMPDIR"]).iterdir()] == [f"bulletdrop-{os.getuid()}"]


class Running:
    """A `serve` of the binary, started without a shell or a group of its own."""

    def __init__(self, environ: dict[str, str], data: Path) -> None:
        self.port = free_port()
        command = [str(built()), "serve", "--data", str(data), "--host", "127.0.0.1", "--port", str(self.port)]
        self.process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        deadline = time.monotonic() + 60
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(self.end(signal.SIGKILL))
            time.sleep(0.01)

    def answers(self) -> bool:
        """Whether somebody listens."""
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def end(self, number: signal.Signals) -> tuple[int, str]:
        """Send a signal to the process that was started; returns its exit code and what it said."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)
        said = self.process.communicate(timeout=60)[1].decode()
        return self.process.returncode, said


def test_sigterm_to_the_file_stops_the_server_cleanly(environ: dict[str, str], tmp_path: Path) -> None:
    running = Running(environ, tmp_path / "data")
    code, said = running.end(signal.SIGTERM)
    assert code == 0, said
    assert "Traceback" not in said
    assert not (tmp_path / "data" / "run" / "server.json").exists()
    assert list(Path(environ["TMPDIR"]).iterdir()) == []


def test_ctrl_c_stops_the_server_cleanly(environ: dict[str, str], tmp_path: Path) -> None:
    # A terminal sends SIGINT to the loader and to the program, and the loader passes its own on: two of them arrive.
    running = Running(environ, tmp_path / "data")
    code, said = running.end(signal.SIGINT)
    assert code in (0, 130), said
    assert "Traceback" not in said


def test_kill_9_of_the_file_leaves_no_server_behind(environ: dict[str, str], tmp_path: Path) -> None:
    running = Running(environ, tmp_path / "data")
    running.end(signal.SIGKILL)
    deadline = time.monotonic() + 60
    while running.answers() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not running.answers()
    # The loader's folder may stay, but empty.
    assert [path for path in Path(environ["TMPDIR"]).rglob("*") if path.is_file()] == []
