"""Mail that waits: links to hand over where there is no mail server, and what the mail server did not take."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Mail
from bulletdrop.core.people import handover
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound, Unavailable
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class MailOut(Struct):
    """A mail that was not sent. `error` is what the mail server said, if it was asked."""

    id: str
    purpose: str
    to: str
    subject: str
    link: str
    error: str
    created_at: datetime
    expires_at: datetime


class MailsOut(Struct):
    """All mails that wait for somebody."""

    items: list[MailOut]
    next: str | None = None


class SentOut(Struct):
    """Where the test went."""

    to: str


async def list_mails(request: Request) -> HTTPResponse:
    """Links to hand over. For people only: with somebody's link a key could make itself a stronger one."""
    caller = await required_caller(request)
    caller.needs_person()
    return json_answer(MailsOut(await in_thread(request, _mails)))


async def handed_over(request: Request, mail_id: str) -> HTTPResponse:
    """Take a mail off the list: its link was passed on."""
    caller = await required_caller(request)
    await in_thread(request, handover.handed_over, by(request, caller), mail_id)
    return nothing()


async def test_mail(request: Request) -> HTTPResponse:
    """Send a test to your own address."""
    caller = await required_caller(request)
    return json_answer(SentOut(await in_thread(request, handover.test_mail, by(request, caller))))


def _mails(site: Site) -> list[MailOut]:
    return [_out(one) for one in handover.to_hand_over(site)]


def _out(one: Mail) -> MailOut:
    times = milliseconds(one.created_at), milliseconds(one.expires_at)
    return MailOut(one.id, one.purpose, one.recipient, one.subject, one.link, one.error, *times)


ROUTES = (
    Route(
        method="GET",
        path="/admin/mail",
        handler=list_mails,
        summary="List mails to hand over",
        who=ADMIN,
        answers={200: MailsOut},
        noun="admin",
        errors=(Forbidden,),
    ),
    Route(
        method="DELETE",
        path="/admin/mail/<mail_id>",
        handler=handed_over,
        summary="Take a mail off the list",
        who=ADMIN,
        answers={204: None},
        noun="admin",
        errors=(NotFound,),
    ),
    Route(
        method="POST",
        path="/admin/mail/test",
        handler=test_mail,
        summary="Send a test mail to yourself",
        who=ADMIN,
        answers={200: SentOut},
        noun="admin",
        errors=(Invalid, Unavailable),
    ),
)
