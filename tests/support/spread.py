"""Which tests go to the same worker: those of a group, and neighbours of one file.

xdist means to do the first itself with `--dist loadgroup`, by a suffix to the names of tests; since pytest 9.2 the
suffix goes nowhere, and tests that share one place of the machine run at the same time. Neighbours stay together
because what they share, a server with people or a built binary, is made anew in each worker that gets one of them.
"""

from __future__ import annotations

import importlib
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

# So many at most, that a file of slow tests still spreads over the workers.
NEIGHBOURS = 12
_GROUP = re.compile(r'\bxdist_group\("([^"]+)"\)')


class Scopes:
    """Which work a test is part of.

    Args:
        top: the folder that the names of tests begin from.
    """

    def __init__(self, top: Path) -> None:
        self._top = top
        self._found: dict[str, str] = {}
        self._groups: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, nodeid: str) -> str:
        """The name of a test's work. To be asked in the order of the tests first, and then again as one likes."""
        if nodeid not in self._found:
            path = nodeid.partition("::")[0]
            number = self._counts[path] // NEIGHBOURS
            self._counts[path] += 1
            self._found[nodeid] = self._group_of(path) or f"{path} {number}"
        return self._found[nodeid]

    def _group_of(self, path: str) -> str:
        if path not in self._groups:
            # Workers collect, and tell nothing but names; the mark stands in the file, for all of it or for a test.
            mark = _GROUP.search((self._top / path).read_text(encoding="utf-8"))
            self._groups[path] = mark[1] if mark else ""
        return self._groups[path]


def scheduler(config: pytest.Config, log: Any) -> Any:
    """What hands out the tests of a run with xdist. `log` is xdist's own."""
    made = importlib.import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    made._split_scope = Scopes(config.rootpath).of
    return made
