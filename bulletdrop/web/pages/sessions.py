"""Where somebody is signed in: looking, and signing out there."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Session
from bulletdrop.core.people import sessions
from bulletdrop.errors import NotFound
from bulletdrop.web.agents import in_words
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/sessions"
_SAID = {"one": "Signed out there.", "all": "Signed out everywhere else."}
_STAYS = "This browser stays signed in. Devices and keys are not touched."
_WAYS = {
    "password": "with the password",
    "password+totp": "with password and code",
    "password+recovery": "with password and recovery code",
    "password+passkey": "with password and passkey",
    "passkey": "with a passkey",
}


@dataclass(frozen=True)
class Shown:
    """A session as the page shows it."""

    row: Session
    program: str
    way: str
    is_current: bool


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Where you are signed in."""
    caller = await required_caller(request)
    caller.needs_person()
    rows = await in_thread(request, sessions.list_sessions, caller.user_id)
    shown = [
        Shown(row, in_words(row.user_agent), _WAYS.get(row.method, f"by {row.method}"), row.id == caller.session_id)
        for row in rows
    ]
    shown.sort(key=lambda one: not one.is_current)
    return render(request, "sessions.html", sessions=shown, said=said_of(request, _SAID))


@signed_in
async def end(request: Request) -> HTTPResponse:
    """Sign out somewhere, or everywhere else."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    if one := form.get("end"):
        # It has ended meanwhile, which is what was asked for.
        with contextlib.suppress(NotFound):
            await in_thread(request, sessions.revoke_session, caller.user_id, one)
        return go_on(PATH, "one")
    if asking := ask_first(request, form, title="Sign out everywhere else?", text=_STAYS, label="Sign out", back=PATH):
        return asking
    await in_thread(request, sessions.revoke_all, caller.user_id, caller.session_id)
    return go_on(PATH, "all")


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_sessions")
    app.add_route(end, PATH, methods=["POST"], name="page_sessions_post")
