"""Domains: which names somebody's links have, chosen among those that the admin offers."""

from __future__ import annotations

import contextlib

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.names import domains
from bulletdrop.core.names.domains import Offer
from bulletdrop.core.names.spelling import shown_name
from bulletdrop.core.names.urls import base_of, public_base
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError, NotFound, Rejected
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/domains"
_SAID = {
    "claimed": "It is yours to use now.",
    "left": "Given up. Links that are there go on.",
    "primary": "New links are built with it.",
    "main": "New links are built with the main address.",
    "own": "Links begin with your own host now.",
    "plain": "Links begin with the domain itself now.",
}


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your domains, and those that you could have."""
    return await _page(request)


@signed_in
async def act(request: Request) -> HTTPResponse:
    """Claim one, give it up, or change how links are built with it."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    wanted, domain_id = form.get("do", ""), form.get("domain", "")
    try:
        if wanted == "leave":
            text = (
                "New links are built with another address. Those that are there go on, but not those of your own host."
            )
            if asking := ask_first(request, form, title="Give it up?", text=text, label="Give up", back=PATH):
                return asking
            # It is gone already, which is what was asked for.
            with contextlib.suppress(NotFound):
                await in_thread(request, domains.unclaim, caller.user_id, domain_id)
            return go_on(PATH, "left")
        if wanted not in _ACTS:
            raise NotFound("There is nothing at this address.")
        await in_thread(request, _ACTS[wanted], caller.user_id, domain_id)
    except NotFound:
        raise
    except Rejected as error:
        return await _page(request, error=error)
    return go_on(PATH, wanted if wanted != "claim" else "claimed")


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_domains")
    app.add_route(act, PATH, methods=["POST"], name="page_domains_post")


def _claim(site: Site, user_id: str, domain_id: str) -> object:
    return domains.claim(site, user_id, domain_id)


def _own(site: Site, user_id: str, domain_id: str) -> object:
    return domains.claim(site, user_id, domain_id, own_host=True)


def _plain(site: Site, user_id: str, domain_id: str) -> object:
    return domains.claim(site, user_id, domain_id, own_host=False)


_ACTS = {
    "claim": _claim,
    "primary": domains.make_primary,
    "main": domains.drop_primary,
    "own": _own,
    "plain": _plain,
}


async def _page(request: Request, *, error: BulletDropError | None = None) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    offers: list[Offer] = await in_thread(request, domains.offers, caller.user_id)
    site = web_of(request).site
    hosts = {one.domain.id: one.own_host if one.is_own_host else one.domain.name for one in offers}
    return render(
        request,
        "domains.html",
        status=status_of(error) if error else 200,
        mine=[one for one in offers if one.is_claimed],
        others=[one for one in offers if not one.is_claimed],
        main=public_base(site.config),
        bases={key: base_of(site, host) for key, host in hosts.items()},
        shown=shown_name,
        is_main=not any(one.is_primary for one in offers),
        wrong=error.message if error else "",
        said=said_of(request, _SAID),
    )
