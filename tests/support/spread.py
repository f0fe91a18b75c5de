"""Which tests go to the same worker: those of a group, and neighbours of one file.

xdist means to do the first itself with `--dist loadgroup`, by a suffix to the names of tests; since pytest 9.2 the
suffix goes nowhere, and tests that share one place of the machine run at the same time. Neighbours stay together
because what they share, a server with people or a built binary, is made anew in each worker that gets one of them.

Groups begin first: they are few tests and long ones, and begun last, as xdist has it, the other workers would be done
and wait for them.
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

    def is_group(self, scope: str) -> bool:
        """Whether that is the work of a group."""
        return scope in self._groups.values()

    def _group_of(self, path: str) -> str:
        if path not in self._groups:
            # Workers collect, and tell nothing but names; the mark stands in the file, for all of it or for a test.
            mark = _GROUP.search((self._top / path).read_text(encoding="utf-8"))
            self._groups[path] = mark[1] if mark else ""
        return self._groups[path]


def scheduler(config: pytest.Config, log: Any) -> Any:
    """What hands out the tests of a run with xdist. `log` is xdist's own."""
    scopes = Scopes(config.rootpath)
    made = importlib.import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    made._split_scope = scopes.of
    assign, begun = made._assign_work_unit, False

    def groups_first(node: Any) -> None:
        nonlocal begun
        if not begun:
            begun = True
            for scope in [scope for scope in made.workqueue if scopes.is_group(scope)]:
                made.workqueue.move_to_end(scope, last=False)
        assign(node)

    made._assign_work_unit = groups_first
    return made
