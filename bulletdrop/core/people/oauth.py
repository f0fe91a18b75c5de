"""OAuth 2.0: a code becomes a person, at OpenID Connect issuers and, in ways of their own, at GitHub and Discord."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus, urlencode

from bulletdrop.core.people import openid
from bulletdrop.core.people.accounts import ascii_domain
from bulletdrop.core.people.providers import Provider
from bulletdrop.core.people.remote import Answer, ask
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import BadSignOn
from bulletdrop.log import get_logger

log = get_logger("sign-on")

_LONGEST_SUBJECT = 255


@dataclass(frozen=True)
class Who:
    """Somebody as a provider knows them.

    Args:
        subject: their id there, which never changes; with `issuer` it is who they are.
        is_verified: the provider says that the address is theirs.
        wish: what they are called there, from which a username can be made.
    """

    provider: str
    issuer: str
    subject: str
    email: str
    is_verified: bool
    name: str
    wish: str


@dataclass(frozen=True)
class Exchange:
    """What turns a code into a person: the code, and what only the one who began has."""

    code: str
    verifier: str
    nonce: str
    redirect_uri: str


def authorization_url(
    site: Site, provider: Provider, *, redirect_uri: str, state: str, nonce: str, challenge: str
) -> str:
    """Where the browser goes to sign in. Raises Unavailable, BadSignOn."""
    if provider.kind == "oidc":
        address, scope = openid.discover(site, provider).authorize, "openid email profile"
    elif provider.kind == "github":
        address, scope = f"{provider.base}/login/oauth/authorize", "read:user user:email"
    else:
        address, scope = f"{provider.base}/oauth2/authorize", "identify email"
    asked = {
        "response_type": "code",
        "client_id": provider.client_id,
        "redirect_uri": redirect_uri,
        "scope": scope,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    if provider.kind == "oidc":
        asked["nonce"] = nonce
    return f"{address}{'&' if '?' in address else '?'}{urlencode(asked, quote_via=quote)}"


def check_issuer(site: Site, provider: Provider, sent: str | None) -> None:
    """Refuse an answer of another issuer than the one that was asked (RFC 9207). Raises BadSignOn, Unavailable.

    GitHub and Discord are told apart by the callback's address, which each has for itself (RFC 9700, section 4.4.2.2).
    """
    if provider.kind != "oidc":
        return
    if sent is None and not openid.discover(site, provider).sends_issuer:
        return
    if sent != provider.base:
        log.warning("the answer is another issuer's", extra={"provider": provider.name, "issuer": str(sent)[:300]})
        raise BadSignOn("This answer came from another provider than the one you asked. Start again.")


def identify(site: Site, provider: Provider, exchange: Exchange) -> Who:
    """Turn the code into a person. Raises BadSignOn for a code or an answer that does not count, Unavailable."""
    return {"oidc": _from_openid, "github": _from_github, "discord": _from_discord}[provider.kind](
        site, provider, exchange
    )


def _from_openid(site: Site, provider: Provider, exchange: Exchange) -> Who:
    issuer = openid.discover(site, provider)
    answer = _swap(provider, issuer.token, exchange, proof=issuer.proof)
    claims = openid.verify(site, provider, issuer, answer.text("id_token"), nonce=exchange.nonce)
    claims = openid.userinfo(provider, issuer, claims, answer.text("access_token"))
    # Amazon's service says it in words. A number is neither.
    verified = claims.get("email_verified") is True or claims.get("email_verified") == "true"
    wish = claims.get("preferred_username") or claims.get("nickname") or claims.get("name")
    return _who(provider, claims["sub"], claims.get("email"), verified, claims.get("name"), wish)


def _from_github(site: Site, provider: Provider, exchange: Exchange) -> Who:
    answer = _swap(provider, f"{provider.base}/login/oauth/access_token", exchange, proof="post")
    # docs.github.com: the API of Enterprise lies under the server's own name.
    top = "https://api.github.com" if provider.base == "https://github.com" else f"{provider.base}/api/v3"
    person = _get(provider, f"{top}/user", answer)
    addresses = _get(provider, f"{top}/user/emails", answer, kind=list)
    primary = next((row for row in addresses if isinstance(row, dict) and row.get("primary") is True), {})
    login = person.get("login")
    verified = primary.get("verified") is True
    return _who(provider, person.get("id"), primary.get("email"), verified, person.get("name") or login, login)


def _from_discord(site: Site, provider: Provider, exchange: Exchange) -> Who:
    answer = _swap(provider, f"{provider.base}/api/oauth2/token", exchange, proof="post")
    person = _get(provider, f"{provider.base}/api/users/@me", answer)
    name, verified = person.get("username"), person.get("verified") is True
    return _who(provider, person.get("id"), person.get("email"), verified, person.get("global_name") or name, name)


def _swap(provider: Provider, address: str, exchange: Exchange, *, proof: str) -> Answer:
    """Swap the code for tokens. Raises BadSignOn when the provider says no."""
    form = {
        "grant_type": "authorization_code",
        "code": exchange.code,
        "redirect_uri": exchange.redirect_uri,
        "code_verifier": exchange.verifier,
    }
    headers = {}
    if provider.client_secret and proof == "basic":
        # RFC 6749, section 2.3.1: each half is encoded as in a form before they are joined.
        pair = f"{quote_plus(provider.client_id)}:{quote_plus(provider.client_secret)}"
        headers["authorization"] = "Basic " + base64.b64encode(pair.encode()).decode("ascii")
    else:
        form["client_id"] = provider.client_id
        if provider.client_secret:
            form["client_secret"] = provider.client_secret
    answer = ask(provider.title, "POST", address, form=form, headers=headers)
    # GitHub says 200 to a code that it refuses.
    if answer.status == 200 and not answer.text("error") and answer.text("access_token"):
        return answer
    reason = cleaned(answer.text("error") or f"status {answer.status}", most=100)
    log.warning("a code was refused", extra={"provider": provider.name, "reason": reason})
    if reason in ("invalid_client", "incorrect_client_credentials", "unauthorized_client"):
        raise BadSignOn(
            f"{provider.title} does not know this server: its client id or secret is wrong. Tell the admin."
        )
    raise BadSignOn(f"{provider.title} did not accept this sign-in. Start again.")


def _get(provider: Provider, address: str, tokens: Answer, *, kind: type = dict) -> Any:
    """What the API says about whoever the token is for."""
    headers = {"authorization": f"Bearer {tokens.text('access_token')}"}
    answer = ask(provider.title, "GET", address, headers=headers)
    if answer.status != 200 or not isinstance(answer.json, kind):
        log.warning("a provider's API refused", extra={"provider": provider.name, "status": answer.status})
        raise BadSignOn(f"{provider.title} did not say who you are. Start again.")
    return answer.json


def _who(provider: Provider, subject: object, email: object, verified: bool, name: object, wish: object) -> Who:
    """A person from what a provider said, which may be anything. Raises BadSignOn for one without an id."""
    identity = str(subject) if isinstance(subject, str | int) and not isinstance(subject, bool) else ""
    if not identity or len(identity) > _LONGEST_SUBJECT or not identity.isprintable():
        raise BadSignOn(f"{provider.title} did not say who you are. Start again.")
    address = email.strip() if isinstance(email, str) else ""
    # What is no one line is no address, and what is cut is another one's.
    address = ascii_domain(address) if len(address) <= 254 and address.isprintable() else ""
    said = [cleaned(text, most=100).strip() if isinstance(text, str) else "" for text in (name, wish)]
    return Who(provider.name, provider.base, identity, address, verified and bool(address), said[0], said[1])
