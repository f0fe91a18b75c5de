"""A test that failed beside others is tried once more: by the names that pytest's own report gives."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.house.sources import TOP

TESTS = """
import pytest

@pytest.mark.parametrize("said", ["a b", "[x]::y/z", "é<&>", "two"])
def test_it(said):
    assert said == "two"

@pytest.fixture
def broken():
    raise OSError

def test_setup(broken):
    pass

def test_good():
    pass

class TestGroup:
    def test_of_a_class(self):
        assert False
"""


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(TOP / "packaging"))
    import dev  # type: ignore[import-not-found,unused-ignore]

    return dev


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "none.toml", *arguments]
    (folder / "none.toml").touch()
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_what_failed_is_named_as_pytest_finds_it_again(tmp_path: Path, dev: Any) -> None:
    (tmp_path / "tests" / "inner").mkdir(parents=True)
    (tmp_path / "tests" / "inner" / "test_some.py").write_text(TESTS, encoding="utf-8")
    assert run(tmp_path, "tests", "--junitxml=first.xml").returncode == 1
    failures = dev._failures(tmp_path / "first.xml")
    assert len(failures) == 5
    again = run(tmp_path, *failures, "--junitxml=again.xml")
    assert again.returncode == 1, again.stdout
    assert dev._failures(tmp_path / "again.xml") == failures


def test_without_a_report_nothing_failed_that_could_be_tried_again(tmp_path: Path, dev: Any) -> None:
    assert dev._failures(tmp_path / "none.xml") == []
