"""Recovery codes: ten that stand in, once each, for a lost phone or passkey. Kept as keyed hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets

from bulletdrop.core.database import transaction
from bulletdrop.core.models import RecoveryCode, User, new_id
from bulletdrop.core.site import Site

COUNT = 10
# From this many on, somebody is told to make new ones.
FEW = 3
# Without letters and digits that look alike: they are read from paper. 31 letters, ten of them: 49 bits.
_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_HALF = 5


def replace(site: Site, user: User) -> list[str]:
    """Make a new set; the old one is worthless from now on. Returns the codes, which nobody can show again."""
    codes = [f"{_random()}-{_random()}" for _ in range(COUNT)]
    now = site.clock.now()
    rows = [
        {"id": new_id(), "user": user.id, "code_hash": _hash(site, user.id, code), "created_at": now} for code in codes
    ]
    with transaction(site.db):
        forget(site, user.id)
        RecoveryCode.insert_many(rows).execute()
    return codes


def left(site: Site, user_id: str) -> int:
    """How many are not used yet."""
    count: int = RecoveryCode.select().where((RecoveryCode.user == user_id) & RecoveryCode.used_at.is_null()).count()
    return count


def use(site: Site, user_id: str, code: str) -> bool:
    """Use up a code. True for the first who comes with it."""
    whose = (RecoveryCode.user == user_id) & (RecoveryCode.code_hash == _hash(site, user_id, code))
    changed = RecoveryCode.update(used_at=site.clock.now()).where(whose & RecoveryCode.used_at.is_null()).execute()
    return bool(changed)


def forget(site: Site, user_id: str) -> None:
    """Make all of them worthless."""
    RecoveryCode.delete().where(RecoveryCode.user == user_id).execute()


def _random() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_HALF))


def _hash(site: Site, user_id: str, code: str) -> str:
    # Keyed, because 49 bits are few for whoever has stolen the database alone and has days.
    plain = "".join(letter for letter in code.upper() if letter in _LETTERS)[: 2 * _HALF + 1]
    message = f"recovery:{user_id}:{plain}".encode()
    return hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).hexdigest()
