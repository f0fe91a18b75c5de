"""What the head of a request and a chunk's size line must look like, to the byte (RFC 9110 5.5-5.6, RFC 9112 5-7).

Sanic forgives much that a proxy in front of us may read otherwise, and two readings of one stream let a request hide
in another's body. So whatever is not plainly right is refused before Sanic sees it.
"""

from __future__ import annotations

import re

# A chunk's size line with its extensions may be this long, in bytes.
CHUNK_LINE_MAX = 256

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
# Text of a header: no control characters but the tabulator, hence no NUL and no lone CR or LF.
_TEXT = rb"[\t -~\x80-\xff]*+"
# What says where the body ends has one spelling. HTTP/1.0 knows no chunks, so that a proxy may look past the header.
_HEAD = re.compile(
    rb"%(token)b [!-~\x80-\xff]++ HTTP/1\.(?:1|0(?!(?s:.)*\r\n(?i:transfer-encoding):))"
    rb"(?:\r\n(?:(?i:content-length):[ \t]*+[0-9]++[ \t]*+"
    rb"|(?i:transfer-encoding):[ \t]*+chunked"
    rb"|(?!(?i:content-length|transfer-encoding):)%(token)b:%(text)b))*+" % {b"token": _TOKEN, b"text": _TEXT}
)
_LONE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_CHUNK_LINE = re.compile(rb"\r\n[0-9A-Fa-f]{1,16}(?:;%b)?\r\n" % _TEXT)
_CHUNK_LINE_BEGUN = re.compile(rb"(?:\r(?:\n(?:[0-9A-Fa-f]{1,16}(?:;%b)?\r?)?)?)?" % _TEXT)


def is_strict_head(data: bytearray, end: int) -> bool:
    """Whether `data` up to `end`, where the empty line begins, is a head that can be read in one way only."""
    return _HEAD.fullmatch(data, 0, end) is not None


def has_lone_line_feed(data: bytearray, start: int) -> bool:
    """Whether a line from `start` on ends without CR: such a head may never reach the empty line that we wait for."""
    return _LONE_LINE_FEED.search(data, start) is not None


def is_strict_chunk_line(data: bytearray, end: int) -> bool:
    """Whether `data` up to `end` is the CRLF after what came before, a size of 1 to 16 hex digits, and a CRLF."""
    return end <= CHUNK_LINE_MAX and _CHUNK_LINE.fullmatch(data, 0, end) is not None


def may_become_chunk_line(data: bytearray) -> bool:
    """Whether more bytes can make `data`, all of it, a line as `is_strict_chunk_line` wants it."""
    return len(data) < CHUNK_LINE_MAX and _CHUNK_LINE_BEGUN.fullmatch(data) is not None
