"""What others say in English (the server, the doctor, what refuses) is shown in the person's language, all of it."""

from __future__ import annotations

import ast
import importlib
import json
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bulletdrop import errors
from bulletdrop.errors import BulletDropError
from bulletdrop.tray import notes, words, words_said
from bulletdrop.tray.answers import Answer, error_from, error_of
from bulletdrop.tray.desk import Item, Status
from bulletdrop.tray.words_said import CHECKS, CODES, SENTENCES, check_name, said, told
from tests.house.sources import Module, modules
from tests.support.server import binary
from tests.tray.test_words import places

# These answer programs and the command line, which speak English.
FOR_PROGRAMS = {"control_api", "control_http", "destination", "instance", "preferences", "running_tray", "stopover"}
FOR_PROGRAMS |= {"tickets", "pausing"}
FOUND = "◆"
# What the doctor puts together, and what comes out.
_ALL_THE_SAME = "; the page and the command line do all the same"
PARTS = {
    "its own": ("its own, good until 01 May 2027", "its own, good until 01 May 2027, fingerprint AB CD"),
    "uploads are refused below ◆": (
        "make room: uploads are refused below 1 GB",
        "200 MB free; uploads are refused below 1 GB",
    ),
    "make room: ◆": (),
    "add a status tray to your panel": (f"add a status tray to your panel{_ALL_THE_SAME}",),
    "install GNOME's extension “AppIndicator support”": (
        f"install GNOME's extension “AppIndicator support”{_ALL_THE_SAME}",
    ),
}


@pytest.fixture(autouse=True)
def german() -> Iterator[None]:
    words.speak("de")
    yield
    words.speak("en")


def classes(root: type[BulletDropError] = BulletDropError) -> Iterator[type[BulletDropError]]:
    yield root
    for child in root.__subclasses__():
        yield from classes(child)


def examples(node: ast.AST) -> list[str]:
    """What a literal may come out as, with a sign for whatever is filled in."""
    if isinstance(node, ast.IfExp):
        return examples(node.body) + examples(node.orelse)
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) else []
    if isinstance(node, ast.JoinedStr):
        return ["".join(str(one.value) if isinstance(one, ast.Constant) else FOUND for one in node.values)]
    return []


def of_the_tray() -> list[Module]:
    found = [one for one in modules("bulletdrop") if one.name.startswith("bulletdrop.tray")]
    for one in found:
        if not one.name.endswith(("_windows", "_macos")):
            importlib.import_module(one.name)
    return [one for one in found if one.name.rpartition(".")[2] not in FOR_PROGRAMS]


def test_every_error_has_a_title_and_a_sentence_by_its_code() -> None:
    of_the_tray()
    # Also those of the server, which its tests in the same process may have loaded or not.
    for one in modules("bulletdrop"):
        if not one.name.startswith("bulletdrop.tray") and re.search(r'^    code = "', one.text, re.MULTILINE):
            importlib.import_module(one.name)
    assert {one.code for one in classes() if one.__module__.startswith("bulletdrop.")} - set(CODES["de"]) == set()
    for title, sentence in CODES["de"].values():
        assert not title.endswith(".")
        assert sentence.endswith(".")


def test_every_sentence_with_which_the_tray_refuses_is_known() -> None:
    kinds = {one.__name__ for one in classes()}
    unknown = set()
    for module in of_the_tray():
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] in kinds and node.args:
                unknown |= {text for text in examples(node.args[0]) if said(text) == text and text.strip(f"{FOUND} ")}
    assert unknown == set()


def doctors_words() -> set[str]:
    """All that the checks may print: every literal of more than a word in a function that finds something."""
    found = set()
    for module in modules("bulletdrop"):
        if module.name not in ("bulletdrop.cli.checks_desktop", "bulletdrop.cli.checks_server"):
            continue
        for function in ast.walk(module.tree):
            if (
                isinstance(function, ast.FunctionDef)
                and function.returns
                and "Finding" in ast.unparse(function.returns)
            ):
                within = {
                    child for node in ast.walk(function) if isinstance(node, ast.JoinedStr) for child in node.values
                }
                documented = ast.get_docstring(function, clean=False)
                for node in ast.walk(function):
                    if node not in within:
                        found |= {text for text in examples(node) if " " in text.strip() and text != documented}
    return found


def test_everything_that_the_doctor_says_is_known() -> None:
    found = doctors_words()
    assert len(found) > 80
    # Commands to type, numbers, names of programs; and what holds pieces together that come out whole, see PARTS.
    same = r"chmod \d+ ◆|bulletdrop pair ◆|(BulletDrop|SHOW|PRAGMA|written by|%d).*|Postgres[: ].*|[◆ :,.;]+(UTC)?"
    glue = {", then ", "◆, good until ◆", "◆, fingerprint ◆", "◆ (upload --copy: ◆)", f"◆{_ALL_THE_SAME}"}
    unknown = {text for text in found - glue if said(text) == text and not re.fullmatch(same, text)}
    assert unknown == set(PARTS)
    for part, wholes in PARTS.items():
        for whole in wholes:
            assert part.replace(FOUND, "1 GB") in whole
            assert part.replace(FOUND, "1 GB") not in said(whole)


