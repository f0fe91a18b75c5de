"""Starts a server, watches its system calls on the data folder, and can kill it at exactly the nth of them.

`python -m tests.faults.tracer --data D [--at N | --record FILE] -- command …` starts the command and prints one JSON
line for each thing that happens. It attaches when it reads the line "attach" (or at once with --record).

strace can inject a signal too, but counts per thread, so with a thread pool the nth call of a process is out of its
reach; here the count is over all threads, and every number from 1 to the last is one crash point.
"""

from __future__ import annotations

import argparse
import json
import os
import pickle
import signal
import struct
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.faults import ptrace

# What changes files or makes them durable, and the answer; each is a crash point when it touches the data folder.
BY_FD = {"write", "pwrite64", "writev", "pwritev", "pwritev2", "fsync", "fdatasync", "ftruncate", "fallocate", "close"}
BY_PATH = {"open": (None, 0), "mkdir": (None, 0), "rmdir": (None, 0), "unlink": (None, 0), "truncate": (None, 0)} | {
    "openat": (0, 1),
    "mkdirat": (0, 1),
    "unlinkat": (0, 1),
}
BY_TWO = {
    "rename": ((None, 0), (None, 1)),
    "link": ((None, 0), (None, 1)),
    "renameat": ((0, 1), (2, 3)),
    "renameat2": ((0, 1), (2, 3)),
    "linkat": ((0, 1), (2, 3)),
}
TO_SOCKET = {"write", "writev", "sendto", "sendmsg"}
AT_FDCWD = -100


@dataclass
class Call:
    """One system call on the data folder, as seen at its entry."""

    name: str
    path: str
    target: str = ""
    flags: int = 0
    offset: int = 0
    size: int = 0
    content: bytes = b""
    number: int = 0


@dataclass
class Tracer:
    """The loop around one traced process. All of it runs in one thread, as the kernel demands."""

    data: str
    at: int
    record: IO[bytes] | None
    pid: int = 0
    seen: int = 0
    _open: dict[int, Call | None] = field(default_factory=dict)
    _known: set[int] = field(default_factory=set)

    def attach(self) -> None:
        """Take hold of every thread of the process."""
        options = ptrace.TRACE_SYSGOOD | ptrace.TRACE_CLONE | ptrace.EXIT_KILL
        if self.record is not None:
            options |= ptrace.TRACE_FORK | ptrace.TRACE_VFORK
        while fresh := {int(name) for name in os.listdir(f"/proc/{self.pid}/task")} - self._known:  # noqa: PTH208
            for tid in fresh:
                self._known.add(tid)
                if ptrace.ptrace(ptrace.SEIZE, tid, data=options):
                    ptrace.ptrace(ptrace.INTERRUPT, tid)

    def loop(self) -> None:
        """Follow the process to its end."""
        while True:
            try:
                tid, status = os.waitpid(-1, ptrace.WALL)
            except ChildProcessError:
                return
            if os.WIFSTOPPED(status):
                self._stopped(tid, status)
            elif tid == self.pid:
                say(what="end", status=status, points=self.seen)
                return

    def _stopped(self, tid: int, status: int) -> None:
        number, event = os.WSTOPSIG(status), status >> 16
        deliver = 0
        if number == signal.SIGTRAP | 0x80:
            self._syscall(tid)
        elif event == ptrace.EVENT_STOP and number in (signal.SIGSTOP, signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU):
            ptrace.ptrace(ptrace.LISTEN, tid)
            return
        elif event == 0:
            deliver = number
        ptrace.ptrace(ptrace.SYSCALL, tid, data=deliver)

    def _syscall(self, tid: int) -> None:
        info = ptrace.syscall_info(tid)
        if info is None:
            return
        if info.op == ptrace.ENTRY:
            call = describe(tid, info, self.data, with_content=self.record is not None)
            self._open[tid] = call
            if call is not None:
                self._entered(call)
        elif info.op == ptrace.EXIT:
            finished = self._open.pop(tid, None)
            if finished is not None and self.record is not None:
                pickle.dump(("exit", finished.number, info.result), self.record)

    def _entered(self, call: Call) -> None:
        self.seen += 1
        call.number = self.seen
        if self.record is not None:
            pickle.dump(("enter", call.number, call), self.record)
            self.record.flush()
            return
        path, target = (text.removeprefix(self.data) for text in (call.path, call.target))
        say(what="point", number=self.seen, call=call.name, path=path, target=target)
        if self.seen == self.at:
            os.killpg(self.pid, signal.SIGKILL)
            say(what="killed", number=self.seen)


