"""API keys."""

from __future__ import annotations

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.people import keys
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.api.schemas import KeyIn, KeyOut, KeyPatch, KeysOut, NewKeyOut, key_out, new_key_out
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.routes import PERSON, Route
from bulletdrop.web.threads import in_thread


async def list_keys(request: Request) -> HTTPResponse:
    """The caller's keys, newest first; never the keys themselves."""
    caller = await required_caller(request)
    rows = await in_thread(request, keys.list_keys, caller.user_id)
    return json_answer(KeysOut([key_out(row) for row in rows]))


async def create_key(request: Request) -> HTTPResponse:
    """Make a key. The answer holds it, and nothing ever does again."""
    caller = await required_caller(request)
    wanted = json_of(request, KeyIn)
    if "admin" in wanted.scopes:
        # A session that was left open makes no key that outlives it with an admin's power.
        await prove(request, caller, wanted.password, wanted.code)
    row, plain = await in_thread(request, _create, caller, wanted)
    return json_answer(new_key_out(row, plain), status=201)


def _create(site: Site, caller: Caller, wanted: KeyIn) -> tuple[ApiKey, str]:
    user = User.get_by_id(caller.user_id)
    return keys.create_key(
        site,
        user,
        name=wanted.name,
        scopes=wanted.scopes,
        expires_at=wanted.expires_at,
        rate_limit_per_hour=wanted.rate_limit_per_hour,
        session_id=caller.session_id,
    )


async def change_key(request: Request, key_id: str) -> HTTPResponse:
    """Rename a key, or set how many requests it may make in an hour. Its scopes never change."""
    caller = await required_caller(request)
    wanted = json_of(request, KeyPatch)
    name = None if wanted.name is msgspec.UNSET else str(wanted.name)
    limit = ... if isinstance(wanted.rate_limit_per_hour, msgspec.UnsetType) else wanted.rate_limit_per_hour
    key = await in_thread(request, keys.change_key, caller.user_id, key_id, name=name, rate_limit_per_hour=limit)
    return json_answer(key_out(key))


async def revoke_key(request: Request, key_id: str) -> HTTPResponse:
    """Revoke a key: refused from now on."""
    caller = await required_caller(request)
    await in_thread(request, keys.revoke_key, caller.user_id, key_id)
    return nothing()


ROUTES = (
    Route(
        method="GET",
        path="/api-keys",
        handler=list_keys,
        summary="List your keys",
        who=PERSON,
        answers={200: KeysOut},
        noun="keys",
    ),
    Route(
        method="POST",
        path="/api-keys",
        handler=create_key,
        summary="Make a key",
        who=PERSON,
        body=KeyIn,
        answers={201: NewKeyOut},
        noun="keys",
        errors=(Invalid, Forbidden),
    ),
    Route(
        method="PATCH",
        path="/api-keys/<key_id>",
        handler=change_key,
        summary="Rename a key or set its limit",
        who=PERSON,
        body=KeyPatch,
        answers={200: KeyOut},
        noun="keys",
        errors=(Invalid, NotFound),
    ),
    Route(
        method="DELETE",
        path="/api-keys/<key_id>",
        handler=revoke_key,
        summary="Revoke a key",
        who=PERSON,
        answers={204: None},
        noun="keys",
        errors=(NotFound,),
    ),
)
