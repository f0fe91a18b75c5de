"""A forgotten password: asking for a link, and choosing a new password with it."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.errors import BadCsrf, BadTicket, Busy, Rejected
from bulletdrop.web.api.registration import send_link, set_password
from bulletdrop.web.auth import caller_of, form_of
from bulletdrop.web.context import App, web_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render


async def ask(request: Request) -> HTTPResponse:
    """The form that asks for a link."""
    await caller_of(request)  # somebody who is signed in needs their token in the form
    return _asking(request)


async def send(request: Request) -> HTTPResponse:
    """Mail the link. The same page for everybody: it says nothing of whether there is such an account."""
    form = await form_of(request)
    try:
        await send_link(request, form.get("identifier", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _asking(request, status=status_of(error), wrong=error.message)
    return _asking(request, is_sent=True)


async def choose(request: Request) -> HTTPResponse:
    """The form for a new password; a script takes the code from behind the `#`."""
    await caller_of(request)
    return render(request, "reset.html", wrong={}, token="", is_done=request.args.get("done") == "1")


async def change(request: Request) -> HTTPResponse:
    """Set the new password, or show the form again with what is wrong."""
    form = await form_of(request)
    try:
        await set_password(request, form.get("token", ""), form.get("password", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return render(
            request,
            "reset.html",
            status=status_of(error),
            wrong={error.field or "": error.message},
            # A password that is refused leaves the link good: its code stays in the form.
            token="" if isinstance(error, BadTicket) else form.get("token", ""),
            is_done=False,
        )
    return redirect("/reset?done=1", status=303)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/forgot", methods=["GET"], name="page_forgot")
    app.add_route(send, "/forgot", methods=["POST"], name="page_forgot_post")
    app.add_route(choose, "/reset", methods=["GET"], name="page_reset")
    app.add_route(change, "/reset", methods=["POST"], name="page_reset_post")


def _asking(request: Request, *, status: int = 200, wrong: str = "", is_sent: bool = False) -> HTTPResponse:
    has_mail = bool(web_of(request).config.smtp_host)
    return render(request, "forgot.html", status=status, wrong=wrong, is_sent=is_sent, has_mail=has_mail)
