"""The walls of the cage on Linux: what a decoding child may still ask of the kernel, should a picture take it over.

Two that hold without any privilege: seccomp refuses system calls that no decoder needs (programs, sockets, other
processes), Landlock (kernel 5.13 and later) leaves of the disk only Python, the pictures and the temporary folder.
So a hole in a decoder does not reach the database, the server's secrets or the network. Elsewhere: nothing happens.
Numbers: linux/seccomp.h, linux/landlock.h, asm/unistd.h; man pages seccomp(2), landlock(7).
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from collections.abc import Iterable
from pathlib import Path

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_ALLOW, _REFUSE = 0x7FFF0000, 0x00050001  # SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO with EPERM
_LOAD, _IF_EQUAL, _IF_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06

# Architecture → its audit number, and the calls that are refused: socket connect execve execveat ptrace kill
# process_vm_readv process_vm_writev pidfd_getfd open_by_handle_at mount unshare setns bpf perf_event_open
# userfaultfd add_key request_key keyctl io_uring_setup.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 42, 59, 322, 101, 62, 310, 311, 438, 304, 165, 272, 308, 321, 298, 323, 248, 249, 250, 425),
    ),
    "aarch64": (
        0xC00000B7,
        (198, 203, 221, 281, 117, 129, 270, 271, 438, 265, 40, 97, 268, 280, 241, 282, 217, 218, 219, 425),
    ),
}

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_O_PATH = 0o10000000
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR, _REMOVE_FILE, _MAKE_FILE = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 5, 1 << 8
_TRUNCATE = 1 << 14
# All rights that an ABI version of Landlock knows, by version: a right that is not named is not taken away.
_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_READ = _READ_FILE | _READ_DIR
_WORK = _READ | _WRITE_FILE | _REMOVE_FILE | _MAKE_FILE | _TRUNCATE


def refuse_calls() -> bool:
    """Refuse the system calls that no decoder needs, for this thread and those it starts, for good.

    Needs PR_SET_NO_NEW_PRIVS before. Returns whether the kernel took it.
    """
    if sys.platform != "linux" or platform.machine() not in _CALLS:
        return False
    architecture, calls = _CALLS[platform.machine()]
    steps = [(_LOAD, 0, 0, 4), (_IF_EQUAL, 0, len(calls) + 3, architecture), (_LOAD, 0, 0, 0)]
    # x86_64 knows all calls a second time, with this bit, under the x32 ABI.
    steps.append((_IF_AT_LEAST, len(calls) + 1, 0, 0x40000000))
    steps += [(_IF_EQUAL, len(calls) - place, 0, call) for place, call in enumerate(calls)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE)]
    program = b"".join(struct.pack("HBBI", *step) for step in steps)
    buffer = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("HxxxxxxP", len(steps), ctypes.addressof(buffer))
    result: int = ctypes.CDLL(None).prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, header, 0, 0)
    return result == 0


def hide_disk(*, readable: Iterable[str], writable: Iterable[str]) -> bool:
    """Leave this thread, and those it starts, no files but those under the given folders, for good.

    Needs PR_SET_NO_NEW_PRIVS before. Also takes away TCP and signals to others where the kernel can.
    Returns whether the kernel took it.
    """
    if sys.platform != "linux":
        return False
    call = ctypes.CDLL(None).syscall
    version = call(_CREATE_RULESET, None, ctypes.c_size_t(0), 1)
    if version < 1:
        return False
    rights = _RIGHTS[max(known for known in _RIGHTS if known <= version)]
    # handled_access_fs; from version 4 handled_access_net (bind, connect); from 6 scoped (abstract sockets, signals)
    attributes = struct.pack("QQQ", rights, 3, 3)[: 24 if version >= 6 else 16 if version >= 4 else 8]
    rules = call(_CREATE_RULESET, attributes, ctypes.c_size_t(len(attributes)), 0)
    if rules < 0:
        return False
    try:
        for access, folders in ((_READ, readable), (_WORK & rights, writable)):
            for folder in folders:
                _allow(rules, folder, access)
        return bool(call(_RESTRICT_SELF, rules, 0) == 0)
    finally:
        os.close(rules)


def _allow(rules: int, folder: str, access: int) -> None:
    try:
        place = os.open(folder, _O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what is not there needs no leave
    try:
        if not Path(folder).is_dir():
            access &= _READ_FILE | _WRITE_FILE | _TRUNCATE
        rule = struct.pack("=Qi", access, place)
        ctypes.CDLL(None).syscall(_ADD_RULE, rules, 1, rule, 0)
    finally:
        os.close(place)


def pythons_own() -> list[str]:
    """The folders that Python, its packages and the system's libraries lie in."""
    # The executable is among them: in the binary it carries the modules that are imported late.
    places = {sys.prefix, sys.base_prefix, sys.executable, *sys.path, getattr(sys, "_MEIPASS", sys.prefix)}
    return [*sorted(place for place in places if place), "/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null"]
