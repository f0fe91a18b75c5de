"""The binary under test: the one that is named, else one built from these sources."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


@cache
def built() -> Path:
    """The one-file program: BULLETDROP_BINARY, else `dev.py build` makes it, which costs nothing when it is fresh."""
    named = os.environ.get("BULLETDROP_BINARY")
    if named:
        return Path(named).resolve()
    command = [sys.executable, str(TOP / "packaging" / "dev.py"), "build"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return TOP / "dist" / "bulletdrop"
