"""A picture that stands for a video, by the system's ffmpeg where there is one. Without it, videos go without."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from bulletdrop.errors import BadPicture, Unavailable
from bulletdrop.paths import child_environment

# Only these readers: left to guess, ffmpeg also opens playlists that name other files and addresses.
_READERS = {"video/mp4": "mov", "video/quicktime": "mov", "video/webm": "matroska"}
# The most telling of the first 50 frames, since the very first one is often black.
_FILTER = "thumbnail=50,scale='min(2048,iw)':-2"
_FILE_BYTES = 64 * 1024 * 1024


def find_ffmpeg() -> str | None:
    """Where ffmpeg is, or None."""
    return shutil.which("ffmpeg")


def draw_poster(ffmpeg: str, source: Path, target: Path, *, mime: str, seconds: float, memory_mb: int) -> None:
    """Write one frame of a video to `target`, as PNG, at most 2048 pixels wide.

    Args:
        ffmpeg: the program, as `find_ffmpeg` gives it.
        seconds: the longest it may take, by the clock; `memory_mb` the most memory (Linux).

    Raises: BadPicture when ffmpeg makes nothing of the video, Unavailable when it cannot be started or hangs.
    """
    if mime not in _READERS:
        raise BadPicture(f"No poster is made of {mime}.")
    command = [ffmpeg, "-nostdin", "-hide_banner", "-loglevel", "error", "-protocol_whitelist", "file", "-threads", "1"]
    command += ["-f", _READERS[mime], "-i", f"file:{source}", "-map", "0:v:0", "-frames:v", "1", "-vf", _FILTER]
    command += ["-map_metadata", "-1", "-threads", "1", "-f", "image2", "-update", "1", "-c:v", "png", "-y"]
    environment = {k: v for k, v in child_environment().items() if not k.startswith("BULLETDROP_")}
    try:
        process = subprocess.Popen(
            [*command, f"file:{target}"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=environment,
            start_new_session=True,
        )
    except OSError as error:
        raise Unavailable("ffmpeg cannot be started.", retry_after=60) from error
    with process:
        try:
            _confine(process.pid, seconds=seconds, memory_mb=memory_mb)
            code = process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise Unavailable("ffmpeg takes too long.", retry_after=60) from error
        finally:
            process.kill()
    if code or not target.is_file():
        raise BadPicture("ffmpeg finds no picture in this video.")


def _confine(pid: int, *, seconds: float, memory_mb: int) -> None:
    """Limits and the lowest priority, set from outside: ffmpeg sets none itself."""
    if sys.platform != "linux":
        return
    import resource

    with contextlib.suppress(OSError):  # it may be done already
        for which, value in (
            (resource.RLIMIT_AS, memory_mb * 1024 * 1024),
            (resource.RLIMIT_CPU, max(1, int(seconds))),
            (resource.RLIMIT_FSIZE, _FILE_BYTES),
            (resource.RLIMIT_CORE, 0),
        ):
            resource.prlimit(pid, which, (value, value))
        os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))
