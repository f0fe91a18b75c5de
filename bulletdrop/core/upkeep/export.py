"""Export: everything of an account as one zip, written while it is read: nothing of it is held whole anywhere."""

from __future__ import annotations

import json
from collections.abc import Generator
from datetime import datetime
from typing import Any

from peewee import JOIN

from bulletdrop.clock import rfc3339
from bulletdrop.core.archive import Archive
from bulletdrop.core.database import using
from bulletdrop.core.models import (
    ApiKey,
    Audit,
    Blob,
    Domain,
    Identity,
    Passkey,
    Reservation,
    Session,
    Team,
    TeamMember,
    Upload,
    UploadTag,
    Usage,
    User,
)
from bulletdrop.core.names import urls
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import export_shared
from bulletdrop.errors import MissingObject

FORMAT = "bulletdrop-export-1"
# Rows fetched at a time: a library of ten years never lies in memory.
_ROWS = 500


def export(site: Site, user_id: str) -> Generator[bytes]:
    """The zip of an account, piece by piece. Each step may run in another thread.

    In it: `account.json` (profile, sessions, keys without themselves, identities, teams, usage), `audit.jsonl`,
    `drops.jsonl` (one drop a line, with its tags and link), a file each of that kind for what it has shared
    (`export_shared`), `files/…` (the bytes, under their dates) and last
    `manifest.json`: for every other entry its path, size and SHA-256. What was deleted while it ran is in the
    manifest's `missing`.
    """
    archive = Archive()
    with using(site.db):
        account = _account(site, user_id)
    yield from archive.text("account.json", json.dumps(account, indent=2, ensure_ascii=False))
    yield from archive.lines("audit.jsonl", lambda after: _audit(site, user_id, after))
    yield from archive.lines("drops.jsonl", lambda after: _drops(site, user_id, after))
    for path, page in export_shared.pages(site, user_id):
        yield from archive.lines(path, page)
    missing: list[str] = []
    after = ""
    while found := _files(site, user_id, after):
        for upload_id, key, path in found:
            after = upload_id
            try:
                file = site.storage.open(key)
            except MissingObject:
                missing.append(path)
                continue
            with file:
                yield from archive.copy(path, file)
    made = {"format": FORMAT, "made_at": rfc3339(site.clock.now()), "entries": archive.entries, "missing": missing}
    yield from archive.text("manifest.json", json.dumps(made, indent=2, ensure_ascii=False))
    yield from archive.close()


def _account(site: Site, user_id: str) -> dict[str, Any]:
    user = User.get_by_id(user_id)
    profile = ("id", "username", "email", "display_name", "first_name", "last_name", "bio", "plan", "storage_used")
    teams = TeamMember.select(TeamMember, Team).join(Team).where(TeamMember.user == user_id)
    return {
        "profile": {**_picked(user, profile), **_picked(user, ("is_admin", "is_verified", "created_at"))},
        "limits": user.limits,
        "links": _picked(
            user, ("slug_style", "link_ending", "hotlink", "hotlink_hosts", "embed_color", "names_arrivals")
        ),
        "reservations": [
            _picked(row, ("slug", "created_at", "expires_at", "ended_at", "ended_code", "problem"))
            for row in Reservation.select().where(Reservation.owner == user_id).order_by(Reservation.slug)
        ],
        "sessions": [
            _picked(row, ("id", "user_agent", "address", "method", "created_at", "last_used_at", "revoked_at"))
            for row in Session.select().where(Session.user == user_id).order_by(Session.created_at)
        ],
        "keys": [
            _picked(row, ("id", "name", "device_name", "prefix", "scopes", "created_at", "last_used_at", "revoked_at"))
            for row in ApiKey.select().where(ApiKey.user == user_id).order_by(ApiKey.created_at)
        ],
        "passkeys": [
            _picked(row, ("id", "name", "created_at", "last_used_at"))
            for row in Passkey.select().where(Passkey.user == user_id)
        ],
        "identities": [
            _picked(row, ("provider", "issuer", "subject", "email", "created_at", "last_used_at"))
            for row in Identity.select().where(Identity.user == user_id)
        ],
        "teams": [{"name": row.team.name, "slug": row.team.slug, "role": row.role} for row in teams],
        "domains": export_shared.domains_of(user_id),
        "usage": [
            _picked(row, ("day", "uploads", "views", "bytes_served", "api_requests", "secrets"))
            for row in Usage.select().where(Usage.account == user_id).order_by(Usage.day)
        ],
    }


def _audit(site: Site, user_id: str, after: str) -> list[tuple[str, dict[str, Any]]]:
    with using(site.db):
        rows = Audit.select().where((Audit.actor == user_id) & (Audit.id > after)).order_by(Audit.id).limit(_ROWS)
        return [(row.id, _picked(row, ("at", "action", "subject", "address", "category", "detail"))) for row in rows]


def _drops(site: Site, user_id: str, after: str) -> list[tuple[str, dict[str, Any]]]:
    with using(site.db):
        rows = list(_page(user_id, after))
        tags: dict[str, list[str]] = {}
        for tag in UploadTag.select().where(UploadTag.upload.in_([row.id for row in rows])).order_by(UploadTag.tag):
            tags.setdefault(tag.upload_id, []).append(tag.tag)
        return [(row.id, _drop(site, row, tags.get(row.id, []))) for row in rows]


def _drop(site: Site, row: Upload, tags: list[str]) -> dict[str, Any]:
    names = ("id", "slug", "filename", "original_filename", "title", "description", "custom_name", "language")
    state = ("is_public", "source", "max_views", "views")
    times = ("expires_at", "last_viewed_at", "created_at", "trashed_at")
    blob = ("mime", "size", "sha256", "width", "height")
    link = {"url": urls.page_url(site, row), "path": _path(row), "tags": tags, "team": row.team_id}
    return {**_picked(row, names + state + times), **_picked(row.blob, blob), **link}


def _files(site: Site, user_id: str, after: str) -> list[tuple[str, str, str]]:
    with using(site.db):
        return [(row.id, row.blob.key, _path(row)) for row in _page(user_id, after)]


def _page(user_id: str, after: str) -> Any:
    # What somebody brought into a team that they are no longer in is the team's: they see nothing of it from then on.
    mine = TeamMember.select(TeamMember.team).where(TeamMember.user == user_id)
    own = (Upload.owner == user_id) & (Upload.team.is_null() | Upload.team.in_(mine))
    query = Upload.select(Upload, Blob, Domain.id, Domain.name).join(Blob).switch(Upload)
    query = query.join(Domain, JOIN.LEFT_OUTER).where(own & (Upload.id > after))
    return query.order_by(Upload.id).limit(_ROWS)


def _path(row: Upload) -> str:
    """Where a drop's bytes are in the zip: its day, its slug, its ending; nothing that somebody typed."""
    return f"files/{row.created_at:%Y/%m/%d}/{row.slug}.{row.blob.ext}"


def _picked(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}
