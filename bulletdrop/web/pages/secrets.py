"""Secrets: the page on which people make and manage theirs, and the page behind the link, with its one button."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias
from urllib.parse import urlencode

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Secret, SecretAccess
from bulletdrop.core.names import urls
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import secrets
from bulletdrop.core.site import Site
from bulletdrop.errors import BadBody, BadCsrf, BulletDropError, Busy, Gone, NotSignedIn, Rejected
from bulletdrop.web.api.secrets import keep_secret
from bulletdrop.web.auth import address_of, caller_of, check_csrf, check_origin, form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.secret_bodies import SecretIn, received_secret
from bulletdrop.web.secret_opening import opened, send_attachment
from bulletdrop.web.threads import in_thread

PATH = "/secrets"
LIFETIMES = (("1h", "In an hour"), ("1d", "In a day"), ("7d", "In a week"), ("30d", "In 30 days"))
VIEWS = (("1", "Once"), ("2", "Twice"), ("5", "5 times"), ("10", "10 times"), ("", "Any number of times until it ends"))
STATES = {
    "open": ("Not opened yet", ""),
    "opened": ("Opened and gone", "ok"),
    "expired": ("Ended", ""),
    "burned": ("Burned", "warn"),
}
OUTCOMES = {
    "opened": "Opened",
    "refused": "Wrong passphrase",
    "burned": "Burned",
    "expired": "Ended by its time",
}
_SAID = {"made": "The link is ready. Only who has it can open the secret.", "burned": "Burned: nobody can open it."}
_BURN = "Its text and files are destroyed at once. Nobody can open it any more, and this cannot be undone."
_NEEDS_SCRIPT = (
    "A browser encrypted this secret, and only a browser with JavaScript can decrypt it. Nothing was opened."
)
_Rooms: TypeAlias = list[tuple[str, str]]
_FRESH = {"expires_at": "7d", "max_views": "1"}


@dataclass(frozen=True)
class ShownSecret:
    """A secret as a page shows it: plain values."""

    id: str
    url: str
    name: str
    mode: str
    state: str
    made_by: str
    team: str
    has_passphrase: bool
    max_views: int | None
    views: int
    size: int
    file_count: int
    last_viewed_at: datetime | None
    expires_at: datetime | None
    burned_at: datetime | None
    created_at: datetime
    may_burn: bool


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your secrets, and a form for a new one."""
    return await _page(request)


