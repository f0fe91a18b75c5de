"""A machine with nothing on it but the C library and our one file: a root folder of its own, entered by chroot."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from tests.support.needs import requires, unavailable

# What every Linux with glibc has, and what PyInstaller therefore leaves out of the binary.
GLIBC = (
    "ld-linux", "libc.so", "libm.so", "libdl.so", "libpthread.so", "librt.so", "libutil.so", "libresolv.so",
    "libnss_dns", "libnss_files",
)
DEVICES = ("null", "zero", "urandom", "random")


class BareMachine:
    """A root folder in which only the binary and the C library lie: no Python, no shell, no checkout.

    Args:
        root: an empty folder.
        binary: the one-file program; copied to `/bulletdrop`.
    """

    def __init__(self, root: Path, binary: Path) -> None:
        requires("unshare", "chroot", "mount", "ldd", package="util-linux, mount, libc-bin")
        self.root = root
        for name in ("tmp", "proc", "dev", "home", "data"):
            (root / name).mkdir(parents=True)
        shutil.copy2(binary, root / "bulletdrop")
        for library in self._libraries(binary):
            target = root / library.relative_to("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(library, target)
        for name in DEVICES:
            (root / "dev" / name).touch()
        self._probe()

    def command(self, *arguments: str) -> list[str]:
        """The command that runs `/bulletdrop` in here; its process is the program's own, so that signals reach it."""
        inside = f"chroot {self.root} /bulletdrop"
        mounts = [f"mount --rbind /proc {self.root}/proc"]
        mounts += [f"mount --bind /dev/{name} {self.root}/dev/{name}" for name in DEVICES]
        user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = f'{" && ".join(mounts)} && exec {inside} "$@"'
        return ["unshare", *user, "--mount", "sh", "-c", script, "sh", *arguments]

    def environ(self, **more: str) -> dict[str, str]:
        """An environment with a home and nothing else."""
        return {"HOME": "/home", "PATH": os.environ["PATH"], "LANG": "C.UTF-8", **more}

    def run(self, *arguments: str, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the program to its end."""
        command, environ = self.command(*arguments), self.environ(**more)
        return subprocess.run(
            command, input=stdin, capture_output=True, text=True, env=environ, timeout=60, check=False
        )

    def _probe(self) -> None:
        done = self.run("--version")
        if "unshare:" in done.stderr or "mount:" in done.stderr:
            unavailable(f"this user may not make namespaces: {done.stderr.strip()}")

    @staticmethod
    def _libraries(binary: Path) -> list[Path]:
        """The C library's files, from where the loader finds them for the binary."""
        listed = subprocess.run(["ldd", str(binary)], capture_output=True, text=True, check=True).stdout
        known = [Path(path) for path in re.findall(r"(/\S+)", listed)]
        # As the binary names them (/lib64/ld-linux…), and the rest of the family beside them.
        folders = {path.resolve().parent for path in known}
        family = [path for folder in folders for path in folder.iterdir() if path.name.startswith(GLIBC)]
        return sorted({*known, *family})
