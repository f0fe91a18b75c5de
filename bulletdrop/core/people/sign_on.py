"""Sign-on: the way to a provider and back. What comes back counts once, in the browser that left, for ten minutes."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from bulletdrop.core.audit import record
from bulletdrop.core.models import Ticket, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import oauth, tickets
from bulletdrop.core.people.oauth import Exchange, Who
from bulletdrop.core.people.providers import Provider, find_provider
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import BadSignOn, BadTicket, Denied, Unavailable

PURPOSE = "sign-on"
LIVES = timedelta(minutes=10)
_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")
_LONGEST_CODE = 4096
_MESSAGE = "This sign-in has ended already, was begun in another browser, or took more than ten minutes. Start again."


@dataclass(frozen=True)
class Begun:
    """Where the browser goes, and the secret that it keeps in a cookie until it is back."""

    url: str
    browser: str


@dataclass(frozen=True)
class Returned:
    """Somebody who came back, and what they had set out for.

    Args:
        user_id: who is to be linked with it; None for somebody who signs in.
        back: the path to go on to.
        invite: the code with which an account may be made.
    """

    who: Who
    user_id: str | None
    back: str
    invite: str


def begin(
    site: Site, name: str, *, browser: str | None, back: str = "/", user: User | None = None, invite: str = ""
) -> Begun:
    """Set out for a provider.

    Args:
        browser: the secret that the browser has from another tab, which goes on to count; None for none.
        back: a path of ours to go on to; the caller has checked it.
        user: whose account is to be linked; the caller has checked that it is them.
        invite: the code with which an account may be made.
    Raises: NotFound for a provider that is not offered, Unavailable, BadSignOn.
    """
    provider = find_provider(site.config, name)
    # A browser that can be told which secret to use could be told somebody else's: only one of our form counts.
    secret = browser if browser and _SECRET.fullmatch(browser) else secrets.token_urlsafe(32)
    nonce, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
    redirect_uri = callback_url(site, name)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode("ascii")
    # Asked before the ticket is made: of a provider that cannot be reached nothing stays behind.
    url = oauth.authorization_url(
        site, provider, redirect_uri=redirect_uri, state="STATE", nonce=nonce, challenge=challenge
    )
    state = tickets.issue(
        site,
        PURPOSE,
        user=user,
        lives=LIVES,
        data={
            "provider": name,
            "base": provider.base,
            "nonce": nonce,
            "verifier": verifier,
            "redirect_uri": redirect_uri,
            "browser": _hash(secret),
            "back": back[:1000],
            "invite": invite[:100],
        },
    )
    return Begun(url.replace("state=STATE", f"state={state}", 1), secret)


def callback_url(site: Site, name: str) -> str:
    """The address to come back to, which has to be registered with the provider. From the settings alone."""
    return f"{public_base(site.config)}/api/v1/auth/{name}/callback"


def finish(site: Site, name: str, params: Mapping[str, str], *, browser: str | None, address: str = "") -> Returned:
    """Take what a provider's answer says, and find out who it is. The state is used up, whatever comes of it.

    Args:
        params: what stands in the callback's query.
        browser: the secret from the browser's cookie.
        address: where the request came from, for the log of security events.
    Raises: BadTicket for a state that is missing, used up, too old, another provider's or another browser's; Denied
        when the person said no there; BadSignOn, NotFound, Unavailable.
    """
    provider = find_provider(site.config, name)
    ticket = _take(site, provider, params.get("state", ""), browser)
    data = ticket.data
    try:
        oauth.check_issuer(site, provider, params.get("iss"))
        if params.get("error"):
            _refused(provider, params["error"])
        code = params.get("code", "")
        if not code or len(code) > _LONGEST_CODE:
            raise BadSignOn(f"{provider.title} sent nothing to sign in with. Start again.")
        who = oauth.identify(site, provider, Exchange(code, data["verifier"], data["nonce"], data["redirect_uri"]))
    except BadSignOn as error:
        detail = f"{provider.name}: {error.message}"
        record(site, "sign-on.refused", actor=ticket.user_id, category="security", address=address, detail=detail)
        raise
    return Returned(who, ticket.user_id, data["back"], data["invite"])


def _take(site: Site, provider: Provider, state: str, browser: str | None) -> Ticket:
    """Use up the ticket behind a state; in another browser it is refused and stays what it was."""
    try:
        ticket = tickets.look(site, PURPOSE, state)
        data = ticket.data
        same = hmac.compare_digest(data["browser"], _hash(browser or ""))
        if not same or data["provider"] != provider.name or data["base"] != provider.base:
            raise BadTicket(_MESSAGE)
        return tickets.redeem(site, PURPOSE, state)
    except BadTicket as error:
        raise BadTicket(_MESSAGE) from error


def _refused(provider: Provider, error: str) -> None:
    """Raise what an error of the provider means (RFC 6749, section 4.1.2.1)."""
    if error == "access_denied":
        raise Denied(f"The sign-in was not allowed at {provider.title}. Nothing has changed here.")
    if error in ("temporarily_unavailable", "server_error"):
        raise Unavailable(f"{provider.title} cannot do this at the moment. Try again in a few minutes.", retry_after=60)
    raise BadSignOn(f"{provider.title} refused: {cleaned(error, most=60)}. Start again, or tell the admin.")


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()
