"""The admin's list of domains: added, changed, removed. Each act is a row of the audit log, in its own transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from peewee import IntegrityError, fn

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Domain, ShortLink, Upload, UserDomain
from bulletdrop.core.names import known
from bulletdrop.core.names.chosen import leave_domain
from bulletdrop.core.names.domains import find_owner
from bulletdrop.core.names.spelling import check_name, main_hosts, shown_name
from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of, lines_of
from bulletdrop.errors import Invalid, NameTaken, NotFound

_LONGEST_TITLE, _LONGEST_TEXT = 100, 1000
# More bytes than any disk has: a column of 64 bits holds it.
_MOST_BYTES = 2**50
_FLAGS = ("is_available", "is_premium", "is_wildcard")


@dataclass(frozen=True)
class Listed:
    """A domain, how many people have claimed it, and how many drops and short links are built with it."""

    domain: Domain
    claims: int
    links: int


def list_domains(site: Site) -> list[Listed]:
    """Every domain, in the order of their names."""
    claims = _counted(UserDomain)
    uploads, shorts = _counted(Upload), _counted(ShortLink)
    rows = Domain.select().order_by(Domain.name)
    return [Listed(row, claims.get(row.id, 0), uploads.get(row.id, 0) + shorts.get(row.id, 0)) for row in rows]


def get_domain(site: Site, domain_id: str) -> Domain:
    """One of them. Raises NotFound."""
    found: Domain | None = Domain.get_or_none(Domain.id == domain_id.replace("\0", ""))
    if found is None:
        raise NotFound("There is no such domain.")
    return found


def add_domain(site: Site, by: By, values: Mapping[str, Any]) -> Domain:
    """Add a domain; it is answered under its name at once, here, and within a second by other processes.

    Args:
        values: `name`, and what `change_domain` takes.
    Raises: Invalid with the field, NameTaken.
    """
    checked = _check(site, {"name": "", **values})
    try:
        with transaction(site.db):
            domain = Domain.create(**checked, created_at=site.clock.now())
            _record(site, by, "domain.add", domain, _said(checked))
    except IntegrityError as error:
        raise NameTaken(_TAKEN, field="name") from error
    known.refresh(site)
    return get_domain(site, domain.id)


def change_domain(site: Site, by: By, domain_id: str, changes: Mapping[str, Any]) -> Domain:
    """Change some of what a domain is. Links follow a new name; those with the old one lead nowhere from then on.

    Args:
        changes: `name`, `display_name`, `description`, `is_available`, `is_premium`, `is_wildcard`, `max_file_size` in
            bytes or None for no limit of its own. What is left out stays.
    Raises: Invalid with the field, NameTaken, NotFound.
    """
    domain = get_domain(site, domain_id)
    checked = _check(site, changes, of=domain)
    changed = {field: value for field, value in checked.items() if value != getattr(domain, field)}
    if not changed:
        return domain
    try:
        with transaction(site.db):
            Domain.update(changed).where(Domain.id == domain.id).execute()
            said = {field: f"{getattr(domain, field)} → {value}" for field, value in changed.items()}
            _record(site, by, "domain.change", domain, _said(said))
    except IntegrityError as error:
        raise NameTaken(_TAKEN, field="name") from error
    known.refresh(site)
    return get_domain(site, domain.id)


def remove_domain(site: Site, by: By, domain_id: str) -> int:
    """Remove a domain: what was shared with it is found at the main address from then on.

    Returns: how many chosen names were lost, because the main address has them for something else.
    Raises: NotFound.
    """
    domain = get_domain(site, domain_id)
    with transaction(site.db):
        lost = leave_domain(site, domain.id)
        if not Domain.delete().where(Domain.id == domain.id).execute():
            raise NotFound("There is no such domain.")
        _record(site, by, "domain.remove", domain, f"{lost} names lost" if lost else "")
    known.refresh(site)
    return lost


_TAKEN = "This domain is on the list already."


def _check(site: Site, values: Mapping[str, Any], *, of: Domain | None = None) -> dict[str, Any]:
    """Values in the form to keep. Raises Invalid with the field; NameTaken for somebody's own host."""
    checked: dict[str, Any] = {}
    for field, value in values.items():
        if field == "name":
            if str(value).strip().startswith("*."):
                plain = str(value).strip()[2:80]
                message = f"Write it as {plain}, without the star, and tick Wildcard for hosts below it."
                raise Invalid(message, field=field)
            checked[field] = _check_host(site, check_name(str(value)), of)
        elif field in _FLAGS:
            checked[field] = bool(value)
        elif field == "display_name":
            checked[field] = line_of(value, what="A title", field=field, most=_LONGEST_TITLE)
        elif field == "description":
            checked[field] = lines_of(value, what="A description", field=field, most=_LONGEST_TEXT)
        elif field == "max_file_size":
            if value is not None and not 1 <= int(value) <= _MOST_BYTES:
                raise Invalid("A size is a number of bytes, at least 1, or left empty.", field=field)
            checked[field] = value
        else:
            raise Invalid(f"“{field}” is nothing that a domain has.", field=field)
    return checked


def _check_host(site: Site, name: str, of: Domain | None) -> str:
    """Raise Invalid for a host that is ours already, NameTaken for one that is somebody's own."""
    if of is not None and of.name == name:
        return name
    if name in main_hosts(site):
        raise Invalid("This is the address of the server itself, or of its files. Links have it anyway.", field="name")
    label, _, rest = name.partition(".")
    parent = Domain.get_or_none((Domain.name == rest) & Domain.is_wildcard)
    if parent is not None and find_owner(site, parent.id, label) is not None:
        raise NameTaken("Somebody has this as a host of their own.", field="name")
    return name


def _counted(model: Any) -> dict[str, int]:
    query = model.select(model.domain, fn.COUNT(1)).where(model.domain.is_null(False)).group_by(model.domain)
    return dict(query.tuples())


def _said(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{field} {value}" for field, value in values.items() if value not in ("", None))


def _record(site: Site, by: By, action: str, domain: Domain, detail: str) -> None:
    name = shown_name(domain.name)
    record(site, action, actor=by.actor, subject=name, address=by.address, category="admin", detail=detail)
