"""The installation for one person on Linux: put there, found by the desktop, taken away."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]
LINUX = TOP / "packaging" / "linux"

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a script for Linux")


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """What the archive of a release holds, with a program that only says its name."""
    folder = tmp_path / "bulletdrop-linux"
    (folder / "icons").mkdir(parents=True)
    for name in ("install.sh", "bulletdrop.desktop"):
        shutil.copy(LINUX / name, folder)
    for path in (TOP / "assets").glob("icon*.*g"):
        shutil.copy(path, folder / "icons")
    (folder / "bulletdrop").write_text("#!/bin/sh\necho bulletdrop\n")
    return folder


def install(unpacked: Path, home: Path, *arguments: str) -> str:
    done = subprocess.run(
        [str(unpacked / "install.sh"), *arguments],
        env={"HOME": str(home), "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout


def test_program_menu_entry_and_icons_come_and_go(unpacked: Path, tmp_path: Path) -> None:
    home = tmp_path / "a home"
    home.mkdir()
    assert str(home / ".local" / "bin" / "bulletdrop") in install(unpacked, home)
    program = home / ".local" / "bin" / "bulletdrop"
    assert subprocess.run([program], capture_output=True, check=True).stdout == b"bulletdrop\n"
    entry = (home / ".local" / "share" / "applications" / "bulletdrop.desktop").read_text()
    assert f'Exec="{program}"\n' in entry
    icons = home / ".local" / "share" / "icons" / "hicolor"
    assert (icons / "48x48" / "apps" / "bulletdrop.png").stat().st_size > 200
    assert (icons / "scalable" / "apps" / "bulletdrop.svg").exists()

    install(unpacked, home)  # an update over it
    install(unpacked, home, "--remove")
    assert [path for path in home.rglob("*") if path.is_file()] == []
