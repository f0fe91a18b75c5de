"""Which tests go to the same worker."""

from __future__ import annotations

import subprocess
import sys
from collections import defaultdict
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONFTEST = """
from tests.support.spread import scheduler

def pytest_xdist_make_scheduler(config, log):
    return scheduler(config, log)
"""
TEST = """
import os, pathlib, time, pytest
{mark}
@pytest.mark.parametrize("number", range({count}))
def test_it(number):
    time.sleep(0.05)
    with pathlib.Path("who.txt").open("a") as log:
        log.write("{name} " + os.environ["PYTEST_XDIST_WORKER"] + "\\n")
"""


def test_a_group_stays_on_one_worker_and_others_spread(tmp_path: Path) -> None:
    group = '@pytest.mark.xdist_group("place")'
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name, mark, count in (("one", group, 5), ("two", group, 5), ("large", "", 40), ("small", "", 6)):
        (tmp_path / f"test_{name}.py").write_text(TEST.format(mark=mark, count=count, name=name))
    command = [sys.executable, "-m", "pytest", "-q", "-n", "3", "--dist", "loadgroup", "-p", "no:cacheprovider"]
    environ = {"PYTHONPATH": str(ROOT), "PATH": ""}
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    workers: dict[str, set[str]] = defaultdict(set)
    order: dict[str, list[str]] = defaultdict(list)
    for line in (tmp_path / "who.txt").read_text().splitlines():
        name, worker = line.split()
        order[worker].append(name)
        workers[name].add(worker)
    assert len(workers["one"] | workers["two"]) == 1
    (theirs,) = workers["one"]
    assert order[theirs][0] == "one", "few tests and long ones: begun last, all would wait for them"
    assert len(workers["small"]) == 1
    assert len(workers["large"]) > 1
