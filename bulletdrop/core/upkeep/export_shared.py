"""What an account has shared, for its export: albums, links, requests, short links, and that there are secrets."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bulletdrop.clock import rfc3339
from bulletdrop.core.database import using
from bulletdrop.core.models import Album, AlbumItem, Domain, Secret, ShareLink, ShortLink, UploadRequest, UserDomain
from bulletdrop.core.names import urls
from bulletdrop.core.site import Site

# Rows fetched at a time.
_ROWS = 500
_TERMS = ("max_views", "views", "last_viewed_at", "expires_at", "created_at")

Line = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Shared:
    """One kind: its entry in the zip, its table, its columns, and what is not a column."""

    path: str
    model: Any
    columns: tuple[str, ...]
    more: Callable[[Site, Any], dict[str, Any]]


def _album(site: Site, row: Album) -> dict[str, Any]:
    items = AlbumItem.select(AlbumItem.upload).where(AlbumItem.album == row.id).order_by(AlbumItem.position)
    return {"url": urls.album_url(site, row), "uploads": [item.upload_id for item in items]}


def _link(site: Site, row: ShareLink) -> dict[str, Any]:
    return {"url": urls.link_url(site, row)}


def _request(site: Site, row: UploadRequest) -> dict[str, Any]:
    return {"url": urls.request_url(site, row)}


def _short(site: Site, row: ShortLink) -> dict[str, Any]:
    return {"short_url": urls.short_url(site, row)}


def _secret(site: Site, row: Secret) -> dict[str, Any]:
    # What is in it is nobody's to export: opening it is the only way, and counts.
    return {"url": urls.secret_url(site, row)}


SHARED: tuple[Shared, ...] = (
    Shared(
        "albums.jsonl",
        Album,
        ("id", "slug", "team_id", "title", "description", "cover_id", "sort", "is_public", "updated_at", *_TERMS),
        _album,
    ),
    Shared("share_links.jsonl", ShareLink, ("token", "upload_id", "album_id", "note", "revoked_at", *_TERMS), _link),
    Shared(
        "upload_requests.jsonl",
        UploadRequest,
        ("token", "album_id", "title", "message", "max_files", "max_bytes", "max_file_size", "files", "bytes",
         "expires_at", "revoked_at", "created_at"),
        _request,
    ),
    Shared(
        "short_links.jsonl",
        ShortLink,
        ("id", "slug", "custom_name", "url", "title", "asks_first", "revoked_at", *_TERMS),
        _short,
    ),
    Shared(
        "secrets.jsonl",
        Secret,
        ("id", "team_id", "mode", "note", "size", "file_count", "burned_at", *_TERMS),
        _secret,
    ),
)  # fmt: skip


def domains_of(user_id: str) -> list[dict[str, Any]]:
    """The domains that an account has claimed."""
    rows = UserDomain.select(UserDomain, Domain).join(Domain).where(UserDomain.user == user_id).order_by(Domain.name)
    return [{"name": row.domain.name, "is_primary": row.is_primary} for row in rows]


def pages(site: Site, user_id: str) -> Iterator[tuple[str, Callable[[str], list[Line]]]]:
    """For each kind the path of its entry, and what gives its next lines after an id, until there are none."""
    for kind in SHARED:
        yield kind.path, _pages_of(site, user_id, kind)


def _pages_of(site: Site, user_id: str, kind: Shared) -> Callable[[str], list[Line]]:
    def page(after: str) -> list[Line]:
        model = kind.model
        with using(site.db):
            query = model.select().where((model.owner == user_id) & (model.id > after))
            rows = list(query.order_by(model.id).limit(_ROWS))
            return [(row.id, {**_picked(row, kind.columns), **kind.more(site, row)}) for row in rows]

    return page


def _picked(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(row, name) for name in names}
    return {name: rfc3339(value) if isinstance(value, datetime) else value for name, value in values.items()}
