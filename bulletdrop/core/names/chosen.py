"""Chosen names: what somebody calls a drop or a short link on a domain, and the names that it had before."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from bulletdrop.core.database import is_sqlite
from bulletdrop.core.models import Name, Reservation, ShortLink, Upload
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameTaken

# The main address, `public_url`, as `domain_key`; every other domain is named by its id.
MAIN = ""
# A name that leads on is lost to everybody else.
LONGEST_KEPT = timedelta(days=366)
MOST_OLD_NAMES = 20


def is_taken(name: str, *, domain_key: str = MAIN, but: str | None = None, now: datetime | None = None) -> bool:
    """True when a name would hide another address, or be hidden by it.

    Args:
        name: as `slugs.check_custom_name` gives it.
        domain_key: the domain where it is to count.
        but: the id of the drop or short link that is to get the name.
        now: old names whose time is over at this moment are free; without it, once they are swept.
    """
    # A slug and a custom name share one address, and so do `name.1` as a page and `name` with an ending.
    near = {name, name.partition(".")[0], name.rpartition(".")[0] or name}
    # Slugs count in the letters that they are made of, names in any: `Kind-otter` would be asked for as `kind-otter`.
    spellings = list(near | {fold(one) for one in near})
    for model in (Upload, ShortLink):
        slugs: Any = model.select(model.id).where(model.slug.in_(spellings))
        if (slugs.where(model.id != but) if but else slugs).exists():
            return True
    if Reservation.select(Reservation.slug).where(Reservation.slug.in_(spellings)).exists():
        return True
    keys = {fold(one) for one in near}
    within = f"{fold(name)}."
    return any(
        row.domain_key == domain_key
        and (row.key in keys or row.key.startswith(within))
        and (but is None or but not in (row.upload_id, row.short_id))
        and (now is None or row.until is None or row.until > now)
        for row in _of_stem(name)
    )


def is_slug_taken(slug: str) -> bool:
    """True when a slug is there already, or would hide a chosen name on some domain. A slug has no dots."""
    for model in (Upload, ShortLink):
        if model.select(model.id).where(model.slug == slug).exists():
            return True
    return is_handed_out(slug) or bool(_of_stem(slug).exists())


def is_handed_out(slug: str) -> bool:
    """True for a slug that a device holds ready, or that is kept for its page."""
    return bool(Reservation.select(Reservation.slug).where(Reservation.slug == slug).exists())


def hold_name(site: Site, name: str) -> None:
    """Let nobody else take this name, or one near it, before the caller's transaction ends.

    On SQLite one transaction writes at a time. Postgres is asked for a lock, because no index spans slugs and names.
    """
    if not is_sqlite(site.db):
        site.db.execute_sql("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", (f"name:{_stem(fold(name))}",))


def choose(
    site: Site,
    name: str | None,
    *,
    upload: str | None = None,
    short: str | None = None,
    domain_key: str = MAIN,
    keep_until: datetime | None = None,
) -> None:
    """Give a drop or a short link its name, inside the caller's transaction; None takes the name away.

    Args:
        upload, short: the id of one of the two.
        keep_until: until when the name that it had leads on to it; None gives that up at once.
    Raises: NameTaken when somebody else has the name, or one that it would hide; Invalid for too many old names.
    """
    now = site.clock.now()
    if name is not None:
        hold_name(site, name)
        if is_taken(name, domain_key=domain_key, but=upload or short, now=now):
            raise NameTaken("This name is taken. Take another one.", field="custom_name")
    its = (Name.upload == upload) if upload is not None else (Name.short == short)
    current = its & Name.until.is_null()
    if keep_until is None:
        Name.delete().where(current).execute()
    else:
        Name.update(until=keep_until).where(current).execute()
    if name is not None:
        # An old name of its own that it takes up again, or somebody's whose time is over.
        same = (Name.domain_key == domain_key) & (Name.key == fold(name))
        Name.delete().where(same & (its | (Name.until <= now))).execute()
        write_name(site, name, upload=upload, short=short, domain_key=domain_key)
    if keep_until is not None and Name.select().where(its & Name.until.is_null(False)).count() > MOST_OLD_NAMES:
        raise Invalid(f"Already {MOST_OLD_NAMES} old links lead on to this.", field="keep_old_name")


def write_name(
    site: Site, name: str, *, upload: str | None = None, short: str | None = None, domain_key: str = MAIN
) -> None:
    """The row of a name, without asking whether it is free. Raises IntegrityError when it is not."""
    key = fold(name)
    Name.create(
        domain_key=domain_key, key=key, stem=_stem(key), upload=upload, short=short, created_at=site.clock.now()
    )


def lead_from(site: Site, slug: str, *, upload: str, domain_key: str) -> None:
    """Let a drop's slug lead to it also on a domain that is not the drop's, as long as an old name does at most."""
    key, now = fold(slug), site.clock.now()
    values = {"domain_key": domain_key, "key": key, "stem": _stem(key), "upload": upload}
    Name.insert(**values, created_at=now, until=now + LONGEST_KEPT).on_conflict_ignore().execute()


def find_chosen(site: Site, name: str, *, domain_key: str = MAIN) -> Name | None:
    """The row of a name that counts now on a domain, also an old one that still leads on; or None."""
    found: Name | None = Name.get_or_none((Name.domain_key == domain_key) & (Name.key == fold(name)))
    if found is not None and found.until is not None and found.until <= site.clock.now():
        return None
    return found


def old_names(site: Site, upload_id: str) -> list[Name]:
    """The names that still lead on to a drop, the one that ends first at the top."""
    its = (Name.upload == upload_id) & (Name.until > site.clock.now())
    return list(Name.select().where(its).order_by(Name.until, Name.key))


def end_old_names(upload_id: str) -> None:
    """No old name leads on to a drop any more: they are free."""
    Name.delete().where((Name.upload == upload_id) & Name.until.is_null(False)).execute()


def leave_domain(site: Site, domain_id: str) -> int:
    """Take the names of a domain that is to go along to the main address, inside the caller's transaction.

    Where a name is taken there, its drop or short link stays without one; its slug leads to it as before. Old names of
    the domain end. Returns: how many names were lost.
    """
    lost = 0
    Name.delete().where((Name.domain_key == domain_id) & Name.until.is_null(False)).execute()
    for row in Name.select().where(Name.domain_key == domain_id).order_by(Name.created_at):
        but = row.upload_id or row.short_id
        hold_name(site, row.key)
        if not is_taken(row.key, but=but, now=site.clock.now()):
            Name.delete().where((Name.domain_key == MAIN) & (Name.key == row.key)).execute()
            Name.update(domain_key=MAIN).where(Name.id == row.id).execute()
            continue
        model: Any = Upload if row.upload_id is not None else ShortLink
        model.update(custom_name=None).where(model.id == but).execute()
        Name.delete().where(Name.id == row.id).execute()
        lost += 1
    return lost


def forget_names(site: Site) -> str:
    """Remove old names whose time is over: they are free again."""
    return f"{Name.delete().where(Name.until <= site.clock.now()).execute()} removed"


def _of_stem(name: str) -> Any:
    # By its own index alone: with the domain in it, SQLite walks through all names of the domain.
    return Name.select().where(Name.stem == _stem(fold(name)))


def _stem(key: str) -> str:
    return key.partition(".")[0]
