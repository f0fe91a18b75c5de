"""Albums: several drops under one link."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import albums
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import limits
from bulletdrop.core.site import Site
from bulletdrop.errors import BadName, BulletDropError, Conflict, Forbidden, Invalid, NotFound
from bulletdrop.web.api.album_shapes import (
    AddedOut,
    AlbumIn,
    AlbumOut,
    AlbumPatch,
    AlbumsOut,
    ItemsIn,
    PlaceIn,
    album_out,
    listed_out,
)
from bulletdrop.web.api.queries import PAGES, cursor_of, limit_of
from bulletdrop.web.api.schemas import UploadsOut, upload_out
from bulletdrop.web.auth import Handler, required_caller
from bulletdrop.web.bodies import given, json_answer, json_of, nothing
from bulletdrop.web.routes import Parameter, Route
from bulletdrop.web.threads import in_hash_thread, in_thread

_TERMS = ("password", "max_views", "expires_at")


async def list_albums(request: Request) -> HTTPResponse:
    """Your albums and those of your teams, newest first; with `team` that team's alone."""
    caller = await required_caller(request)
    team, cursor = request.args.get("team") or None, cursor_of(request)
    return json_answer(await in_thread(request, _list, caller, team, cursor, limit_of(request)))


def _list(site: Site, caller: Caller, team: str | None, cursor: str | None, limit: int) -> AlbumsOut:
    page = albums.list_albums(site, caller, team=team, cursor=cursor, limit=limit)
    return AlbumsOut([listed_out(site, one) for one in page.items], page.next)


async def create_album(request: Request) -> HTTPResponse:
    """Make an album, empty."""
    caller = await required_caller(request)
    wanted = msgspec.structs.asdict(json_of(request, AlbumIn))
    terms = await terms_of(request, {name: wanted.pop(name) for name in _TERMS})
    made = await in_thread(request, _create, caller, wanted, terms)
    response = json_answer(made, status=201)
    response.headers["location"] = made.url
    return response


def _create(site: Site, caller: Caller, wanted: dict[str, Any], terms: dict[str, Any]) -> AlbumOut:
    sort = wanted.pop("sort")
    made = albums.create_album(site, caller, **wanted)
    return album_out(site, caller, albums.change_album(site, caller, made.id, {"sort": sort}, terms=terms))


async def get_album(request: Request, album_id: str) -> HTTPResponse:
    """One of your albums."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _get, caller, album_id))


def _get(site: Site, caller: Caller, album_id: str) -> AlbumOut:
    return album_out(site, caller, albums.get_album(site, caller, album_id))


async def change_album(request: Request, album_id: str) -> HTTPResponse:
    """Change an album; fields that are left out stay as they are."""
    caller = await required_caller(request)
    changes = given(json_of(request, AlbumPatch))
    terms = await terms_of(request, {name: changes.pop(name) for name in _TERMS if name in changes})
    return json_answer(await in_thread(request, _change, caller, album_id, changes, terms))


def _change(site: Site, caller: Caller, album_id: str, changes: dict[str, Any], terms: dict[str, Any]) -> AlbumOut:
    return album_out(site, caller, albums.change_album(site, caller, album_id, changes, terms=terms))


async def delete_album(request: Request, album_id: str) -> HTTPResponse:
    """Delete an album, its share links and its requests for files. Its drops stay."""
    caller = await required_caller(request)
    await in_thread(request, albums.delete_album, caller, album_id)
    return nothing()


async def list_items(request: Request, album_id: str) -> HTTPResponse:
    """The drops of an album, in its order."""
    caller = await required_caller(request)
    cursor = cursor_of(request)
    return json_answer(await in_thread(request, _items, caller, album_id, cursor, limit_of(request)))


def _items(site: Site, caller: Caller, album_id: str, cursor: str | None, limit: int) -> UploadsOut:
    album = albums.get_album(site, caller, album_id)
    page = albums.items_page(site, caller, album, cursor=cursor, limit=limit)
    return UploadsOut([upload_out(site, upload, caller) for upload in page.items], page.next)


async def add_items(request: Request, album_id: str) -> HTTPResponse:
    """Put drops at the end of an album: your own, or for a team's album the team's. All of them or none."""
    caller = await required_caller(request)
    wanted = json_of(request, ItemsIn)
    return json_answer(await in_thread(request, _add, caller, album_id, wanted.ids))


def _add(site: Site, caller: Caller, album_id: str, ids: list[str]) -> AddedOut:
    added = albums.add_items(site, caller, album_id, ids)
    return AddedOut(added, albums.count_items(site, albums.get_album(site, caller, album_id), caller))


async def order_items(request: Request, album_id: str) -> HTTPResponse:
    """Give an album's drops an order: those that are named come first, the others after them as they were."""
    caller = await required_caller(request)
    wanted = json_of(request, ItemsIn)
    return json_answer(await in_thread(request, _order, caller, album_id, wanted.ids))


