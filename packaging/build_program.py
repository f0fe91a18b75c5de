"""Makes `dist/bulletdrop`, one file, with PyInstaller from `bulletdrop.spec`, unless that was done already."""

from __future__ import annotations

import hashlib
import platform
import subprocess
import sys
import time
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BINARY = TOP / "dist" / "bulletdrop"
STAMP = TOP / "build" / "inputs.sha256"


def main() -> int:
    """Build, unless the binary belongs to the sources as they are. Returns PyInstaller's exit code."""
    inputs = _inputs()
    if BINARY.exists() and STAMP.exists() and STAMP.read_text(encoding="utf-8") == inputs:
        print(f"{BINARY} is up to date", file=sys.stderr)
        return 0
    started = time.monotonic()
    print("Building dist/bulletdrop, about a minute", file=sys.stderr, flush=True)
    work = TOP / "build"
    command = [sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level=ERROR"]
    command += ["--distpath", str(work / "program"), "--workpath", str(work / "work"), str(TOP / "bulletdrop.spec")]
    code = subprocess.run(command, cwd=TOP, check=False).returncode
    if code:
        return code
    STAMP.write_text(inputs, encoding="utf-8")
    size = BINARY.stat().st_size / 1e6
    print(f"{BINARY}: {size:.1f} MB, built in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def _inputs() -> str:
    """One hash over what goes into the binary: our sources, the built page, the recipe, the packages' versions."""
    total = hashlib.sha256(f"{sys.version} {platform.platform()}".encode())
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
