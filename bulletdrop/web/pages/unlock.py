"""Unlocking: the form that asks for the password of something that is shared, and what it sends."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.models import Album, ShareLink, ShortLink, Upload, UploadRequest
from bulletdrop.core.sharing.limits import Locked
from bulletdrop.core.site import Site
from bulletdrop.errors import NeedsPassword
from bulletdrop.web.admission import try_password
from bulletdrop.web.auth import form_of, safe_next
from bulletdrop.web.context import App
from bulletdrop.web.render import password_page
from bulletdrop.web.threads import in_thread

_KINDS: dict[str, Any] = {
    model.__name__.lower(): model for model in (Upload, Album, ShareLink, ShortLink, UploadRequest)
}


async def unlock(request: Request) -> HTTPResponse:
    """Check the password and go on to where it was asked for; or ask again."""
    form = await form_of(request)
    subject, back = form.get("subject", ""), safe_next(form.get("next"))
    row = await in_thread(request, _find, subject)
    if row is None:
        # As for a wrong password: whether there is such a thing is nobody's business.
        return password_page(
            request, NeedsPassword("This password is wrong. Try again.", field="password", subject=subject), back=back
        )
    try:
        await try_password(request, row, form.get("password", ""))
    except NeedsPassword as error:
        return password_page(request, error, back=back)
    return redirect(back, status=303)


def attach(app: App) -> None:
    """Add the address."""
    app.add_route(unlock, "/unlock", methods=["POST"], name="page_unlock")


def _find(site: Site, subject: str) -> Locked | None:
    kind, _, row_id = subject.partition(":")
    model = _KINDS.get(kind)
    if model is None or "\0" in row_id:
        return None
    found: Locked | None = model.get_or_none((model.id == row_id) & model.password_hash.is_null(False))
    return found
