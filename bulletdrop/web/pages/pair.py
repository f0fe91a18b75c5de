"""Pairing a device: its owner types the code that it shows, sees what it is, and says yes or no."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop import trust
from bulletdrop.core import certificate
from bulletdrop.core.models import Pairing
from bulletdrop.core.origin import only_here, public_base
from bulletdrop.core.people import pairing
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.agents import in_words
from bulletdrop.web.api.devices import MOST_TRIED, WINDOW, pairing_link
from bulletdrop.web.auth import form_of, form_values, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.copying import qr_svg
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.pages.keys import MEANINGS
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread


@signed_in
async def ask(request: Request) -> HTTPResponse:
    """The form for the code. A script fills it in from the address's fragment."""
    (await required_caller(request)).needs_person()
    done = request.args.get("done", "")
    return _page(request, done=done if done in ("paired", "refused") else "")


@signed_in
async def answer(request: Request) -> HTTPResponse:
    """Show the device that a code is of; or take its owner's yes or no."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    code, decision = form.get("user_code", ""), form.get("decision", "")
    try:
        await limit_by_address(request, "pair-look", most=MOST_TRIED, window=WINDOW)
        if decision == "offer":
            return _page(request, offered=await in_thread(request, pairing.offer, caller))
        if decision == "yes":
            await in_thread(request, pairing.approve, caller, code, scopes=form_values(request, "scope"))
            return redirect("/pair?done=paired", status=303)
        if decision == "no":
            await in_thread(request, pairing.deny, caller, code)
            return redirect("/pair?done=refused", status=303)
        return _page(request, device=await in_thread(request, pairing.look, code))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return _page(request, error=error, code=code)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(ask, "/pair", methods=["GET"], name="page_pair")
    app.add_route(answer, "/pair", methods=["POST"], name="page_pair_post")


def _page(
    request: Request,
    *,
    device: Pairing | None = None,
    error: BulletDropError | None = None,
    code: str = "",
    done: str = "",
    offered: pairing.Offered | None = None,
) -> HTTPResponse:
    config = web_of(request).config
    link = pairing_link(config, offered.code) if offered else ""
    shown = f"{device.user_code[:4]}-{device.user_code[4:]}" if device else code
    return render(
        request,
        "pair.html",
        status=status_of(error) if error else 200,
        device=device,
        program=in_words(device.user_agent) if device else "",
        code=shown,
        meanings=MEANINGS,
        wrong=error.message if error else "",
        done=done,
        offered=offered,
        qr=qr_svg(link) if link else "",
        link=link,
        here=public_base(config),
        only_here=only_here(config),
        fingerprint=trust.shown(certificate.fingerprint(config)) if config.tls == "own" else "",
    )
