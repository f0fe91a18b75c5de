"""Rooms stay small and say what they are for."""

from __future__ import annotations

import ast
import re

from tests.house.sources import TOP, modules, tracked

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
OURS = ("bulletdrop", "packaging", "tests")


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    long = {}
    for path in tracked():
        inside = path.relative_to(TOP)
        if path.suffix in (".py", ".ts", ".css", ".html") and inside.parts[0] in OURS:
            lines = len(path.read_text(encoding="utf-8").splitlines())
            if lines > MOST_LINES_OF_A_FILE:
                long[inside.as_posix()] = lines
    assert long == {}


def test_no_function_is_longer_than_a_screen() -> None:
    long = {}
    for module in modules(*OURS):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno is not None:
                lines = node.end_lineno - node.lineno + 1
                if lines > MOST_LINES_OF_A_FUNCTION:
                    long[f"{module.name}.{node.name}"] = lines
    assert long == {}


def test_every_module_says_in_its_first_line_what_it_is_for() -> None:
    silent = []
    for module in modules(*OURS):
        text = ast.get_docstring(module.tree)
        first = (text or "").splitlines()[0] if text else ""
        if not re.search(r"[.:?…](\s|$)", first):
            silent.append(module.path.relative_to(TOP).as_posix())
    assert silent == []


def test_no_room_is_named_for_nothing() -> None:
    empty_words = {"utils", "util", "helpers", "misc"}
    named = [module.name for module in modules(*OURS) if module.path.stem in empty_words]
    managers = [
        f"{module.name}.{node.name}"
        for module in modules("bulletdrop")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef) and node.name.endswith(("Manager", "BaseHandler"))
    ]
    assert named + managers == []
