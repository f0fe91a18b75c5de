"""The cage around a decoding child: limits, signals, priority, set by the child on itself before it reads a picture."""

from __future__ import annotations

import contextlib
import ctypes
import math
import os
import signal
import sys
from collections.abc import Sequence
from typing import Any

from bulletdrop.media.decoding import walls

# linux/prctl.h
_PR_SET_PDEATHSIG = 1
_PR_SET_DUMPABLE = 4
_PR_SET_NO_NEW_PRIVS = 38

# The largest file a child may write: a 50-megapixel PNG with 16 bits a channel, stored without any luck, is 400 MB.
_FILE_BYTES = 512 * 1024 * 1024
_OPEN_FILES = 64


def shut(*, memory_mb: int, parent: int, readable: Sequence[str], writable: Sequence[str]) -> None:
    """Put this process into its cage. Nothing here can be undone by the process itself.

    Args:
        memory_mb: the most address space, in megabytes (RLIMIT_AS; not enforced by macOS, absent on Windows).
        parent: process id of the server; when the server dies, the kernel ends this process too (Linux).
        readable: the folders that pictures come from; without any folder the disk is not hidden.
        writable: the folders that pictures come from and go to.
    """
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):
        # A Ctrl-C or a stop of the whole service must not make the picture under way look broken: the parent ends us.
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _limit("RLIMIT_AS", memory_mb * 1024 * 1024)
    _limit("RLIMIT_FSIZE", _FILE_BYTES)
    _limit("RLIMIT_NOFILE", _OPEN_FILES)
    _limit("RLIMIT_CORE", 0)
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if os.getppid() == parent:
            # In the binary a launcher may stand between us; then the end of standard input is what ends us.
            libc.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(0)
        if readable or writable:
            walls.hide_disk(readable=[*walls.pythons_own(), *readable], writable=writable)
        walls.refuse_calls()


def _limit(name: str, value: int) -> None:
    try:
        import resource
    except ImportError:  # Windows
        return
    which = getattr(resource, name, None)
    if which is None:
        return
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        value = min(value, hard)
    # macOS refuses RLIMIT_AS below what is mapped already.
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(which, (value, value))


def allow_cpu(seconds: float) -> None:
    """Let this process use so much more processor time; past it the kernel ends it with SIGXCPU.

    Processor time, not time of day, because a child at the lowest priority on a busy machine waits through no
    fault of its picture. The parent has a limit by the clock besides.
    """
    try:
        import resource
    except ImportError:  # Windows
        return
    usage = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = math.ceil(usage.ru_utime + usage.ru_stime + seconds)
    if hard != resource.RLIM_INFINITY:
        soft = min(soft, hard)
    resource.setrlimit(resource.RLIMIT_CPU, (soft, hard))


def step_back() -> None:
    """Give this thread the lowest priority, so that uploads and views come first.

    It is set on the thread, not on the process: without privilege it cannot be taken back, so each piece of
    background work has a thread of its own that ends with it, and the child stays free for urgent work.
    """
    with contextlib.suppress(OSError, AttributeError):
        if sys.platform == "linux":
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        elif sys.platform == "darwin":
            ctypes.CDLL(None).pthread_set_qos_class_self_np(0x09, 0)  # QOS_CLASS_BACKGROUND, sys/qos.h
        elif sys.platform == "win32":
            windows: Any = ctypes
            windows.windll.kernel32.SetThreadPriority(-2, -15)  # the current thread, THREAD_PRIORITY_IDLE
