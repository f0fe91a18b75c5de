"""What goes in and out of the API of albums."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast

import msgspec
from msgspec import UNSET, Struct, UnsetType

from bulletdrop.core.drops import albums
from bulletdrop.core.drops.albums import Listed
from bulletdrop.core.models import Album
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.web.api.schemas import Moment, milliseconds, milliseconds_or_none

_Line = Annotated[str, msgspec.Meta(max_length=1000)]
_Text = Annotated[str, msgspec.Meta(max_length=10_000)]
_Password = Annotated[str, msgspec.Meta(max_length=4096)]
_Id = Annotated[str, msgspec.Meta(max_length=50)]
_Sort = Literal["manual", "newest", "oldest", "name"]


class AlbumIn(Struct, forbid_unknown_fields=True):
    """A new album: your own, or that of the team whose slug or id `team` is."""

    title: _Line
    description: _Text = ""
    team: _Line | None = None
    sort: _Sort = "manual"
    is_public: bool = True
    password: _Password | None = None
    max_views: int | None = None
    expires_at: Moment | None = None


class AlbumPatch(Struct, forbid_unknown_fields=True):
    """Changes to an album: fields that are left out stay as they are. `cover` is the id of one of its drops."""

    title: _Line | UnsetType = UNSET
    description: _Text | UnsetType = UNSET
    sort: _Sort | UnsetType = UNSET
    cover: _Id | UnsetType | None = UNSET
    is_public: bool | UnsetType = UNSET
    password: _Password | UnsetType | None = UNSET
    max_views: int | UnsetType | None = UNSET
    expires_at: Moment | UnsetType | None = UNSET


class ItemsIn(Struct, forbid_unknown_fields=True):
    """Drops by their ids, in the order that they are to have."""

    ids: Annotated[list[_Id], msgspec.Meta(max_length=albums.MOST_ITEMS)]


class PlaceIn(Struct, forbid_unknown_fields=True):
    """A drop's new place: before the drop with this id; null is the album's end."""

    before: _Id | None = None


class AddedOut(Struct):
    """How many drops are new in the album, and how many it has now."""

    added: int
    count: int


class AlbumOut(Struct):
    """An album. `cover` is the id of the drop that stands for it; `team` the team's slug; `sender` who made it there.

    `count` is how many drops you see in it.
    """

    id: str
    slug: str
    url: str
    title: str
    description: str
    sort: _Sort
    count: int
    cover: str | None
    cover_url: str | None
    is_public: bool
    has_password: bool
    max_views: int | None
    views: int
    last_viewed_at: datetime | None
    expires_at: datetime | None
    team: str | None
    sender: str | None
    may_change: bool
    created_at: datetime
    updated_at: datetime


class AlbumsOut(Struct):
    """A part of a list of albums; `next` is the cursor of the following part."""

    items: list[AlbumOut]
    next: str | None = None


def album_out(site: Site, caller: Caller, album: Album) -> AlbumOut:
    """An album that is the caller's to see."""
    return listed_out(site, albums.listed(site, caller, album))


def listed_out(site: Site, one: Listed) -> AlbumOut:
    """An album of a list."""
    album, cover = one.album, one.cover
    return AlbumOut(
        id=album.id,
        slug=album.slug,
        url=urls.album_url(site, album),
        title=album.title,
        description=album.description,
        sort=cast(_Sort, album.sort),
        count=one.count,
        cover=None if cover is None else cover.id,
        cover_url=None if cover is None else urls.thumbnail_url(site, cover, "small"),
        is_public=album.is_public,
        has_password=album.password_hash is not None,
        max_views=album.max_views,
        views=album.views,
        last_viewed_at=milliseconds_or_none(album.last_viewed_at),
        expires_at=milliseconds_or_none(album.expires_at),
        team=None if album.team is None else album.team.slug,
        sender=None if album.team is None else album.owner.username,
        may_change=one.may_change,
        created_at=milliseconds(album.created_at),
        updated_at=milliseconds(album.updated_at),
    )
