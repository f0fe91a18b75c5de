"""Domains: the hosts that an admin offers for links, and who builds theirs with which."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Domain, User, UserDomain
from bulletdrop.core.names.spelling import check_name, main_hosts, own_label
from bulletdrop.core.site import Site
from bulletdrop.core.text import size_in_words
from bulletdrop.errors import Forbidden, Invalid, NotFound, TooBig

# Whose plan has the premium domains.
PREMIUM_PLANS = ("pro", "enterprise", "home")


@dataclass(frozen=True)
class Offer:
    """A domain as one account sees it.

    own_host: what its own host under a wildcard would be; empty where there can be none.
    refusal: why it cannot be claimed now; empty where it can, or is already.
    """

    domain: Domain
    is_claimed: bool
    is_primary: bool
    is_own_host: bool
    own_host: str
    refusal: str


def offers(site: Site, user_id: str) -> list[Offer]:
    """The domains that somebody has or could have, in the order of their names."""
    user = _user(user_id)
    mine = {row.domain_id: row for row in UserDomain.select().where(UserDomain.user == user)}
    found = []
    for domain in Domain.select().order_by(Domain.name):
        claim = mine.get(domain.id)
        if claim is not None or domain.is_available:
            found.append(_offer(site, user, domain, claim))
    return found


def claim(site: Site, user_id: str, domain_id: str, *, own_host: bool | None = None) -> Offer:
    """Let somebody build links with a domain; repeated, it changes how.

    Args:
        own_host: build them as `{username}.{domain}`; None leaves it as it is, at first without.
    Raises: NotFound, also for one that is not offered; Forbidden for a premium domain that their plan has not, or where
        people choose none; Invalid for an own host where there can be none.
    """
    user = _user(user_id)
    domain = _find(domain_id)
    row: UserDomain | None = _claim_of(user_id, domain.id)
    offer = _offer(site, user, domain, row)
    if row is None and not domain.is_available:
        # The same words as for one that never was: it is not shown to who has it not.
        raise NotFound("There is no such domain.")
    if row is None and offer.refusal:
        raise Forbidden(offer.refusal)
    if own_host and not offer.own_host:
        raise Invalid(_no_own_host(domain), field="own_host")
    try:
        with transaction(site.db):
            if row is None:
                now = site.clock.now()
                UserDomain.create(user=user, domain=domain, is_own_host=bool(own_host), created_at=now)
                record(site, "domain.claim", actor=user_id, subject=domain.name)
            elif own_host is not None:
                _where(user_id, domain.id, is_own_host=own_host)
    except IntegrityError as error:
        # The same request twice at once, or one of the two is gone meanwhile.
        if _claim_of(user_id, domain.id) is None:
            raise NotFound("There is no such domain.") from error
    return _offer(site, user, domain, _claim_of(user_id, domain.id))


def unclaim(site: Site, user_id: str, domain_id: str) -> None:
    """Give a domain up: new links are no longer built with it. Those that are there go on, but for the own host's.

    Raises: NotFound for one that is not theirs.
    """
    domain_id = domain_id.replace("\0", "")
    domain = Domain.get_or_none(Domain.id == domain_id)
    mine = (UserDomain.user == user_id) & (UserDomain.domain == domain_id)
    with transaction(site.db):
        if domain is None or not UserDomain.delete().where(mine).execute():
            raise NotFound("This domain is not among yours.")
        record(site, "domain.leave", actor=user_id, subject=domain.name)


def make_primary(site: Site, user_id: str, domain_id: str) -> None:
    """Build somebody's new links with a domain of theirs.

    Raises: NotFound for one that is not theirs; Forbidden for a premium one that their plan no longer has.
    """
    if _claim_of(user_id, domain_id.replace("\0", "")) is None:
        # The same words as for one that never was.
        raise NotFound("This domain is not among yours.")
    domain = _find(domain_id)
    if domain.is_premium and not has_premium(_user(user_id)):
        raise Forbidden(_PREMIUM)
    with transaction(site.db):
        # One at a time: on Postgres a statement does not see a claim that was made while it began, and would leave two.
        User.update(updated_at=site.clock.now()).where(User.id == user_id).execute()
        UserDomain.update(is_primary=(UserDomain.domain == domain.id)).where(UserDomain.user == user_id).execute()


def drop_primary(site: Site, user_id: str, domain_id: str) -> None:
    """Build somebody's new links with the main address again. Raises NotFound for a domain that is not theirs."""
    if _claim_of(user_id, domain_id.replace("\0", "")) is None:
        raise NotFound("This domain is not among yours.")
    _where(user_id, domain_id, is_primary=False)