def _order(site: Site, caller: Caller, album_id: str, ids: list[str]) -> AlbumOut:
    return album_out(site, caller, albums.reorder(site, caller, album_id, ids))


async def move_item(request: Request, album_id: str, upload_id: str) -> HTTPResponse:
    """Move a drop of an album to another place in the order in which it is shown now."""
    caller = await required_caller(request)
    wanted = json_of(request, PlaceIn)
    await in_thread(request, albums.move_item, caller, album_id, upload_id, before=wanted.before)
    return nothing()


async def remove_item(request: Request, album_id: str, upload_id: str) -> HTTPResponse:
    """Take a drop out of an album. It stays where it is."""
    caller = await required_caller(request)
    if not await in_thread(request, albums.remove_items, caller, album_id, [upload_id]):
        raise NotFound("There is no such drop in this album.")
    return nothing()


async def terms_of(request: Request, sent: Mapping[str, Any]) -> dict[str, Any]:
    """The columns for the terms that were sent, a password hashed in the threads for that. Raises Invalid."""
    run = in_hash_thread if sent.get("password") else in_thread
    return await run(request, limits.check_terms, sent)


_TEXT: dict[str, Any] = {"type": "string"}
_TEAM = Parameter(name="team", about="The slug or id of a team that you are in.", schema=_TEXT)
_ALBUM = "/albums/<album_id>"
_CHANGE = (NotFound, Forbidden, Conflict)


def _row(
    method: str,
    path: str,
    handler: Handler,
    summary: str,
    *errors: type[BulletDropError],
    answer: Any = None,
    body: Any = None,
    status: int = 0,
    parameters: tuple[Parameter, ...] = (),
) -> Route:
    """A row of this noun: an answer of 200, or 204 where there is nothing to say."""
    return Route(
        method=method,
        path=path,
        handler=handler,
        summary=summary,
        who="uploads:read" if method == "GET" else "uploads:write",
        body=body,
        answers={status or (204 if answer is None else 200): answer},
        noun="albums",
        parameters=parameters,
        errors=errors,
    )


ROUTES = (
    _row("GET", "/albums", list_albums, "Your albums", Invalid, NotFound, answer=AlbumsOut, parameters=(_TEAM, *PAGES)),
    _row(
        "POST",
        "/albums",
        create_album,
        "Make an album",
        Invalid,
        BadName,
        *_CHANGE,
        answer=AlbumOut,
        body=AlbumIn,
        status=201,
    ),
    _row("GET", _ALBUM, get_album, "One of your albums", NotFound, Conflict, answer=AlbumOut),
    _row(
        "PATCH", _ALBUM, change_album, "Change an album", Invalid, BadName, *_CHANGE, answer=AlbumOut, body=AlbumPatch
    ),
    _row("DELETE", _ALBUM, delete_album, "Delete an album; its drops stay", *_CHANGE),
    _row(
        "GET",
        _ALBUM + "/items",
        list_items,
        "The drops of an album",
        Invalid,
        NotFound,
        Conflict,
        answer=UploadsOut,
        parameters=PAGES,
    ),
    _row(
        "POST",
        _ALBUM + "/items",
        add_items,
        "Put drops into an album",
        Invalid,
        *_CHANGE,
        answer=AddedOut,
        body=ItemsIn,
    ),
    _row(
        "PUT",
        _ALBUM + "/items",
        order_items,
        "Give an album's drops an order",
        Invalid,
        *_CHANGE,
        answer=AlbumOut,
        body=ItemsIn,
    ),
    _row("PATCH", _ALBUM + "/items/<upload_id>", move_item, "Move a drop within an album", *_CHANGE, body=PlaceIn),
    _row("DELETE", _ALBUM + "/items/<upload_id>", remove_item, "Take a drop out of an album", *_CHANGE),
)
