"""Settings that the admin changes while the server runs: kept in the database, looked at by every process."""

from __future__ import annotations

import json
from dataclasses import dataclass

from bulletdrop.config import SETTINGS, Setting, checked, overlaid
from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Setting as Row
from bulletdrop.core.site import CHANGED, Site, changes
from bulletdrop.errors import BadConfig


@dataclass(frozen=True)
class Shown:
    """A setting that can change at run time, as the admin's page shows it."""

    setting: Setting
    value: object
    # Given by file, environment or flag: the page can only show it.
    is_given: bool
    is_changed: bool


def live_settings(site: Site) -> list[Shown]:
    """Every setting that can change at run time, in the order of the table."""
    changed = changes()
    return [
        Shown(row, getattr(site.config, row.name), row.name in site.live.written.given, row.name in changed)
        for row in SETTINGS
        if row.live
    ]


def change_settings(site: Site, values: dict[str, object], *, actor: str | None = None, address: str = "") -> None:
    """Change some settings, all or none; None takes a change back.

    Raises: BadConfig with the field for a setting that does not exist, cannot change at run time, is given by file,
        environment or flag, or whose value does not fit.
    """
    fitting: dict[str, object] = {}
    for name, value in values.items():
        known = checked(name, getattr(site.live.written, name, None) if value is None else value)
        if name in site.live.written.given:
            raise BadConfig(f"{name} is given by config.toml, the environment or a flag. Change it there.", field=name)
        fitting[name] = None if value is None else known
    with transaction(site.db):
        for name, value in fitting.items():
            Row.delete().where(Row.name == CHANGED + name).execute()
            if value is not None:
                kept = list(value) if isinstance(value, tuple) else value
                Row.insert(name=CHANGED + name, value=json.dumps(kept)).execute()
            shown = "default" if value is None else str(value)
            record(site, "setting.change", actor=actor, subject=name, detail=shown, category="admin", address=address)
    refresh(site)


def refresh(site: Site) -> None:
    """Take up what was changed, also by another process. One small query: called each second."""
    site.live.config = overlaid(site.live.written, changes())
