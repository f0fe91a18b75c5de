"""An X server of our own without a screen, so that a real tray has a clipboard to write to."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator

from tests.faults.product import end_group


def has_display_server() -> bool:
    """True when Xvfb is installed."""
    return shutil.which("Xvfb") is not None


@contextlib.contextmanager
def display() -> Iterator[str]:
    """Start Xvfb on a number that it chooses. Yields the value for DISPLAY."""
    read, write = os.pipe()
    command = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"]
    process = subprocess.Popen(
        command,
        pass_fds=[write],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.close(write)
    try:
        number = b""
        while not number.endswith(b"\n"):
            piece = os.read(read, 16)
            if not piece:
                raise RuntimeError("Xvfb did not start")
            number += piece
        yield f":{number.decode().strip()}"
    finally:
        os.close(read)
        end_group(process)
