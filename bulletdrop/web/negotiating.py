"""Negotiating: whether a request for a drop's short address wants the page, or the bytes for a place in another's page.

Forums and old links put `/{slug}` into `[img]`, chats send robots to it, people open it. Told apart by, in this order:

- `Sec-Fetch-Dest` (Fetch Metadata): a browser says itself that it fills an `<img>` or `<video>`, or opens a page. It
  is sent to https and localhost alone.
- `Accept`: browsers and robots ask for pages with `text/html` and for pictures with `image/…`. Who takes just anything
  (`*/*`, or no word of it) gets the page, as from any other address without an ending: so do Slack's, Telegram's and
  WhatsApp's robots, which look for its tags.
"""

from __future__ import annotations

from sanic import Request

# What decides, for the answers' Vary.
DECIDED_BY = "accept, sec-fetch-dest"
_BYTES = frozenset({"image", "video", "audio"})


def wants_bytes(request: Request) -> bool:
    """True for a request that a picture or film would answer, and a page would not."""
    destination = request.headers.get("sec-fetch-dest")
    if destination is not None:
        return destination in _BYTES
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    if any(kind.startswith("text/") or kind == "application/xhtml+xml" for kind in accepted):
        return False
    return any(kind.startswith(("image/", "video/")) for kind in accepted)
