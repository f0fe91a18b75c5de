"""First run: the page that makes the admin, for whoever has the one-time code."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people.accounts import needs_setup
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.auth import caller_of, form_of, set_session_cookies
from bulletdrop.web.context import App
from bulletdrop.web.pages.entrance import found
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

_FIELDS = ("code", "username", "email", "password")


async def ask(request: Request) -> HTTPResponse:
    """The form, as long as there is no admin. A script fills in the code from the address's fragment."""
    if not await in_thread(request, needs_setup):
        return redirect("/" if await caller_of(request) else "/signin")
    return _form(request, {})


async def set_up(request: Request) -> HTTPResponse:
    """Make the admin, sign in and open the gallery; or show the form again with what is wrong."""
    form = await form_of(request)
    values = {field: form.get(field, "").strip() if field != "password" else form.get(field, "") for field in _FIELDS}
    try:
        tokens = await found(request, values)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _form(request, values, error)
    response = redirect("/", status=303)
    set_session_cookies(response, tokens)
    return response


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/setup", methods=["GET"], name="page_setup")
    app.add_route(set_up, "/setup", methods=["POST"], name="page_setup_post")


def _form(request: Request, values: dict[str, str], error: BulletDropError | None = None) -> HTTPResponse:
    wrong = {error.field or "": error.message} if error else {}
    kept = {field: values.get(field, "") for field in _FIELDS if field != "password"}
    return render(request, "setup.html", status=status_of(error) if error else 200, values=kept, wrong=wrong)
