"""The page on which a text is pasted."""

from __future__ import annotations

from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.drops.languages import CHOICES
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Rejected
from bulletdrop.web.api.pastes import keep_paste
from bulletdrop.web.auth import address_of, check_csrf, check_origin, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.paste_bodies import PasteSent, received_paste
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/paste"
LIFETIMES = (("", "Never"), ("1h", "In an hour"), ("1d", "In a day"), ("7d", "In a week"), ("30d", "In 30 days"),
             ("365d", "In a year"))  # fmt: skip


@signed_in
async def show(request: Request) -> HTTPResponse:
    """The form."""
    return await _page(request)


@signed_in
async def paste(request: Request) -> HTTPResponse:
    """Keep the text and go to its page; or show the form again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    fields: dict[str, str] = {}
    try:
        sent = await _take_in(request, caller)
        fields = sent.fields
        _, made = await keep_paste(request, caller, sent.wanted)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, fields=fields)
    # Under its own name where that counts; on another domain nobody is signed in, so to the slug here.
    name = made.custom_name if made.custom_name and made.domain is None else made.slug
    return redirect(f"/{quote(name)}", status=303)


async def _take_in(request: Request, caller: Caller) -> PasteSent:
    """The form, behind the limit on open uploads. Raises BadCsrf for one that is another site's."""
    check_origin(request, null_counts=not request.ctx.by_cookie)
    with web_of(request).gate.entered(address_of(request)):
        sent = await received_paste(request)
    if request.ctx.by_cookie:
        check_csrf(request, caller, request.headers.get("x-csrf-token") or sent.csrf)
    return sent


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(show, PATH, methods=["GET"], name="page_paste")
    app.add_route(paste, PATH, methods=["POST"], name="page_paste_post", stream=True)


async def _page(
    request: Request, *, error: BulletDropError | None = None, fields: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("uploads:write")
    config = web_of(request).config
    return render(
        request,
        "paste.html",
        status=status_of(error) if error else 200,
        is_on=config.pastes == "on",
        most=config.paste_max_bytes,
        languages=CHOICES,
        lifetimes=LIFETIMES,
        teams=await in_thread(request, _teams, caller),
        wrong={error.field or "": error.message} if error else {},
        values=fields or {},
    )


def _teams(site: Site, caller: Caller) -> list[tuple[str, str]]:
    """Where the text can go, for a select; empty for somebody in no team."""
    mine = [one.team for one in teams.teams_of(site, caller.user_id) if one.may("upload")]
    open_ones = [(team.slug, team.name) for team in mine if team.delete_scheduled_for is None]
    return [("", "Your own drops"), *open_ones] if open_ones else []
