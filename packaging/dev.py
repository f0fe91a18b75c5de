#!/usr/bin/env python3
"""The one door for people who build BulletDrop: run, test, build, bench, check. Standard library only.

    python3 packaging/dev.py run [-- ARGUMENTS OF bulletdrop]
    python3 packaging/dev.py test [ARGUMENTS OF pytest]
    python3 packaging/dev.py build
    python3 packaging/dev.py bench [--json] [--short]
    python3 packaging/dev.py check
"""

from __future__ import annotations

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036  an older Python may well start this file; it should hear why that fails
    sys.exit("BulletDrop needs Python 3.11 or newer; this is %d.%d." % sys.version_info[:2])  # noqa: UP031

import build_page
import environment
import system
from environment import PYTHON, TOP, CannotContinue, say

BINARY = TOP / "dist" / "bulletdrop"
NOTHING_COLLECTED = 5  # pytest's exit code
FAILED = 1  # likewise
# More failures than this are not bad luck, and are not tried again.
MOST_TRIED_AGAIN = 3


def main(arguments: list[str]) -> int:
    """Do what the first argument names. Returns the exit code."""
    name, *rest = arguments or ["--help"]
    command = COMMANDS.get(name)
    if command is None:
        print(__doc__)
        return 0 if name in ("-h", "--help", "help") else 2
    try:
        return command(rest)
    except CannotContinue as error:
        say(str(error))
        return 1
    except subprocess.CalledProcessError as error:
        say(f"This step failed (exit code {error.returncode}): {' '.join(map(str, error.cmd))}")
        return 1
    except KeyboardInterrupt:
        return 130


def run(arguments: list[str]) -> int:
    """Install what is missing, build the page if it changed, and become bulletdrop."""
    environment.ensure({"postgres", "heic", "page"})
    _page()
    if arguments[:1] == ["--"]:
        arguments = arguments[1:]
    command = [str(PYTHON), "-m", "bulletdrop", *arguments]
    if os.name == "nt":
        return subprocess.run(command, check=False).returncode
    os.execv(command[0], command)


