"""Invites: making one, its link to copy, revoking it."""

from __future__ import annotations

from datetime import timedelta

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import plans
from bulletdrop.errors import BulletDropError, Invalid, Rejected
from bulletdrop.web.api.admin.invites import InviteIn, InviteOut, end_invite, make_invite, shown_invites
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    notice_of,
    page,
    posted,
    read_count,
)
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

NOTICES = {"revoked": Notice("Revoked: the link makes no account any more.")}
LIVES = (("7", "7 days"), ("1", "1 day"), ("30", "30 days"), ("365", "1 year"), ("", "No end"))


async def show(request: Request) -> HTTPResponse:
    """All invites, and the form for a new one."""
    return await _page(request)


async def make(request: Request) -> HTTPResponse:
    """Make an invite, and show its link."""
    form = await posted(request)
    try:
        made = await in_thread(request, make_invite, await by_of(request), _wanted(request, form))
    except Rejected as error:
        return await _page(request, error=error, form=form)
    return await _page(request, made=made)


async def revoke(request: Request, invite_id: str) -> HTTPResponse:
    """Make an invite worthless."""
    await posted(request)
    await in_thread(request, end_invite, await by_of(request), invite_id)
    return done("/admin/invites", "revoked")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/invites", show, "invites"),
            ("POST", "/admin/invites", make, "invite_make"),
            ("POST", "/admin/invites/<invite_id:str>/revoke", revoke, "invite_revoke"),
        ),
    )


def _wanted(request: Request, form: dict[str, str]) -> InviteIn:
    days = form.get("days", "")
    if days not in dict(LIVES):
        raise Invalid("Choose how long it lives.", field="days")
    now = web_of(request).site.clock.now()
    return InviteIn(
        uses=read_count(form.get("uses") or "1", "uses") or 0,
        expires_at=now + timedelta(days=int(days)) if days else None,
        email=form.get("email", ""),
        plan=form.get("plan") or None,
        note=form.get("note", ""),
    )


async def _page(
    request: Request,
    *,
    error: BulletDropError | None = None,
    form: dict[str, str] | None = None,
    made: InviteOut | None = None,
) -> HTTPResponse:
    choices = [(plan.name, plan.title) for plan in await in_thread(request, plans.list_plans)]
    context = {
        "invites": await in_thread(request, shown_invites),
        "registration": web_of(request).config.registration,
        "plans": choices,
        "plan_titles": dict(choices),
        "lives": LIVES,
        "values": form or {},
        "error": error,
        "made": made,
        "did": notice_of(request, NOTICES) if request.method == "GET" else None,
    }
    return page(request, "admin-invites.html", "/admin/invites", status=status_of(error) if error else 200, **context)
