"""Passwords: argon2id for new ones; bcrypt is read where an import brought it, and replaced at the next sign-in."""

from __future__ import annotations

from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bulletdrop.errors import Invalid

# OWASP's second argon2id recommendation: 19 MiB, two passes, one lane. 28 ms, and it scales over threads.
_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)

# Checked when there is no such user, so that the answer takes as long (made once, of a password nobody knows).
_NOBODY = _hasher.hash("there is no such person")

_BCRYPT = ("$2a$", "$2b$", "$2y$")
_BCRYPT_MOST = 72
# Of the work factor, in the hash itself: 14 takes a second, 31 would hold a thread for a day.
_BCRYPT_DEAREST = b"14"

LEAST = 8
# Of 0 to 4; below 2 an attacker needs fewer than a hundred million guesses (zxcvbn's own scale).
LEAST_SCORE = 2
_GUESSABLE = 72
MOST = 1024


def check_new_password(password: str, *known: str) -> None:
    """Refuse a password that is too short, absurdly long, or among the first that anybody would guess.

    Args:
        known: what a guesser knows of the person, such as name and email address.
    Raises: Invalid with field `password`.
    """
    if len(password) < LEAST:
        raise Invalid(f"The password needs at least {LEAST} characters.", field="password")
    if len(password) > MOST:
        raise Invalid(f"The password may have at most {MOST} characters.", field="password")
    # Here, because its word lists take memory that a server needs only when a password is made.
    from zxcvbn import zxcvbn

    # Its time grows with the square of the length; what is longer than this is not guessed by its beginning.
    if len(password) <= _GUESSABLE and zxcvbn(password, user_inputs=[*known, "bulletdrop"])["score"] < LEAST_SCORE:
        raise Invalid("This password is quickly guessed. Take a longer one, such as four words.", field="password")


def hash_password(password: str) -> str:
    """The argon2id hash to keep. Takes about 28 ms of one core."""
    return _hasher.hash(password)


def password_fits(stored: str | None, password: str, *, imported: str | None = None) -> bool:
    """True when the password is the stored one. With nothing stored it takes as long and is False.

    Args:
        imported: a bcrypt hash that some account still has. Then every check does the work of both kinds, so that the
            time tells neither which accounts came by the import nor whether there is one.
    """
    is_imported = stored is not None and stored.startswith(_BCRYPT)
    fits_bcrypt = False
    if (foreign := stored if is_imported else imported) is not None:
        fits_bcrypt = _fits_bcrypt(foreign, password)
    own = None if is_imported else stored
    try:
        fits = bool(_hasher.verify(own or _NOBODY, password[:MOST])) and own is not None
    except (VerificationError, InvalidHashError):
        fits = False
    return fits_bcrypt if is_imported else fits


def is_bcrypt(stored: Any) -> Any:
    """The condition, on a column, that it holds a hash which an import brought."""
    return stored.startswith("$2")


def needs_new_hash(stored: str) -> bool:
    """True when the hash is no argon2id, or was made with other parameters than today's."""
    if stored.startswith(_BCRYPT):
        return True
    return _hasher.check_needs_rehash(stored)


def _fits_bcrypt(stored: str, password: str) -> bool:
    """Check one that an import brought. Its owner signs in this way once; then it is an argon2id hash."""
    import bcrypt

    # bcrypt never saw more than 72 bytes; today's library refuses them where the old ones cut them off.
    known = stored.replace("$2y$", "$2b$", 1).encode("ascii", "replace")
    if known[4:6] > _BCRYPT_DEAREST:
        return False
    try:
        return bcrypt.checkpw(password.encode("utf-8", "replace")[:_BCRYPT_MOST], known)
    except ValueError:
        return False
