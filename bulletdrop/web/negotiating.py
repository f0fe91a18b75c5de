"""Negotiating: whether a request for a drop's short address wants the page, or the bytes for a place in another's page.

Forums and old links put `/{slug}` into `[img]`, chats send robots to it, people open it. Told apart by, in this order:

- `Sec-Fetch-Dest` (Fetch Metadata): a browser says itself that it fills an `<img>` or `<video>`, or opens a page. It
  is sent to https and localhost alone.
- A robot that makes previews wants the page with its tags, whatever it accepts: Slack's and WhatsApp's accept `*/*`.
- `Accept`: browsers ask for pages with `text/html` and for pictures with `image/…`. Programs that take just anything
  (`*/*`) get the page, as they would from any other address without an ending.
"""

from __future__ import annotations

from sanic import Request

from bulletdrop.web.robots import is_robot

# What decides, for the answers' Vary.
DECIDED_BY = "accept, sec-fetch-dest, user-agent"
_BYTES = frozenset({"image", "video", "audio"})


def wants_bytes(request: Request) -> bool:
    """True for a request that a picture or film would answer, and a page would not."""
    destination = request.headers.get("sec-fetch-dest")
    if destination is not None:
        return destination in _BYTES
    if is_robot(request):
        return False
    accepted = [part.partition(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    if "text/html" in accepted or "application/xhtml+xml" in accepted:
        return False
    return any(kind.startswith(("image/", "video/")) for kind in accepted)
