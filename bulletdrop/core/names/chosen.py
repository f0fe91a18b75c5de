"""Chosen names: what somebody calls a drop or a short link on a domain, and the names that it had before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bulletdrop.core.models import Name, ShortLink, Upload
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.site import Site

# The main address, `public_url`, as `domain_key`; every other domain is named by its id.
MAIN = ""


def is_taken(name: str, *, domain_key: str = MAIN, but: str | None = None) -> bool:
    """True when a name would hide another address, or be hidden by it.

    Args:
        name: as `slugs.check_custom_name` gives it.
        domain_key: the domain where it is to count.
        but: the id of the drop or short link that is to get the name.
    """
    # A slug and a custom name share one address, and so do `name.1` as a page and `name` with an ending.
    near = list({name, name.partition(".")[0], name.rpartition(".")[0] or name})
    for model in (Upload, ShortLink):
        slugs: Any = model.select(model.id).where(model.slug.in_(near))
        if (slugs.where(model.id != but) if but else slugs).exists():
            return True
    same = Name.key.in_([fold(one) for one in near]) | Name.key.startswith(f"{fold(name)}.")
    chosen: Any = Name.select(Name.id).where((Name.domain_key == domain_key) & same)
    if but:
        # Postgres: NULL != x is neither true nor false.
        others = (Name.upload.is_null() | (Name.upload != but)) & (Name.short.is_null() | (Name.short != but))
        chosen = chosen.where(others)
    return bool(chosen.exists())


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
    Raises: IntegrityError when somebody else has the name.
    """
    its = (Name.upload == upload) if upload is not None else (Name.short == short)
    key = None if name is None else fold(name)
    current = its & Name.until.is_null()
    if keep_until is None:
        Name.delete().where(current).execute()
    else:
        Name.update(until=keep_until).where(current).execute()
    if key is not None:
        # An old name of its own that it takes up again.
        Name.delete().where(its & (Name.domain_key == domain_key) & (Name.key == key)).execute()
        Name.create(domain_key=domain_key, key=key, upload=upload, short=short, created_at=site.clock.now())


def find_chosen(site: Site, name: str, *, domain_key: str = MAIN) -> Name | None:
    """The row of a name that counts now on a domain, also an old one that still leads on; or None."""
    found: Name | None = Name.get_or_none((Name.domain_key == domain_key) & (Name.key == fold(name)))
    if found is not None and found.until is not None and found.until <= site.clock.now():
        return None
    return found


def forget_names(site: Site) -> str:
    """Remove old names whose time is over: they are free again."""
    return f"{Name.delete().where(Name.until <= site.clock.now()).execute()} removed"
