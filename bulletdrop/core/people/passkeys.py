"""Passkeys (WebAuthn): made, used to sign in or to prove something, renamed and taken away."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import json
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from peewee import IntegrityError

from bulletdrop.config import Config
from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import Passkey, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import challenges, proof, second_factor, tickets
from bulletdrop.core.people.ways_in import hold_ways, require_a_way
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable

REGISTER, SIGN_IN, SECOND, PROVE = "register", "sign-in", "second", "prove"
MOST = 20
_LONGEST_NAME = 60
_TIMEOUT_MS = 300_000
# COSE numbers (RFC 9053): Ed25519, ECDSA on P-256, RSA with SHA-256; what every authenticator has one of.
_ALGORITHMS = (-8, -7, -257)
_REFUSED = "This passkey was not accepted. Try again, or sign in another way."


@dataclass(frozen=True)
class Place:
    """Where passkeys belong: the host name they are bound to, and the one origin they count from."""

    rp_id: str
    origin: str


def place(config: Config) -> Place | None:
    """Where this server's passkeys belong; None where browsers allow none: without https, or under a bare address.

    Browsers make an exception for http://localhost (W3C Secure Contexts).
    """
    parts = urlsplit(public_base(config))
    host = parts.hostname or ""
    if parts.scheme != "https" and host != "localhost" and not host.endswith(".localhost"):
        return None
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return Place(host, f"{parts.scheme}://{parts.netloc}")
    return None


def list_passkeys(site: Site, user_id: str) -> list[Passkey]:
    """Somebody's passkeys, newest first."""
    return list(Passkey.select().where(Passkey.user == user_id).order_by(Passkey.created_at.desc(), Passkey.id))


def registration_options(site: Site, user: User) -> dict[str, Any]:
    """What a browser needs to make a passkey, in the shape of `PublicKeyCredentialCreationOptionsJSON`.

    Whoever calls this has asked for a proof. Raises: Unavailable, Conflict for too many.
    """
    where = _place(site)
    mine = list_passkeys(site, user.id)
    if len(mine) >= MOST:
        raise Conflict(f"You have {MOST} passkeys. Remove one that you no longer use.")
    return {
        "rp": {"id": where.rp_id, "name": site.config.site_name},
        "user": {
            "id": _text(user.id.encode()),
            "name": user.username,
            "displayName": user.display_name or user.username,
        },
        "challenge": _text(challenges.make(site, REGISTER, user.id)),
        "pubKeyCredParams": [{"type": "public-key", "alg": number} for number in _ALGORITHMS],
        "timeout": _TIMEOUT_MS,
        "excludeCredentials": [_descriptor(row) for row in mine],
        "authenticatorSelection": {
            "residentKey": "preferred",
            "requireResidentKey": False,
            "userVerification": "required",
        },
        "attestation": "none",
    }


def register(
    site: Site, user: User, credential: dict[str, Any], *, name: str = "", address: str = "", user_agent: str = ""
) -> tuple[Passkey, list[str]]:
    """Keep a passkey that a browser has made.

    Returns: it, and recovery codes where it is the first second factor.
    Raises: BadTicket, Invalid, Conflict, Unavailable.
    """
    where, challenge = _place(site), _challenge_in(credential)
    challenges.check(site, REGISTER, user.id, challenge)
    verified = _verified_registration(credential, where, challenge)
    label = cleaned(name, most=_LONGEST_NAME).strip() or "Passkey"
    transports = (credential.get("response") or {}).get("transports") or []
    now = site.clock.now()
    try:
        with transaction(site.db):
            challenges.use_up(site, challenge)
            row = Passkey.create(
                user=user,
                credential_id=_text(verified.credential_id),
                public_key=_text(verified.credential_public_key),
                sign_count=verified.sign_count,
                transports=[each for each in transports if isinstance(each, str) and len(each) < 20][:8],
                name=label,
                is_backed_up=verified.credential_backed_up,
                created_at=now,
            )
            codes = second_factor.ensure_codes(site, user)
            record(
                site,
                "passkey.add",
                actor=user.id,
                subject=label,
                category="security",
                address=address,
                user_agent=user_agent,
            )
            second_factor.tell(site, user, f"the passkey “{label}” was added")
    except IntegrityError as error:
        raise Conflict("This passkey is registered already.") from error
    return row, codes


def options(site: Site, purpose: str, user: User | None = None) -> dict[str, Any]:
    """What a browser needs to use a passkey, in the shape of `PublicKeyCredentialRequestOptionsJSON`.

    Args:
        purpose: SIGN_IN for whoever comes, without naming anybody; SECOND or PROVE for `user`.
    Raises: Unavailable.
    """
    subject = user.id if user is not None else ""
    return {
        "challenge": _text(challenges.make(site, purpose, subject)),
        "timeout": _TIMEOUT_MS,
        "rpId": _place(site).rp_id,
        "allowCredentials": [_descriptor(row) for row in list_passkeys(site, subject)] if user is not None else [],
        "userVerification": "required",
    }


