"""Which folders are watched and why, the rules of each, and a test that shows what a screenshot does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bulletdrop.clock import parse_expiry
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.desk import FolderReport, Item
from bulletdrop.tray.page.looking import Look, is_on, one
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.page.watching import Wrong, holds_much_else, refuse, strays
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.words import t
from bulletdrop.tray.words_said import told

EVERY = "*"
TEST_SECONDS = 60.0
TEST, ASK, WRONG = "test", "ask", "wrong"


@dataclass(frozen=True, slots=True)
class Known:
    """One folder of the list. `rule` None: it has none of its own."""

    path: str
    reason: str
    watched: bool
    rule: Rule | None
    report: FolderReport | None = None

    @property
    def key(self) -> str:
        """A name for its form that fits an id."""
        return key_of(self.path)


@dataclass(frozen=True, slots=True)
class Test:
    """A screenshot that is waited for.

    Args:
        began: when.
        left: seconds until it is given up; 0 when it is over.
        item: what came of it.
        stirred: folders in which something happened since, though no picture was taken from it.
        strays: folders of the list that are not watched, into which a picture came since.
    """

    began: datetime
    left: float
    item: Item | None = None
    stirred: tuple[Path, ...] = ()
    strays: tuple[Path, ...] = ()


def key_of(folder: str) -> str:
    """A name for the form of a folder that fits an id."""
    return "every" if folder == EVERY else re.sub(r"[^A-Za-z0-9]+", "-", folder).strip("-") or "root"


def show(look: Look) -> Reply:
    """The folders."""
    rules = {rule.folder: rule for rule in look.steering.chosen.now.folders}
    # A page that only looks what has changed takes nothing away from the one that is open.
    asked, wrong = (None, None) if look.is_live else (look.visit.notes.pop(name, None) for name in (ASK, WRONG))
    return render(
        "folders.html",
        look,
        folders=known_folders(look),
        every=rules.get(EVERY),
        usual=Rule(folder=EVERY),
        test=running_test(look),
        asked=asked,
        wrong=wrong,
    )


def known_folders(look: Look) -> list[Known]:
    """Watched ones first, each once: those of the system, those that are watched, those that have rules."""
    reports = {str(report.path): report for report in look.steering.report().folders}
    rules = {rule.folder: rule for rule in look.steering.chosen.now.folders if rule.folder != EVERY}
    reasons: dict[str, str] = {str(path): why for path, why, _ in look.steering.folders_found()}
    if look.config.watch is not None:
        reasons.setdefault(str(look.config.watch), t("named when BulletDrop was started"))
    for path in (*rules, *reports):
        reasons.setdefault(path, t("you added it"))
    found = [
        Known(path, reason, path in reports, rules.get(path), reports.get(path)) for path, reason in reasons.items()
    ]
    return sorted(found, key=lambda folder: not folder.watched)


def running_test(look: Look) -> Test | None:
    """The test of this visit, if there is one."""
    began = look.visit.notes.get(TEST)
    if not isinstance(began, datetime):
        return None
    left = max(0.0, TEST_SECONDS - (look.clock.now() - began).total_seconds())
    item = next((item for item in look.steering.recent(20) if item.found_at >= began), None)
    stirred = tuple(
        folder.path
        for folder in look.steering.report().folders
        if folder.last_event_at is not None and folder.last_event_at >= began
    )
    found = () if item is not None else strays((one.path for one in known_folders(look) if not one.watched), began)
    return Test(began, 0.0 if item is not None else left, item, stirred, found)


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Add, watch or leave a folder, change its rules, begin or end the test."""
    name, folder = one(form, "do"), one(form, "folder")
    if name == "test":
        # Files carry the disk's time, which may be a moment behind.
        look.visit.notes[TEST] = look.clock.now() - timedelta(seconds=0.5)
        return "folders#test"
    if name == "end-test":
        look.visit.notes.pop(TEST, None)
        return "folders#test"
    try:
        return _ACTS[name](look, folder, form)
    except KeyError as error:
        raise NotFound(t("This cannot be done here.")) from error
    except Invalid as error:
        return _wrong(look, name, folder, form, error)


