"""Linked logins: signing in by a provider begins here for forms, and a signed-in owner links and unlinks."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Identity, User
from bulletdrop.core.people import identities
from bulletdrop.core.people.proof import proof_asked
from bulletdrop.core.people.providers import Offer, find_provider, offered
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.auth import address_of, form_of, required_caller, safe_next, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.failed import failed_page
from bulletdrop.web.pages.posted import go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.sign_on import LINKS, elsewhere, keep, set_out
from bulletdrop.web.threads import in_thread


async def start(request: Request, name: str) -> HTTPResponse:
    """Go to a provider from a form, such as that of registration, whose invite comes along."""
    form = await form_of(request)
    back = safe_next(form.get("next"))
    try:
        if not form.get("invite") and (other := elsewhere(request, name, back)):
            return _leaving(request, name, other)
        begun = await set_out(request, name, back=back, invite=form.get("invite", "").strip())
    except (Rejected, Busy) as error:
        return await failed_page(request, error)
    return keep(request, _leaving(request, name, begun.url), begun)


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your linked logins, and the providers that could be."""
    return await _page(request)


@signed_in
async def act(request: Request) -> HTTPResponse:
    """Unlink a login, or go and link one; or show the page again with what is wrong."""
    form = await form_of(request)
    caller = await required_caller(request)
    caller.needs_person()
    try:
        if gone := form.get("unlink"):
            await in_thread(request, identities.unlink, caller.user_id, gone, address=address_of(request))
            return go_on(LINKS, "unlinked")
        find_provider(web_of(request).config, form.get("link", ""))
        user = await prove(request, caller, form.get("password"), form.get("code"))
        begun = await set_out(request, form.get("link", ""), user=user)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error)
    return keep(request, _leaving(request, form["link"], begun.url), begun)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(start, "/auth/<name:str>/start", methods=["POST"], name="page_sign_on_start")
    app.add_route(show, LINKS, methods=["GET"], name="page_identities")
    app.add_route(act, LINKS, methods=["POST"], name="page_identities_post")


def _leaving(request: Request, name: str, url: str) -> HTTPResponse:
    """A page that goes on by itself: a form's answer may not redirect elsewhere, our own policy forbids it."""
    title = next((offer.title for offer in _offers(request) if offer.name == name), name)
    return render(request, "leaving.html", url=url, title=title)


async def _page(request: Request, error: BulletDropError | None = None) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    rows, proof = await in_thread(request, _state, caller.user_id)
    offers = _offers(request)
    titles = {offer.name: offer.title for offer in offers}
    linked = {row.provider for row in rows}
    return render(
        request,
        "identities.html",
        status=status_of(error) if error else 200,
        rows=[(row, titles.get(row.provider, row.provider)) for row in rows],
        free=[offer for offer in offers if offer.name not in linked],
        proof=proof,
        wrong=error,
        said=said_of(request, _sentences(offers)),
    )


def _state(site: Site, user_id: str) -> tuple[list[Identity], str]:
    """The linked logins, and what proves that it is them."""
    user: User = User.get_by_id(user_id)
    return identities.list_identities(site, user_id), proof_asked(site, user)


def _sentences(offers: tuple[Offer, ...]) -> dict[str, str]:
    """What can have been done, as sentences."""
    linked = {f"linked-{each.name}": f"{each.title} is linked. You can sign in with it from now on." for each in offers}
    return {**linked, "unlinked": "The login is no longer linked."}


def _offers(request: Request) -> tuple[Offer, ...]:
    return offered(web_of(request).config)