def use(
    site: Site,
    credential: dict[str, Any],
    purpose: str,
    user: User | None = None,
    *,
    address: str = "",
    user_agent: str = "",
) -> Passkey:
    """Check what a browser has signed, and use its challenge up.

    Returns: the passkey; its owner was verified by the authenticator (PIN, finger, face).
    Raises: NotSignedIn; BadTicket; Unavailable.
    """
    where, challenge = _place(site), _challenge_in(credential)
    challenges.check(site, purpose, user.id if user is not None else "", challenge)
    row = Passkey.get_or_none(Passkey.credential_id == str(credential.get("id"))[:2000].replace("\0", ""))
    if row is None or (user is not None and row.user_id != user.id):
        _refuse(site, None, "unknown passkey", address, user_agent)
    try:
        verified = _verified_use(credential, where, challenge, row)
    except NotSignedIn as error:
        _refuse(site, row, str(error.__cause__), address, user_agent)
    challenges.use_up(site, challenge)
    # Two equal zeros: the authenticator does not count (WebAuthn level 3, section 6.1.1).
    counts = Passkey.sign_count < verified.new_sign_count
    if verified.new_sign_count == 0:
        counts = Passkey.sign_count == 0
    changes = Passkey.update(
        sign_count=verified.new_sign_count,
        is_backed_up=verified.credential_backed_up,
        last_used_at=site.clock.now(),
    )
    if not changes.where((Passkey.id == row.id) & counts).execute():
        second_factor.tell(site, row.user, f"the passkey “{row.name}” was refused, because a copy of it was used")
        _refuse(site, row, "its counter went back: it was copied", address, user_agent)
    found: Passkey = row
    return found


def prove(site: Site, user: User, credential: dict[str, Any]) -> str:
    """A ticket for `proof.check_proof`, for whoever has just used their passkey. Raises Forbidden, Unavailable."""
    try:
        use(site, credential, PROVE, user)
    except NotSignedIn as error:
        raise Forbidden(error.message, field="code") from error
    return tickets.issue(site, proof.PASSKEY, user=user, lives=proof.PASSKEY_LIVES)


def rename(site: Site, user_id: str, passkey_id: str, name: str) -> Passkey:
    """Give a passkey another name. Raises NotFound, Invalid."""
    label = cleaned(name, most=_LONGEST_NAME).strip()
    if not label:
        raise Invalid("Give it a name by which you know it again.", field="name")
    row = _mine(user_id, passkey_id)
    Passkey.update(name=label).where(Passkey.id == row.id).execute()
    row.name = label
    return row


def remove(site: Site, user: User, passkey_id: str, *, address: str = "", user_agent: str = "") -> None:
    """Take a passkey away. Whoever calls this has asked for a proof. Raises NotFound; Conflict for the last way in."""
    with transaction(site.db):
        hold_ways(site, user.id)
        row = _mine(user.id, passkey_id)
        Passkey.delete().where(Passkey.id == row.id).execute()
        require_a_way(site, user.id)
        second_factor.settle(site, user)
        # Also what it has proved a moment ago.
        tickets.drop_tickets(site, user.id, proof.PASSKEY)
        record(
            site,
            "passkey.remove",
            actor=user.id,
            subject=row.name,
            category="security",
            address=address,
            user_agent=user_agent,
        )
        second_factor.tell(site, user, f"the passkey “{row.name}” was removed")


def _mine(user_id: str, passkey_id: str) -> Passkey:
    row: Passkey | None = Passkey.get_or_none((Passkey.id == passkey_id) & (Passkey.user == user_id))
    if row is None:
        raise NotFound("There is no such passkey.")
    return row


def _place(site: Site) -> Place:
    found = place(site.config)
    if found is None:
        raise Unavailable("Passkeys need an address with https. The admin sets it as public_url.")
    return found


def _refuse(site: Site, row: Passkey | None, why: str, address: str, user_agent: str) -> NoReturn:
    record(
        site,
        "passkey.refused",
        actor=row.user_id if row is not None else None,
        subject=row.name if row is not None else "",
        category="security",
        detail=why,
        address=address,
        user_agent=user_agent,
    )
    raise NotSignedIn(_REFUSED)


def _challenge_in(credential: dict[str, Any]) -> bytes:
    """The challenge that was signed. The library compares it once more, with the rest of what was signed."""
    try:
        client = json.loads(_bytes(credential["response"]["clientDataJSON"]))
        return _bytes(client["challenge"])
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise Invalid("This is no passkey's answer.", field="credential") from error


def _verified_registration(credential: dict[str, Any], where: Place, challenge: bytes) -> Any:
    # Here and below: the library takes 25 MB and a tenth of a second, which most servers never need.
    from webauthn import verify_registration_response

    try:
        return verify_registration_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=where.rp_id,
            expected_origin=where.origin,
            require_user_verification=True,
        )
    except Exception as error:  # its parsers raise whatever a stranger's bytes make them raise
        raise Invalid("This passkey was not accepted. Try again, or with another one.", field="credential") from error


def _verified_use(credential: dict[str, Any], where: Place, challenge: bytes, row: Passkey) -> Any:
    from webauthn import verify_authentication_response

    try:
        # The counter is compared afterwards, in one step with its change, and only under a signature that is right.
        verified = verify_authentication_response(
            credential=credential,
            expected_challenge=challenge,
            expected_rp_id=where.rp_id,
            expected_origin=where.origin,
            credential_public_key=_bytes(row.public_key),
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except Exception as error:
        raise NotSignedIn(_REFUSED) from error
    handle = (credential.get("response") or {}).get("userHandle")
    if handle and handle != _text(row.user_id.encode()):
        raise NotSignedIn(_REFUSED) from ValueError("another account's handle")
    return verified


def _descriptor(row: Passkey) -> dict[str, Any]:
    return {"type": "public-key", "id": row.credential_id, "transports": row.transports}


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError("no base64url") from error