def describe(tid: int, info: ptrace.SyscallInfo, data: str, *, with_content: bool) -> Call | None:
    """What a call is about to do to the data folder, or that it sends an answer; None for all other calls."""
    name = ptrace.CALLS.get(info.number, "")
    args = info.args
    try:
        if name in BY_PATH:
            folder, which = BY_PATH[name]
            path = path_of(tid, args[folder] if folder is not None else None, args[which])
            return (
                Call(name, path, flags=args[which + 1] if "open" in name or name == "unlinkat" else 0)
                if inside(path, data)
                else None
            )
        if name in BY_TWO:
            (first, one), (second, two) = BY_TWO[name]
            source = path_of(tid, args[first] if first is not None else None, args[one])
            target = path_of(tid, args[second] if second is not None else None, args[two])
            return Call(name, source, target) if inside(source, data) or inside(target, data) else None
        if name in BY_FD or name in TO_SOCKET or name in ("sendfile", "copy_file_range", "mmap"):
            return _on_descriptor(tid, name, info, data, with_content=with_content)
    except OSError:
        return None
    return None


def _on_descriptor(tid: int, name: str, info: ptrace.SyscallInfo, data: str, *, with_content: bool) -> Call | None:
    args = info.args
    descriptor = _signed(args[{"mmap": 4, "copy_file_range": 2}.get(name, 0)])
    if descriptor < 0:
        return None
    path = str(Path(f"/proc/{tid}/fd/{descriptor}").readlink())
    if path.startswith("socket:"):
        head = _sent(tid, name, info) if name in TO_SOCKET else b""
        return Call("answer", head[:12].decode("latin-1"), content=head) if head.startswith(b"HTTP/1.1") else None
    if not inside(path, data):
        return None
    if name == "mmap":
        shared_and_writable = args[2] & 2 and args[3] & 1
        return Call(name, path) if shared_and_writable else None
    call = Call(name, path)
    if name == "ftruncate":
        call.size = args[1]
    elif name in ("write", "pwrite64"):
        call.size = args[2]
        call.offset = args[3] if name == "pwrite64" else _position(tid, descriptor)
        call.content = ptrace.read_memory(tid, args[1], args[2]) if with_content else b""
    return call


def _sent(tid: int, name: str, info: ptrace.SyscallInfo) -> bytes:
    """The first bytes that a send carries."""
    address, size = info.args[1], info.args[2]
    if name == "sendmsg":
        address, size = struct.unpack("QQ", ptrace.read_memory(tid, info.args[1] + 16, 16))
    if name in ("sendmsg", "writev"):
        address, size = struct.unpack("QQ", ptrace.read_memory(tid, address, 16))
    return ptrace.read_memory(tid, address, min(size, 64))


def _position(tid: int, descriptor: int) -> int:
    """Where the next write() of a descriptor goes; its end for one opened to append."""
    fields = dict(
        line.split(":", 1) for line in Path(f"/proc/{tid}/fdinfo/{descriptor}").read_text().splitlines() if ":" in line
    )
    if int(fields["flags"], 8) & os.O_APPEND:
        return os.stat(f"/proc/{tid}/fd/{descriptor}").st_size  # noqa: PTH116 - the link is no real path
    return int(fields["pos"])


def _signed(value: int) -> int:
    return value - (1 << 32) if value & 0x80000000 and value < 1 << 32 else value - (1 << 64) if value >> 63 else value


def path_of(tid: int, folder: int | None, address: int) -> str:
    """The absolute path that a call names, from its folder descriptor and its text."""
    text = ptrace.read_text(tid, address)
    if text.startswith("/"):
        return os.path.normpath(text)
    descriptor = AT_FDCWD if folder is None else _signed(folder & 0xFFFFFFFF)
    base = Path(f"/proc/{tid}/cwd" if descriptor == AT_FDCWD else f"/proc/{tid}/fd/{descriptor}").readlink()
    return os.path.normpath(f"{base}/{text}")


def inside(path: str, data: str) -> bool:
    """True for the data folder and what lies in it."""
    return path == data or path.startswith(data + "/")


def say(**fields: Any) -> None:
    """One line to whoever started the tracer."""
    sys.stdout.write(json.dumps(fields) + "\n")
    sys.stdout.flush()


def main() -> int:
    """The command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.tracer")
    parser.add_argument("--data", required=True)
    parser.add_argument("--at", type=int, default=0)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("command", nargs="+")
    wishes = parser.parse_args()
    record = wishes.record.open("wb") if wishes.record else None
    tracer = Tracer(str(Path(wishes.data).resolve()), wishes.at, record)
    with wishes.log.open("ab") as log:
        # A group of its own: what is killed is the server, never the tracer.
        child = subprocess.Popen(
            wishes.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    tracer.pid = child.pid
    say(what="pid", pid=child.pid)
    if record is None and sys.stdin.readline().strip() != "attach":
        os.killpg(child.pid, signal.SIGKILL)
        return 0
    tracer.attach()
    say(what="attached")
    tracer.loop()
    if record is not None:
        record.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
