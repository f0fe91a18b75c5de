"""The kernel's tracing calls, as far as the tracer needs them (Linux on x86-64 and arm64; ptrace(2))."""

from __future__ import annotations

import ctypes
import errno
import os
import platform

CONT, SETOPTIONS, SEIZE, INTERRUPT, LISTEN, SYSCALL = 7, 0x4200, 0x4206, 0x4207, 0x4208, 24
GET_SYSCALL_INFO = 0x420E
TRACE_SYSGOOD, TRACE_FORK, TRACE_VFORK, TRACE_CLONE, EXIT_KILL = 1, 2, 4, 8, 1 << 20
EVENT_STOP = 128
WALL = 0x40000000
ENTRY, EXIT = 1, 2

# Name: number on x86-64, number on arm64 (-1: that machine has no such call).
_NUMBERS = {
    "read": (0, 63),
    "write": (1, 64),
    "open": (2, -1),
    "close": (3, 57),
    "mmap": (9, 222),
    "pwrite64": (18, 68),
    "writev": (20, 66),
    "sendfile": (40, 71),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "fsync": (74, 82),
    "fdatasync": (75, 83),
    "truncate": (76, 45),
    "ftruncate": (77, 46),
    "rename": (82, -1),
    "mkdir": (83, -1),
    "rmdir": (84, -1),
    "link": (86, -1),
    "unlink": (87, -1),
    "openat": (257, 56),
    "mkdirat": (258, 34),
    "unlinkat": (263, 35),
    "renameat": (264, 38),
    "linkat": (265, 37),
    "fallocate": (285, 47),
    "pwritev": (296, 70),
    "renameat2": (316, 276),
    "copy_file_range": (326, 285),
    "pwritev2": (328, 287),
}
_COLUMN = {"x86_64": 0, "aarch64": 1}.get(platform.machine())
CALLS: dict[int, str] = (
    {} if _COLUMN is None else {row[_COLUMN]: name for name, row in _NUMBERS.items() if row[_COLUMN] >= 0}
)


class SyscallInfo(ctypes.Structure):
    """`struct ptrace_syscall_info`, its entry and exit forms laid over each other."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction_pointer", ctypes.c_uint64),
        ("stack_pointer", ctypes.c_uint64),
        ("number", ctypes.c_uint64),  # at exit: the result
        ("args", ctypes.c_uint64 * 6),
        ("more", ctypes.c_uint64),
    )

    @property
    def result(self) -> int:
        """What the call returned, at its exit; negative for an error."""
        return ctypes.c_int64(self.number).value


_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def supported() -> bool:
    """True where the tracer can work: Linux on a machine whose system calls we know."""
    return os.name == "posix" and platform.system() == "Linux" and bool(CALLS)


def ptrace(request: int, tid: int, address: int = 0, data: int = 0) -> bool:
    """One request. Returns: False when the thread is gone. Raises: OSError for anything else."""
    if _libc.ptrace(request, tid, address or None, data or None) == -1:
        number = ctypes.get_errno()
        if number == errno.ESRCH:
            return False
        raise OSError(number, os.strerror(number))
    return True


def syscall_info(tid: int) -> SyscallInfo | None:
    """What a thread in a syscall stop is about to do, or did. None when it is gone."""
    info = SyscallInfo()
    size = ctypes.sizeof(info)
    if (
        _libc.ptrace(GET_SYSCALL_INFO, tid, ctypes.c_void_p(size), ctypes.cast(ctypes.byref(info), ctypes.c_void_p))
        <= 0
    ):
        return None
    return info


def read_memory(tid: int, address: int, size: int) -> bytes:
    """`size` bytes of a stopped thread's memory."""
    with open(f"/proc/{tid}/mem", "rb", buffering=0) as memory:  # noqa: PTH123 - a Path would buffer
        memory.seek(address)
        return memory.read(size) or b""


def read_text(tid: int, address: int) -> str:
    """The C string at an address: a path argument."""
    content = b""
    while b"\0" not in content and len(content) < 4096:
        # Never over the page's end: the next page may not be mapped.
        content += read_memory(tid, address + len(content), min(256, 4096 - (address + len(content)) % 4096))
    return os.fsdecode(content.partition(b"\0")[0])
