"""The pages on which people make, see and end their share links."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops.pictures import has_thumbnails
from bulletdrop.core.models import ShareLink
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import links
from bulletdrop.core.sharing.link_states import NO_RIGHT
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, NotFound, Rejected
from bulletdrop.web import words
from bulletdrop.web.api.links import name_of
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.pages.terms import KEEP, LIFETIMES, terms_in
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render, zone_of
from bulletdrop.web.threads import in_hash_thread, in_thread

PATH = "/links"
_AT = ("at", "At a time of your choice")
_ACTIVE = {"active": True, "ended": False}
_SAID = {
    "made": "The link is ready.",
    "changed": "Saved. It holds from now on.",
    "revoked": "Revoked: the link leads nowhere now.",
    "deleted": "Taken out of the list.",
}
_REVOKE = "Nobody gets in by it any longer, not even who has it open. This cannot be undone; you can make a new link."
_DELETE = "It stops working, if it still does, and is taken out of the list. This cannot be undone."
# What a link's state is called, and what it means, on its page.
_STATES = {
    "used_up": ("Used up", "It has been opened as often as was allowed."),
    "revoked": ("Revoked", "It was taken back and leads nowhere."),
    "expired": ("Expired", "Its time is over. Choose another end below to open it again."),
    "no_right": ("Not yours to share", "Who made it may no longer share what it leads to."),
    "away": ("Resting", "What it leads to is shown to nobody now: it is in the trash, has expired or was hidden."),
}


@dataclass(frozen=True)
class Line:
    """One link as the pages show it.

    face: the address of a small picture of the drop; empty where there is none to show.
    leads_to: the page of its object for its own people; empty where they may not know.
    state, why: in words; empty for one that works.
    """

    row: ShareLink
    url: str
    name: str
    face: str
    leads_to: str
    state: str
    why: str
    by: str

    @property
    def path(self) -> str:
        """The page on which it is changed."""
        return f"{PATH}/{quote(self.row.token)}"

    @property
    def can_revoke(self) -> bool:
        """False once it was revoked."""
        return self.row.revoked_at is None

    @property
    def views(self) -> str:
        """How often it was opened, in words."""
        if self.row.max_views is not None:
            return f"{self.row.views} of {self.row.max_views} view{'' if self.row.max_views == 1 else 's'}"
        return f"{self.row.views} view{'' if self.row.views == 1 else 's'}" if self.row.views else "Not opened yet"


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your share links."""
    caller = await required_caller(request)
    caller.needs("links:read")
    query, state = request.args.get("q") or "", request.args.get("state") or ""
    cursor = request.args.get("cursor") or None
    found = await in_thread(request, _lines, caller, text=query, active=_ACTIVE.get(state), cursor=cursor)
    following = {"cursor": found[1], **({"q": query} if query else {}), **({"state": state} if state else {})}
    return render(
        request,
        "links.html",
        lines=found[0],
        next=f"{PATH}?{urlencode(following)}" if found[1] else "",
        q=query,
        state=state if state in _ACTIVE else "",
        is_filtered=bool(query or state or cursor),
        said=said_of(request, _SAID),
    )


@signed_in
async def show_one(request: Request, token: str) -> HTTPResponse:
    """One share link: ways to pass it on, how often it was opened, and what can be changed."""
    return await _one(request, token)


@signed_in
async def act(request: Request, token: str) -> HTTPResponse:
    """Change a share link, revoke it, or take it out of the list."""
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    here, wanted = f"{PATH}/{quote(token)}", form.get("act")
    await in_thread(request, links.get_link, caller, token)
    if wanted == "delete":
        asking = ask_first(request, form, title="Take it out of the list?", text=_DELETE, label="Delete", back=here)
        if asking is not None:
            return asking
        with contextlib.suppress(NotFound):
            await in_thread(request, links.delete_link, caller, token)
        return go_on(PATH, "deleted")
    if wanted == "revoke":
        asking = ask_first(request, form, title="Revoke this link?", text=_REVOKE, label="Revoke", back=here)
        if asking is not None:
            return asking
        await in_thread(request, links.revoke_link, caller, token)
        return go_on(here, "revoked")
    try:
        changes = {**({"note": form["note"]} if "note" in form else {}), **_terms(request, form)}
        run = in_hash_thread if changes.get("password") else in_thread
        await run(request, links.change_link, caller, token, changes)
    except (BadCsrf, NotFound):
        raise
    except (Rejected, Busy) as error:
        return await _one(request, token, error=error, form=form)
    return go_on(here, "changed")


