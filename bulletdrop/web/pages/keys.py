"""Keys and devices: what programs and other computers may do in somebody's name."""

from __future__ import annotations

import contextlib
from datetime import datetime

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.clock import parse_expiry
from bulletdrop.core.models import ApiKey, User
from bulletdrop.core.people import keys
from bulletdrop.core.people.callers import SCOPES, Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, NotFound, Rejected
from bulletdrop.web.agents import system_of
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.auth import form_of, form_values, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/keys"
# What each right means to a person. A key can have any of them; `admin` only an admin's.
MEANINGS = {
    "uploads:read": "See drops",
    "uploads:write": "Upload and change drops",
    "uploads:delete": "Delete drops",
    "links:read": "See share links",
    "links:write": "Make and change share links",
    "secrets:read": "See secrets",
    "secrets:write": "Make and change secrets",
    "account:read": "See the account",
    "admin": "Administer this server",
}
LIFETIMES = (("", "Never"), ("30d", "In 30 days"), ("90d", "In 90 days"), ("365d", "In a year"))
_SAID = {"revoked": "Revoked: it is refused from now on.", "renamed": "Renamed."}
_GONE = "Whatever uses it is refused from now on. This cannot be undone."


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your devices and keys."""
    return await _page(request)


@signed_in
async def act(request: Request) -> HTTPResponse:
    """Make a key, rename one, or revoke one; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    try:
        if gone := form.get("revoke"):
            if asking := ask_first(request, form, title="Revoke it?", text=_GONE, label="Revoke", back=PATH):
                return asking
            # It is gone already, which is what was asked for.
            with contextlib.suppress(NotFound):
                await in_thread(request, keys.revoke_key, caller.user_id, gone)
            return go_on(PATH, "revoked")
        if renamed := form.get("rename"):
            await in_thread(request, keys.change_key, caller.user_id, renamed, name=form.get("name", ""))
            return go_on(PATH, "renamed")
        wanted = (form.get("name", ""), form_values(request, "scope"), form.get("expires", ""), form.get("limit", ""))
        if "admin" in wanted[1]:
            await prove(request, caller, form.get("password"), form.get("code"))
        key, plain = await in_thread(request, _create, caller, *wanted)
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, form=form, chosen=form_values(request, "scope"))
    # Not a redirect: the key is shown here and never again.
    return await _page(request, made=(key, plain))


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_keys")
    app.add_route(act, PATH, methods=["POST"], name="page_keys_post")


async def _page(
    request: Request,
    *,
    error: BulletDropError | None = None,
    made: tuple[ApiKey, str] | None = None,
    form: dict[str, str] | None = None,
    chosen: list[str] | None = None,
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    rows = await in_thread(request, keys.list_keys, caller.user_id)
    return render(
        request,
        "keys.html",
        status=status_of(error) if error else 201 if made else 200,
        devices=[row for row in rows if row.device_name],
        keys=[row for row in rows if not row.device_name],
        told={row.id: _told(row) for row in rows if row.device_name},
        meanings={scope: MEANINGS[scope] for scope in SCOPES if scope != "admin" or caller.is_admin},
        lifetimes=LIFETIMES,
        made=made,
        wrong={error.field or "": error.message} if error else {},
        values=form or {},
        chosen=["uploads:read", "uploads:write"] if chosen is None else chosen,
        said=said_of(request, _SAID),
    )


def _told(device: ApiKey) -> str:
    """What a device said of itself: its system, and its own name where its owner gave it another one."""
    own = device.device_name if device.device_name != device.name else ""
    return " · ".join(filter(None, (system_of(device.user_agent), own)))


def _create(site: Site, caller: Caller, name: str, scopes: list[str], lifetime: str, limit: str) -> tuple[ApiKey, str]:
    user: User = User.get_by_id(caller.user_id)
    if limit and not (limit.isascii() and limit.isdigit()):
        raise Invalid("A limit is a whole number of requests an hour, or left empty.", field="rate_limit_per_hour")
    return keys.create_key(
        site,
        user,
        name=name,
        scopes=scopes,
        expires_at=_expiry(site, lifetime),
        rate_limit_per_hour=int(limit[:9]) if limit else None,
        session_id=caller.session_id,
    )


def _expiry(site: Site, lifetime: str) -> datetime | None:
    if lifetime not in {value for value, _ in LIFETIMES}:
        raise Invalid("Choose one of the times.", field="expires_at")
    return parse_expiry(lifetime, now=site.clock.now()) if lifetime else None
