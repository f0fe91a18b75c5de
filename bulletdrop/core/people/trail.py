"""Trail: the audit log read back, filtered, page by page or as a whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bulletdrop.clock import rfc3339
from bulletdrop.core.audit import CATEGORIES
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.models import Audit, User
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.directory import names_of
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

FORMATS = ("csv", "jsonl")
COLUMNS = ("at", "category", "action", "actor", "actor_name", "subject", "detail", "address", "user_agent")
# What a spreadsheet takes for a formula (OWASP, "CSV Injection").
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 300


@dataclass(frozen=True)
class Filter:
    """What to show of the log; empty shows all.

    Args:
        category: one of CATEGORIES.
        action: an action such as `user.disable`, or the noun alone.
        actor: the id or the name of whoever did it; `server` for the command line and the server itself.
        subject: exactly what it was done to.
        about: an account's id and name: what it did, and what was done to it.
        since, until: times; `until` is not part of it.
    """

    category: str = ""
    action: str = ""
    actor: str = ""
    subject: str = ""
    about: tuple[str, str] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Entry:
    """One row, and the name of whoever did it: empty for the server, and for somebody who is gone."""

    row: Audit
    actor_name: str


def read_trail(site: Site, wanted: Filter, *, cursor: str | None = None, limit: int = 50) -> Page[Entry]:
    """The log, newest first. Raises Invalid with the field for a filter that cannot be."""
    page = paged(_query(wanted), by=Audit.at, ties=Audit.id, cursor=cursor, limit=limit)
    names = names_of(site, {row.actor for row in page.items if row.actor})
    return Page([Entry(row, names.get(row.actor or "", "")) for row in page.items], page.next)


def actions(site: Site, wanted: Filter = Filter()) -> list[str]:
    """Every action that occurs in the log, or in what a filter leaves of it, in order."""
    return sorted({row.action for row in _query(wanted).select(Audit.action).distinct()})


def as_dict(entry: Entry) -> dict[str, Any]:
    """A row for programs, by COLUMNS."""
    row = entry.row
    who = (rfc3339(row.at), row.category, row.action, row.actor, entry.actor_name or None)
    return dict(zip(COLUMNS, (*who, row.subject, row.detail, row.address, row.user_agent), strict=True))


def as_text(entries: Iterable[Entry], form: str, *, head: bool = False) -> str:
    """Rows in one of FORMATS: CSV (RFC 4180), or one JSON object per line.

    Args:
        head: with the names of the columns first, in CSV.
    """
    if form == "jsonl":
        return "".join(json.dumps(as_dict(entry), ensure_ascii=False) + "\n" for entry in entries)
    text = io.StringIO()
    writer = csv.writer(text)
    if head:
        writer.writerow(COLUMNS)
    for entry in entries:
        writer.writerow([_harmless(str(value or "")) for value in as_dict(entry).values()])
    return text.getvalue()


def check_format(form: str) -> str:
    """Raises Invalid for a form that does not exist."""
    if form not in FORMATS:
        raise Invalid(f"format is one of {', '.join(FORMATS)}.", field="format")
    return form


def _query(wanted: Filter) -> Any:
    query = Audit.select()
    if wanted.category:
        if wanted.category not in CATEGORIES:
            raise Invalid(f"category is one of {', '.join(CATEGORIES)}.", field="category")
        query = query.where(Audit.category == wanted.category)
    if action := _text(wanted.action, "action"):
        query = query.where((Audit.action == action) | Audit.action.startswith(f"{action}."))
    if subject := _text(wanted.subject, "subject"):
        query = query.where(Audit.subject == subject)
    if actor := _text(wanted.actor, "actor"):
        query = query.where(_by(actor))
    if wanted.about is not None:
        query = query.where((Audit.actor == wanted.about[0]) | Audit.subject.in_(wanted.about))
    if wanted.since is not None:
        query = query.where(Audit.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(Audit.at < wanted.until)
    return query


def _by(actor: str) -> Any:
    if actor == "server":
        return Audit.actor.is_null()
    named = User.get_or_none(User.username_key == fold(actor))
    return Audit.actor == (actor if named is None else named.id)


def _text(value: str, field: str) -> str:
    if len(value) > _LONGEST or "\0" in value:
        raise Invalid(f"{field} has at most {_LONGEST} characters.", field=field)
    return value.strip()


def _harmless(value: str) -> str:
    return f"'{value}" if value.startswith(_FORMULA) else value
