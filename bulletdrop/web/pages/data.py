"""Data and limits: what is used of what the plan allows, taking everything along, and leaving."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.people import plans, profile, usage
from bulletdrop.core.people.departures import GRACE
from bulletdrop.core.people.proof import proof_asked
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, Rejected
from bulletdrop.web.api.account import ProofIn, leave
from bulletdrop.web.auth import address_of, clear_session_cookies, form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.guesses import guess
from bulletdrop.web.pages.posted import said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_hash_thread, in_thread

PATH = "/account/data"
# The page for leaving leads here through signing in, which is what keeps the account.
_SAID = {"kept": "Your account stays. Devices and keys work again."}


@signed_in
async def show(request: Request) -> HTTPResponse:
    """What you use, and how to take it along or have it deleted."""
    return await _page(request)


@signed_in
async def delete(request: Request) -> HTTPResponse:
    """Have the account deleted in seven days; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    proof = ProofIn(password=form.get("password"), code=form.get("code"))
    try:
        # The script's dialog asks for it; without script it is a field of the form.
        if form.get("word", "").strip() != caller.username:
            raise Invalid(f"Type {caller.username} here to go on.", field="word")
        async with guess(request, caller.username):
            due = await in_hash_thread(request, leave, caller, proof, address_of(request))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error)
    request.ctx.new_tokens = None
    request.ctx.caller = None
    response = render(request, "left.html", due=due, username=caller.username)
    clear_session_cookies(response)
    return response


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_data")
    app.add_route(delete, PATH, methods=["POST"], name="page_data_post")


async def _page(request: Request, *, error: BulletDropError | None = None) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    state = await in_thread(request, _state, caller.user_id)
    wrong = {error.field or "": error.message} if error else {}
    return render(
        request,
        "data.html",
        status=status_of(error) if error else 200,
        wrong=wrong,
        said=said_of(request, _SAID),
        **state,
    )


def _state(site: Site, user_id: str) -> dict[str, Any]:
    user: User = profile.get_user(site, user_id)
    return {
        "user": user,
        "plan": plans.get_plan(site, user.plan).title,
        "used": usage.summary(site, user),
        "proof": proof_asked(site, user),
        "days": GRACE.days,
    }