@signed_in
async def make(request: Request) -> HTTPResponse:
    """Make a secret, and go to its page; or show the form again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("secrets:write")
    check_origin(request, null_counts=not request.ctx.by_cookie)
    token = request.headers.get("x-csrf-token")
    if request.ctx.by_cookie and token is not None:
        check_csrf(request, caller, token)
    wanted: SecretIn | None = None
    try:
        with web_of(request).gate.entered(address_of(request)):
            async with received_secret(request) as body:
                wanted = body.wanted
                if request.ctx.by_cookie and token is None:
                    check_csrf(request, caller, body.csrf)
                # A form's text field sends its lines with two characters at their end.
                wanted.content = wanted.content.replace("\r\n", "\n")
                made, _ = await keep_secret(request, caller, body)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        if isinstance(error, BadBody) and request.ctx.by_cookie and token is None:
            raise BadCsrf("This page is too old or was opened by another site. Reload it and try again.") from error
        return await _page(request, error=error, wanted=wanted)
    return go_on(f"{PATH}/{made.id}", "made")


@signed_in
async def show_one(request: Request, secret_id: str) -> HTTPResponse:
    """One secret: its link, what became of it, and who opened it."""
    caller = await required_caller(request)
    caller.needs("secrets:read")
    secret, accesses = await in_thread(request, _one, caller, secret_id)
    return render(
        request,
        "secret-one.html",
        secret=secret,
        accesses=accesses,
        states=STATES,
        outcomes=OUTCOMES,
        said=said_of(request, _SAID),
    )


@signed_in
async def burn(request: Request, secret_id: str) -> HTTPResponse:
    """Burn a secret."""
    caller = await required_caller(request)
    caller.needs("secrets:write")
    form = await form_of(request)
    await in_thread(request, secrets.visible_secret, caller, secret_id, right="upload")
    back = f"{PATH}/{secret_id}"
    if asking := ask_first(request, form, title="Burn it?", text=_BURN, label="Burn", back=back):
        return asking
    await in_thread(request, secrets.burn_secret, caller, secret_id, address=address_of(request))
    return go_on(back, "burned")


async def button(request: Request, secret_id: str) -> HTTPResponse:
    """The page behind the link. Looking at it opens nothing: only its button does."""
    await caller_of(request)
    secret = await in_thread(request, secrets.find_secret, secret_id)
    return _button(request, secret)


async def press(request: Request, secret_id: str) -> HTTPResponse:
    """Open the secret and show it; or show the button again with what is wrong."""
    await caller_of(request)
    form = await form_of(request)
    secret = await in_thread(request, secrets.find_secret, secret_id)
    if secret.mode == secrets.BROWSER:
        return _button(request, secret, status=400, wrong=_NEEDS_SCRIPT)
    try:
        found = await opened(request, secret_id, form.get("passphrase"))
    except Gone:
        raise
    except (NotSignedIn, Busy) as error:
        return _button(request, secret, status=status_of(error), wrong=error.message)
    return _unindexed(render(request, "secret-opened.html", opened=found, secret_id=secret_id))


async def fetch(request: Request, secret_id: str, part: str) -> HTTPResponse | None:
    """Download an attachment of a secret that was opened a moment ago."""
    await caller_of(request)
    form = await form_of(request)
    await send_attachment(request, secret_id, part, form.get("pass", ""))
    return None


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_secrets")
    app.add_route(make, PATH, methods=["POST"], name="page_secrets_post", stream=True)
    app.add_route(show_one, f"{PATH}/<secret_id:str>", methods=["GET"], name="page_secret_one")
    app.add_route(burn, f"{PATH}/<secret_id:str>", methods=["POST"], name="page_secret_burn")
    app.add_route(button, "/s/<secret_id:str>", methods=["GET"], name="page_secret")
    app.add_route(press, "/s/<secret_id:str>", methods=["POST"], name="page_secret_open")
    app.add_route(fetch, "/s/<secret_id:str>/files/<part:str>", methods=["POST"], name="page_secret_file")


def _button(request: Request, secret: Secret, *, status: int = 200, wrong: str = "") -> HTTPResponse:
    left = None if secret.max_views is None else secret.max_views - secret.views
    return _unindexed(
        render(
            request,
            "secret.html",
            status=status,
            secret_id=secret.id,
            in_browser=secret.mode == secrets.BROWSER,
            asks_passphrase=secret.passphrase_hash is not None,
            left=left,
            expires_at=secret.expires_at,
            wrong=wrong,
        )
    )


def _unindexed(response: HTTPResponse) -> HTTPResponse:
    response.headers["x-robots-tag"] = "noindex, nofollow, noarchive"
    return response


async def _page(
    request: Request, *, error: BulletDropError | None = None, wanted: SecretIn | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("secrets:read")
    cursor = request.args.get("cursor") or None
    items, following, rooms = await in_thread(request, _list, caller, cursor)
    values: dict[str, Any] = dict(_FRESH)
    if wanted is not None:
        values = {name: getattr(wanted, name) for name in ("content", "note", "team")}
        values |= {"expires_at": wanted.expires_at or "7d", "max_views": wanted.max_views or ""}
    return render(
        request,
        "secrets.html",
        status=status_of(error) if error else 200,
        secrets=items,
        next=f"{PATH}?{urlencode({'cursor': following})}" if following else "",
        is_first=cursor is None,
        rooms=rooms,
        lifetimes=LIFETIMES,
        view_choices=VIEWS,
        states=STATES,
        most_files=secrets.MOST_FILES,
        values=values,
        wrong={error.field or "": error.message} if error else {},
        may_make=caller.may("secrets:write"),
        said=said_of(request, _SAID),
    )


def _list(
    site: Site, caller: Caller, cursor: str | None
) -> tuple[list[ShownSecret], str | None, list[tuple[str, str]]]:
    page = secrets.list_secrets(site, caller, cursor=cursor, limit=50)
    joined = teams.teams_of(site, caller.user_id)
    may_add = {each.team.id for each in joined if each.may("upload")}
    rooms = [
        (each.team.slug, each.team.name) for each in joined if each.may("upload") and not each.team.delete_scheduled_for
    ]
    items = [_shown(site, row, row.team_id is None or row.team_id in may_add) for row in page.items]
    return items, page.next, rooms


def _one(site: Site, caller: Caller, secret_id: str) -> tuple[ShownSecret, list[SecretAccess]]:
    secret = secrets.visible_secret(site, caller, secret_id)
    return _shown(site, secret, secrets.may_burn(site, caller, secret)), secrets.list_accesses(site, secret)


def _shown(site: Site, secret: Secret, may_burn: bool) -> ShownSecret:
    return ShownSecret(
        id=secret.id,
        url=urls.secret_url(site, secret),
        name=secret.note or "A secret",
        mode=secret.mode,
        state=secrets.state_of(secret, site.clock.now()),
        made_by=secret.owner.username,
        team="" if secret.team is None else secret.team.name,
        has_passphrase=secret.passphrase_hash is not None,
        max_views=secret.max_views,
        views=secret.views,
        size=secret.size,
        file_count=secret.file_count,
        last_viewed_at=secret.last_viewed_at,
        expires_at=secret.expires_at,
        burned_at=secret.burned_at,
        created_at=secret.created_at,
        may_burn=may_burn,
    )