@signed_in
async def show_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Make a share link to a drop, and those there are."""
    return await _share_page(request, {"upload_id": upload_id})


@signed_in
async def share_upload(request: Request, upload_id: str) -> HTTPResponse:
    """Make a share link to a drop, and go to its page; or show the form again with what is wrong."""
    return await _share(request, {"upload_id": upload_id})


@signed_in
async def show_album(request: Request, album_id: str) -> HTTPResponse:
    """Make a share link to an album, and those there are."""
    return await _share_page(request, {"album_id": album_id})


@signed_in
async def share_album(request: Request, album_id: str) -> HTTPResponse:
    """Make a share link to an album, and go to its page; or show the form again with what is wrong."""
    return await _share(request, {"album_id": album_id})


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_links")
    app.add_route(show_one, f"{PATH}/<token:str>", methods=["GET"], name="page_link")
    app.add_route(act, f"{PATH}/<token:str>", methods=["POST"], name="page_link_post")
    app.add_route(show_upload, "/drops/<upload_id:str>/share", methods=["GET"], name="page_drop_share")
    app.add_route(share_upload, "/drops/<upload_id:str>/share", methods=["POST"], name="page_drop_share_post")
    app.add_route(show_album, "/albums/<album_id:str>/share", methods=["GET"], name="page_album_share")
    app.add_route(share_album, "/albums/<album_id:str>/share", methods=["POST"], name="page_album_share_post")


async def _share(request: Request, which: dict[str, str]) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:write")
    form = await form_of(request)
    try:
        terms = _terms(request, form)
        run = in_hash_thread if terms.get("password") else in_thread
        made = await run(request, links.share, caller, note=form.get("note", ""), terms=terms, **which)
    except (BadCsrf, NotFound):
        raise
    except (Rejected, Busy) as error:
        return await _share_page(request, which, error=error, form=form)
    return go_on(f"{PATH}/{quote(made.token)}", "made")


async def _share_page(
    request: Request,
    which: dict[str, str],
    *,
    error: BulletDropError | None = None,
    form: dict[str, str] | None = None,
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    subject = await in_thread(request, _subject, caller, which)
    cursor = request.args.get("cursor") or None
    lines, following = await in_thread(request, _lines, caller, cursor=cursor, **which)
    path = request.path
    return render(
        request,
        "share.html",
        status=status_of(error) if error else 200,
        it=subject,
        path=path,
        lines=lines,
        next=f"{path}?{urlencode({'cursor': following})}" if following else "",
        spans=(*LIFETIMES, _AT),
        values={name: value for name, value in (form or {}).items() if name != "password"},
        wrong=_wrong(error),
        said=said_of(request, _SAID),
    )


@dataclass(frozen=True)
class Subject:
    """What a link is made for: what it is called, where its own page is, and what its own terms are."""

    kind: str
    name: str
    path: str
    is_public: bool
    is_guarded: bool
    expires_at: datetime | None


def _subject(site: Site, caller: Caller, which: dict[str, str]) -> Subject:
    upload, album = links.objects(site, caller, which.get("upload_id"), which.get("album_id"))
    one: Any = upload or album
    if upload is not None:
        name, path = upload.title or upload.original_filename, f"/{quote(upload.slug)}"
    else:
        name, path = one.title or one.slug, f"/albums/{quote(one.id)}"
    guarded = one.password_hash is not None or one.max_views is not None
    kind = "drop" if upload is not None else "album"
    return Subject(kind, words.name(name), path, one.is_public, guarded, one.expires_at)


def _terms(request: Request, form: dict[str, str]) -> dict[str, Any]:
    """What a form says, as `limits.check_terms` takes it. Raises Invalid with the field."""
    site, ends = web_of(request).site, {}
    if form.get("expires") == _AT[0]:
        try:
            # As the browser's field writes it: a time of day where the asker is.
            moment = datetime.fromisoformat(form.get("expires_at", "").strip())
            ends = {"expires_at": moment.replace(tzinfo=moment.tzinfo or zone_of(request))}
        except ValueError as error:
            raise Invalid("Choose the day and the time.", field="expires_at") from error
        form = {**form, "expires": KEEP[0]}
    return {**terms_in(site, form), **ends}


async def _one(
    request: Request, token: str, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("links:read")
    line = await in_thread(request, _line_of, caller, token)
    row = line.row
    values = {
        "note": row.note,
        "max_views": str(row.max_views or ""),
        "expires": KEEP[0] if row.expires_at else "",
        "expires_at": row.expires_at.astimezone(zone_of(request)).strftime("%Y-%m-%dT%H:%M") if row.expires_at else "",
        "open": "",
    }
    return render(
        request,
        "link.html",
        status=status_of(error) if error else 200,
        one=line,
        spans=((KEEP,) if row.expires_at else ()) + (*LIFETIMES, _AT),
        values={**values, **{name: value for name, value in (form or {}).items() if name != "password"}},
        wrong=_wrong(error),
        said=said_of(request, _SAID),
    )


_FIELDS = ("note", "password", "max_views", "expires_at")


def _wrong(error: BulletDropError | None) -> dict[str, str]:
    if error is None:
        return {}
    return {error.field if error.field in _FIELDS else "": error.message}


def _lines(site: Site, caller: Caller, /, **wanted: Any) -> tuple[list[Line], str | None]:
    page = links.list_links(site, caller, limit=30, **wanted)
    return [_line(site, caller, link) for link in page.items], page.next


def _line_of(site: Site, caller: Caller, token: str) -> Line:
    return _line(site, caller, links.get_link(site, caller, token))


def _line(site: Site, caller: Caller, link: ShareLink) -> Line:
    state, why = _STATES.get(link.state, ("", ""))
    face = leads_to = ""
    upload, album = (None, None) if link.state == NO_RIGHT else (link.upload, link.album)
    # What is in the trash or expired has no page or picture to show now.
    if upload is not None and upload.trashed_at is None and not _is_over(site, upload.expires_at):
        leads_to = f"/{quote(upload.slug)}"
        if has_thumbnails(upload.blob) and upload.blob.state != "broken":
            face = f"/i/{quote(upload.id)}?size=thumb"
    elif album is not None:
        leads_to = f"/albums/{quote(album.id)}"
    return Line(
        row=link,
        url=urls.link_url(site, link),
        name=words.name(name_of(link)),
        face=face,
        leads_to=leads_to,
        state=state,
        why=why,
        by="" if link.owner_id == caller.user_id else link.maker,
    )


def _is_over(site: Site, moment: datetime | None) -> bool:
    return moment is not None and moment <= site.clock.now()
