"""Where the frozen program starts: the environment is set right for children, then the command line takes over."""

from __future__ import annotations

import os
import sys

# A log that nobody empties must not fill a disk.
MOST_LOG = 2_000_000


def prepare() -> None:
    """Undo what PyInstaller's loader did to the environment; it has read it, and children of ours must not."""
    for name in [name for name in os.environ if name.startswith("_PYI_")]:
        del os.environ[name]
    original = os.environ.pop("LD_LIBRARY_PATH_ORIG", None)
    os.environ.pop("LD_LIBRARY_PATH", None)
    if original:
        os.environ["LD_LIBRARY_PATH"] = original
    waits = os.environ.pop("_BULLETDROP_WAITS", None)
    if waits is not None and sys.platform == "linux":
        end_with(int(waits))


def give_streams() -> None:
    """A file for what is said, where a program without a console window has neither output nor error stream."""
    if sys.stdout is not None and sys.stderr is not None:
        return
    from pathlib import Path

    from bulletdrop.paths import default_data_folder, make_private_folder

    data = os.environ.get("BULLETDROP_DATA")
    try:
        log = make_private_folder(Path(data) if data else default_data_folder()) / "bulletdrop.log"
        fresh = log.exists() and log.stat().st_size > MOST_LOG
        stream = log.open("w" if fresh else "a", encoding="utf-8", errors="replace", buffering=1)
    except OSError:
        stream = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  open as long as the program
    sys.stdout = sys.stdout or stream
    sys.stderr = sys.stderr or stream


def end_with(parent: int) -> None:
    """End when the process that was started by name ends, even by kill -9: it is a loader that only waits for us."""
    import ctypes
    import signal

    if os.getppid() != parent:
        return  # it was not the loader that started us
    set_parent_death_signal = 1  # PR_SET_PDEATHSIG, prctl(2)
    ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)
    if os.getppid() != parent:  # it ended before we asked
        os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    prepare()
    import multiprocessing

    multiprocessing.freeze_support()
    give_streams()

    from bulletdrop.__main__ import main

    main()
