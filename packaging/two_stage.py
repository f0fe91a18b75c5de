"""Joins the folder that PyInstaller made and the first stage into one file that unpacks itself once.

`bootloader | payload.tar.xz | trailer | first stage`. PyInstaller's loader looks for its package from the end of the
file, so what lies in front of it costs nothing at a start.
"""

from __future__ import annotations

import hashlib
import io
import lzma
import os
import struct
import tarfile
from pathlib import Path

TRAILER = struct.Struct("!8sQ32s32s")  # as stage1.py reads it: magic, length, SHA-256, version
MAGIC = b"BDPAYLD1"
# The filter for x86 code makes libraries a tenth smaller; it does no harm to others' code, only no good.
XZ = [{"id": lzma.FILTER_X86}, {"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 32 << 20}]


def join(loader: Path, package: Path, folder: Path, target: Path, version: str) -> None:
    """Write the one file.

    Args:
        loader: PyInstaller's bootloader as `EXE(append_pkg=False)` leaves it.
        package: the first stage as a PyInstaller package, beside it.
        folder: the program as `COLLECT` leaves it.
        target: the file to write; replaced in one step.
        version: what `--version` prints, at most 32 bytes.
    """
    payload = _pack(folder)
    trailer = TRAILER.pack(MAGIC, len(payload), hashlib.sha256(payload).digest(), version.encode())
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(".new")
    temporary.write_bytes(loader.read_bytes() + payload + trailer + package.read_bytes())
    temporary.chmod(0o755)
    os.replace(temporary, target)


def _pack(folder: Path) -> bytes:
    """The folder as tar.xz, the same bytes for the same files: sorted, without times and owners."""
    packed = io.BytesIO()
    with (
        lzma.LZMAFile(packed, "w", format=lzma.FORMAT_XZ, filters=XZ) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.GNU_FORMAT) as archive,
    ):
        for path in sorted(folder.rglob("*")):
            about = archive.gettarinfo(str(path), arcname=path.relative_to(folder).as_posix())
            about.mtime = about.uid = about.gid = 0
            about.uname = about.gname = ""
            if about.isreg():
                with path.open("rb") as file:
                    archive.addfile(about, file)
            else:
                archive.addfile(about)
    return packed.getvalue()
