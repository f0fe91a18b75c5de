"""Which folders are watched and why, the rules of each, and a test that shows what a screenshot does."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from bulletdrop.clock import parse_expiry
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.desk import FolderReport, Item
from bulletdrop.tray.page.looking import Look, is_on, one
from bulletdrop.tray.page.rendering import render
from bulletdrop.tray.preferences import Rule
from bulletdrop.tray.words import t

EVERY = "*"
TEST_SECONDS = 60.0
TEST = "test"


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
        return re.sub(r"[^A-Za-z0-9]+", "-", self.path).strip("-") or "root"


@dataclass(frozen=True, slots=True)
class Test:
    """A screenshot that is waited for.

    Args:
        began: when.
        left: seconds until it is given up; 0 when it is over.
        item: what came of it.
        stirred: folders in which something happened since, though no picture was taken from it.
    """

    began: datetime
    left: float
    item: Item | None = None
    stirred: tuple[Path, ...] = ()


def show(look: Look) -> Reply:
    """The folders."""
    rules = {rule.folder: rule for rule in look.steering.chosen.now.folders}
    return render(
        "folders.html",
        look,
        folders=known_folders(look),
        every=rules.get(EVERY),
        usual=Rule(folder=EVERY),
        test=running_test(look),
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
    return Test(began, 0.0 if item is not None else left, item, stirred)


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
        look.visit.say(error.message, "danger")
        return "folders#add" if name == "add" else "folders"


def _add(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    try:
        path = Path(folder).expanduser()
    except RuntimeError:
        path = Path(folder)
    if not path.is_absolute():
        raise Invalid(t("Write the whole path of the folder, from / or ~ on."), field="folder")
    if not path.is_dir():
        raise Invalid(t("There is no folder {path}.", path=path), field="folder")
    _change(look, str(path), watch=True)
    look.visit.say(t("{path} is watched. What lies there already stays here.", path=path))
    return "folders"


def _watch(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    _change(look, folder, watch=one(form, "do") == "watch")
    return "folders"


def _remove(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    left = tuple(rule for rule in look.steering.chosen.now.folders if rule.folder != folder)
    look.steering.chosen.change(folders=left)
    look.visit.say(t("The rules of {path} are gone.", path=folder if folder != EVERY else t("every folder")))
    return "folders"


def _rules(look: Look, folder: str, form: dict[str, list[str]]) -> str:
    expires = one(form, "expires").replace(" ", "")
    if expires:
        try:
            parse_expiry(expires, now=look.clock.now())
        except (ValueError, OverflowError) as error:
            raise Invalid(t("“{span}” is no span. Write 12h, 7d or 2w.", span=expires), field="expires") from error
    _change(
        look,
        folder,
        names=one(form, "names"),
        # The address of its page will do: the id is what it ends with.
        album=one(form, "album").rstrip("/").rpartition("/")[2],
        expires=expires,
        is_public=one(form, "visibility", "public") == "public",
        ask=is_on(form, "ask"),
        copy=is_on(form, "copy"),
        bin_after=is_on(form, "bin_after"),
    )
    look.visit.say(t("Saved. It holds for the next screenshot."))
    return "folders"


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


_ACTS = {"add": _add, "watch": _watch, "unwatch": _watch, "remove": _remove, "rules": _rules}
