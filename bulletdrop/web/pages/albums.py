"""The pages on which people keep their albums: all of them, one with its order and terms, what to put into it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.cursors import Page
from bulletdrop.core.drops import albums, uploads
from bulletdrop.core.drops.albums import Listed
from bulletdrop.core.models import Upload
from bulletdrop.core.names import urls
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import limits
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, NotFound, Rejected
from bulletdrop.web.auth import form_of, form_values, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.pages.terms import KEEP, LIFETIMES, terms_in
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_hash_thread, in_thread

_ITEMS = 100
_PICKED = 96
_SORTS = (
    ("manual", "As I put them"),
    ("newest", "Newest first"),
    ("oldest", "Oldest first"),
    ("name", "By name"),
)
_SAID = {
    "made": "The album is made. Put something into it.",
    "saved": "Saved.",
    "added": "Added.",
    "nothing": "Nothing was chosen.",
    "moved": "Moved.",
    "removed": "Taken out. The drop itself stays.",
    "cover": "It is the cover now.",
    "deleted": "Deleted. Its drops are still there.",
}


@dataclass(frozen=True)
class Card:
    """One album in the list."""

    one: Listed
    cover: Shown | None


@dataclass(frozen=True)
class Edited:
    """One album as those see it who change it."""

    one: Listed
    url: str
    drops: list[Shown]
    start: int
    next: str | None

    @property
    def path(self) -> str:
        """The address of this page."""
        return f"/albums/{self.one.album.id}"


@signed_in
async def show_all(request: Request) -> HTTPResponse:
    """Your albums and those of your teams."""
    return await _list_page(request)


@signed_in
async def create(request: Request) -> HTTPResponse:
    """Make an album and go to its page; or show the list again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    try:
        made = await in_thread(
            request, albums.create_album, caller, title=form.get("title", ""), team=form.get("team") or None
        )
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _list_page(request, error, form)
    return go_on(f"/albums/{made.id}", "made")


@signed_in
async def show(request: Request, album_id: str) -> HTTPResponse:
    """An album's page for those who change it; others in its team are led to what it shows."""
    return await _album_page(request, album_id)


@signed_in
async def act(request: Request, album_id: str) -> HTTPResponse:
    """Do one of ACTS; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    path = f"/albums/{album_id}"
    found = await in_thread(request, albums.get_album, caller, album_id)
    if form.get("do") == "delete":
        title = f"Delete “{found.title}”?"
        text = "Its link stops working, and so do share links to it. The drops in it stay where they are."
        if page := ask_first(request, form, title=title, text=text, label="Delete the album", back=path):
            return page
    do, _, upload_id = form.get("do", "").partition(" ")
    try:
        if do not in ACTS:
            raise Invalid("This form is too old. Reload the page and try again.")
        run = in_hash_thread if form.get("password") else in_thread
        said = await run(request, ACTS[do], Act(caller, album_id, upload_id, form))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _album_page(request, album_id, error, form)
    if do == "delete":
        return go_on("/albums", said)
    return go_on(path + _back_to(form), said)


@dataclass(frozen=True)
class Act:
    """One posted form: whose, about which album and which of its drops."""

    caller: Caller
    album_id: str
    upload_id: str
    form: dict[str, str]


def _about(site: Site, act: Act) -> str:
    changes: dict[str, Any] = {name: act.form[name] for name in ("title", "description", "sort") if name in act.form}
    albums.change_album(site, act.caller, act.album_id, changes)
    return "saved"


def _look(site: Site, act: Act) -> str:
    terms = limits.check_terms(site, terms_in(site, act.form))
    changes = {"is_public": act.form.get("is_public") == "yes"}
    albums.change_album(site, act.caller, act.album_id, changes, terms=terms)
    return "saved"


def _up(site: Site, act: Act) -> str:
    albums.step(site, act.caller, act.album_id, act.upload_id, by=-1)
    return "moved"


def _down(site: Site, act: Act) -> str:
    albums.step(site, act.caller, act.album_id, act.upload_id, by=1)
    return "moved"


def _cover(site: Site, act: Act) -> str:
    albums.change_album(site, act.caller, act.album_id, {"cover": act.upload_id})
    return "cover"


def _remove(site: Site, act: Act) -> str:
    albums.remove_items(site, act.caller, act.album_id, [act.upload_id])
    return "removed"


def _delete(site: Site, act: Act) -> str:
    albums.delete_album(site, act.caller, act.album_id)
    return "deleted"


ACTS: dict[str, Callable[[Site, Act], str]] = {
    "about": _about,
    "look": _look,
    "up": _up,
    "down": _down,
    "cover": _cover,
    "remove": _remove,
    "delete": _delete,
}


@signed_in
async def pick(request: Request, album_id: str) -> HTTPResponse:
    """The gallery that the album's drops come from, with a box on each."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    found = await in_thread(request, _pickable, caller, album_id, request.args.get("cursor"))
    return render(request, "album-pick.html", **found)


