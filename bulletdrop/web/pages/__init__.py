"""The pages: one file per noun. `attach` gives them their addresses."""

from __future__ import annotations

from bulletdrop.web.context import App
from bulletdrop.web.pages import (
    admin,
    albums,
    albums_public,
    avatars,
    change,
    data,
    delete,
    domains,
    drops,
    email,
    embed,
    forgot,
    gallery,
    identities,
    info,
    keys,
    oembed,
    pair,
    preferences,
    profile,
    register,
    second,
    secrets,
    security,
    sessions,
    setup,
    shared,
    shorts,
    signin,
    stats,
    teams,
    trash,
    unlock,
)

NOUNS = (
    register,
    forgot,
    email,
    sessions,
    profile,
    pair,
    keys,
    preferences,
    domains,
    data,
    avatars,
    teams,
    gallery,
    setup,
    signin,
    identities,
    second,
    security,
    drops,
    change,
    albums,
    albums_public,
    trash,
    info,
    stats,
    embed,
    oembed,
    delete,
    unlock,
    shared,
    shorts,
    secrets,
    admin,
)


def attach(app: App) -> None:
    """Add every page to the server. `/{slug}` is not among them: `web/public.py` finds the drop and calls `drops`."""
    for noun in NOUNS:
        noun.attach(app)
