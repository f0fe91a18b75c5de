"""Passwords: argon2id, and the bcrypt-free rest of what is needed to check one in constant time."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bulletdrop.errors import Invalid

# OWASP's second argon2id recommendation: 19 MiB, two passes, one lane. 28 ms, and it scales over threads.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

# Checked when there is no such user, so that the answer takes as long (made once, of a password nobody knows).
_NOBODY = _hasher.hash("there is no such person")

LEAST = 8
MOST = 1024


def check_new_password(password: str) -> None:
    """Refuse a password that is too short or absurdly long. Raises Invalid with field `password`."""
    if len(password) < LEAST:
        raise Invalid(f"The password needs at least {LEAST} characters.", field="password")
    if len(password) > MOST:
        raise Invalid(f"The password may have at most {MOST} characters.", field="password")


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Takes about 28 ms of one core."""
    return _hasher.hash(password)


def password_fits(stored: str | None, password: str) -> bool:
    """True when the password is the stored one. With nothing stored it takes as long and is False."""
    try:
        fits = _hasher.verify(stored or _NOBODY, password[:MOST])
    except (VerificationError, InvalidHashError):
        return False
    return fits and stored is not None


def needs_new_hash(stored: str) -> bool:
    """True when the hash was made with other parameters than today's."""
    return _hasher.check_needs_rehash(stored)