def primary_of(site: Site, user_id: str) -> Domain | None:
    """The domain that somebody's new links are built with; None is the main address."""
    return _usable(UserDomain.is_primary, user_id)


def claimed(site: Site, user_id: str, name_or_id: str) -> Domain:
    """A domain of somebody's, by its name (also in letters beyond ASCII) or id, for one drop.

    Raises: Invalid with the field `domain` for one that is not theirs, or that their plan no longer has.
    """
    wanted = name_or_id.strip().replace("\0", "")
    found = _usable((Domain.id == wanted) | (Domain.name == _spelled(wanted)), user_id)
    if found is None:
        raise Invalid("This domain is not among yours. Claim it first, under Account → Domains.", field="domain")
    return found


def check_size(domain: Domain | None, size: int) -> None:
    """Raise TooBig for a file that is larger than a domain takes."""
    if domain is not None and domain.max_file_size is not None and size > domain.max_file_size:
        most = size_in_words(domain.max_file_size)
        raise TooBig(f"On {domain.display_name or domain.name} a file has at most {most}. Choose another domain.")


def has_premium(user: User) -> bool:
    """True for somebody whose plan has the premium domains."""
    return user.plan in PREMIUM_PLANS


def find_owner(site: Site, domain_id: str, label: str) -> str | None:
    """Whose own host `{label}.{domain}` is: the id of somebody who claimed the domain; or None."""
    query = UserDomain.select(UserDomain.user).join(User)
    its = (UserDomain.domain == domain_id) & (User.username_key == label) & User.is_active
    row = query.where(its).tuples().first()
    return str(row[0]) if row is not None and own_label(label) else None


def _usable(which: Any, user_id: str) -> Domain | None:
    """A claimed domain that the account's plan still has, with `own_name` filled."""
    its = UserDomain.is_own_host.alias("own"), User.plan.alias("plan"), User.username.alias("who")
    query = Domain.select(Domain, *its)
    query = query.join(UserDomain).join(User).where((UserDomain.user == user_id) & which)
    row = query.objects().first()
    if row is None or (row.is_premium and row.plan not in PREMIUM_PLANS):
        return None
    domain: Domain = row
    domain.own_name = row.who if row.own and row.is_wildcard else ""
    return domain


def _offer(site: Site, user: User, domain: Domain, row: UserDomain | None) -> Offer:
    label = own_label(user.username) if domain.is_wildcard else ""
    own_host = f"{label}.{domain.name}" if label else ""
    if own_host in main_hosts(site) or (own_host and Domain.select().where(Domain.name == own_host).exists()):
        own_host = ""
    refusal = ""
    if row is None and domain.is_premium and not has_premium(user):
        refusal = _PREMIUM
    elif row is None and site.config.user_domains == "off":
        refusal = "On this server only the main address is used. The admin can change that."
    return Offer(
        domain,
        is_claimed=row is not None,
        is_primary=row is not None and row.is_primary,
        is_own_host=row is not None and row.is_own_host and bool(own_host),
        own_host=own_host,
        refusal=refusal,
    )


_PREMIUM = "This domain is for the plans pro, enterprise and home."


def _no_own_host(domain: Domain) -> str:
    if not domain.is_wildcard:
        return f"{domain.name} has no hosts of people's own."
    return "Your username cannot be part of a host: only letters, digits and dashes can, and nobody else's name."


def _spelled(name: str) -> str:
    try:
        return check_name(name)
    except Invalid:
        return name


def _user(user_id: str) -> User:
    user: User | None = User.get_or_none(User.id == user_id)
    if user is None:
        raise NotFound("This account is gone.")
    return user


def _find(domain_id: str) -> Domain:
    domain: Domain | None = Domain.get_or_none(Domain.id == domain_id.replace("\0", ""))
    if domain is None:
        raise NotFound("There is no such domain.")
    return domain


def _claim_of(user_id: str, domain_id: str) -> UserDomain | None:
    row: UserDomain | None = UserDomain.get_or_none((UserDomain.user == user_id) & (UserDomain.domain == domain_id))
    return row


def _where(user_id: str, domain_id: str, **values: object) -> None:
    mine = (UserDomain.user == user_id) & (UserDomain.domain == domain_id)
    UserDomain.update(values).where(mine).execute()
