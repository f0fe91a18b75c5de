"""Sessions: where somebody is signed in, and signing out there."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Session
from bulletdrop.core.people import sessions
from bulletdrop.core.people.callers import Caller
from bulletdrop.errors import NotFound
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import clear_session_cookies, required_caller
from bulletdrop.web.bodies import json_answer, nothing
from bulletdrop.web.routes import PERSON, Parameter, Route
from bulletdrop.web.threads import in_thread


class SessionOut(Struct):
    """A browser or program that is signed in. `method` is how its owner proved to be it."""

    id: str
    user_agent: str
    address: str
    method: str
    is_current: bool
    created_at: datetime
    last_used_at: datetime


class SessionsOut(Struct):
    """Where somebody is signed in, the last used first."""

    items: list[SessionOut]
    next: str | None = None


async def list_sessions(request: Request) -> HTTPResponse:
    """Where you are signed in."""
    caller = await required_caller(request)
    rows = await in_thread(request, sessions.list_sessions, caller.user_id)
    return json_answer(SessionsOut([session_out(row, caller) for row in rows]))


async def end_session(request: Request, session_id: str) -> HTTPResponse:
    """Sign out somewhere; its tokens are refused from now on."""
    caller = await required_caller(request)
    await in_thread(request, sessions.revoke_session, caller.user_id, session_id)
    return _gone(request, here=session_id == caller.session_id)


async def end_sessions(request: Request) -> HTTPResponse:
    """Sign out everywhere else, or with `all` here too."""
    caller = await required_caller(request)
    also_here = request.args.get("all", "false").lower() in ("true", "1")
    await in_thread(request, sessions.revoke_all, caller.user_id, None if also_here else caller.session_id)
    return _gone(request, here=also_here)


def session_out(row: Session, caller: Caller) -> SessionOut:
    """A session as its owner sees it."""
    return SessionOut(
        row.id,
        row.user_agent,
        row.address,
        row.method,
        row.id == caller.session_id,
        milliseconds(row.created_at),
        milliseconds(row.last_used_at),
    )


def _gone(request: Request, *, here: bool) -> HTTPResponse:
    response = nothing()
    if here:
        request.ctx.new_tokens = None
        clear_session_cookies(response)
    return response


ROUTES = (
    Route(
        method="GET",
        path="/account/sessions",
        handler=list_sessions,
        summary="Where you are signed in",
        who=PERSON,
        answers={200: SessionsOut},
        noun="sessions",
    ),
    Route(
        method="DELETE",
        path="/account/sessions",
        handler=end_sessions,
        summary="Sign out everywhere else",
        who=PERSON,
        parameters=(Parameter(name="all", about="Here too.", schema={"type": "boolean"}),),
        answers={204: None},
        noun="sessions",
    ),
    Route(
        method="DELETE",
        path="/account/sessions/<session_id>",
        handler=end_session,
        summary="Sign out somewhere",
        who=PERSON,
        answers={204: None},
        noun="sessions",
        errors=(NotFound,),
    ),
)
