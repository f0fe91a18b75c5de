"""Albums: several drops under one link. What strangers see of one, how it is made and changed, its order, its zip."""

from __future__ import annotations

from bulletdrop.core.drops.albums.looking import (
    check_not_silent,
    contains,
    count_items,
    cover_of,
    find_album,
    is_locked,
    is_theirs,
    items,
    items_page,
    may_see,
    payer_of,
)
from bulletdrop.core.drops.albums.making import (
    SORTS,
    Listed,
    albums_of,
    change_album,
    create_album,
    delete_album,
    get_album,
    list_albums,
    listed,
    may_change,
)
from bulletdrop.core.drops.albums.order import (
    MOST_ITEMS,
    add_items,
    inside,
    move_item,
    put_in,
    remove_items,
    reorder,
    step,
)
from bulletdrop.core.drops.albums.zipped import zip_name, zip_of

__all__ = [
    "MOST_ITEMS",
    "SORTS",
    "Listed",
    "add_items",
    "albums_of",
    "change_album",
    "check_not_silent",
    "contains",
    "count_items",
    "cover_of",
    "create_album",
    "delete_album",
    "find_album",
    "get_album",
    "inside",
    "is_locked",
    "is_theirs",
    "items",
    "items_page",
    "list_albums",
    "listed",
    "may_change",
    "may_see",
    "move_item",
    "payer_of",
    "put_in",
    "remove_items",
    "reorder",
    "step",
    "zip_name",
    "zip_of",
]
