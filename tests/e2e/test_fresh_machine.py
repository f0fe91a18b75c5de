"""A fresh copy of the sources becomes a running server with one command, also where Python brings no pip."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

import httpx
import pytest

from tests.house.sources import TOP, tracked
from tests.support.server import free_port

pytestmark = [pytest.mark.timeout(600), pytest.mark.xdist_group("fresh")]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The files of the next commit in a folder of their own: no environment, no built page."""
    folder = tmp_path / "checkout"
    for path in tracked():
        target = folder / path.relative_to(TOP)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def clean(tmp_path: Path) -> dict[str, str]:
    """An environment with a home of its own, and pip's and npm's configuration as it is."""
    ours = ("BULLETDROP_", "VIRTUAL_ENV", "XDG_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    (tmp_path / "home").mkdir(exist_ok=True)
    return {**kept, "XDG_DATA_HOME": str(tmp_path / "home")}


class Started:
    """`dev.py run -- serve`, until it answers."""

    def __init__(self, checkout: Path, tmp_path: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.log = tmp_path / "run.log"
        command = [base_python(), str(checkout / "packaging" / "dev.py"), "run", "--", "serve"]
        command += ["--data", str(tmp_path / "data"), "--host", "127.0.0.1", "--port", str(port)]
        started = time.monotonic()
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=clean(tmp_path), stdout=log, stderr=log, cwd=tmp_path)
        while not self._answers():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() - started < 500
            time.sleep(0.02)
        self.seconds = time.monotonic() - started

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/health", timeout=2, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def stop(self) -> None:
        """End it as Ctrl-C in another window would: the process that was started has become the server."""
        self.process.terminate()
        assert self.process.wait(60) == 0, self.log.read_text()


def written(checkout: Path) -> dict[Path, int]:
    """What the installer and the builder leave behind, and when they wrote it, in nanoseconds."""
    built = checkout / "bulletdrop" / "web"
    stamps = [checkout / ".venv", *(checkout / ".venv").glob("lib/*/site-packages"), *(built / "static").iterdir()]
    return {path: path.stat().st_mtime_ns for path in [*stamps, built / "ui" / "node_modules"]}


def base_python() -> str:
    """The Python below the environment that runs these tests."""
    return str(Path(sys.base_prefix) / "bin" / "python3") if os.name == "posix" else sys.executable


def test_one_command_makes_a_fresh_copy_serve_and_the_second_start_is_quick(checkout: Path, tmp_path: Path) -> None:
    first = Started(checkout, tmp_path)
    page = httpx.get(f"{first.url}/setup", timeout=10, trust_env=False)
    assert page.status_code == 200
    for name in re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text):
        assert httpx.get(first.url + name, timeout=10, trust_env=False).status_code == 200
    code = (tmp_path / "data" / "setup-code").read_text().strip()
    first.stop()
    told = first.log.read_text()
    assert first.url in told
    assert code in told

    # What it installs and builds takes most of a minute; what is there already, no part of that on any machine.
    made = written(checkout)
    second = Started(checkout, tmp_path)
    second.stop()
    assert written(checkout) == made, "dev.py installs or builds again"
    assert second.seconds < first.seconds / 2
    assert "Installing" not in second.log.read_text()


def test_pip_comes_from_the_systems_wheel_where_python_brings_none(checkout: Path, tmp_path: Path) -> None:
    # Debian and Ubuntu: no ensurepip beside Python, but (after python3-pip-whl) a wheel of pip in a folder.
    bundled = Path(sysconfig.get_path("stdlib")) / "ensurepip" / "_bundled"
    wheels = bundled if bundled.exists() else Path("/usr/share/python-wheels")
    script = (
        "import sys, pathlib, environment as e\n"
        "assert e._quiet([sys.executable, '-m', 'venv', '--without-pip', str(e.VENV)])\n"
        "assert not e._has_pip()\n"
        "assert e._pip_from(pathlib.Path(sys.argv[1]))\n"
        "assert e._has_pip()\n"
    )
    command = [base_python(), "-c", script, str(wheels)]
    done = subprocess.run(command, cwd=checkout / "packaging", capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert (checkout / ".venv" / "pyvenv.cfg").exists()


def test_a_command_that_dev_py_does_not_know_shows_those_it_knows(checkout: Path) -> None:
    command = [base_python(), str(checkout / "packaging" / "dev.py"), "rum"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "dev.py run" in done.stdout
