"""Passes: what a visitor's browser shows to get again what was counted, or unlocked, for it before."""

from __future__ import annotations

import hashlib
import hmac

from bulletdrop.core.sharing.limits import Locked
from bulletdrop.core.site import Site

# The same page or file again, and what belongs to it, in seconds after the view was counted.
SAME_AGAIN = 60
PARTS = 3600
# A password need not be typed again for this long, in seconds.
UNLOCKED = 12 * 3600


def make_pass(site: Site, row: Locked) -> str:
    """A pass for a view that was just counted: its moment, signed for this row alone."""
    return _signed(site, "view", row.id, _now(site))


def pass_is_good(site: Site, row: Locked, value: str, *, seconds: int) -> bool:
    """True for one of ours for this row that is no older than that."""
    at = _read(site, "view", row.id, value)
    return at is not None and 0 <= _now(site) - at <= seconds


def make_unlocked(site: Site, row: Locked) -> str:
    """Proof that the password was right; worth nothing once the row has another one."""
    return _signed(site, "unlocked", _locked_id(row), _now(site))


def is_unlocked(site: Site, row: Locked, value: str) -> bool:
    """True for a proof of ours for this row and its present password."""
    at = _read(site, "unlocked", _locked_id(row), value)
    return at is not None and 0 <= _now(site) - at <= UNLOCKED


def _locked_id(row: Locked) -> str:
    return f"{row.id} {hashlib.sha256((row.password_hash or '').encode()).hexdigest()}"


def _now(site: Site) -> int:
    return int(site.clock.now().timestamp())


def _signed(site: Site, purpose: str, subject: str, at: int) -> str:
    return f"{at:x}.{_mac(site, purpose, subject, at)}"


def _read(site: Site, purpose: str, subject: str, value: str) -> int | None:
    """The moment of a signed value; None for what is none of ours."""
    text, _, mac = value.partition(".")
    if not 1 <= len(text) <= 12 or not text.isascii() or not text.isalnum():
        return None
    try:
        at = int(text, 16)
    except ValueError:
        return None
    good = hmac.compare_digest(mac.encode("utf-8", "replace"), _mac(site, purpose, subject, at).encode())
    return at if good else None


def _mac(site: Site, purpose: str, subject: str, at: int) -> str:
    message = f"pass:{purpose}:{subject}:{at:x}".encode()
    return hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).hexdigest()[:32]
