"""System calls on the data folder: what a stopped thread is about to do, as a model of a disk understands it."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from pathlib import Path

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
