"""The project's own files as the house's tests read them."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: where it lies, what it says, and its syntax."""

    path: Path
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """Its dotted name from the top: `bulletdrop.core.site`; a package's own file is the package."""
        parts = self.path.relative_to(TOP).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def imports(self) -> Iterator[str]:
        """The dotted names it imports anywhere, also inside functions: `from a import b` gives `a.b`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                yield from (f"{node.module}.{alias.name}" for alias in node.names)


@cache
def tracked() -> tuple[Path, ...]:
    """Every file that git knows or would add, and that is there: what a clone of the next commit holds."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=TOP, capture_output=True, check=True).stdout.decode().split("\0")
    return tuple(path for name in sorted(set(listed)) if name and (path := TOP / name).is_file())


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """The Python files below these folders of the top."""
    found = [path for path in tracked() if path.suffix == ".py" and path.relative_to(TOP).parts[0] in folders]
    return tuple(Module(path, text := path.read_text(encoding="utf-8"), ast.parse(text)) for path in found)
