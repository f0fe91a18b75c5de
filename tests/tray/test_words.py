"""Every text of the tray is there in every language, with the same places to fill in."""

from __future__ import annotations

import ast
import re
import string

import pytest
from jinja2 import Environment, nodes

from bulletdrop.tray import words
from tests.house.sources import TOP, Module, modules


def texts() -> set[str]:
    """The literals that the code and the page's templates hand to `t`."""
    found = texts_of_templates()
    for module in modules("bulletdrop"):
        if not module.name.startswith("bulletdrop.tray"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "t":
                assert isinstance(node.args[0], ast.Constant), f"{module.name}: t() without a literal"
                found.add(str(node.args[0].value))
    return found


def texts_of_templates() -> set[str]:
    found = set()
    for path in sorted((TOP / "bulletdrop" / "tray" / "page" / "templates").glob("*.html")):
        for call in Environment().parse(path.read_text(encoding="utf-8")).find_all(nodes.Call):
            if isinstance(call.node, nodes.Name) and call.node.name == "t":
                assert isinstance(call.args[0], nodes.Const), f"{path.name}: t() without a literal"
                found.add(str(call.args[0].value))
    return found


def test_the_pages_templates_say_nothing_that_is_not_translated() -> None:
    # Names and commands are the same in every language.
    same = re.compile(r"·? ?BulletDrop|bulletdrop upload FILE|bulletdrop tray --settings")
    for path in sorted((TOP / "bulletdrop" / "tray" / "page" / "templates").glob("*.html")):
        # What Jinja fills in becomes one sign, so that an attribute stays whole.
        text = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "◆", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        shown = re.findall(r'(?:aria-label|title|alt|placeholder)="([^"]*)"', text)
        shown += [line.strip("◆ ") for line in re.sub(r"<[^>]*>", "\n", text).splitlines()]
        loose = [one for one in shown if re.search("[A-Za-z]{2}", one.replace("◆", " ")) and not same.fullmatch(one)]
        # The attributes of a field stand in a macro, between two conditions.
        assert [one for one in loose if not one.lstrip().startswith("aria-")] == [], path.name


def places(text: str) -> set[str | None]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.mark.parametrize("language", words.TABLES)
def test_every_text_is_translated_and_none_is_left_over(language: str) -> None:
    table = words.TABLES[language]
    assert texts() - set(table) == set()
    assert set(table) - texts() == set(), "nobody says this any more"


@pytest.mark.parametrize("language", words.TABLES)
def test_a_translation_has_the_same_places_to_fill_in(language: str) -> None:
    assert [text for text, said in words.TABLES[language].items() if places(text) != places(said)] == []


def test_the_language_is_the_systems_where_there_is_a_table_for_it() -> None:
    assert words.system_language({"LANG": "de_AT.UTF-8"}) == "de"
    assert words.system_language({"LANG": "fi_FI.UTF-8"}) == "en"
    assert words.system_language({"LANG": "de_DE", "LC_ALL": "C"}) == "en"


def test_one_act_has_one_word() -> None:
    # What the notification, the menu, the list and the command line offer and say afterwards is "Undo".
    said = texts() | {literal for module in modules("bulletdrop.cli") for literal in literals(module)}
    assert {
        text for text in said if re.search(r"\b(take|takes|taken|taking) (it )?back\b", text, re.IGNORECASE)
    } == set()
    # And in German, which has one for the act and for its end.
    undone = {
        text: meant for text, meant in words.TABLES["de"].items() if re.search(r"\bundo(ne)?\b", text, re.IGNORECASE)
    }
    assert len(undone) >= 9
    assert [
        meant
        for meant in undone.values()
        if not re.search("zurückgenommen|zurücknehmen|nehmen .* zurück", meant, re.IGNORECASE)
    ] == []


def literals(module: Module) -> set[str]:
    """All texts of a module, with those that explain it."""
    return {
        node.value for node in ast.walk(module.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
