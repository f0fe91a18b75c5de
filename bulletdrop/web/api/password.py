"""One's own password: changed with the old one, or set for the first time."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people.password_change import change_password
from bulletdrop.errors import Conflict, Forbidden, Invalid, TooMany
from bulletdrop.web.api.auth import answer_to
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.api.schemas import TokensOut
from bulletdrop.web.auth import address_of, required_caller
from bulletdrop.web.bodies import json_of
from bulletdrop.web.routes import PERSON, Route
from bulletdrop.web.threads import in_hash_thread


class PasswordIn(Struct, forbid_unknown_fields=True):
    """A new password, and a proof: the current one, or a code for somebody who has none yet."""

    new_password: Annotated[str, msgspec.Meta(max_length=4096)]
    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    revoke_keys: bool = True


async def change(request: Request) -> HTTPResponse:
    """Change the password. All sessions end, and keys and devices unless `revoke_keys` is false; this one goes on."""
    caller = await required_caller(request)
    wanted = json_of(request, PasswordIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    tokens = await in_hash_thread(
        request,
        change_password,
        user,
        wanted.new_password,
        session_id=str(caller.session_id),
        revoke_keys=wanted.revoke_keys,
        address=address_of(request),
        user_agent=request.headers.get("user-agent", ""),
    )
    return answer_to(tokens)


ROUTES = (
    Route(
        method="POST",
        path="/account/password",
        handler=change,
        summary="Change your password",
        who=PERSON,
        body=PasswordIn,
        answers={200: TokensOut},
        noun="account",
        errors=(Invalid, Forbidden, Conflict, TooMany),
    ),
)
