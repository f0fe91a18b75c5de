"""Opens a page in the person's browser, without waiting for it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading

from bulletdrop.log import get_logger
from bulletdrop.paths import child_environment

log = get_logger("browser")


def open_page(url: str) -> threading.Thread:
    """Open `url` in the default browser. Returns at once; that it did not work is logged with the address.

    Returns: the thread that does it, for a command that is about to end and must let it finish first.
    """
    thread = threading.Thread(target=_open, args=(url,), name="browser", daemon=True)
    thread.start()
    return thread


def _open(url: str) -> None:
    # What a "#" brings (a set-up code) is for the browser alone.
    shown = url.partition("#")[0]
    try:
        worked = _by_desktop(url) if sys.platform == "linux" and shutil.which("xdg-open") else _by_python(url)
    except OSError as error:
        log.warning("No browser could be opened (%s). Open %s yourself.", error, shown)
        return
    if not worked:
        log.warning("No browser could be opened. Open %s yourself.", shown)


def _by_desktop(url: str) -> bool:
    # Not the webbrowser module: it hands a frozen program's library path on, which breaks the browser.
    process = subprocess.Popen(
        ["xdg-open", url],
        env=child_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    return process.wait() == 0


def _by_python(url: str) -> bool:
    import webbrowser

    return webbrowser.open(url)
