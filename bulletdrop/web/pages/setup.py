"""First run: the page that makes the admin, for whoever has the one-time code."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people.accounts import needs_setup
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.auth import caller_of, form_of, leading_to, safe_next, set_session_cookies
from bulletdrop.web.context import App
from bulletdrop.web.pages.entrance import found
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

_FIELDS = ("code", "username", "email", "password")


async def ask(request: Request) -> HTTPResponse:
    """The form, as long as there is no admin. A script fills in the code from the address's fragment."""
    if not await in_thread(request, needs_setup):
        back = safe_next(request.args.get("next"))
        return redirect(back if await caller_of(request) else leading_to(back, "/signin"))
    return _form(request, {}, back=safe_next(request.args.get("next")))


async def set_up(request: Request) -> HTTPResponse:
    """Make the admin, sign in and open the gallery; or show the form again with what is wrong."""
    form = await form_of(request)
    values = {field: form.get(field, "").strip() if field != "password" else form.get(field, "") for field in _FIELDS}
    back = safe_next(form.get("next"))
    try:
        tokens = await found(request, values)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _form(request, values, error, back=back)
    response = redirect(back, status=303)
    set_session_cookies(response, tokens)
    return response


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/setup", methods=["GET"], name="page_setup")
    app.add_route(set_up, "/setup", methods=["POST"], name="page_setup_post")


def _form(request: Request, values: dict[str, str], error: BulletDropError | None = None, *, back: str) -> HTTPResponse:
    wrong = {error.field or "": error.message} if error else {}
    kept = {field: values.get(field, "") for field in _FIELDS if field != "password"}
    status = status_of(error) if error else 200
    return render(request, "setup.html", status=status, values=kept, wrong=wrong, back=back)