def test(arguments: list[str]) -> int:
    """Run every test: first those that share the machine, on every core, then those that measure, alone.

    A test over real processes can run out of time when others have the cores. So up to three that failed are tried
    once more, one at a time; the last lines name those that passed only then, for somebody to find out why.
    """
    environment.ensure({"postgres", "heic", "page", "build", "check", "test"})
    system.ensure(system.FOR_TESTS)
    _page()
    chosen = any(argument == "-m" or argument.startswith("-m=") for argument in arguments)
    cores = os.cpu_count() or 2
    # More than cores, for most tests wait for something; not many more, for each has a Postgres, a browser and servers.
    workers = min(cores + cores // 2, 8)
    spread = ["-n", str(workers), "--dist", "loadgroup"]
    if chosen:
        return _pytest(arguments)
    reports = [TOP / ".dev" / "together.xml", TOP / ".dev" / "alone.xml"]
    codes = [
        _pytest([*spread, "-m", "not alone and not slow", *arguments], reports[0]),
        _pytest(["-m", "alone and not slow", *arguments], reports[1]),
    ]
    failures = [name for report in reports for name in _failures(report)]
    if set(codes) <= {0, FAILED, NOTHING_COLLECTED} and 1 <= len(failures) <= MOST_TRIED_AGAIN:
        say("Once more, one at a time: " + ", ".join(failures))
        if _pytest(failures) == 0:
            print(_closing_line(reports), flush=True)
            print(f"UNSTEADY, passed only when tried again: {', '.join(failures)}", flush=True)
            return 0
    print(_closing_line(reports), flush=True)
    failed = [code for code in codes if code not in (0, NOTHING_COLLECTED)]
    return failed[0] if failed else min(codes)


def _pytest(arguments: list[str], report: Path | None = None) -> int:
    if report is not None:
        report.parent.mkdir(exist_ok=True)
        report.unlink(missing_ok=True)
        arguments = [*arguments, f"--junitxml={report}"]
    command = [str(PYTHON), "-m", "pytest", *arguments]
    return subprocess.run(command, cwd=TOP, check=False).returncode


def _failures(report: Path) -> list[str]:
    """The tests that failed, as pytest wants to be told of them."""
    if not report.exists():
        return []
    cases = [
        case
        for case in ElementTree.parse(report).iter("testcase")
        if {"failure", "error"} & {part.tag for part in case}
    ]
    return list(dict.fromkeys(_name(case) for case in cases))


def _name(case: ElementTree.Element) -> str:
    # Of a class the report gives module and class in one: tests.storage.test_contract.TestLocalStorage.
    module, _, owner = case.get("classname", "").partition(".Test")
    return "::".join([f"{module.replace('.', '/')}.py", *([f"Test{owner}"] if owner else []), case.get("name", "")])


def _closing_line(reports: list[Path]) -> str:
    """Both runs in one line, in pytest's own words, from the reports that pytest wrote."""
    counts = dict.fromkeys(("tests", "failures", "errors", "skipped"), 0)
    seconds = 0.0
    for report in reports:
        if not report.exists():
            continue
        for suite in ElementTree.parse(report).iter("testsuite"):
            seconds += float(suite.get("time", 0))
            for name in counts:
                counts[name] += int(suite.get(name, 0))
    passed = counts["tests"] - counts["failures"] - counts["errors"] - counts["skipped"]
    words = {"failed": counts["failures"], "passed": passed, "skipped": counts["skipped"], "errors": counts["errors"]}
    told = ", ".join(f"{number} {word}" for word, number in words.items() if number or word == "passed")
    return f"{'=' * 20} {told} in {seconds:.0f}s {'=' * 20}"


def build(_arguments: list[str]) -> int:
    """Make dist/bulletdrop, one file, unless it belongs to the sources as they are."""
    environment.ensure({"postgres", "page", "build"})
    system.ensure(system.FOR_BUILD)
    _page()
    with environment.only_one_at_a_time():
        return subprocess.run([str(PYTHON), str(TOP / "packaging" / "build_program.py")], check=False).returncode


def bench(arguments: list[str]) -> int:
    """Measure, against floors measured in the same run; `--json` prints rows for a program."""
    environment.ensure({"postgres", "heic", "page", "build", "test"})
    system.ensure(system.FOR_TESTS)
    code = build([])
    if code:
        return code
    own = {**os.environ, "BULLETDROP_BINARY": os.environ.get("BULLETDROP_BINARY", str(BINARY))}
    return subprocess.run([str(PYTHON), "-m", "tests.bench", *arguments], cwd=TOP, env=own, check=False).returncode


def check(_arguments: list[str]) -> int:
    """What the house holds itself to: ruff, mypy, floors, sizes, a true README."""
    environment.ensure({"postgres", "heic", "page", "check", "test"})
    _page()
    python = str(PYTHON)
    ours = sorted(path.name for path in (TOP / "packaging").glob("*.py"))
    steps = [
        ([python, "-m", "ruff", "check", "."], TOP),
        ([python, "-m", "mypy"], TOP),
        ([python, "-m", "mypy", "--config-file", str(TOP / "pyproject.toml"), *ours], TOP / "packaging"),
        ([python, "-m", "pytest", "-q", "tests/house"], TOP),
    ]
    codes = [subprocess.run(command, cwd=folder, check=False).returncode for command, folder in steps]
    return max(codes)


def _page() -> None:
    """Build the page when its sources changed: with the environment's Python, which has Node."""
    if build_page.is_fresh():
        return
    with environment.only_one_at_a_time():
        subprocess.run([str(PYTHON), str(TOP / "packaging" / "build_page.py")], check=True)


COMMANDS = {"run": run, "test": test, "build": build, "bench": bench, "check": check}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
