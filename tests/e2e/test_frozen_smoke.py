"""The script that a release runs on each system, run here: on the sources, and on the built program."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.built import built
from tests.support.needs import requires
from tests.support.screen import Screen

TOP = Path(__file__).resolve().parents[2]
STEPS = ["version", "serve", "set_up", "upload", "documentation", "doctor", "tray", "autostart", "stop"]

pytestmark = [pytest.mark.display, pytest.mark.timeout(600)]


@pytest.fixture
def screen(tmp_path: Path) -> Iterator[Screen]:
    requires("Xvfb", package="xvfb")
    requires("dbus-daemon", package="dbus-daemon")
    requires("gnome-keyring-daemon", package="gnome-keyring")
    requires("gdbus", package="libglib2.0-bin")
    made = Screen(tmp_path / "screen").start()
    made.start_keyring()
    yield made
    made.stop()


def smoke(screen: Screen, *command: str) -> dict[str, str]:
    """Run the script. Returns what each step told."""
    done = subprocess.run(
        [sys.executable, str(TOP / "packaging" / "smoke.py"), *command],
        env=screen.environ, capture_output=True, text=True, timeout=500, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.split(" ")[0] in STEPS]
    return {line.split(" ")[0]: line[14:] for line in lines}


def test_the_sources_pass_what_a_release_must_pass(screen: Screen) -> None:
    told = smoke(screen, sys.executable, "--", "-m", "bulletdrop")
    assert list(told) == STEPS
    assert "a test secret was kept and deleted" in told["doctor"]


@pytest.mark.binary
@pytest.mark.xdist_group("binary")
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the one file is Linux's form of the program")
def test_frozen_smoke_test(screen: Screen) -> None:
    """Serve, the API's description, upload, notifications, keyring, tray, start at login: by the built program."""
    told = smoke(screen, str(built()))
    assert list(told) == STEPS
    assert "a test secret was kept and deleted" in told["doctor"]
    assert told["autostart"] == "on / off"


def test_a_program_that_does_not_work_fails_it(tmp_path: Path) -> None:
    broken = tmp_path / "bulletdrop"
    broken.write_text(
        "#!/bin/sh\n[ \"$1\" = --version ] && echo bulletdrop 9 && exit 0\necho 'no module' >&2; exit 1\n"
    )
    broken.chmod(0o755)
    done = subprocess.run(
        [sys.executable, str(TOP / "packaging" / "smoke.py"), str(broken)],
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert "FAILED: it ended with 1: no module" in done.stdout
