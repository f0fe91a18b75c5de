"""Identities: logins that people have elsewhere. Coming in with one, linking one, taking one away."""

from __future__ import annotations

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Identity, User
from bulletdrop.core.people import joining, second_factor, signing_in
from bulletdrop.core.people.oauth import Who
from bulletdrop.core.people.providers import offered
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.sign_on import Returned
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.people.ways_in import hold_ways, require_a_way
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Conflict, NameReserved, NameTaken, NotFound


def list_identities(site: Site, user_id: str) -> list[Identity]:
    """Somebody's logins elsewhere, the oldest first."""
    return list(Identity.select().where(Identity.user == user_id).order_by(Identity.created_at, Identity.id))


def come_in(
    site: Site, returned: Returned, *, caller_id: str | None, user_agent: str, address: str
) -> Tokens | Half | Identity:
    """What somebody had set out for: a session (or half of one), or the login that is now linked.

    An identity that nobody has is never linked by its address. It becomes an account of its own, where registration
    allows that and the provider vouches for the address.

    Args:
        caller_id: who is signed in in this browser.
    Raises: BadTicket when somebody else is signed in than who began to link; Conflict; Forbidden; Blocked.
    """
    if returned.user_id is not None:
        if returned.user_id != caller_id:
            raise BadTicket("You are no longer signed in as who began this. Sign in and start again.")
        return link(site, returned.user_id, returned.who, address=address)
    identity = _find(returned.who)
    if identity is None:
        user = _join(site, returned, address)
    else:
        user = identity.user
        _seen(site, identity, returned.who)
    return signing_in.enter(site, user, method=returned.who.provider, user_agent=user_agent, address=address)


def link(site: Site, user_id: str, who: Who, *, address: str = "") -> Identity:
    """Give somebody who is signed in another way in.

    Raises: Conflict when it belongs to somebody, or when they have a login there already.
    """
    try:
        with transaction(site.db):
            known = _find(who)
            if known is not None and known.user_id == user_id:
                return known
            if known is not None:
                raise Conflict("This login belongs to another account here. Unlink it there first.")
            identity = _insert(site, user_id, who)
            _note(site, user_id, "identity.link", who.provider, "was linked: whoever signs in there is in", address)
            return identity
    except IntegrityError as error:
        raise Conflict("You have linked a login there already. Unlink it first.") from error


def unlink(site: Site, user_id: str, identity_id: str, *, address: str = "") -> None:
    """Take a login away. Raises NotFound; Conflict when it is the last way in."""
    with transaction(site.db):
        hold_ways(site, user_id)
        identity: Identity | None = Identity.get_or_none((Identity.id == identity_id) & (Identity.user == user_id))
        if identity is None:
            raise NotFound("There is no such linked login.")
        identity.delete_instance()
        require_a_way(site, user_id)
        _note(site, user_id, "identity.unlink", identity.provider, "is no longer linked", address)


def _find(who: Who) -> Identity | None:
    same = (Identity.issuer == who.issuer) & (Identity.subject == who.subject)
    found: Identity | None = Identity.select(Identity, User).join(User).where(same).first()
    return found


def _join(site: Site, returned: Returned, address: str) -> User:
    """A new account with this identity as its way in: both, or neither."""
    who = returned.who
    if twin := _made_meanwhile(site, returned):
        return twin
    for name in joining.wished_names(who):
        try:
            with transaction(site.db):
                user = joining.make_account(site, who, name, invite=returned.invite)
                _insert(site, user.id, who)
                record(site, "user.join", actor=user.id, subject=user.username, address=address, detail=who.provider)
                return user
        except (IntegrityError, NameTaken, NameReserved):
            # Of two browsers that came at once, the other one may have made it.
            if identity := _find(who):
                found: User = identity.user
                return found
            if twin := _made_meanwhile(site, returned):
                return twin
    raise Conflict("No free username could be made for you. Ask the admin for an account.")


def _made_meanwhile(site: Site, returned: Returned) -> User | None:
    """Raise as `joining.check`, unless what took the address is this login's account, made for another browser."""
    try:
        joining.check(site, returned.who, invite=returned.invite)
    except Conflict:
        if identity := _find(returned.who):
            found: User = identity.user
            return found
        raise
    return None


def _insert(site: Site, user_id: str, who: Who) -> Identity:
    now = site.clock.now()
    made: Identity = Identity.create(
        user=user_id,
        provider=who.provider,
        issuer=who.issuer,
        subject=who.subject,
        email=who.email,
        name=who.name,
        created_at=now,
        last_used_at=now,
    )
    return made


def _note(site: Site, user_id: str, action: str, provider: str, what: str, address: str) -> None:
    """Write a change of the ways in down, and tell their owner."""
    record(site, action, actor=user_id, subject=provider, address=address, category="security")
    title = next((offer.title for offer in offered(site.config) if offer.name == provider), provider)
    second_factor.tell(site, User.get_by_id(user_id), f"a login at {title} {what}")


def _seen(site: Site, identity: Identity, who: Who) -> None:
    changes = {"email": who.email, "name": who.name, "last_used_at": site.clock.now()}
    Identity.update(changes).where(Identity.id == identity.id).execute()
