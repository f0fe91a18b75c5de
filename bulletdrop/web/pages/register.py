"""Making an account, with or without an invite, and confirming its address."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import registration
from bulletdrop.core.people.accounts import needs_setup
from bulletdrop.core.people.providers import offered
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.api.registration import HOUR, MOST_ASKED, RegisterIn, ask_again, make_account
from bulletdrop.web.auth import caller_of, form_of
from bulletdrop.web.context import App, web_of
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


async def ask(request: Request) -> HTTPResponse:
    """The form for a new account, as far as the server takes any. An invite's code comes behind the `#`."""
    if await caller_of(request) is not None:
        return redirect("/")
    if await in_thread(request, needs_setup):
        return redirect("/setup")
    return _form(request)


async def register(request: Request) -> HTTPResponse:
    """Make the account, or show the form again with what is wrong."""
    form = await form_of(request)
    wanted = RegisterIn(
        form.get("username", ""), form.get("email", ""), form.get("password", ""), form.get("invite", "")
    )
    try:
        must_verify = await make_account(request, wanted)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _form(request, form=form, error=error)
    return redirect("/register/done" + ("?mail=1" if must_verify else ""), status=303)


async def done(request: Request) -> HTTPResponse:
    """What comes next: the mail, or signing in."""
    has_mail = bool(web_of(request).config.smtp_host)
    return render(request, "registered.html", must_verify=request.args.get("mail") == "1", has_mail=has_mail)


async def verify(request: Request) -> HTTPResponse:
    """The page of the mailed link. Its code is sent by a button: a mail program that looks at links uses nothing up."""
    await caller_of(request)  # somebody who is signed in needs their token in the form
    return render(request, "verify.html", wrong="", is_done=request.args.get("done") == "1", is_sent=False)


async def confirm(request: Request) -> HTTPResponse:
    """Confirm the address, or send the mail again."""
    form = await form_of(request)
    try:
        if "again" in form:
            await ask_again(request, form.get("identifier", ""))
            return render(request, "verify.html", wrong="", is_done=False, is_sent=True)
        await limit_by_address(request, "verify", most=MOST_ASKED * 5, window=HOUR)
        await in_thread(request, registration.verify_email, form.get("token", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return render(
            request, "verify.html", status=status_of(error), wrong=error.message, is_done=False, is_sent=False
        )
    return redirect("/verify?done=1", status=303)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/register", methods=["GET"], name="page_register")
    app.add_route(register, "/register", methods=["POST"], name="page_register_post")
    app.add_route(done, "/register/done", methods=["GET"], name="page_registered")
    app.add_route(ask, "/invite", methods=["GET"], name="page_invite")
    app.add_route(verify, "/verify", methods=["GET"], name="page_verify")
    app.add_route(confirm, "/verify", methods=["POST"], name="page_verify_post")


def _form(
    request: Request, *, form: dict[str, str] | None = None, error: BulletDropError | None = None
) -> HTTPResponse:
    config = web_of(request).config
    is_invited = request.path.startswith("/invite") or bool((form or {}).get("invite"))
    return render(
        request,
        "register.html",
        status=status_of(error) if error else 200,
        mode=config.registration,
        is_invited=is_invited or config.registration == "invite",
        values=form or {},
        wrong={error.field or "": error.message} if error else {},
        site_name=config.site_name,
        offers=offered(config),
        back="/",
    )
