"""OpenID Connect: what an issuer says of itself, and whether an ID token is truly its word about somebody."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bulletdrop.core.models import to_microseconds
from bulletdrop.core.people.providers import Provider
from bulletdrop.core.people.remote import ask, is_safe_address
from bulletdrop.core.site import Site
from bulletdrop.errors import BadSignOn, Unavailable
from bulletdrop.log import get_logger

log = get_logger("sign-on")

# Signatures with a key pair alone. Not "none", and not HS256: whoever knows the public key could make one.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
# Seconds for which a discovery document and a key set are believed, and for which a failure is not asked again.
_HOUR = 3600
_PATIENCE = 5
# A key set is fetched again for a key that it lacks, but not more often than this, in seconds.
_NEW_KEYS = 30
# Seconds by which the provider's clock may differ from ours.
_LEEWAY = 60
_WELL_KNOWN = "/.well-known/openid-configuration"


@dataclass(frozen=True)
class Issuer:
    """An issuer's endpoints, from its discovery document."""

    issuer: str
    authorize: str
    token: str
    keys: str
    userinfo: str
    # How this server proves at the token endpoint who it is: "basic" or "post".
    proof: str
    sends_issuer: bool


@dataclass(frozen=True)
class _Kept:
    """Something that was fetched, or the failure to, and when (in seconds)."""

    at: float
    value: Any


def discover(site: Site, provider: Provider) -> Issuer:
    """What the issuer says of itself, believed for an hour.

    Raises: Unavailable; BadSignOn when it is another issuer than the settings name, or offers no safe endpoints.
    """
    found = _fetched(site, f"issuer {provider.base}", provider, provider.base.rstrip("/") + _WELL_KNOWN)
    named = found.get("issuer")
    if named != provider.base:
        log.warning("the issuer has another name", extra={"issuer": str(named)[:300], "setting": provider.base})
        raise BadSignOn(f"{provider.title} names itself otherwise than the settings do. Tell the admin: see the log.")
    proofs = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    issuer = Issuer(
        issuer=provider.base,
        authorize=_text(found, "authorization_endpoint"),
        token=_text(found, "token_endpoint"),
        keys=_text(found, "jwks_uri"),
        userinfo=_text(found, "userinfo_endpoint"),
        proof="basic" if isinstance(proofs, list) and "client_secret_basic" in proofs else "post",
        sends_issuer=found.get("authorization_response_iss_parameter_supported") is True,
    )
    for address in (issuer.authorize, issuer.token, issuer.keys, issuer.userinfo or issuer.token):
        if not is_safe_address(address):
            log.warning("an endpoint is not https", extra={"issuer": provider.base, "endpoint": address[:300]})
            raise BadSignOn(f"{provider.title} cannot be used safely. Tell the admin: see the log.")
    return issuer


