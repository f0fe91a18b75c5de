"""The page's own files: scripts, styles, icons. Built into `static/`, read once, kept in memory."""

from __future__ import annotations

import gzip
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.errors import NotFound
from bulletdrop.web.context import App
from bulletdrop.web.ranges import matches

ROOT = Path(__file__).with_name("static")

_TYPES = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".webp": "image/webp",
    ".woff2": "font/woff2",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".map": "application/json",
    ".txt": "text/plain; charset=utf-8",
}
_SQUEEZED = frozenset({".js", ".css", ".svg", ".json", ".webmanifest", ".map", ".txt"})
# The build writes `app-3NHDHZDU.js` (base 32, often without a digit) and `favicon-b59c73f5.svg`; a query with a version
# does the same for files that keep their name.
_HASHED = re.compile(r"-(?:[A-Z2-7]{8}|[0-9a-f]{8})\.[a-z0-9]+$")


@dataclass(frozen=True)
class Asset:
    """One file in memory, also squeezed where that helps."""

    body: bytes
    squeezed: bytes | None
    kind: str
    etag: str


class Assets:
    """The files under a folder, read when first asked for.

    Args:
        root: the folder. Its own names are the only ones that can be asked for, so no path leads out of it.
    """

    def __init__(self, root: Path = ROOT) -> None:
        self._paths = {
            path.relative_to(root).as_posix(): path
            for path in (root.rglob("*") if root.is_dir() else ())
            if path.is_file() and not path.name.startswith(".")
        }
        self._read: dict[str, Asset] = {}

    def get(self, name: str) -> Asset:
        """One file. Raises NotFound."""
        if name not in self._read:
            path = self._paths.get(name)
            if path is None:
                raise NotFound("There is nothing at this address.")
            self._read[name] = _load(path)
        return self._read[name]


def attach(app: App) -> None:
    """Register `/static/…` and the two addresses that are asked for unasked."""
    app.ctx.assets = Assets()
    app.add_route(serve, "/static/<name:path>", methods=["GET"], name="static")
    app.add_route(favicon, "/favicon.ico", methods=["GET"], name="favicon")
    app.add_route(robots, "/robots.txt", methods=["GET"], name="robots")


async def serve(request: Request, name: str) -> HTTPResponse:
    """One of the page's files."""
    return _answer(request, unquote(name))


async def favicon(request: Request) -> HTTPResponse:
    """The icon, for browsers that do not read the page's head."""
    return _answer(request, "favicon.ico")


async def robots(request: Request) -> HTTPResponse:
    """What robots may fetch: public links, or chats that ask here first could show no preview of them.

    Whether search engines may list what they find is said by each answer (`X-Robots-Tag`), which a robot that may not
    fetch it would never read. There is no sitemap: nothing leads to a drop but its link.
    """
    return HTTPResponse("User-agent: *\nDisallow: /api/\n", content_type="text/plain; charset=utf-8")


def _answer(request: Request, name: str) -> HTTPResponse:
    assets: Assets = request.app.ctx.assets
    asset = assets.get(name)
    lasting = "v" in request.args or _HASHED.search(name)
    squeeze = asset.squeezed is not None and "gzip" in request.headers.get("accept-encoding", "")
    etag = f'"{asset.etag}{"-gz" if squeeze else ""}"'
    headers = {
        "etag": etag,
        "cache-control": "public, max-age=31536000, immutable" if lasting else "public, no-cache",
        "vary": "Accept-Encoding",
    }
    if matches(request.headers.get("if-none-match", ""), etag, weak=True):
        return HTTPResponse(status=304, headers=headers)
    if squeeze:
        headers["content-encoding"] = "gzip"
    body = asset.squeezed if squeeze else asset.body
    headers["content-length"] = str(len(body or b""))
    return HTTPResponse(body, headers=headers, content_type=asset.kind)


def _load(path: Path) -> Asset:
    body = path.read_bytes()
    squeezed = gzip.compress(body, 9, mtime=0) if path.suffix in _SQUEEZED and len(body) > 1000 else None
    kind = _TYPES.get(path.suffix, "application/octet-stream")
    return Asset(body, squeezed, kind, hashlib.sha256(body).hexdigest()[:32])
