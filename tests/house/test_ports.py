"""The ports that tests give to their servers."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support.ports import BLOCK, free_port

ROOT = Path(__file__).parents[2]
# Not a whole block: of that some may be taken by who knows nothing of blocks, and then the first come again.
EACH = BLOCK // 2
MANY = f"from tests.support.ports import free_port; print(*[free_port() for _ in range({EACH})], flush=True); input()"


def test_no_two_processes_of_tests_get_the_same_port() -> None:
    command = [sys.executable, "-c", MANY]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    others = [subprocess.Popen(command, cwd=ROOT, **pipes) for _ in range(4)]  # type: ignore[call-overload]
    try:
        found = [free_port()]
        for other in others:
            found += [int(word) for word in other.stdout.readline().split()]
    finally:
        for other in others:
            other.communicate("\n")
    assert len(set(found)) == len(found) == 4 * EACH + 1
    # The system gives these to nobody by itself.
    assert all(1024 < port < 32768 for port in found)
