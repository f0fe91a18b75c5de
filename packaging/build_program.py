"""Makes the program in `dist` with PyInstaller from `bulletdrop.spec`, unless that was done already.

On Linux that is one file, `dist/bulletdrop`; on macOS `dist/BulletDrop.app`; on Windows the folder `dist/bulletdrop`.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
# What PyInstaller leaves, where it is the whole program already.
BUNDLES = {"darwin": "BulletDrop.app", "win32": "bulletdrop"}
BINARY = TOP / "dist" / BUNDLES.get(sys.platform, "bulletdrop")
STAMP = TOP / "build" / "inputs.sha256"


def main() -> int:
    """Build, unless the binary belongs to the sources as they are. Returns PyInstaller's exit code."""
    inputs = _inputs()
    if BINARY.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == inputs:
        print(f"{BINARY} is up to date", file=sys.stderr)
        return 0
    started = time.monotonic()
    print(f"Building {BINARY.relative_to(TOP)}, about a minute", file=sys.stderr, flush=True)
    work = TOP / "build"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR"]
    command += ["--distpath", str(work / "program"), "--workpath", str(work / "work"), str(TOP / "bulletdrop.spec")]
    code = subprocess.run(command, cwd=TOP, check=False).returncode
    if code:
        return code
    if sys.platform in BUNDLES:
        shutil.rmtree(BINARY, ignore_errors=True)
        BINARY.parent.mkdir(exist_ok=True)
        shutil.move(work / "program" / BINARY.name, BINARY)
    STAMP.write_text(inputs, encoding="utf-8")
    parts = BINARY.rglob("*") if BINARY.is_dir() else [BINARY]
    size = sum(part.lstat().st_size for part in parts) / 1e6
    print(f"{BINARY}: {size:.1f} MB, built in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def _inputs() -> str:
    """One hash over what goes into the binary: our sources, the built page, the recipe, the packages' versions."""
    publisher = os.environ.get("BULLETDROP_PUBLISHER", "")
    total = hashlib.sha256(f"{sys.version} {platform.platform()} {publisher}".encode())
    installed = subprocess.run([sys.executable, "-m", "pip", "freeze"], capture_output=True, check=True).stdout
    total.update(installed)
    files = [TOP / "bulletdrop.spec", TOP / "pyproject.toml"]
    files += sorted((TOP / "bulletdrop").rglob("*")) + sorted((TOP / "packaging").rglob("*"))
    skipped = {"node_modules", "__pycache__", "ui", ".mypy_cache", ".ruff_cache"}
    for path in files:
        if path.is_file() and not skipped & set(path.parts):
            total.update(f"{path.relative_to(TOP).as_posix()}\0{path.stat().st_size}\0".encode())
            total.update(path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    sys.exit(main())
