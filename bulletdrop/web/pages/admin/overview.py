"""The overview: what needs somebody first, then figures, then what admins did last."""

from __future__ import annotations

from dataclasses import dataclass

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import trail
from bulletdrop.core.people.trail import Entry, Filter
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep import overview
from bulletdrop.core.upkeep.overview import Figures, Needs, Room
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import add_routes, page
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Need:
    """One thing to do: what, why, and where."""

    words: str
    why: str
    path: str
    act: str
    is_urgent: bool = False


@dataclass(frozen=True)
class Seen:
    """All that the page shows."""

    needs: list[Need]
    figures: Figures
    room: Room
    acts: list[Entry]


async def show(request: Request) -> HTTPResponse:
    """How the server is."""
    return page(request, "admin-overview.html", "/admin", seen=await in_thread(request, _seen))


def attach(app: App) -> None:
    """Add the address."""
    add_routes(app, (("GET", "/admin", show, "overview"),))


def _seen(site: Site) -> Seen:
    acts = trail.read_trail(site, Filter(category="admin"), limit=6).items
    return Seen(
        _needs(overview.needs(site), bool(site.config.smtp_host)), overview.figures(site), overview.room(site), acts
    )


def _needs(found: Needs, has_mail_server: bool) -> list[Need]:
    """What there is to do, the most urgent first."""
    needs = []
    if found.disk_is_low:
        needs.append(
            Need("The disk is nearly full.", "Uploads are refused soon.", "/admin/storage", "Look at storage", True)
        )
    if found.failed_jobs:
        jobs = ", ".join(found.failed_jobs)
        needs.append(
            Need(
                f"{_count(len(found.failed_jobs), 'job')} failed.",
                f"Last run of: {jobs}.",
                "/admin/jobs",
                "Look at jobs",
                True,
            )
        )
    if found.stuck_work:
        why = "After its last attempt it was left alone."
        needs.append(
            Need(f"{_count(found.stuck_work, 'piece')} of work stuck.", why, "/admin/jobs", "Look at jobs", True)
        )
    if found.mails and has_mail_server:
        why = "The mail server did not take them."
        needs.append(Need(f"{_count(found.mails, 'mail')} not sent.", why, "/admin/mail", "Look at mail", True))
    elif found.mails:
        why = "There is no mail server, so people wait for you to pass these on."
        needs.append(Need(f"{_count(found.mails, 'link')} to hand over.", why, "/admin/mail", "Hand over"))
    if found.security_events:
        why = "Refused sign-ins, copied tokens and the like, in the last 24 hours."
        needs.append(
            Need(f"{_count(found.security_events, 'security event')}.", why, "/admin/events", "Look at events")
        )
    if found.unverified:
        why = "Their addresses are not confirmed yet."
        needs.append(
            Need(
                f"{_count(found.unverified, 'account')} not confirmed.",
                why,
                "/admin/users?state=unverified",
                "Look at them",
            )
        )
    if found.leaving:
        why = "They are deleted when their seven days are over."
        needs.append(
            Need(f"{_count(found.leaving, 'account')} leaving.", why, "/admin/users?state=leaving", "Look at them")
        )
    return needs


def _count(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
