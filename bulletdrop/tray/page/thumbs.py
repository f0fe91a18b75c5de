"""Small pictures of captures, for the list."""

from __future__ import annotations

from bulletdrop.errors import NotFound
from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.page.looking import Look
from bulletdrop.tray.words import t


def thumb(look: Look, item_id: int) -> Reply:
    """The small picture of one capture's file. Raises NotFound where there is none to be made."""
    item = look.steering.item(item_id)
    data = look.services.thumbnails.make(item.path)
    if data is None:
        raise NotFound(t("There is no small picture of this file."))
    # The address names one capture, and a capture's bytes do not change; kept by this browser for the visit.
    headers = {"Cache-Control": "private, max-age=43200", "Content-Security-Policy": "default-src 'none'; sandbox"}
    return Reply(200, data, "image/webp", headers)
