"""A disk that loses power: replays recorded system calls and keeps only what was made durable.

The model is the least that POSIX promises ("strict"): the bytes of a file survive if that file was fsynced after they
were written, and a name survives if its folder was fsynced after the name was made. "journal" is what ext4 does in
practice: any fsync also makes every pending name durable.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from tests.faults.calls import Call

UNKNOWN = {"writev", "pwritev", "pwritev2", "sendfile", "copy_file_range", "fallocate", "truncate"}
REMOVE_DIR = 0x200


class UnmodelledCall(Exception):
    """The server changed a file in a way that the model does not know; its verdict would be worth nothing."""


@dataclass(eq=False)
class Node:
    """A file or folder: its bytes as written, and as they are safe. A folder has `names` instead."""

    is_folder: bool = False
    written: bytearray = field(default_factory=bytearray)
    safe: bytes = b""
    names: dict[str, Node] = field(default_factory=dict)
    safe_names: dict[str, Node] = field(default_factory=dict)


class Disk:
    """The data folder in the model.

    Args:
        root: the data folder's real path, as the recorded calls name it.
        journal: True for the ext4-like model.
    """

    def __init__(self, root: str, *, journal: bool = False) -> None:
        self.root = PurePosixPath(root)
        self.journal = journal
        self.top = Node(is_folder=True)
        self.folders = [self.top]

    def adopt(self, folder: Path, *, unsure: str = "") -> None:
        """Take a real folder's content as what was made durable long ago.

        Args:
            unsure: a folder in it whose names are there, but were never synced: a killed process left them.
        """
        _adopt(self.top, folder, self.folders, sure=True, unsure=unsure)

    def _find(self, path: str) -> Node | None:
        node: Node | None = self.top
        for part in PurePosixPath(path).relative_to(self.root).parts:
            node = node.names.get(part) if node is not None else None
        return node

    def _parent(self, path: str) -> tuple[Node, str]:
        place = PurePosixPath(path)
        parent = self._find(str(place.parent))
        if parent is None:
            raise UnmodelledCall(f"{path}: its folder was never seen to be made")
        return parent, place.name

    def before(self, call: Call) -> dict[str, object]:
        """What a call will make durable, taken at its entry: bytes written while it runs are not promised."""
        if call.name not in ("fsync", "fdatasync"):
            return {}
        node = self._find(call.path)
        if node is None:
            return {}
        promised: dict[str, object] = {"node": node, "bytes": bytes(node.written), "names": dict(node.names)}
        if self.journal:
            promised["all"] = [(folder, dict(folder.names)) for folder in self.folders]
        return promised

    def after(self, call: Call, result: int, promised: dict[str, object]) -> None:
        """Let a finished call have its effect. Raises: UnmodelledCall."""
        if call.name in UNKNOWN or (call.name == "mmap" and not call.path.endswith("-shm")):
            raise UnmodelledCall(f"{call.name} on {call.path}")
        if result < 0:
            return
        if call.name in ("fsync", "fdatasync"):
            self._sync(promised)
        elif call.name in ("write", "pwrite64"):
            self._write(call, result)
        elif call.name in ("openat", "open"):
            self._open(call)
        elif call.name in ("mkdir", "mkdirat"):
            self._make_folder(call.path)
        elif call.name == "ftruncate":
            self._resize(call)
        elif call.name in ("unlink", "unlinkat", "rmdir"):
            parent, name = self._parent(call.path)
            parent.names.pop(name, None)
        elif call.name.startswith(("rename", "link")):
            self._rename(call, keep=call.name.startswith("link"))

    def _sync(self, promised: dict[str, object]) -> None:
        node, content, names = promised.get("node"), promised.get("bytes"), promised.get("names")
        if isinstance(node, Node) and isinstance(content, bytes) and isinstance(names, dict):
            node.safe, node.safe_names = content, names
        pending = promised.get("all")
        if isinstance(pending, list):
            for folder, its_names in pending:
                folder.safe_names = its_names

    def _write(self, call: Call, count: int) -> None:
        node = self._find(call.path)
        if node is None:  # the file lost its name and is still open
            return
        if len(node.written) < call.offset:
            node.written.extend(bytes(call.offset - len(node.written)))
        node.written[call.offset : call.offset + count] = call.content[:count]

    def _open(self, call: Call) -> None:
        node = self._find(call.path)
        if node is None:
            if not call.flags & os.O_CREAT:
                return
            parent, name = self._parent(call.path)
            parent.names[name] = Node()
        elif call.flags & os.O_TRUNC and not node.is_folder:
            node.written.clear()

    def _make_folder(self, path: str) -> None:
        if PurePosixPath(path) == self.root:
            return
        parent, name = self._parent(path)
        parent.names[name] = folder = Node(is_folder=True)
        self.folders.append(folder)

    def _resize(self, call: Call) -> None:
        node = self._find(call.path)
        if node is not None:
            del node.written[call.size :]
            node.written.extend(bytes(call.size - len(node.written)))

    def _rename(self, call: Call, *, keep: bool) -> None:
        node = self._find(call.path)
        if node is None:
            return
        parent, name = self._parent(call.target)
        parent.names[name] = node
        if not keep:
            source, old = self._parent(call.path)
            source.names.pop(old, None)

    def survivors(self) -> dict[str, bytes | None]:
        """What a reader finds after the power came back: relative path to bytes, None for a folder."""
        return dict(_walk(self.top, ""))

    def dump(self, target: Path) -> None:
        """Write what survives into an empty folder."""
        target.mkdir(parents=True, mode=0o700)
        for name, content in self.survivors().items():
            if content is None:
                (target / name).mkdir(mode=0o700)
            else:
                (target / name).write_bytes(content)
                (target / name).chmod(0o600)


def _walk(folder: Node, prefix: str) -> Iterator[tuple[str, bytes | None]]:
    for name, node in folder.safe_names.items():
        yield f"{prefix}{name}", None if node.is_folder else node.safe
        if node.is_folder:
            yield from _walk(node, f"{prefix}{name}/")


def _adopt(node: Node, folder: Path, folders: list[Node], *, sure: bool, unsure: str) -> None:
    for path in folder.iterdir():
        known = sure and path.name != unsure
        if path.is_dir():
            child = Node(is_folder=True)
            folders.append(child)
            _adopt(child, path, folders, sure=known, unsure=unsure)
        elif path.is_file():
            content = path.read_bytes()
            child = Node(written=bytearray(content), safe=content)
        else:
            continue
        node.names[path.name] = child
        if known:
            node.safe_names[path.name] = child


def replay(record: Path, disk: Disk) -> Iterator[Call]:
    """Run recorded calls over a disk. Yields each call when it is about to begin, with the disk as it is then.

    The answer of the server is such a call ("answer"): what has to survive a power cut is what is durable there.
    """
    under_way: dict[int, tuple[Call, dict[str, object]]] = {}
    with record.open("rb") as file:
        while True:
            try:
                entry = pickle.load(file)  # our own tracer wrote it a moment ago
            except EOFError:
                return
            if entry[0] == "enter":
                call: Call = entry[2]
                yield call
                under_way[entry[1]] = (call, disk.before(call))
            else:
                call, promised = under_way.pop(entry[1])
                disk.after(call, entry[2], promised)
