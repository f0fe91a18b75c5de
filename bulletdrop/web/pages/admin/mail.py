"""Mail: links to hand over where there is no mail server, what the mail server refused, and a test."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.people import handover
from bulletdrop.errors import BulletDropError
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.admin.entry import Notice, add_routes, by_of, done, notice_of, page, posted
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

NOTICES = {"done": Notice("Taken off the list."), "sent": Notice("The test is on its way to your own address.")}


async def show(request: Request) -> HTTPResponse:
    """What waits."""
    return await _page(request)


async def handed_over(request: Request, mail_id: str) -> HTTPResponse:
    """Take a mail off the list."""
    await posted(request)
    await in_thread(request, handover.handed_over, await by_of(request), mail_id)
    return done("/admin/mail", "done")


async def send_test(request: Request) -> HTTPResponse:
    """Send a test to the admin's own address; what goes wrong is shown in the mail server's words."""
    await posted(request)
    try:
        await in_thread(request, handover.test_mail, await by_of(request))
    except BulletDropError as error:
        return await _page(request, error=error)
    return done("/admin/mail", "sent")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/mail", show, "mail"),
            ("POST", "/admin/mail", send_test, "mail_test"),
            ("POST", "/admin/mail/<mail_id:str>/done", handed_over, "mail_done"),
        ),
    )


async def _page(request: Request, *, error: BulletDropError | None = None) -> HTTPResponse:
    config = web_of(request).config
    context = {
        "mails": await in_thread(request, handover.to_hand_over),
        "smtp_host": config.smtp_host,
        "smtp_port": config.smtp_port,
        "error": error,
        "did": notice_of(request, NOTICES),
    }
    return page(request, "admin-mail.html", "/admin/mail", status=status_of(error) if error else 200, **context)
