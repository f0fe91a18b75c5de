"""The email address: asking for a new one, confirming it, and keeping the old one."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.people import addresses, profile
from bulletdrop.core.people.proof import proof_asked
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.api.addresses import EmailIn, begin
from bulletdrop.web.auth import address_of, caller_of, form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/email"


@signed_in
async def ask(request: Request) -> HTTPResponse:
    """The form for a new address."""
    return await _page(request)


@signed_in
async def change(request: Request) -> HTTPResponse:
    """Begin the change, or show the form again with what is wrong."""
    (await required_caller(request)).needs_person()
    form = await form_of(request)
    wanted = EmailIn(form.get("email", "")[:300], form.get("password"), form.get("code"))
    try:
        await begin(request, wanted)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, email=wanted.email)
    return redirect(f"{PATH}?sent=1", status=303)


async def answer(request: Request) -> HTTPResponse:
    """The page of both mailed links. What stands behind the `#` says which it is; a button sends it."""
    await caller_of(request)  # whoever changes an address is mostly signed in, and needs their token in the form
    done = request.args.get("done", "")
    return render(request, "email-answer.html", wrong={}, done=done if done in ("changed", "kept") else "")


async def decide(request: Request) -> HTTPResponse:
    """Confirm the new address, or keep the old one."""
    form = await form_of(request)
    confirm, undo = form.get("confirm", "").strip(), form.get("undo", "").strip()
    try:
        await limit_by_address(request, "email", most=30, window=3600.0)
        if undo:
            await in_thread(request, addresses.undo_change, undo, address=address_of(request))
        else:
            await in_thread(request, addresses.confirm_change, confirm, address=address_of(request))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        wrong = {"undo" if undo else "confirm": error.message}
        return render(request, "email-answer.html", status=status_of(error), wrong=wrong, done="")
    return redirect(f"/email?done={'kept' if undo else 'changed'}", status=303)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, PATH, methods=["GET"], name="page_email")
    app.add_route(change, PATH, methods=["POST"], name="page_email_post")
    app.add_route(answer, "/email", methods=["GET"], name="page_email_answer")
    app.add_route(decide, "/email", methods=["POST"], name="page_email_answer_post")


async def _page(request: Request, *, error: BulletDropError | None = None, email: str = "") -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    state = await in_thread(request, _state, caller.user_id)
    return render(
        request,
        "email.html",
        status=status_of(error) if error else 200,
        wrong={error.field or "": error.message} if error else {},
        email=email,
        is_sent=request.args.get("sent") == "1",
        **state,
    )


def _state(site: Site, user_id: str) -> dict[str, Any]:
    user = profile.get_user(site, user_id)
    return {
        "now": user.email,
        "proof": proof_asked(site, user),
        "has_mail": bool(site.config.smtp_host),
    }
