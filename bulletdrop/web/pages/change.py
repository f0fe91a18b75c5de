"""Changing a drop: what it is called, what its link looks like, and who may see it until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.clock import parse_expiry
from bulletdrop.core.drops import uploads
from bulletdrop.core.drops.languages import CHOICES
from bulletdrop.core.drops.texts import is_text
from bulletdrop.core.drops.wishes import LONGEST_DESCRIPTION, LONGEST_TITLE, MOST_TAGS
from bulletdrop.core.models import Domain, Name, Upload
from bulletdrop.core.names import domains, urls
from bulletdrop.core.names.chosen import old_names
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing.limits import LONGEST_PASSWORD, MOST_VIEWS
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Forbidden, Invalid, NotFound, Rejected
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.posted import go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render, zone_of
from bulletdrop.web.threads import in_thread
from bulletdrop.web.wishes import hashed_terms

PATH = "/drops/<upload_id:str>/change"
KEEP, AT = "keep", "at"
_SPANS = (("", "Never"), ("1h", "In an hour"), ("1d", "In a day"), ("7d", "In a week"), ("30d", "In 30 days"),
          ("365d", "In a year"), (AT, "At a time of your choice"))  # fmt: skip
_OLD_LINK = (("", "Stops at once, and is free for others"), ("7d", "Leads on for a week"),
             ("30d", "Leads on for 30 days"), ("365d", "Leads on for a year"))  # fmt: skip
_SAID = {
    "text": "Saved.",
    "link": "Saved. Copy the link anew where you have shared it.",
    "access": "Saved. It holds from now on.",
    "old": "The old links have ended.",
}


@dataclass(frozen=True)
class Changed:
    """A drop as its page for changes shows it.

    hosts: what its links can begin with, as (id, host); "" is the main address.
    old: the names that lead on to it.
    """

    drop: Upload
    name: str
    page_url: str
    # The same page under its short name, where its links show the chosen one; empty for where they do not.
    short_url: str
    direct_url: str
    ending: str
    hosts: list[tuple[str, str]]
    old: list[Name]
    is_hidden: bool

    @property
    def path(self) -> str:
        """The page's address."""
        return f"/drops/{quote(self.drop.id)}/change"


@signed_in
async def show(request: Request, upload_id: str) -> HTTPResponse:
    """What can be changed of a drop."""
    return await _page(request, upload_id)