def verify(site: Site, provider: Provider, issuer: Issuer, token: str, *, nonce: str) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core, section 3.1.3.7).

    Raises: BadSignOn unless one of the issuer's keys signed it, for this server's client, now, for this very sign-in.
    """
    from joserfc import errors, jws, jwt

    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS:
            raise _untrue(provider, f"its algorithm is {algorithm!r}")
        found = None
        for key in _keys(site, provider, issuer, algorithm, key_id):
            try:
                found = jwt.decode(token, key, algorithms=[algorithm])
                break
            except errors.BadSignatureError:
                continue
        if found is None:
            raise _untrue(provider, "no key of the issuer signed it")
        _check_claims(site, provider, found.claims, nonce)
    except (errors.JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise _untrue(provider, f"{type(error).__name__}: {error}") from error
    claims: dict[str, Any] = found.claims
    return claims


def userinfo(provider: Provider, issuer: Issuer, claims: Mapping[str, Any], access_token: str) -> dict[str, Any]:
    """The claims with those of the userinfo endpoint, where the ID token does not say what address and whose it is.

    Raises: Unavailable; BadSignOn when the endpoint speaks of somebody else (Core, section 5.3.2).
    """
    if not issuer.userinfo or not access_token or {"email", "email_verified"} <= claims.keys():
        return dict(claims)
    answer = ask(provider.title, "GET", issuer.userinfo, headers={"authorization": f"Bearer {access_token}"})
    if answer.status != 200 or not isinstance(answer.json, dict):
        raise _untrue(provider, f"userinfo answered {answer.status}")
    if answer.json.get("sub") != claims["sub"]:
        raise _untrue(provider, "userinfo speaks of somebody else")
    # An address and whose it is come from one place: never the one from here and the other from there.
    own = {name: value for name, value in claims.items() if name not in ("email", "email_verified")}
    return {**answer.json, **own}


def _check_claims(site: Site, provider: Provider, claims: Mapping[str, Any], nonce: str) -> None:
    from joserfc import jwt

    jwt.JWTClaimsRegistry(
        now=to_microseconds(site.clock.now()) // 1_000_000,
        leeway=_LEEWAY,
        iss={"essential": True, "value": provider.base},
        aud={"essential": True, "value": provider.client_id},
        sub={"essential": True},
        exp={"essential": True},
        iat={"essential": True},
    ).validate(dict(claims))
    audience, party = claims["aud"], claims.get("azp")
    is_shared = isinstance(audience, list) and len(audience) > 1
    if (party is not None or is_shared) and party != provider.client_id:
        raise _untrue(provider, "it was made for another client")
    if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
        raise _untrue(provider, "its nonce is another one's")


def _keys(site: Site, provider: Provider, issuer: Issuer, algorithm: str, key_id: object) -> list[Any]:
    """The issuer's keys that may have made a signature: the one that is named, else all of the algorithm's kind."""
    for anew in (False, True):
        found = _fetched(site, f"keys {issuer.keys}", provider, issuer.keys, anew=anew)
        rows = found.get("keys")
        fitting = [row for row in rows if _fits(row, algorithm, key_id)] if isinstance(rows, list) else []
        if fitting:
            return [_key(row) for row in fitting]
    return []


def _fits(row: object, algorithm: str, key_id: object) -> bool:
    kinds = {"R": "RSA", "P": "RSA", "ES": "EC", "Ed": "OKP"}
    kind = kinds.get(algorithm[:1]) or kinds[algorithm[:2]]
    if not isinstance(row, dict) or row.get("kty") != kind or row.get("use", "sig") != "sig":
        return False
    if row.get("alg", algorithm) != algorithm:
        return False
    return key_id is None or row.get("kid", key_id) == key_id


def _key(row: dict[str, Any]) -> Any:
    from joserfc.jwk import import_key

    return import_key(row)


def _fetched(site: Site, name: str, provider: Provider, address: str, *, anew: bool = False) -> dict[str, Any]:
    """A JSON object at an address, kept for an hour; a failure is kept for some seconds, so that none queue for it."""
    now = to_microseconds(site.clock.now()) / 1_000_000
    kept: _Kept | None = site.fetched.get(name)
    if kept is not None:
        failed = isinstance(kept.value, str)
        lasts = _PATIENCE if failed else _NEW_KEYS if anew else _HOUR
        if now - kept.at < lasts:
            if failed:
                raise Unavailable(kept.value, retry_after=_PATIENCE)
            return dict(kept.value)
    try:
        answer = ask(provider.title, "GET", address)
        if answer.status != 200 or not isinstance(answer.json, dict):
            log.warning("a provider cannot be used", extra={"address": address[:300], "status": answer.status})
            raise Unavailable(f"{provider.title} does not answer as it should. Try again in a few minutes.")
    except Unavailable as error:
        site.fetched[name] = _Kept(now, error.message)
        raise
    site.fetched[name] = _Kept(now, answer.json)
    return dict(answer.json)


def _text(found: Mapping[str, Any], name: str) -> str:
    value = found.get(name, "")
    return value if isinstance(value, str) else ""


def _untrue(provider: Provider, reason: str) -> BadSignOn:
    """The error for an ID token that does not count; why goes to the log alone."""
    log.warning("an ID token does not count", extra={"provider": provider.name, "reason": reason[:500]})
    return BadSignOn(
        f"What {provider.title} answered does not count. Start again; if that does not help, tell the admin."
    )
