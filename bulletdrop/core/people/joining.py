"""Joining: whoever comes by another provider and has no account here may get one, where registration allows it."""

from __future__ import annotations

import re
import unicodedata

from bulletdrop.core.models import User
from bulletdrop.core.people import invites
from bulletdrop.core.people.accounts import fold, insert_user
from bulletdrop.core.people.invites import use_invite
from bulletdrop.core.people.oauth import Who
from bulletdrop.core.people.providers import find_provider
from bulletdrop.core.shapes import email_shape
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Forbidden

_LONGEST_STEM = 40
_TRIES = 100


def check(site: Site, who: Who, *, invite: str) -> None:
    """Raise unless somebody unknown may have an account made.

    Raises: Conflict when the address has an account, which is not linked by itself: an address may have changed
        hands; Forbidden when registration does not allow it, or the provider does not vouch for the address.
    """
    title = find_provider(site.config, who.provider).title
    if who.is_verified and _is_taken(who.email):
        raise Conflict(
            f"There is an account with this email address already. Sign in with your password and link {title} under "
            "Account › Linked logins.",
            title="Not linked yet",
        )
    if site.config.registration == "closed":
        message = (
            f"No account here is linked with this {title} login. Sign in another way and link it, or ask the admin."
        )
        raise Forbidden(message, title="No account here")
    if not who.is_verified:
        message = f"{title} has not confirmed your email address. Confirm it there, then start again."
        raise Forbidden(message, title="Address not confirmed")
    if site.config.registration == "invite" and not invite.strip():
        message = "An account here needs an invite. Open the link of your invite and start from there."
        raise Forbidden(message, title="No account here")
    if invite.strip():
        invites.look(site, invite)


def make_account(site: Site, who: Who, name: str, *, invite: str) -> User:
    """An account without a password, its address confirmed. Inside the caller's transaction.

    Raises: NameTaken, NameReserved for a name that does not do; Invalid for an address that is none; Forbidden for an
        invite that does not count.
    """
    plan = use_invite(site, invite, who.email).plan if invite else None
    user = insert_user(site, username=name, email=who.email, password_hash=None, plan=plan)
    User.update(display_name=who.name).where(User.id == user.id).execute()
    return user


def wished_names(who: Who) -> list[str]:
    """Usernames to try, the best first: what they are called elsewhere made to fit, then with a number."""
    for wish in (who.wish, who.name, who.email.partition("@")[0], "somebody"):
        plain = unicodedata.normalize("NFKD", wish).encode("ascii", "ignore").decode("ascii")
        stem = re.sub(r"[^A-Za-z0-9._-]+", "-", plain.partition("@")[0])[:_LONGEST_STEM].strip("._-")
        if stem:
            break
    return [stem, *(f"{stem}{number}" for number in range(2, _TRIES))]


def _is_taken(email: str) -> bool:
    same = (User.email_key == fold(email)) | (User.email_shape == email_shape(email))
    return bool(User.select(User.id).where(same).exists())
