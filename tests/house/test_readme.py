"""The README is true: its tables are what the program says of itself, and what it names is there."""

from __future__ import annotations

import re

import pytest

from tests.house.readme import BLOCKS, README, block
from tests.house.sources import TOP


@pytest.mark.parametrize("name", sorted(BLOCKS))
def test_a_table_in_the_readme_is_what_the_program_says_of_itself(name: str) -> None:
    # Out of step? `.venv/bin/python -m tests.house.readme` writes the tables anew.
    assert block(README.read_text(encoding="utf-8"), name) == BLOCKS[name]()


def test_every_file_that_the_readme_shows_or_names_is_there() -> None:
    text = README.read_text(encoding="utf-8")
    named = set(re.findall(r"\]\(([^)#:]+)\)", text)) | set(re.findall(r"src(?:set)?=\"([^\":]+)\"", text))
    assert [name for name in sorted(named) if not (TOP / name).exists()] == []


def test_every_command_of_dev_py_that_the_readme_names_exists() -> None:
    text = README.read_text(encoding="utf-8")
    table = (TOP / "packaging" / "dev.py").read_text(encoding="utf-8").split("COMMANDS = ")[1]
    known = set(re.findall(r'"(\w+)": \w+', table))
    assert set(re.findall(r"packaging/dev\.py (\w+)", text)) == known
