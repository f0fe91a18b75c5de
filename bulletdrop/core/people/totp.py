"""Codes of an authenticator app (RFC 6238): set up, confirmed by a first code, each used up by its first use."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import timedelta

from bulletdrop.core.database import transaction
from bulletdrop.core.models import Totp, User, to_microseconds
from bulletdrop.core.sealed import seal, unseal
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid

# RFC 6238, section 5.2: steps of 30 seconds, and one step of delay; one ahead for clocks that run fast.
_STEP = 30
_SLACK = (-1, 0, 1)
_DIGITS = 6
_PURPOSE = "totp"
# Between showing a secret and its first code.
_SETUP_LIVES = timedelta(minutes=30)


@dataclass(frozen=True)
class Setup:
    """What an app needs: the secret in base32, and the same as an `otpauth:` address for its camera."""

    secret: str
    uri: str


def is_on(site: Site, user_id: str) -> bool:
    """True when somebody's app is asked for at every sign-in."""
    return Totp.select(Totp.user).where((Totp.user == user_id) & Totp.confirmed_at.is_null(False)).exists()


def begin(site: Site, user: User) -> Setup:
    """Make a secret, which counts once a first code has confirmed it. One that was not confirmed is replaced.

    Raises: Conflict when an app is confirmed already.
    """
    import pyotp

    secret = pyotp.random_base32()
    sealed = seal(site, secret.encode(), purpose=_PURPOSE, owner=user.id)
    with transaction(site.db):
        if is_on(site, user.id):
            raise Conflict("Codes from an app are switched on already. Switch them off first.")
        Totp.delete().where((Totp.user == user.id) & Totp.confirmed_at.is_null()).execute()
        Totp.create(user=user, secret=sealed, created_at=site.clock.now())
    return _setup(site, user, secret)


def pending(site: Site, user: User, secret: str) -> Setup | None:
    """What was begun and not confirmed yet, to be shown again to whoever knows the secret; None for everybody else."""
    row = _begun(site, user)
    if row is None or not hmac.compare_digest(_secret(site, row).encode(), secret.encode()):
        return None
    return _setup(site, user, secret)


def confirm(site: Site, user: User, code: str) -> None:
    """Switch the codes on, with a first one.

    Raises: Invalid with field `code`; Conflict when nothing was begun.
    """
    row = _begun(site, user)
    if row is None:
        raise Conflict("There is nothing to confirm, or it was begun too long ago. Start again.")
    step = _matching_step(site, row, code)
    if step is None:
        message = "This code is not the app's current one. Wait for the next code, and check the phone's clock."
        raise Invalid(message, field="code")
    # With the secret it was checked against: another tab may have begun anew.
    same = (Totp.user == user.id) & Totp.confirmed_at.is_null() & (Totp.secret == row.secret)
    if not Totp.update(confirmed_at=site.clock.now(), last_step=step).where(same).execute():
        raise Conflict("This was begun anew meanwhile. Take the code that is shown now.")


def use(site: Site, user_id: str, code: str) -> bool:
    """Use up a code. True for the first who comes with it; False for a wrong one, or one of a used step.

    RFC 6238, section 5.2: a code counts once, so that one read over a shoulder is worth nothing.
    """
    row = Totp.get_or_none((Totp.user == user_id) & Totp.confirmed_at.is_null(False))
    if row is None:
        return False
    step = _matching_step(site, row, code)
    if step is None:
        return False
    newer = (Totp.user == user_id) & (Totp.secret == row.secret) & (Totp.last_step < step)
    return bool(Totp.update(last_step=step).where(newer).execute())


def remove(site: Site, user_id: str) -> bool:
    """Switch the codes off, also half-begun ones. True when they were on."""
    with transaction(site.db):
        was_on = is_on(site, user_id)
        Totp.delete().where(Totp.user == user_id).execute()
    return was_on


def _begun(site: Site, user: User) -> Totp | None:
    since = site.clock.now() - _SETUP_LIVES
    begun = (Totp.user == user.id) & Totp.confirmed_at.is_null() & (Totp.created_at > since)
    row: Totp | None = Totp.get_or_none(begun)
    return row


def _matching_step(site: Site, row: Totp, code: str) -> int | None:
    """The time step whose code this is, or None. All are compared, whichever fits."""
    import pyotp

    digits = "".join(code.split())
    if len(digits) != _DIGITS or not (digits.isascii() and digits.isdigit()):
        return None
    app = pyotp.TOTP(_secret(site, row), digits=_DIGITS, interval=_STEP)
    now = to_microseconds(site.clock.now()) // 1_000_000 // _STEP
    fitting = [now + by for by in _SLACK if hmac.compare_digest(app.generate_otp(now + by), digits)]
    return fitting[-1] if fitting else None


def _secret(site: Site, row: Totp) -> str:
    return unseal(site, row.secret, purpose=_PURPOSE, owner=row.user_id).decode()


def _setup(site: Site, user: User, secret: str) -> Setup:
    import pyotp

    name = site.config.site_name
    return Setup(secret, pyotp.TOTP(secret).provisioning_uri(name=user.username, issuer_name=name))
