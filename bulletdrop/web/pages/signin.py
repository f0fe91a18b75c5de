"""Signing in and out, for browsers with and without script."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import sessions
from bulletdrop.core.people.accounts import needs_setup
from bulletdrop.core.people.passkeys import place
from bulletdrop.core.people.providers import offered
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.auth import (
    caller_of,
    clear_session_cookies,
    form_of,
    leading_to,
    required_caller,
    safe_next,
    signed_in,
)
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.entrance import enter, go_on, second_path
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


async def ask(request: Request) -> HTTPResponse:
    """The sign-in form; whoever is signed in goes on to the gallery."""
    back = safe_next(request.args.get("next"))
    if await caller_of(request) is not None:
        return redirect(back)
    if await in_thread(request, needs_setup):
        return redirect(leading_to(back, "/setup"))
    return _form(request, back=back)


async def sign_in(request: Request) -> HTTPResponse:
    """Check the form and go on, or show it again with what is wrong."""
    form = await form_of(request)
    identifier, back = form.get("identifier", ""), safe_next(form.get("next"))
    try:
        entered = await enter(request, identifier, form.get("password", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _form(request, back=back, identifier=identifier, error=error)
    return go_on(entered, back)


@signed_in
async def sign_out(request: Request) -> HTTPResponse:
    """End the session and go back to the sign-in form."""
    caller = await required_caller(request)
    await form_of(request)
    if caller.session_id is not None:
        await in_thread(request, sessions.close_session, caller.session_id)
    request.ctx.new_tokens = None
    response = redirect("/signin", status=303)
    clear_session_cookies(response)
    return response


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/signin", methods=["GET"], name="page_signin")
    app.add_route(sign_in, "/signin", methods=["POST"], name="page_signin_post")
    app.add_route(sign_out, "/signout", methods=["POST"], name="page_signout")


def _form(request: Request, *, back: str, identifier: str = "", error: BulletDropError | None = None) -> HTTPResponse:
    status = status_of(error) if error else 200
    config = web_of(request).config
    return render(
        request,
        "signin.html",
        status=status,
        back=back,
        second=second_path(back),
        identifier=identifier,
        message=error.message if error else "",
        place=place(config),
        offers=offered(config),
        registration=config.registration,
    )
