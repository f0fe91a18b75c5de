"""Settings: one form, by group; what a file or the environment gives is shown with where."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.config import SETTINGS
from bulletdrop.config_values import Setting
from bulletdrop.core import settings
from bulletdrop.core.settings import Shown
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, Rejected
from bulletdrop.media.formats.kinds import KINDS
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    notice_of,
    page,
    posted,
    read_size,
    write_size,
)
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

NOTICES = {"saved": Notice("Saved. It holds at once."), "same": Notice("Nothing was changed.")}
# Heading → the settings below it, in order. What no group names comes under “More”.
GROUPS: dict[str, tuple[str, ...]] = {
    "People": ("site_name", "registration", "default_plan"),
    "Files": ("accepted_types", "max_file_size", "pastes", "paste_max_bytes", "max_files_per_request", "min_free_disk"),
    "Links and trash": ("slug_length", "trash_days"),
    "Keeping records": ("audit_days",),
}
_LABELS = {
    "site_name": "Name of this server",
    "registration": "Who may make an account",
    "default_plan": "Plan of a new account",
    "accepted_types": "Types of file",
    "max_file_size": "Largest file",
    "pastes": "Texts can be pasted",
    "paste_max_bytes": "Longest text",
    "max_files_per_request": "Files per request",
    "min_free_disk": "Room that stays free on the disk",
    "slug_length": "Characters in a new link",
    "trash_days": "Days in the trash",
    "audit_days": "Days that the audit log is kept",
}
_CHOICES = {
    "closed": "Nobody: an admin adds accounts",
    "invite": "Whoever has an invitation",
    "open": "Whoever confirms an email address",
}
# Where the words of config.toml, with their units and values, do not fit the form.
_HELP = {
    "registration": "",
    "default_plan": "It says what they may use; see Plans.",
    "accepted_types": "Read from the bytes, not from the name.",
    "max_file_size": "Such as 100 MB. A plan can allow less.",
    "pastes": "Whatever types of file are taken.",
    "paste_max_bytes": "Such as 1 MB, and at most 16 MB.",
    "min_free_disk": "Such as 200 MB. When less is free, uploads are refused.",
    "slug_length": "More are harder to guess.",
}
_SIZES = ("max_file_size", "min_free_disk", "paste_max_bytes")


@dataclass(frozen=True)
class Row:
    """One setting as its form shows it."""

    name: str
    label: str
    help: str
    kind: str  # choice, several, size, number or text
    value: str
    several: tuple[str, ...]
    choices: tuple[tuple[str, str], ...]
    least: float | None
    most: float | None
    usual: str
    given_by: str | None
    is_changed: bool
    wrong: str


@dataclass(frozen=True)
class Fixed:
    """A setting that changes in `config.toml` alone. Secrets are not shown."""

    name: str
    value: str
    help: str
    given_by: str | None


async def show(request: Request) -> HTTPResponse:
    """The form."""
    return await _page(request)


async def save(request: Request) -> HTTPResponse:
    """Change what differs from how it is; a value that does not fit is said beside its field, and nothing changes."""
    form = await posted(request)
    before = await in_thread(request, settings.live_settings)
    try:
        changes = _changes(before, form)
        if changes:
            by = await by_of(request)
            await in_thread(request, settings.change_settings, changes, actor=by.actor, address=by.address)
    except Rejected as error:
        return await _page(request, error=error, form=form)
    return done("/admin/settings", "saved" if changes else "same")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (("GET", "/admin/settings", show, "settings"), ("POST", "/admin/settings", save, "settings_post")),
    )


def _changes(before: list[Shown], form: dict[str, str]) -> dict[str, object]:
    """What the form wants other than it is. A list's boxes are named `setting.value`."""
    changes: dict[str, object] = {}
    for one in before:
        name = one.setting.name
        if one.is_given or f"has.{name}" not in form:
            continue
        if form.get(f"usual.{name}") == "yes":
            if one.is_changed:
                changes[name] = None
            continue
        wanted = _read(one.setting, form)
        # The boxes stand in an order of their own, which is nothing that anybody chose.
        if isinstance(wanted, tuple) and isinstance(one.value, tuple) and set(wanted) == set(one.value):
            continue
        if wanted != one.value:
            changes[name] = wanted
    return changes


def _read(setting: Setting, form: dict[str, str]) -> object:
    if setting.type.startswith("tuple"):
        return tuple(kind for kind in KINDS if form.get(f"{setting.name}.{kind}") == "yes")
    text = form.get(setting.name, "")
    if setting.name in _SIZES:
        size = read_size(text, setting.name)
        return text if size is None else size
    return int(text) if setting.type == "int" and text.isascii() and text.isdigit() and len(text) < 19 else text


async def _page(
    request: Request, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    live, fixed = await in_thread(request, _seen)
    rows = {one.setting.name: _row(one, form, error) for one in live}
    groups = [(heading, [rows.pop(name) for name in names if name in rows]) for heading, names in GROUPS.items()]
    if rows:
        groups.append(("More", list(rows.values())))
    context = {"groups": groups, "fixed": fixed, "error": error, "did": notice_of(request, NOTICES)}
    return page(request, "admin-settings.html", "/admin/settings", status=status_of(error) if error else 200, **context)


def _seen(site: Site) -> tuple[list[Shown], list[Fixed]]:
    fixed = []
    for row in SETTINGS:
        if not row.live:
            value = getattr(site.live.written, row.name)
            given = settings.given_by(site, row)
            # Of a secret the page says only whether there is one.
            said = ("set" if given else "not set") if row.secret else _plain(value)
            fixed.append(Fixed(row.name, said or "not set", row.help, given))
    return settings.live_settings(site), fixed


def _row(one: Shown, form: dict[str, str] | None, error: BulletDropError | None) -> Row:
    setting, name = one.setting, one.setting.name
    value = _written(name, one.value)
    several = tuple(one.value) if isinstance(one.value, tuple) else ()
    if form is not None and f"has.{name}" in form:
        value = form.get(name, value)
        several = tuple(kind for kind in KINDS if form.get(f"{name}.{kind}") == "yes")
    return Row(
        name=name,
        label=_LABELS.get(name, name.replace("_", " ").capitalize()),
        help=_HELP.get(setting.name, setting.help),
        kind=_kind(setting),
        value=value,
        several=several,
        choices=_choices(setting),
        least=setting.least,
        most=setting.most,
        usual=_written(name, setting.default),
        given_by=one.given_by,
        is_changed=one.is_changed,
        wrong=error.message if error is not None and error.field == name else "",
    )


def _kind(setting: Setting) -> str:
    if setting.of:
        return "choice"
    if setting.type.startswith("tuple"):
        return "several"
    if setting.name in _SIZES:
        return "size"
    return "number" if setting.type == "int" else "text"


def _choices(setting: Setting) -> tuple[tuple[str, str], ...]:
    if setting.type.startswith("tuple"):
        return tuple((kind, kind) for kind in KINDS)
    return tuple((choice, _CHOICES.get(choice, choice.capitalize())) for choice in setting.of)


def _written(name: str, value: object) -> str:
    if name in _SIZES and isinstance(value, int):
        return write_size(value)
    return _plain(value)


def _plain(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, tuple) else "" if value is None else str(value)
