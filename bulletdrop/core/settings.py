"""Settings that the admin changes while the server runs: kept in the database, looked at by every process."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass

from bulletdrop.config import SETTINGS, checked, overlaid
from bulletdrop.config_values import Setting
from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Setting as Row
from bulletdrop.core.site import CHANGED, Site, changes
from bulletdrop.core.text import is_visible
from bulletdrop.errors import BadConfig
from bulletdrop.media.formats.kinds import KINDS

_LONGEST_NAME = 100


@dataclass(frozen=True)
class Shown:
    """A setting that can change at run time, as the admin's page shows it."""

    setting: Setting
    value: object
    # Given by file, environment or flag: the page can only show it, and says where.
    is_given: bool
    given_by: str | None
    is_changed: bool


def live_settings(site: Site) -> list[Shown]:
    """Every setting that can change at run time, in the order of the table."""
    changed = changes()
    return [
        Shown(
            row,
            getattr(site.config, row.name),
            row.name in site.live.written.given,
            given_by(site, row),
            row.name in changed,
        )
        for row in SETTINGS
        if row.live
    ]


def given_by(site: Site, row: Setting, *, environ: Mapping[str, str] = os.environ) -> str | None:
    """Where a setting is given: “config.toml”, a variable of the environment, “a flag”; None for nowhere.

    Flags come before the environment, but none of a setting that can change at run time has one.
    """
    if row.name not in site.live.written.given:
        return None
    for variable in (row.variable, f"{row.variable}_FILE"):
        if variable in environ:
            return variable
    return "config.toml" if (site.config.data / "config.toml").exists() else "a flag"


def change_settings(site: Site, values: Mapping[str, object], *, actor: str | None = None, address: str = "") -> None:
    """Change some settings, all or none; None takes a change back.

    Raises: BadConfig with the field for a setting that does not exist, cannot change at run time, is given by file,
        environment or flag, or whose value does not fit.
    """
    fitting: dict[str, object] = {}
    for name, value in values.items():
        known = checked(name, getattr(site.live.written, name, None) if value is None else value)
        if name in site.live.written.given:
            raise BadConfig(f"{name} is given by config.toml, the environment or a flag. Change it there.", field=name)
        if value is not None:
            _check_fits(name, known)
        fitting[name] = None if value is None else known
    with transaction(site.db):
        for name, value in fitting.items():
            Row.delete().where(Row.name == CHANGED + name).execute()
            if value is not None:
                kept = list(value) if isinstance(value, tuple) else value
                Row.insert(name=CHANGED + name, value=json.dumps(kept)).execute()
            shown = "default" if value is None else ", ".join(value) if isinstance(value, tuple) else str(value)
            record(site, "setting.change", actor=actor, subject=name, detail=shown, category="admin", address=address)
    refresh(site)


def refresh(site: Site) -> None:
    """Take up what was changed, also by another process. One small query: called each second."""
    site.live.config = overlaid(site.live.written, changes())


def _check_fits(name: str, value: object) -> None:
    """What the table's types and bounds do not say."""
    if name == "accepted_types" and isinstance(value, tuple):
        unknown = [kind for kind in value if kind not in KINDS]
        if unknown or not value:
            wrong = f"“{unknown[0][:20]}” is no type of file. " if unknown else ""
            raise BadConfig(f"{wrong}There are: {', '.join(KINDS)}.", field=name)
    if name == "site_name" and (
        not str(value).strip() or len(str(value)) > _LONGEST_NAME or not is_visible(str(value))
    ):
        raise BadConfig(f"A name has 1 to {_LONGEST_NAME} characters, all of them visible.", field=name)
