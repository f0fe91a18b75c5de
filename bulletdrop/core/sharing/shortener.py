"""Short links: an address of ours that leads to somebody else's, with the terms of everything that is shared."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from peewee import JOIN, IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.cursors import Page, paged
from bulletdrop.core.database import transaction
from bulletdrop.core.drops.rows import OWN_NAME
from bulletdrop.core.models import Domain, ShortLink, User, UserDomain
from bulletdrop.core.names import domains
from bulletdrop.core.names.chosen import MAIN, choose, find_chosen, is_slug_taken, is_taken
from bulletdrop.core.names.places import MAIN_PLACE, Place
from bulletdrop.core.names.slugs import check_custom_name, new_slug
from bulletdrop.core.origin import public_base
from bulletdrop.core.people.accounts import fold
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.reserve import with_reserve
from bulletdrop.core.sharing.limits import check_terms
from bulletdrop.core.sharing.targets import check_target
from bulletdrop.core.site import Site
from bulletdrop.core.text import line_of
from bulletdrop.errors import Invalid, NameTaken, NotFound

TERMS = frozenset({"password", "max_views", "expires_at"})
_FIELDS = TERMS | {"url", "title", "custom_name", "domain", "asks_first", "revoked"}
_LONGEST_TITLE = 200
_LONGEST_SEARCH = 200
# How far a chain of short links is followed when looking for a circle; browsers give up after 20.
_LONGEST_CHAIN = 20
_NOTHING = "There is nothing at this address. The link may be mistyped, expired or taken back."


@dataclass(frozen=True)
class Made:
    """A short link, and whether this very call made it: with an idempotency key it may be an earlier one's."""

    short: ShortLink
    made: bool


def shorten(site: Site, caller: Caller, url: str, *, idempotency_key: str | None = None, **wishes: Any) -> Made:
    """Make a short link. With a password it hashes: for the hashing thread then.

    Args:
        url: where it leads; see `targets.check_target`.
        wishes: any of title, custom_name, domain (a host that the caller has claimed), asks_first (a page shows the
            target first), password, max_views, expires_at.
        idempotency_key: a repeat with it gives the first one's link, whatever else it says.
    Raises: Invalid, BadName, NameReserved, NameTaken with their fields.
    """
    if idempotency_key is not None and (first := _earlier(caller, idempotency_key)):
        return Made(first, made=False)
    values = _checked(site, caller, {"url": url, **wishes})
    name, domain_id = values.get("custom_name"), values.get("domain_id")
    if name is not None and is_taken(name, domain_key=domain_id or MAIN):
        raise _name_taken()
    slug = _free_slug(site)
    _check_no_circle(site, values["url"], slug=slug, name=name, domain_key=domain_id or MAIN)
    try:
        with transaction(site.db):
            short = ShortLink.create(
                slug=slug,
                owner=caller.user_id,
                idempotency_key=idempotency_key,
                created_at=site.clock.now(),
                **values,
            )
            if name is not None:
                choose(site, name, short=short.id, domain_key=domain_id or MAIN)
            record(site, "short.add", actor=caller.user_id, subject=short.id)
    except IntegrityError as error:
        if idempotency_key is not None and (first := _earlier(caller, idempotency_key)):
            return Made(first, made=False)
        if name is not None and is_taken(name, domain_key=domain_id or MAIN):
            raise _name_taken() from error
        if not User.select(User.id).where(User.id == caller.user_id).exists():
            raise NotFound("This account is gone.") from error
        raise
    return Made(get_short(site, caller, short.id), made=True)


def list_shorts(
    site: Site, caller: Caller, *, search: str = "", cursor: str | None = None, limit: int = 60
) -> Page[ShortLink]:
    """The caller's short links, newest first, those that ended or were switched off among them.

    Args:
        search: part of a title, a name, a slug or a target; case does not count.
    Raises: Invalid for a cursor or a limit.
    """
    query = _joined().where(ShortLink.owner == caller.user_id)
    if search := search.strip()[:_LONGEST_SEARCH].replace("\0", ""):
        columns = (ShortLink.title, ShortLink.custom_name, ShortLink.slug, ShortLink.url)
        fits = columns[0].contains(search)
        for column in columns[1:]:
            fits |= column.contains(search)
        query = query.where(fits)
    return paged(query, by=ShortLink.created_at, ties=ShortLink.id, cursor=cursor, limit=limit)


