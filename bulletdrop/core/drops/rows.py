"""Rows: how drops are read, with what goes with them, and how one gets into the trash."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from typing import Any

from peewee import JOIN, Case, Value

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Blob, Domain, Team, Upload, UploadTag, User, UserDomain
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.site import Site

# However wrong the clock: one sweep takes no more than this, and somebody notices before the next.
MOST_AT_ONCE = 500
LIVE = Upload.trashed_at.is_null()
# What is needed of whom a drop counts for: whole rows would cost every picture that is looked at.
_PAYER = ("id", "delete_scheduled_for", "silent_until", "plan", "limits")
_OWNER = tuple(
    getattr(User, name)
    for name in (*_PAYER, "username", "is_active", "hotlink", "hotlink_hosts", "embed_color", "link_ending")
)
_TEAM = tuple(getattr(Team, name) for name in (*_PAYER, "name", "slug"))


# Whose own host links are built with; NULL beside no domain, or peewee would make one up.
OWN_NAME = Case(
    None,
    (
        (Domain.id.is_null(), Value(None)),
        (UserDomain.is_own_host & Domain.is_wildcard, User.username),
    ),
    "",
)


def joined() -> Any:
    """Drops with blob and domain, and what is needed of owner and team, in one query."""
    domain = (Domain.id, Domain.name, OWN_NAME.alias("own_name").bind_to(Domain))
    query = Upload.select(Upload, Blob, *domain, *_OWNER, *_TEAM).join(Blob).switch(Upload).join(User)
    query = query.switch(Upload).join(Team, JOIN.LEFT_OUTER).switch(Upload).join(Domain, JOIN.LEFT_OUTER)
    claim = (UserDomain.user == Upload.owner) & (UserDomain.domain == Upload.domain)
    return query.switch(Upload).join(UserDomain, JOIN.LEFT_OUTER, on=claim)


def with_tags(rows: Iterable[Upload]) -> list[Upload]:
    """The rows with `tag_names` filled by one more query for all of them."""
    uploads = list(rows)
    found: dict[str, list[str]] = {upload.id: [] for upload in uploads}
    if uploads:
        for row in UploadTag.select().where(UploadTag.upload.in_(list(found))).order_by(UploadTag.tag):
            found[row.upload_id].append(row.tag)
    for upload in uploads:
        upload.tag_names = tuple(found[upload.id])
    return uploads


def lasting(site: Site) -> Any:
    """The condition for drops whose time is not over, swept or not."""
    return Upload.expires_at.is_null() | (Upload.expires_at > site.clock.now())


def trash_expired(site: Site, shelf: Any = None) -> int:
    """Put drops whose time is over into the trash, no more than MOST_AT_ONCE.

    Args:
        shelf: the condition for those that are looked at; all of them when left out.
    Returns: how many.
    """
    now = site.clock.now()
    due = LIVE & (Upload.expires_at <= now)
    query = Upload.select(Upload.id).where(due if shelf is None else due & shelf)

    def put(upload_id: str) -> bool:
        with transaction(site.db):
            # Its owner may have given it another end meanwhile.
            done = bool(Upload.update(trashed_at=now).where((Upload.id == upload_id) & due).execute())
            if done:
                record(site, "upload.expire", subject=upload_id)
        return done

    ids = [row.id for row in query.limit(MOST_AT_ONCE)]
    return sum(with_reserve(site.config.data, partial(put, upload_id)) for upload_id in ids)


def put_into_trash(site: Site, upload: Upload, *, actor: str | None) -> None:
    """Put a drop into the trash, unless it lies there already."""
    now = site.clock.now()

    def change() -> None:
        with transaction(site.db):
            if Upload.update(trashed_at=now).where((Upload.id == upload.id) & LIVE).execute():
                record(site, "upload.trash", actor=actor, subject=upload.id)

    with_reserve(site.config.data, change)
