"""Hotlinks: pages elsewhere that show somebody's pictures as their own. Whose owner minds shows them a placeholder.

The rule, for the bytes of drops whose owner chose `own` (this server's pages alone) or `list` (those and some hosts):

- The host of `Referer` decides: this server's own names, with its domains, and for `list` the listed hosts with all
  below them.
- Without a Referer the bytes are given: typed addresses, mail programs, and pages that hide where they are. Those who
  want to get around this can; it keeps honest pages from living on somebody's bandwidth, and protects no secret.
- A link that somebody follows to the picture is no hotlink: navigations of a whole window (`Sec-Fetch-Mode`, or an
  `Accept` with `text/html` where a browser sends none) are answered. A frame is one.
- Robots that make previews for chats are answered: they show a link, and send no Referer anyway.

The placeholder comes with 403. Browsers draw the picture of an answer whatever its status (HTML, "update the image
data", looks at the type alone), while caches and programs that copy pictures do not take a refusal for the picture.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Upload
from bulletdrop.core.names.known import known
from bulletdrop.core.names.spelling import main_hosts
from bulletdrop.core.site import Site
from bulletdrop.web.context import web_of
from bulletdrop.web.robots import is_robot

# What decides, for the answers' Vary.
DECIDED_BY = "referer, sec-fetch-mode, sec-fetch-dest, accept, user-agent"

# Our own drawing, in presentation attributes alone: nothing in it runs, loads or is styled from outside.
_PLACEHOLDER = """\
<svg xmlns="http://www.w3.org/2000/svg" width="480" height="320" viewBox="0 0 480 320" role="img" \
aria-label="This picture is shown on its own page only.">
<rect width="480" height="320" fill="#f1f3f7"/>
<g transform="translate(208 84) scale(4)" fill="#5a6070"><path d="M8 .25C8.95 1.75 11.2 3.65 11.2 5.4 11.2 7.1 9.8 \
8.45 8 8.45 6.2 8.45 4.8 7.1 4.8 5.4 4.8 3.65 7.05 1.75 8 .25z"/><path d="M2.5 8.9c1.6 0 2.7 1.5 5.5 1.5s3.9-1.5 \
5.5-1.5" fill="none" stroke="#5a6070" stroke-width="1.1" stroke-linecap="round"/><circle cx="8" cy="13.9" r="1.85"/></g>
<text x="240" y="198" font-family="system-ui, sans-serif" font-size="18" text-anchor="middle" fill="#2a2e38">\
This picture is shown</text>
<text x="240" y="224" font-family="system-ui, sans-serif" font-size="18" text-anchor="middle" fill="#2a2e38">\
on its own page only.</text>
</svg>
"""


def minds(upload: Upload) -> bool:
    """True for a drop whose owner does not want it shown by everybody's pages."""
    return bool(upload.owner.hotlink != "off")


def is_hotlink(request: Request, upload: Upload) -> bool:
    """True when a page elsewhere shows a drop whose owner minds."""
    referer = request.headers.get("referer")
    if referer is None or not minds(upload) or is_robot(request) or _is_followed(request):
        return False
    host = host_of(referer)
    if not host:
        return False
    listed = [str(one).lower() for one in upload.owner.hotlink_hosts] if upload.owner.hotlink == "list" else []
    is_listed = any(host == one or host.endswith(f".{one}") for one in listed)
    return not is_listed and not is_own_host(web_of(request).site, request, host)


def placeholder() -> HTTPResponse:
    """What is shown in the picture's place."""
    headers = {
        "cache-control": "private, no-store",
        "vary": DECIDED_BY,
        "cross-origin-resource-policy": "cross-origin",
        "content-security-policy": "sandbox; default-src 'none'",
        "x-robots-tag": "noindex",
    }
    return HTTPResponse(_PLACEHOLDER, status=403, content_type="image/svg+xml; charset=utf-8", headers=headers)


def is_own_host(site: Site, request: Request, host: str) -> bool:
    """True for a name of this server: where this very request came to, the main addresses, and every domain."""
    asked = host_of(f"//{request.headers.get('host', '')}")
    return host == asked or host in main_hosts(site) or known(site).find(host) is not None


def host_of(address: str) -> str:
    """The host of an address in lower case, without its port; empty for what has none."""
    try:
        return (urlsplit(address).hostname or "").rstrip(".")
    except ValueError:
        return ""


def _is_followed(request: Request) -> bool:
    """True where somebody goes to the address, rather than a page loading it."""
    mode = request.headers.get("sec-fetch-mode")
    if mode is not None:
        return mode == "navigate" and request.headers.get("sec-fetch-dest") == "document"
    return "text/html" in request.headers.get("accept", "")
