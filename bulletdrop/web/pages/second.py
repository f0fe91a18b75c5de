"""The second step of a sign-in: a code of the app, a passkey, or a recovery code."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import second_factor
from bulletdrop.core.people.passkeys import place
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BadTicket, BulletDropError, Busy, Rejected
from bulletdrop.web.auth import caller_of, form_of, safe_next
from bulletdrop.web.context import App, web_of
from bulletdrop.web.cookies import HALF, clear_half_cookie, read_cookie
from bulletdrop.web.pages.entrance import finish, go_on
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

_KINDS = ("totp", "recovery")


async def ask(request: Request) -> HTTPResponse:
    """The form; whoever has not done the first step begins there."""
    back = safe_next(request.args.get("next"))
    if await caller_of(request) is not None:
        return redirect(back)
    return await _form(request, back=back, kind=request.args.get("with", ""))


async def finish_it(request: Request) -> HTTPResponse:
    """Check the code and go on, or show the form again with what is wrong."""
    form = await form_of(request)
    back = safe_next(form.get("next"))
    kind = "recovery" if request.args.get("with") == "recovery" else "totp"
    ticket = read_cookie(request, HALF)
    if ticket is None:
        return redirect("/signin", status=303)
    try:
        tokens = await finish(request, ticket, form.get("code", ""), kind=kind)
    except (BadCsrf, BadTicket):
        raise
    except (Rejected, Busy) as error:
        return await _form(request, back=back, kind=kind, error=error)
    return go_on(tokens, back)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/signin/second", methods=["GET"], name="page_second")
    app.add_route(finish_it, "/signin/second", methods=["POST"], name="page_second_post")


async def _form(request: Request, *, back: str, kind: str, error: BulletDropError | None = None) -> HTTPResponse:
    try:
        methods = await in_thread(request, _methods, read_cookie(request, HALF) or "")
    except BadTicket:
        response = redirect("/signin")
        clear_half_cookie(response)
        return response
    if kind not in methods or kind not in _KINDS:
        kind = "totp" if "totp" in methods else ""
    is_field = error is not None and error.field == "code"
    return render(
        request,
        "second.html",
        status=status_of(error) if error else 200,
        back=back,
        kind=kind,
        methods=methods,
        wrong=error.message if error and is_field else "",
        message=error.message if error and not is_field else "",
        place=place(web_of(request).config),
    )


def _methods(site: Site, ticket: str) -> tuple[str, ...]:
    _, user = second_factor.look(site, ticket)
    return second_factor.needed(site, user)
