"""What processes there are, from /proc: a server's workers, and whether anything of a killed server is left."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.server import Server

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="looks into /proc")


def workers_of(server: Server | int) -> list[int]:
    """The process ids of a server's workers."""
    parent = server if isinstance(server, int) else server.pid
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            # The name in brackets may hold anything; what follows it is fixed (proc(5)).
            state, above = (folder / "stat").read_text().rpartition(")")[2].split()[:2]
            command = (folder / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if int(above) == parent and state != "Z" and b"worker" in command:
            found.append(int(folder.name))
    return sorted(found)


def is_running(pid: int) -> bool:
    """True while there is such a process (one that waits to be reaped is none)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def group_is_empty(group: int) -> bool:
    """True when no process of a group is left."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def connections_of(pid: int, *, port: int) -> int:
    """How many connections to a port of 127.0.0.1 are open and taken by a process."""
    # Local address, state (01: established) and inode are the columns 1, 3 and 9 (proc_net_tcp.rst of the kernel).
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    theirs = {f"socket:[{row[9]}]" for row in rows if row[1] == f"0100007F:{port:04X}" and row[3] == "01"}
    count = 0
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            count += os.readlink(link) in theirs  # noqa: PTH115
        except OSError:
            continue
    return count


def all_answer(server: Server, times: int = 1, *, seconds: float = 40) -> None:
    """Wait until the server has said (for the n-th time) that all its workers answer."""
    until(lambda: sum(line.get("message") == "listening" for line in server.log_lines()) >= times, seconds)


def until(true: Callable[[], bool], seconds: float = 30) -> None:
    """Wait until something is so. Raises AssertionError when it is not in time."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)