def get_short(site: Site, caller: Caller, short_id: str) -> ShortLink:
    """One of the caller's own. Raises NotFound, also for somebody else's."""
    found = None
    if "\0" not in short_id:
        found = _joined().where((ShortLink.id == short_id) & (ShortLink.owner == caller.user_id)).first()
    if found is None:
        raise NotFound("There is no such short link.")
    short: ShortLink = found
    return short


def change_short(site: Site, caller: Caller, short_id: str, changes: Mapping[str, Any]) -> ShortLink:
    """Change some fields of a short link; with a password for the hashing thread.

    Args:
        changes: fields as `shorten` takes them, None takes a name, a domain, a password or a limit away; and `revoked`:
            True switches the link off, False on again. The slug leads to it whatever its name is.
    Raises: as `shorten`.
    """
    short = get_short(site, caller, short_id)
    values = _checked(site, caller, changes)
    renamed = bool({"custom_name", "domain_id"} & set(values))
    name = values.get("custom_name", short.custom_name)
    domain_key = values.get("domain_id", short.domain_id) or MAIN
    if renamed and name is not None and is_taken(name, domain_key=domain_key, but=short.id):
        raise _name_taken()
    url = values.get("url", short.url)
    _check_no_circle(site, url, slug=short.slug, name=name, domain_key=domain_key, but=short.id)
    try:
        with transaction(site.db):
            if values:
                ShortLink.update(values).where(ShortLink.id == short.id).execute()
            if renamed:
                choose(site, name, short=short.id, domain_key=domain_key)
            record(site, "short.change", actor=caller.user_id, subject=short.id, detail=", ".join(sorted(changes)))
    except IntegrityError as error:
        raise _name_taken() from error
    return get_short(site, caller, short_id)


def delete_short(site: Site, caller: Caller, short_id: str) -> None:
    """Delete a short link for good; its name is free again. Raises NotFound."""
    short = get_short(site, caller, short_id)

    def delete() -> None:
        with transaction(site.db):
            ShortLink.delete().where(ShortLink.id == short.id).execute()
            record(site, "short.delete", actor=caller.user_id, subject=short.id)

    with_reserve(site.config.data, delete)


def find_short(site: Site, name: str, *, place: Place = MAIN_PLACE) -> ShortLink:
    """The short link at `/{name}`: by slug, else by chosen name. Not ended, not switched off, its owner not blocked.

    Args:
        place: the host that was asked: on a domain only that domain's links are found.
    Raises: NotFound.
    """
    if place.kind == "content" or "\0" in name:
        raise NotFound(_NOTHING)
    found = _joined().where(ShortLink.slug == name).first()
    if found is None:
        chosen = find_chosen(site, name, domain_key=place.domain_key)
        if chosen is not None and chosen.short_id is not None:
            found = _joined().where(ShortLink.id == chosen.short_id).first()
    if found is None or not _is_given_out(site, found) or not _is_of(found, place):
        raise NotFound(_NOTHING)
    short: ShortLink = found
    return short


def _joined() -> Any:
    """Short links with their domain and whose own host they are built with, and what is needed of their owner."""
    owner = (User.id, User.username, User.is_active, User.delete_scheduled_for)
    domain = (Domain.id, Domain.name, OWN_NAME.alias("own_name").bind_to(Domain))
    query = ShortLink.select(ShortLink, *domain, *owner).join(User).switch(ShortLink).join(Domain, JOIN.LEFT_OUTER)
    claim = (UserDomain.user == ShortLink.owner) & (UserDomain.domain == ShortLink.domain)
    return query.switch(ShortLink).join(UserDomain, JOIN.LEFT_OUTER, on=claim)