def test_a_real_run_of_the_doctor_comes_out_in_german(tmp_path: Path) -> None:
    command = [*binary(), "doctor", "--json", "--data", str(tmp_path / "data")]
    printed = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout
    lines = json.loads(printed)
    assert {line["name"] for line in lines} <= set(CHECKS["de"])
    assert check_name("data folder") == "Datenordner"
    for line in lines:
        for text in filter(None, (line["what"], line["cure"])):
            is_same = text.startswith(("/", "http", "BulletDrop ", "bulletdrop ")) or text.endswith("UTC")
            assert is_same or said(text) != text, text


def test_every_check_has_a_name() -> None:
    named = set()
    for module in modules("bulletdrop"):
        if module.name in ("bulletdrop.cli.checks_desktop", "bulletdrop.cli.checks_server"):
            for node in ast.walk(module.tree):
                match node:
                    case ast.Tuple(elts=[ast.Constant(value=str(name)), ast.Lambda() | ast.Name()]):
                        named.add(name)
    assert named == set(CHECKS["de"])


def test_a_translation_has_the_same_places_and_each_once() -> None:
    for text, meant in SENTENCES["de"].items():
        assert places(text) == places(meant), text
        assert len(re.findall(r"\{", text)) == len(places(text)), text


def test_what_is_filled_in_stays_and_a_sentence_in_a_sentence_is_translated_too() -> None:
    assert said("Too large. This server takes up to 100 MB; this file has 214 MB.") == (
        "Zu groß. Dieser Server nimmt bis zu 100 MB an; diese Datei hat 214 MB."
    )
    told_by_doctor = "http://a:1 does not answer: The server at http://a:1 cannot be reached: nobody listens there."
    assert said(told_by_doctor) == (
        "http://a:1 antwortet nicht: Der Server unter http://a:1 ist nicht erreichbar: dort antwortet niemand."
    )
    assert said("this machine says it is 01 March 1999") == "dieser Rechner meint, es sei der 1. März 1999"
    assert said("21 March 2027 09:05 UTC") == "21. März 2027 09:05 UTC"
    # What a stranger writes is filled in once, and is no form itself.
    assert said("There is no file {path} {0}.") == "Es gibt keine Datei {path} {0}."


def test_a_sentence_that_nobody_knows_is_said_by_its_code_and_one_of_our_own_stays() -> None:
    body = json.dumps({"error": {"code": "quota_full", "message": "No room, for a new reason."}}).encode()
    refused = error_of("http://a", Answer(507, {}, body))
    assert told(refused)[1] == "Der Speicher des Kontos ist voll. Löschen Sie etwas, oder fragen Sie den Admin."
    assert told(errors.Invalid(words.t("There is no folder {path}.", path="/a/b")))[1] == "Es gibt keinen Ordner /a/b."
    assert said("Something else.") == "Something else."
    for meant in words.TABLES["de"].values():
        filled = re.sub(r"\{\w+\}", FOUND, meant)
        assert said(filled, "invalid") == filled


def test_whatever_a_server_sends_is_shown_soon_and_whole() -> None:
    long = "“" * 300_000
    assert said(long) == long
    assert said(long, "too_big") == CODES["de"]["too_big"][1]
    assert said("The server at  cannot be reached: .") == "The server at  cannot be reached: ."


def test_in_english_all_stays_as_it_was_said() -> None:
    words.speak("en")
    error = errors.TooBig("Too large. This server takes up to 1 MB; this file has 2 MB.")
    assert told(error) == (error.title, error.message)
    assert said("not running", "busy") == "not running"
    assert check_name("disk") == "disk"


def test_a_notification_of_a_refusal_is_german_throughout() -> None:
    item = Item(1, Path("/shots/a.png"), "a.png", 9, Status.REFUSED, datetime(2026, 11, 21, tzinfo=UTC))
    error = error_from("too_big", "Too large. This server takes up to 1 MB; this file has 2 MB.")
    note = notes.refusal(item, error, None)  # type: ignore[arg-type]
    assert (note.title, note.message) == (
        "Zu groß.",
        "a.png: Dieser Server nimmt bis zu 1 MB an; diese Datei hat 2 MB.",
    )
    linked = notes.refusal(replace(item, link="http://a/b"), errors.BadPicture("This BMP has no size."), None)  # type: ignore[arg-type]
    assert linked.message.startswith("a.png: Das Bild lässt sich nicht lesen und wurde nicht angenommen.\n")
    waits = notes.waiting(
        errors.QuotaFull("Your storage is full: 1 MB of 1 MB used. Delete something or ask the admin.")
    )
    assert waits.message.startswith("Ihr Speicher ist voll: 1 MB von 1 MB belegt.")
    stuck = notes.cannot_start("Port 80 may not be used by this account. Set BULLETDROP_PORT to one above 1023.")
    assert stuck.message.startswith("Port 80 darf von diesem Konto nicht benutzt werden.")
    assert words_said.SENTENCES.keys() == words.TABLES.keys() == CODES.keys() == CHECKS.keys()
