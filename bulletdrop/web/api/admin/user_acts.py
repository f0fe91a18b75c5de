"""What an admin does to one account beside changing it: reset, sign out, revoke, delete."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import administration
from bulletdrop.core.people.directory import get_user
from bulletdrop.core.upkeep.dismissal import dismiss
from bulletdrop.errors import Conflict, Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.api.admin.users import PersonOut, check_key_may, person_out
from bulletdrop.web.api.queries import flag, parameter, text
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class LinkOut(Struct):
    """A link to hand over: whoever opens it first has it."""

    link: str


class RevokedOut(Struct):
    """How many keys were revoked."""

    revoked: int


class LeavingOut(Struct):
    """When an account will be deleted."""

    delete_scheduled_for: datetime


async def reset_password(request: Request, user_id: str) -> HTTPResponse:
    """Make a link with which its owner chooses a new password."""
    return json_answer(LinkOut(await _act(request, administration.reset_link, user_id)), status=201)


async def sign_out(request: Request, user_id: str) -> HTTPResponse:
    """End all sessions of an account; its keys go on."""
    await _act(request, administration.sign_out_everywhere, user_id)
    return nothing()


async def revoke_keys(request: Request, user_id: str) -> HTTPResponse:
    """Revoke all keys and devices of an account."""
    return json_answer(RevokedOut(await _act(request, administration.revoke_all_keys, user_id)))


async def drop_second_factor(request: Request, user_id: str) -> HTTPResponse:
    """Turn off a second factor that was lost."""
    await _act(request, administration.drop_second_factor, user_id)
    return nothing()


async def keep(request: Request, user_id: str) -> HTTPResponse:
    """Take a deletion back."""
    return json_answer(person_out(await _act(request, administration.keep, user_id), None))


async def delete_person(request: Request, user_id: str) -> HTTPResponse:
    """Delete an account in seven days, or, with its name typed, at once."""
    caller = await required_caller(request)
    at_once, typed = flag(request, "at_once"), text(request, "confirm")
    left = await in_thread(request, dismiss, by(request, caller), user_id, at_once=at_once, confirm=typed)
    if left is None or left.delete_scheduled_for is None:
        return nothing()
    return json_answer(LeavingOut(milliseconds(left.delete_scheduled_for)), status=202)


async def _act(request: Request, use_case: Callable[..., Any], user_id: str) -> Any:
    caller = await required_caller(request)
    if caller.key_id is not None:
        check_key_may(caller, await in_thread(request, get_user, user_id))
    return await in_thread(request, use_case, by(request, caller), user_id)


def _row(method: str, path: str, handler: Any, summary: str, answers: dict[int, Any], *errors: Any) -> Route:
    return Route(
        method=method,
        path=f"/admin/users/<user_id>{path}",
        handler=handler,
        summary=summary,
        who=ADMIN,
        answers=answers,
        noun="admin",
        errors=(NotFound, *errors),
    )


ROUTES = (
    _row("POST", "/reset", reset_password, "Make a link for a new password", {201: LinkOut}),
    _row("POST", "/sign-out", sign_out, "Sign an account out everywhere", {204: None}),
    _row("POST", "/revoke-keys", revoke_keys, "Revoke all keys of an account", {200: RevokedOut}),
    _row("DELETE", "/second-factor", drop_second_factor, "Turn off a lost second factor", {204: None}, Conflict),
    _row("POST", "/keep", keep, "Take a deletion back", {200: PersonOut}, Conflict),
    Route(
        method="DELETE",
        path="/admin/users/<user_id>",
        handler=delete_person,
        summary="Delete an account",
        who=ADMIN,
        answers={202: LeavingOut, 204: None},
        noun="admin",
        parameters=(
            parameter("at_once", "Do not wait for seven days.", type="boolean", default=False),
            parameter("confirm", "The account's username; needed with `at_once`."),
        ),
        errors=(Invalid, Conflict, NotFound),
    ),
)