def _wrong(look: Look, name: str, folder: str, form: dict[str, list[str]], error: Invalid) -> str:
    """Keep what was typed, with the sentence at its field; where there is no such field, above the page."""
    if name == "rules" and error.field == "expires":
        typed = Rule(folder=folder, **_typed(form))
        look.visit.notes[WRONG] = Wrong(folder, "expires", told(error)[1], typed)
        return f"folders#rules-{key_of(folder)}"
    if name == "add":
        look.visit.notes[WRONG] = Wrong(folder, "folder", told(error)[1])
        return "folders#add"
    look.visit.say(told(error)[1], "danger")
    return "folders"


def _add(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    try:
        path = Path(folder).expanduser()
    except RuntimeError:
        path = Path(folder)
    if not path.is_absolute():
        raise Invalid(t("Write the whole path of the folder, from / or ~ on."), field="folder")
    if not path.is_dir():
        raise Invalid(t("There is no folder {path}.", path=path), field="folder")
    return _begin(look, path, form)


def _watch(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    if not folder or "\0" in folder:
        raise Invalid(t("There is no folder {path}.", path=folder), field="folder")
    return _begin(look, Path(folder), form)


def _begin(look: Look, path: Path, form: dict[str, list[str]]) -> str:
    refuse(path, look.config.data)
    if holds_much_else(path) and not is_on(form, "sure"):
        look.visit.notes[ASK] = str(path)
        return "folders#ask"
    _change(look, str(path), watch=True)
    look.visit.say(t("{path} is watched. What lies there already stays here.", path=path))
    return "folders"


def _unwatch(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    """One that this system names stays in the list; one that the person added leaves it."""
    named = {str(path) for path, _, _ in look.steering.folders_found()} | {str(look.config.watch)}
    if folder in named:
        _change(look, folder, watch=False)
    else:
        left = tuple(rule for rule in look.steering.chosen.now.folders if rule.folder != folder)
        look.steering.chosen.change(folders=left)
        look.steering.rescan()
    look.visit.say(t("{path} is not watched any more. What is new there stays here.", path=folder))
    return "folders"


def _remove(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    left = tuple(rule for rule in look.steering.chosen.now.folders if rule.folder != folder)
    look.steering.chosen.change(folders=left)
    look.visit.say(t("The rules of {path} are gone.", path=folder if folder != EVERY else t("every folder")))
    return "folders"


def _rules(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    typed = _typed(form)
    expires = typed["expires"]
    if expires:
        try:
            parse_expiry(expires, now=look.clock.now())
        except (ValueError, OverflowError) as error:
            raise Invalid(t("“{span}” is no span. Write 12h, 7d or 2w.", span=expires), field="expires") from error
    _change(look, folder, **typed)
    look.visit.say(t("Saved. It holds for the next screenshot."))
    return "folders"


def _typed(form: dict[str, list[str]]) -> dict[str, Any]:
    """The values of the form of a folder's rules."""
    return {
        "names": one(form, "names"),
        # The address of its page will do: the id is what it ends with.
        "album": one(form, "album").rstrip("/").rpartition("/")[2],
        "expires": one(form, "expires").replace(" ", ""),
        "is_public": one(form, "visibility", "public") == "public",
        "ask": is_on(form, "ask"),
        "copy": is_on(form, "copy"),
        "bin_after": is_on(form, "bin_after"),
    }


def _change(look: Look, folder: str, **values: object) -> None:
    """Change some of the rules of a folder; without any so far, they are made from those that hold for all."""
    if not folder or len(folder) > 4096 or "\0" in folder:
        raise Invalid(t("There is no folder {path}.", path=folder), field="folder")
    chosen = look.steering.chosen
    others = tuple(rule for rule in chosen.now.folders if rule.folder != folder)
    old = next((rule for rule in chosen.now.folders if rule.folder == folder), None)
    if old is None:
        every = next((rule for rule in chosen.now.folders if rule.folder == EVERY), Rule(folder=folder))
        old = replace(every, folder=folder, watch=True)
    chosen.change(folders=(*others, replace(old, **values)))  # type: ignore[arg-type]
    look.steering.rescan()


_ACTS = {"add": _add, "watch": _watch, "unwatch": _unwatch, "remove": _remove, "rules": _rules}