@signed_in
async def change(request: Request, upload_id: str) -> HTTPResponse:
    """Change one part of a drop; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    part = form.get("do", "")
    try:
        changes = _changes(request, part, form)
        if terms := changes.pop("terms", None):
            # Before a password is hashed.
            await in_thread(request, _to_change, caller, upload_id)
            changes |= await hashed_terms(request, terms)
        await in_thread(request, uploads.change_upload, caller, upload_id, changes)
    except (BadCsrf, NotFound):
        raise
    except (Rejected, Busy) as error:
        return await _page(request, upload_id, error=error, part=part, form=form)
    return go_on(f"/drops/{quote(upload_id)}/change", part)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_drop_change")
    app.add_route(change, PATH, methods=["POST"], name="page_drop_change_post")


def _changes(request: Request, part: str, form: dict[str, str]) -> dict[str, Any]:
    """What one part of the page says, as `uploads.change_upload` takes it. Raises Invalid with the field."""
    now = web_of(request).site.clock.now()
    if part == "text":
        tags = tuple(tag.strip() for tag in form.get("tags", "").split(",") if tag.strip())
        language = {"language": form["language"]} if "language" in form else {}
        return {"title": form.get("title", ""), "description": form.get("description", ""), "tags": tags, **language}
    if part == "link":
        kept = form.get("keep_old_name", "")
        changes: dict[str, Any] = {"custom_name": form.get("custom_name", "").strip() or None}
        if "domain" in form:
            changes["domain"] = form["domain"] or None
        if kept in {value for value, _ in _OLD_LINK if value}:
            changes["keep_old_name"] = parse_expiry(kept, now=now)
        return changes
    if part == "access":
        return _access(request, form, now)
    if part == "old":
        return {"end_old_names": True}
    raise Invalid("There is nothing of this name to change here.", field="do")


def _access(request: Request, form: dict[str, str], now: datetime) -> dict[str, Any]:
    most = form.get("max_views", "").strip()
    if most and not (most.isascii() and most.isdigit()):
        raise Invalid("Write how often as a whole number, or leave it empty.", field="max_views")
    terms: dict[str, Any] = {"max_views": int(most[:9]) if most else None}
    if form.get("password"):
        terms["password"] = form["password"]
    elif form.get("open") == "yes":
        terms["password"] = None
    changes: dict[str, Any] = {"terms": terms, "is_public": form.get("is_public") != "no"}
    span = form.get("expires", "")
    if span != KEEP:
        changes["expires_at"] = _ends(request, span, form.get("expires_at", "").strip(), now)
    return changes


def _ends(request: Request, span: str, typed: str, now: datetime) -> datetime | None:
    if span == AT:
        try:
            # As the browser's field writes it: a time of day where the asker is.
            return datetime.fromisoformat(typed).replace(tzinfo=zone_of(request))
        except ValueError as error:
            raise Invalid("Choose the day and the time.", field="expires_at") from error
    if span not in {value for value, _ in _SPANS}:
        raise Invalid("Choose one of the times.", field="expires_at")
    return parse_expiry(span, now=now) if span else None


async def _page(
    request: Request,
    upload_id: str,
    *,
    error: BulletDropError | None = None,
    part: str = "",
    form: dict[str, str] | None = None,
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("uploads:write")
    found: Changed = await in_thread(request, _look, caller, upload_id)
    drop, typed = found.drop, form or {}
    ends = drop.expires_at.astimezone(zone_of(request)).strftime("%Y-%m-%dT%H:%M") if drop.expires_at else ""
    values = {
        "title": drop.title,
        "description": drop.description,
        "language": drop.language,
        "tags": ", ".join(drop.tag_names),
        "custom_name": drop.custom_name or "",
        "domain": drop.domain_id or "",
        "keep_old_name": "30d",
        "is_public": "yes" if drop.is_public else "no",
        "max_views": drop.max_views or "",
        "expires": KEEP if drop.expires_at else "",
        "expires_at": ends,
        "open": "",
    } | {name: value for name, value in typed.items() if name not in ("password", "csrf")}
    wrong = {error.field or "": error.message} if error else {}
    return render(
        request,
        "change.html",
        status=status_of(error) if error else 200,
        it=found,
        values=values,
        wrong=wrong if not wrong or next(iter(wrong)) in _FIELDS else {"": error.message if error else ""},
        part=part,
        languages=CHOICES if is_text(drop) else (),
        spans=([(KEEP, "As it is")] if drop.expires_at else []) + list(_SPANS),
        old_link=_OLD_LINK,
        limits={"title": LONGEST_TITLE, "description": LONGEST_DESCRIPTION, "tags": MOST_TAGS},
        longest_password=LONGEST_PASSWORD,
        most_views=MOST_VIEWS,
        said=said_of(request, _SAID),
    )


_FIELDS = ("title", "description", "language", "tags", "custom_name", "domain", "keep_old_name", "is_public",
           "password", "max_views", "expires_at")  # fmt: skip


def _to_change(site: Site, caller: Caller, upload_id: str) -> Upload:
    drop = uploads.get_upload(site, caller, upload_id)
    if not drop.may_change:
        raise Forbidden("This drop is the team's: only an admin of it, or the member who brought it, can change it.")
    return drop


def _look(site: Site, caller: Caller, upload_id: str) -> Changed:
    drop = _to_change(site, caller, upload_id)
    offers = domains.offers(site, caller.user_id)
    mine = [(one.domain, one.own_host if one.is_own_host else one.domain.name) for one in offers if one.is_claimed]
    hosts = [("", urls.public_base(site.config).partition("://")[2])] + [(domain.id, host) for domain, host in mine]
    now: Domain | None = drop.domain
    if now is not None and now.id not in {value for value, _ in hosts}:
        hosts.append((now.id, urls.host_of(now) or now.name))
    page_url = urls.page_url(site, drop)
    short_url = f"{page_url.rpartition('/')[0]}/{quote(drop.slug)}"
    return Changed(
        drop=drop,
        name=drop.title or drop.original_filename,
        page_url=page_url,
        short_url=short_url if short_url != page_url else "",
        direct_url=urls.direct_url(site, drop),
        ending=drop.blob.ext,
        hosts=hosts,
        old=old_names(site, drop.id),
        is_hidden=drop.hidden_at is not None,
    )