@signed_in
async def picked(request: Request, album_id: str) -> HTTPResponse:
    """Put the drops whose boxes are ticked into the album."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    await form_of(request)
    ids = form_values(request, "ids")
    await in_thread(request, albums.add_items, caller, album_id, ids)
    return go_on(f"/albums/{quote(album_id)}", "added" if ids else "nothing")


@signed_in
async def choose(request: Request, upload_id: str) -> HTTPResponse:
    """The albums that a drop may be put into."""
    caller = await required_caller(request)
    caller.needs("uploads:read")
    return render(request, "drop-albums.html", error=None, **await in_thread(request, _choices, caller, upload_id))


@signed_in
async def chosen(request: Request, upload_id: str) -> HTTPResponse:
    """Put a drop into an album that is there, or into a new one."""
    caller = await required_caller(request)
    caller.needs("uploads:write")
    form = await form_of(request)
    try:
        album_id = await in_thread(request, _put, caller, upload_id, form.get("album", ""), form.get("title", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        found = await in_thread(request, _choices, caller, upload_id)
        return render(request, "drop-albums.html", status=status_of(error), error=error, **found)
    return go_on(f"/albums/{album_id}", "added")


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show_all, "/albums", methods=["GET"], name="page_albums")
    app.add_route(create, "/albums", methods=["POST"], name="page_albums_post")
    app.add_route(show, "/albums/<album_id:str>", methods=["GET"], name="page_album")
    app.add_route(act, "/albums/<album_id:str>", methods=["POST"], name="page_album_post")
    app.add_route(pick, "/albums/<album_id:str>/add", methods=["GET"], name="page_album_pick")
    app.add_route(picked, "/albums/<album_id:str>/add", methods=["POST"], name="page_album_pick_post")
    app.add_route(choose, "/drops/<upload_id:str>/albums", methods=["GET"], name="page_drop_albums")
    app.add_route(chosen, "/drops/<upload_id:str>/albums", methods=["POST"], name="page_drop_albums_post")


async def _list_page(
    request: Request, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("uploads:read")
    page, rooms = await in_thread(request, _cards, caller, request.args.get("cursor"))
    return render(
        request, "albums.html", status=status_of(error) if error else 200, cards=page.items, next=page.next,
        rooms=rooms, error=error, typed=form or {}, said=said_of(request, _SAID),
    )  # fmt: skip


def _cards(site: Site, caller: Caller, cursor: str | None) -> tuple[Page[Card], list[tuple[str, str]]]:
    page = albums.list_albums(site, caller, cursor=cursor or None)
    cards = [Card(one, None if one.cover is None else shown(site, one.cover)) for one in page.items]
    return Page(cards, page.next), _rooms(site, caller)


def _rooms(site: Site, caller: Caller) -> list[tuple[str, str]]:
    """Where the caller may make an album: slug and name of the teams whose galleries they add to."""
    mine = [one for one in teams.teams_of(site, caller.user_id) if one.may("upload")]
    return [(one.team.slug, one.team.name) for one in mine if one.team.delete_scheduled_for is None]


async def _album_page(
    request: Request, album_id: str, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs("uploads:read")
    found = await in_thread(request, _edited, caller, album_id, request.args.get("cursor"))
    album = found.one.album
    if not found.one.may_change:
        return redirect(f"/a/{quote(album.slug)}")
    typed = form or {
        "title": album.title,
        "description": album.description,
        "sort": album.sort,
        "max_views": "" if album.max_views is None else str(album.max_views),
        "expires": KEEP[0] if album.expires_at else "",
    }
    wrong = {error.field or "": error.message} if error else {}
    return render(
        request, "album.html", status=status_of(error) if error else 200, it=found, album=album, sorts=_SORTS,
        lifetimes=((KEEP, *LIFETIMES) if album.expires_at else LIFETIMES), typed=typed, error=error, wrong=wrong,
        is_public=album.is_public, said=said_of(request, _SAID),
    )  # fmt: skip


def _edited(site: Site, caller: Caller, album_id: str, cursor: str | None) -> Edited:
    album = albums.get_album(site, caller, album_id)
    page = albums.items_page(site, caller, album, cursor=cursor or None, limit=_ITEMS)
    drops = [shown(site, upload) for upload in page.items]
    start = 0 if not cursor else 1
    return Edited(albums.listed(site, caller, album), urls.album_url(site, album), drops, start, page.next)


def _pickable(site: Site, caller: Caller, album_id: str, cursor: str | None) -> dict[str, Any]:
    album = albums.get_album(site, caller, album_id)
    if not albums.may_change(site, caller, album):
        raise NotFound("There is no such album.")
    team = None if album.team is None else album.team.slug
    page = uploads.list_uploads(site, caller, team=team, cursor=cursor or None, limit=_PICKED)
    inside = albums.inside(site, album, [upload.id for upload in page.items])
    return {
        "album": album,
        "drops": [shown(site, upload) for upload in page.items],
        "inside": inside,
        "next": page.next,
    }


def _choices(site: Site, caller: Caller, upload_id: str) -> dict[str, Any]:
    upload = uploads.get_upload(site, caller, upload_id)
    found = albums.albums_of(site, caller, team_id=upload.team_id)
    team = None if upload.team is None else upload.team.name
    return {"drop": shown(site, upload), "albums": found, "inside": albums.albums_with(site, upload.id), "team": team}


def _put(site: Site, caller: Caller, upload_id: str, album_id: str, title: str) -> str:
    upload: Upload = uploads.get_upload(site, caller, upload_id)
    if not album_id:
        team = None if upload.team is None else upload.team.slug
        album_id = albums.create_album(site, caller, title=title, team=team).id
    albums.add_items(site, caller, album_id, [upload.id])
    return album_id


def _back_to(form: dict[str, str]) -> str:
    """The part of the list from which somebody moved something."""
    cursor = form.get("cursor", "")
    return f"?cursor={quote(cursor)}" if cursor else ""
