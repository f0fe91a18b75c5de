"""One answer made of bytes: what it says in its headers, and how it meets a client's conditions."""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from threading import Lock
from weakref import WeakValueDictionary

from bulletdrop.web.disposition import content_disposition
from bulletdrop.web.ranges import http_date

# User bytes must never run on our origin: opaque origin, no scripts, no fetches.
SANDBOX = "sandbox; default-src 'none'"
# A browser shows a film in a small page of its own that fetches the film again and has a style.
_SANDBOX_FILM = f"{SANDBOX}; media-src 'self'; style-src 'unsafe-inline'"
_YEAR = 365 * 24 * 3600

# What browsers may show in place. Everything else is saved as a file.
_INLINE = frozenset(
    {
        "image/png",
        "image/jpeg",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/bmp",
        "video/mp4",
        "video/webm",
        "text/plain",
    }
)


class OpenFile:
    """A descriptor that closes itself when the last answer that sends from it is gone.

    Args:
        path: the file on the local disk.
    """

    __slots__ = ("__weakref__", "descriptor", "size")

    def __init__(self, path: Path) -> None:
        self.descriptor = -1
        self.descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0))
        self.size = os.fstat(self.descriptor).st_size

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)


# Open files by what they are and not by their path: a path can come to name another file. Many slow clients of one
# picture hold one descriptor together.
_open_files: WeakValueDictionary[tuple[int, int], OpenFile] = WeakValueDictionary()
_opening = Lock()


def shared_file(path: Path) -> OpenFile:
    """The file, opened unless an answer has it open already. Raises OSError."""
    if not hasattr(os, "pread"):  # Windows: the position in the file would be shared as well.
        return OpenFile(path)
    about = path.stat()
    with _opening:
        file = _open_files.get((about.st_dev, about.st_ino))
        if file is None or not about.st_ino or file.size != about.st_size:
            file = OpenFile(path)
            about = os.fstat(file.descriptor)
            _open_files[(about.st_dev, about.st_ino)] = file
        return file


@dataclass(frozen=True, slots=True)
class Prepared:
    """Bytes with their headers. The bytes lie in `body` or in `file`.

    fixed: the headers that every answer with these bytes has, ready to send, each ending with CRLF.
    described: the headers that only answers with a body have: type and disposition.
    meter: the account whose bandwidth it uses; empty where there is no limit to it.
    """

    etag: str
    modified: datetime
    size: int
    public: bool
    fixed: bytes
    described: bytes
    whole: bytes
    unchanged: bytes
    body: bytes | None = None
    file: OpenFile | None = None
    meter: str = ""


def prepare(
    *,
    sha256: str,
    mime: str,
    filename: str,
    size: int,
    modified: datetime,
    public: bool,
    download: bool,
    seconds_left: float | None,
    lasting: bool = True,
    vary: str = "",
    indexed: bool = False,
    body: bytes | None = None,
    file: OpenFile | None = None,
    meter: str = "",
) -> Prepared:
    """Put an answer together.

    Args:
        sha256: of exactly the bytes to be served, in hex; becomes the strong ETag.
        mime: as found in the bytes; a type outside our list is sent as a nameless attachment.
        filename: for saving.
        size: bytes.
        modified: when the drop came to be; its bytes may be older, and somebody else's.
        public: whether everybody may have it, and with no `vary` a shared cache keep it.
        download: whether to save it rather than show it.
        seconds_left: until the drop expires, or None.
        lasting: whether this address will never mean other bytes; a custom name can be given to another drop.
        vary: the headers of the request that decided what is answered. Shared caches that look at the address alone
            must not keep such an answer, so none may.
        indexed: whether search engines may list it.
        meter: see `Prepared`.
    """
    inline = mime in _INLINE and not download
    if mime.startswith("text/"):
        mime = "text/plain; charset=utf-8"
    etag = f'"{sha256}"'
    further = [("vary", vary)] if vary else []
    further += [] if indexed else [("x-robots-tag", "noindex")]
    fixed = _lines(
        ("etag", etag),
        ("last-modified", http_date(modified)),
        ("cache-control", _caching(public, seconds_left, lasting=lasting, varies=bool(vary))),
        ("accept-ranges", "bytes"),
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", _SANDBOX_FILM if mime.startswith("video/") else SANDBOX),
        ("cross-origin-resource-policy", "cross-origin" if public else "same-origin"),
        ("referrer-policy", "no-referrer"),
        *further,
    )
    described = _lines(
        ("content-type", mime),
        ("content-disposition", content_disposition(filename, attachment=not inline)),
    )
    whole = b"HTTP/1.1 200 OK\r\n" + fixed + described + b"content-length: %d\r\n" % size
    unchanged = b"HTTP/1.1 304 Not Modified\r\n" + fixed
    return Prepared(etag, modified, size, public, fixed, described, whole, unchanged, body, file, meter)


def _caching(public: bool, seconds_left: float | None, *, lasting: bool, varies: bool) -> str:
    if not public:
        return "private, no-store"
    if varies:
        return "private, no-cache"
    if not lasting:
        return "public, no-cache"
    # The bytes behind an address never change, so caches may keep them; never longer than the drop lives.
    age = _YEAR if seconds_left is None else max(0, min(_YEAR, int(seconds_left)))
    return f"public, max-age={age}, immutable"


def _lines(*headers: tuple[str, str]) -> bytes:
    return "".join(f"{name}: {value}\r\n" for name, value in headers).encode("ascii")
