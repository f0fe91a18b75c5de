"""The proof that comes along with what cannot be taken back: the password, or a code for somebody without one."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request

from bulletdrop.core.models import User
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.proof import check_proof
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.guesses import guess
from bulletdrop.web.threads import in_hash_thread


class OwnerProofIn(Struct, forbid_unknown_fields=True):
    """A proof: the password; without one, a code of the app, a recovery code, or a passkey's proof."""

    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=200)] | None = None


async def prove(request: Request, caller: Caller, password: str | None, code: str | None) -> User:
    """Check a proof under the brake on guessing. Returns who gave it. Raises Forbidden with its field, TooMany."""
    async with guess(request, f"proof {caller.user_id}"):
        return await in_hash_thread(request, _proved, caller, password, code)


def _proved(site: Site, caller: Caller, password: str | None, code: str | None) -> User:
    user: User | None = User.get_or_none(User.id == caller.user_id)
    if user is None:
        raise NotFound("This account is gone.")
    check_proof(site, user, password=password, code=code, session_id=caller.session_id)
    return user
