"""The repository: the design's top level and nothing else, and nothing in it that is true on one machine only."""

from __future__ import annotations

import json
import os
from pathlib import Path

from tests.house.sources import TOP, tracked

TOP_LEVEL = {"bulletdrop", "assets", "packaging", "tests", "pyproject.toml", "bulletdrop.spec", "README.md"}


def test_the_top_level_is_the_designs() -> None:
    names = {path.relative_to(TOP).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


def test_packaging_is_no_package() -> None:
    # With an __init__.py it would shadow the library of the same name for whoever starts at the top.
    assert not (TOP / "packaging" / "__init__.py").exists()


def test_no_file_names_a_path_of_the_machine_it_was_written_on() -> None:
    shared = {Path("/"), Path("/tmp"), Path("/home")}
    places = [f"{place}/" for place in (TOP, TOP.parent, Path.home()) if place not in shared]
    assert _files_with(places) == []


def test_no_file_names_a_package_index() -> None:
    # pip's and npm's own configuration decide where packages come from.
    indexes = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "registry." + "yarnpkg"]
    assert _files_with(indexes) == []


def test_lock_files_carry_no_addresses() -> None:
    resolved = [
        f"{path.name}: {name}"
        for path in tracked()
        if path.name == "package-lock.json"
        for name, package in json.loads(path.read_text(encoding="utf-8"))["packages"].items()
        if "resolved" in package
    ]
    assert resolved == []


def test_what_is_built_is_not_in_git() -> None:
    built = {"static", "node_modules", "dist", "__pycache__"}
    inside = [path.relative_to(TOP) for path in tracked()]
    assert [path.as_posix() for path in inside if built & set(path.parts)] == []


def test_scripts_that_people_start_are_executable() -> None:
    if os.name == "posix":
        assert os.access(TOP / ".ci" / "run", os.X_OK)


def _files_with(texts: list[str]) -> list[str]:
    """Which tracked text files hold one of these texts, and which."""
    found = []
    for path in tracked():
        content = path.read_bytes()
        if b"\0" not in content[:1024]:
            found += [f"{path.relative_to(TOP)}: {text}" for text in texts if text.encode() in content]
    return found
