"""The pages: one file per noun. `attach` gives them their addresses."""

from __future__ import annotations

from bulletdrop.web.context import App
from bulletdrop.web.pages import (
    avatars,
    delete,
    drops,
    gallery,
    identities,
    info,
    second,
    setup,
    signin,
    trash,
)

NOUNS = (
    avatars,
    gallery,
    setup,
    signin,
    identities,
    second,
    drops,
    trash,
    info,
    delete,
)


def attach(app: App) -> None:
    """Add every page to the server. `/{slug}` is not among them: `web/public.py` finds the drop and calls `drops`."""
    for noun in NOUNS:
        noun.attach(app)