def _is_given_out(site: Site, short: ShortLink) -> bool:
    ended = short.expires_at is not None and short.expires_at <= site.clock.now()
    blocked = not short.owner.is_active or short.owner.delete_scheduled_for is not None
    return not (ended or blocked or short.revoked_at is not None)


def _is_of(short: ShortLink, place: Place) -> bool:
    if place.kind != "domain":
        return True
    return short.domain_id == place.domain_key and place.user_id in (None, short.owner_id)


def _earlier(caller: Caller, idempotency_key: str) -> ShortLink | None:
    mine = (ShortLink.owner == caller.user_id) & (ShortLink.idempotency_key == idempotency_key)
    found: ShortLink | None = _joined().where(mine).first()
    return found


def _checked(site: Site, caller: Caller, wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for what somebody sent. Raises Invalid, BadName, NameReserved."""
    values = check_terms(site, {name: wishes[name] for name in TERMS & set(wishes)})
    for name in set(wishes) - _FIELDS:
        raise Invalid(f"“{name}” cannot be changed.", field=name)
    if "url" in wishes:
        values["url"] = check_target(wishes["url"])
    if "title" in wishes:
        values["title"] = _check_title(wishes["title"])
    if "custom_name" in wishes:
        values["custom_name"] = check_custom_name(wishes["custom_name"]) if wishes["custom_name"] else None
    if "domain" in wishes:
        values["domain_id"] = _claimed(site, caller, wishes["domain"])
    if "asks_first" in wishes:
        values["asks_first"] = bool(wishes["asks_first"])
    if "revoked" in wishes:
        values["revoked_at"] = site.clock.now() if wishes["revoked"] else None
    return values


def _check_title(title: str | None) -> str:
    return line_of(title, what="A title", field="title", most=_LONGEST_TITLE)


def _claimed(site: Site, caller: Caller, host: str | None) -> str | None:
    """The id of a domain that the caller has claimed; None for the main address."""
    if not host:
        return None
    return str(domains.claimed(site, caller.user_id, host).id)


def _free_slug(site: Site) -> str:
    while is_slug_taken(slug := new_slug(site)):
        pass
    return slug


def _check_no_circle(
    site: Site, url: str, *, slug: str, name: str | None, domain_key: str, but: str | None = None
) -> None:
    """Refuse a link that would lead to itself, also by way of other short links of ours.

    Args:
        slug, name, domain_key: what the link is found under, and on which domain its name counts.
        but: its id, where it is there already: what it leads to now does not count.
    """
    for _ in range(_LONGEST_CHAIN):
        found = _place_of_ours(site, url)
        if found is None:
            return
        asked, place = found
        by_name = name is not None and fold(asked) == fold(name) and place.domain_key == domain_key
        if by_name or fold(asked) == fold(slug):
            raise Invalid("This short link would lead to itself.", field="url")
        try:
            following = find_short(site, asked, place=place)
        except NotFound:
            return
        if following.id == but:
            raise Invalid("This short link would lead to itself.", field="url")
        url = following.url
    raise Invalid("This leads through too many short links.", field="url")


def _place_of_ours(site: Site, url: str) -> tuple[str, Place] | None:
    """The name in an address of ours that could be a short link's, and where it counts; None for other addresses."""
    parts = urlsplit(url)
    steps: list[str] = []
    for step in unquote(parts.path).split("/")[1:]:
        # As browsers walk along a path (WHATWG URL, 4.4): `/x/../name` is asked for as `/name`.
        steps = steps[:-1] if step == ".." else steps if step == "." else [*steps, step]
    name = steps[0].removesuffix("+") if len(steps) == 1 else ""
    if not name:
        return None
    if parts.netloc == urlsplit(public_base(site.config)).netloc:
        return name, MAIN_PLACE
    host = parts.hostname or ""
    is_own_host = Domain.is_wildcard & (Domain.name == host.partition(".")[2])
    both = Domain.select().where((Domain.name == host) | is_own_host)
    domain = both.order_by(Domain.name != host).first()
    return None if domain is None else (name, Place(kind="domain", domain_key=domain.id))


def _name_taken() -> NameTaken:
    return NameTaken("This name is taken. Take another one.", field="custom_name")
