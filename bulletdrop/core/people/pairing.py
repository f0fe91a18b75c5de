"""Pairing: a device elsewhere shows a short code, its owner says yes on the page, and it gets a key (RFC 8628)."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from peewee import IntegrityError

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.models import ApiKey, Pairing, User
from bulletdrop.core.people.callers import SCOPES, Caller
from bulletdrop.core.people.devices import TRAY_SCOPES
from bulletdrop.core.people.holding import hold_session
from bulletdrop.core.people.keys import create_key, free_device_name
from bulletdrop.core.site import Site
from bulletdrop.core.text import cleaned
from bulletdrop.errors import Denied, ExpiredCode, Invalid, NotFound, Pending, SlowDown, Unavailable

LIVES = timedelta(minutes=10)
# Seconds between two questions, and what each one that comes too early adds (RFC 8628, section 3.5).
INTERVAL = 5
# RFC 8628, section 6.1: consonants alone, so that no word comes out; 20^8 codes.
_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
# Who asks for codes is nobody yet: more than this waiting at once is no household.
_MOST_WAITING = 1000
# What stands before a code that its owner made, where it is hashed.
_OFFERED = "offered:"
_GONE = "This code is used up or too old. Begin again on the device."


@dataclass(frozen=True)
class Offered:
    """A code that its owner made for a device, and when it ends."""

    code: str
    expires_at: datetime


@dataclass(frozen=True)
class Begun:
    """What the device is told: its own long code, the short one to show, and the seconds both live and between asks."""

    device_code: str
    user_code: str
    expires_in: int
    interval: int


def begin(site: Site, *, device_name: str, scopes: Iterable[str] = (), address: str, user_agent: str) -> Begun:
    """A device asks to be paired.

    Args:
        scopes: what it wants; none given is what a tray needs. Never `admin`.

    Raises: Invalid for a scope that does not exist, Unavailable when too many are waiting.
    """
    wanted = list(dict.fromkeys(scopes)) or list(TRAY_SCOPES)
    if wrong := [scope for scope in wanted if scope not in SCOPES or scope == "admin"]:
        raise Invalid(f"A device cannot have “{wrong[0]}”.", field="scopes")
    now = site.clock.now()
    _check_room(now)
    device_code = secrets.token_urlsafe(32)
    values = {
        "device_hash": _hash(device_code),
        "device_name": cleaned(device_name, most=100).strip() or "A device",
        "scopes": wanted,
        "address": address[:64],
        "user_agent": cleaned(user_agent, most=300),
        "interval": INTERVAL,
        "created_at": now,
        "expires_at": now + LIVES,
    }
    while True:
        code = _new_code()
        try:
            with transaction(site.db):
                Pairing.create(user_code=code, **values)
        except IntegrityError:
            continue  # one in 25 billion
        return Begun(device_code, spelled(code), int(LIVES.total_seconds()), INTERVAL)


def offer(site: Site, caller: Caller) -> Offered:
    """Make a code that one device may use, once, within ten minutes: the other way round, as for a phone that scans it.
    One that the same person made before and that nobody used is good no more.

    Raises: Forbidden for keys: only a person may. Unavailable when too many are waiting.
    """
    caller.needs_person()
    now = site.clock.now()
    _check_room(now)
    while True:
        code = _new_code()
        values = {
            # Nobody polls for it: what is hashed begins as no device's code does. The letters themselves are not kept.
            "device_hash": _hash(_OFFERED + code),
            "user_code": f"*{secrets.token_hex(5)}",
            "device_name": "",
            "scopes": list(TRAY_SCOPES),
            "created_at": now,
            "expires_at": now + LIVES,
            "approved_at": now,
            "user": caller.user_id,
        }
        try:
            with transaction(site.db):
                if caller.session_id is not None:
                    hold_session(site, caller.session_id)
                mine = (Pairing.user == caller.user_id) & Pairing.user_code.startswith("*")
                Pairing.delete().where(mine).execute()
                Pairing.create(**values)
        except IntegrityError:
            continue
        record(site, "device.offer", actor=caller.user_id)
        return Offered(spelled(code), now + LIVES)


def redeem(site: Site, code: str, *, device_name: str, address: str, user_agent: str = "") -> tuple[ApiKey, str, User]:
    """A device uses the code that its owner made. Of many that come with one code, one gets the key.

    Raises: ExpiredCode for a wrong, used or old one; Denied for an account that cannot be used.
    """
    offered: Pairing | None = Pairing.get_or_none(
        (Pairing.device_hash == _hash(_OFFERED + _letters(code))) & (Pairing.expires_at > site.clock.now())
    )
    if offered is None or offered.approved_at is None:
        raise ExpiredCode("This code is wrong, used up or too old. Make a new one on the server's page.")
    name = cleaned(device_name, most=100).strip() or "A device"
    offered.device_name, offered.user_agent = name, user_agent
    made = _make_key(site, offered)
    record(site, "device.redeem", actor=offered.user_id, subject=name, address=address)
    return made


def look(site: Site, user_code: str) -> Pairing:
    """The device that shows this code, for its owner to look at. Raises NotFound."""
    code = _letters(user_code)
    found: Pairing | None = Pairing.get_or_none((Pairing.user_code == code) & (Pairing.expires_at > site.clock.now()))
    if found is None or found.approved_at is not None or found.denied_at is not None:
        raise NotFound("No device shows this code. Codes are good for ten minutes.", field="user_code")
    return found


def approve(site: Site, caller: Caller, user_code: str, *, scopes: Iterable[str] | None = None) -> Pairing:
    """Say yes. The key is made when the device asks next.

    Args:
        scopes: fewer than it asked for; None for all of them.

    Raises: NotFound; Invalid for scopes that it did not ask for, or none; Forbidden for keys: only a person may.
    """
    caller.needs_person()
    pairing = look(site, user_code)
    granted = list(pairing.scopes) if scopes is None else list(dict.fromkeys(scopes))
    if not granted or set(granted) - set(pairing.scopes):
        raise Invalid("Choose at least one of the rights that the device asks for.", field="scopes")
    with transaction(site.db):
        if caller.session_id is not None:
            hold_session(site, caller.session_id)
        _decide(site, pairing, approved_at=site.clock.now(), user=caller.user_id, scopes=granted)
    record(site, "device.approve", actor=caller.user_id, subject=pairing.device_name, address=pairing.address)
    return pairing


def deny(site: Site, caller: Caller, user_code: str) -> None:
    """Say no: the device is told so. Raises NotFound, Forbidden."""
    caller.needs_person()
    pairing = look(site, user_code)
    _decide(site, pairing, denied_at=site.clock.now())
    record(
        site,
        "device.deny",
        actor=caller.user_id,
        subject=pairing.device_name,
        address=pairing.address,
        category="security",
    )


def poll(site: Site, device_code: str) -> tuple[ApiKey, str, User]:
    """The device asks whether its owner said yes. Of many that ask at once with one code, one gets the key.

    Raises: Pending; SlowDown, and each one makes the wait longer; Denied; ExpiredCode.
    """
    now = site.clock.now()
    pairing: Pairing | None = Pairing.get_or_none(Pairing.device_hash == _hash(device_code))
    if pairing is None or pairing.expires_at <= now:
        raise ExpiredCode(_GONE)
    if pairing.denied_at is not None:
        Pairing.delete().where(Pairing.id == pairing.id).execute()
        raise Denied("The owner said no.")
    # A clock that was set back must not lock the device out: only a wait that is surely too short counts.
    early = pairing.polled_at is not None and timedelta() <= now - pairing.polled_at < _patience(pairing.interval)
    if pairing.approved_at is None:
        longer = pairing.interval + INTERVAL if early else pairing.interval
        Pairing.update(polled_at=now, interval=longer).where(Pairing.id == pairing.id).execute()
        if early:
            raise SlowDown(f"Ask every {longer} seconds.", retry_after=longer)
        raise Pending("The owner has not said yes yet.", retry_after=longer)
    return _make_key(site, pairing)


def _make_key(site: Site, pairing: Pairing) -> tuple[ApiKey, str, User]:
    with transaction(site.db):
        if not Pairing.delete().where(Pairing.id == pairing.id).execute():
            raise ExpiredCode(_GONE)
        user: User | None = User.get_or_none(User.id == pairing.user_id)
        if user is None or not user.is_active or user.delete_scheduled_for is not None:
            raise Denied("The owner's account cannot be used.")
        name = free_device_name(user.id, pairing.device_name)
        agent = pairing.user_agent
        key, plain = create_key(site, user, name=name, scopes=pairing.scopes, device_name=name, user_agent=agent)
    return key, plain, user


def forget_pairings(site: Site) -> str:
    """Remove pairings that are over."""
    return f"{Pairing.delete().where(Pairing.expires_at <= site.clock.now()).execute()} removed"


def _decide(site: Site, pairing: Pairing, **values: object) -> None:
    open_still = (Pairing.id == pairing.id) & Pairing.approved_at.is_null() & Pairing.denied_at.is_null()
    if not Pairing.update(values).where(open_still).execute():
        raise NotFound("This device has its answer already.", field="user_code")


def _patience(interval: int) -> timedelta:
    # A device that waits exactly as long as it was told may arrive a little early by our clock.
    return timedelta(seconds=interval * 0.8)


def spelled(code: str) -> str:
    """A code as it is shown."""
    return f"{code[:4]}-{code[4:]}"


def _new_code() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(8))


def _letters(code: str) -> str:
    return re.sub(r"[^A-Z]", "", code.upper()[:40])


def _check_room(now: datetime) -> None:
    if Pairing.select(Pairing.id).where(Pairing.expires_at > now).count() >= _MOST_WAITING:
        raise Unavailable("Too many devices are waiting to be paired. Try again in some minutes.", retry_after=60)


def _hash(code: str) -> str:
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()
