"""pyproject.toml declares what is imported: a machine with only that much runs the program and its tests."""

from __future__ import annotations

import importlib.metadata
import re
import sys
import tomllib

from tests.house.sources import TOP, modules

OURS = {"bulletdrop", "tests"}


def declared(*extras: str) -> set[str]:
    """The distributions of the project and of these extras, in the normal form of their names."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in extras for line in project["optional-dependencies"][extra])]
    return {_normal(re.split(r"[\[>=<;~! ]", line)[0]) for line in lines}


def undeclared(folder: str, allowed: set[str]) -> set[str]:
    """Third parties that files of a folder import and nobody declared."""
    providers = importlib.metadata.packages_distributions()
    found = set()
    for module in modules(folder):
        for name in {imported.split(".")[0] for imported in module.imports()} - OURS:
            if name in sys.stdlib_module_names or name not in providers:
                continue  # a name nobody provides here belongs to another system, or to an optional part
            if not {_normal(provider) for provider in providers[name]} & allowed:
                found.add(f"{module.name} imports {name}")
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_the_program_imports_what_the_project_declares() -> None:
    assert undeclared("bulletdrop", declared("postgres", "heic")) == set()


def test_the_tests_import_what_the_project_declares() -> None:
    assert undeclared("tests", declared("postgres", "heic", "page", "build", "check", "test")) == set()


def test_every_dependency_has_a_lower_bound() -> None:
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    assert [line for line in lines if ">=" not in line] == []
