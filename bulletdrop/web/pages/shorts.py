"""The pages on which people make and manage their short links."""

from __future__ import annotations

import contextlib
from typing import Any
from urllib.parse import urlencode

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.clock import parse_expiry
from bulletdrop.core.models import ShortLink
from bulletdrop.core.names import domains, urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import shortener
from bulletdrop.core.sharing.limits import is_used_up
from bulletdrop.core.sharing.targets import Target, taken_apart
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, NotFound, Rejected
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_hash_thread, in_thread

PATH = "/links/short"
LIFETIMES = (("", "Never"), ("1h", "In an hour"), ("1d", "In a day"), ("7d", "In a week"), ("30d", "In 30 days"),
             ("365d", "In a year"))  # fmt: skip
# On the page of a link that has an end already.
KEEP = ("keep", "As it is")
_SAID = {
    "made": "The short link is ready.",
    "changed": "Saved.",
    "off": "Switched off: the link leads nowhere.",
    "on": "Switched on: the link works again.",
    "deleted": "Deleted.",
}
_DELETED = "The link stops working for good, and its name is free for others. Switch it off to stop it for a while."


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your short links, and a form for another."""
    return await _page(request)


@signed_in
async def make(request: Request) -> HTTPResponse:
    """Make a short link, and go to its page; or show the form again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    try:
        run = in_hash_thread if form.get("password") else in_thread
        short_id = await run(request, _make, caller, form)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, form=form)
    return go_on(f"{PATH}/{short_id}", "made")


def _make(site: Site, caller: Caller, form: dict[str, str]) -> str:
    wishes = _wishes(site, form)
    return shortener.shorten(site, caller, wishes.pop("url"), **wishes).short.id


@signed_in
async def show_one(request: Request, short_id: str) -> HTTPResponse:
    """One short link: ways to copy it, how often it was opened, and what can be changed."""
    return await _one(request, short_id)


@signed_in
async def act(request: Request, short_id: str) -> HTTPResponse:
    """Change a short link, switch it off or on, or delete it."""
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    here = f"{PATH}/{short_id}"
    if form.get("act") == "delete":
        await in_thread(request, shortener.get_short, caller, short_id)
        if asking := ask_first(request, form, title="Delete it?", text=_DELETED, label="Delete", back=here):
            return asking
        with contextlib.suppress(NotFound):
            await in_thread(request, shortener.delete_short, caller, short_id)
        return go_on(PATH, "deleted")
    try:
        if (switch := form.get("act")) in ("on", "off"):
            await in_thread(request, shortener.change_short, caller, short_id, {"revoked": switch == "off"})
            return go_on(here, str(switch))
        run = in_hash_thread if form.get("password") else in_thread
        await run(request, _change, caller, short_id, form)
    except (BadCsrf, NotFound):
        raise
    except (Rejected, Busy) as error:
        return await _one(request, short_id, error=error, form=form)
    return go_on(here, "changed")


def _change(site: Site, caller: Caller, short_id: str, form: dict[str, str]) -> None:
    shortener.change_short(site, caller, short_id, _wishes(site, form, changing=True))


def _wishes(site: Site, form: dict[str, str], *, changing: bool = False) -> dict[str, Any]:
    """What a form says, as the use cases take it. Raises Invalid."""
    most = form.get("max_views", "").strip()
    if most and not (most.isascii() and most.isdigit()):
        raise Invalid("Write how often as a whole number, or leave it empty.", field="max_views")
    wishes: dict[str, Any] = {
        "url": form.get("url", ""),
        "title": form.get("title", ""),
        "custom_name": form.get("custom_name", "").strip() or None,
        "domain": form.get("domain") or None,
        "asks_first": form.get("asks_first") == "yes",
        "max_views": int(most[:9]) if most else None,
    }
    lifetime = form.get("expires", "")
    if not (changing and lifetime == KEEP[0]):
        if lifetime not in {value for value, _ in LIFETIMES}:
            raise Invalid("Choose one of the times.", field="expires_at")
        wishes["expires_at"] = parse_expiry(lifetime, now=site.clock.now()) if lifetime else None
    if form.get("password") or not changing:
        wishes["password"] = form.get("password") or None
    elif form.get("open") == "yes":
        wishes["password"] = None
    return wishes


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_shorts")
    app.add_route(make, PATH, methods=["POST"], name="page_shorts_post")
    app.add_route(show_one, f"{PATH}/<short_id:str>", methods=["GET"], name="page_short")
    app.add_route(act, f"{PATH}/<short_id:str>", methods=["POST"], name="page_short_post")


async def _page(
    request: Request, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    search = request.args.get("q") or ""
    found = await in_thread(request, _look, caller, search, request.args.get("cursor") or None)
    return render(
        request,
        "short-links.html",
        status=status_of(error) if error else 200,
        q=search,
        lifetimes=LIFETIMES,
        wrong={error.field or "": error.message} if error else {},
        values=form or {},
        said=said_of(request, _SAID),
        **found,
    )


def _look(site: Site, caller: Caller, search: str, cursor: str | None) -> dict[str, Any]:
    page = shortener.list_shorts(site, caller, search=search, cursor=cursor, limit=30)
    following = {"cursor": page.next, **({"q": search} if search else {})}
    return {
        "shorts": [_shown(site, short) for short in page.items],
        "next": f"{PATH}?{urlencode(following)}" if page.next else "",
        "hosts": _hosts(site, caller),
        "is_first": cursor is None,
    }


def _shown(site: Site, short: ShortLink) -> dict[str, Any]:
    target: Target = taken_apart(short.url)
    over = short.expires_at is not None and short.expires_at <= site.clock.now()
    state = "Switched off" if short.revoked_at else "Ended" if over else "Used up" if is_used_up(short) else ""
    url = urls.short_url(site, short)
    return {"row": short, "url": url, "shown_url": url.partition("://")[2], "target": target, "state": state}


def _hosts(site: Site, caller: Caller) -> list[tuple[str, str]]:
    """The hosts that a link may have, for a select; empty where there is only the main one."""
    mine = [offer.domain for offer in domains.offers(site, caller.user_id) if offer.is_claimed]
    main = urls.public_base(site.config).partition("://")[2]
    return [("", main), *((domain.name, domain.name) for domain in mine)] if mine else []


async def _one(
    request: Request, short_id: str, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    shown, hosts = await in_thread(request, _look_at, caller, short_id)
    short: ShortLink = shown["row"]
    values = {
        "url": short.url,
        "title": short.title,
        "custom_name": short.custom_name or "",
        "domain": short.domain.name if short.domain is not None else "",
        "asks_first": "yes" if short.asks_first else "",
        "max_views": str(short.max_views or ""),
        "expires": KEEP[0] if short.expires_at else "",
        "open": "",
    }
    return render(
        request,
        "short-link.html",
        status=status_of(error) if error else 200,
        short=shown,
        hosts=hosts,
        lifetimes=((KEEP, *LIFETIMES) if short.expires_at else LIFETIMES),
        wrong={error.field or "": error.message} if error else {},
        values={**values, **(form or {})},
        said=said_of(request, _SAID),
    )


def _look_at(site: Site, caller: Caller, short_id: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    return _shown(site, shortener.get_short(site, caller, short_id)), _hosts(site, caller)
