"""Content-Disposition: written as RFC 6266 and RFC 8187 say, and read from the parts of a form."""

from __future__ import annotations

import re
from urllib.parse import quote, unquote_to_bytes

# attr-char of RFC 8187, beside letters and digits.
_SAFE = "!#$&+-.^_`|~"
# RFC 8187 asks for the first and knew the second; Python's other codecs raise whatever they like.
_CHARSETS = ("utf-8", "iso-8859-1")
_EXTENDED = re.compile(
    r";\s*filename\*\s*=\s*([A-Za-z0-9!#$%&+^_{}-]+)'[^']*'([A-Za-z0-9!#$&+.^_`|~%-]*)", re.IGNORECASE
)


def content_disposition(filename: str, *, attachment: bool) -> str:
    """The header's value: `inline` or `attachment`, the name in ASCII for old clients, and whole for all others."""
    kind = "attachment" if attachment else "inline"
    if filename.isascii() and not re.search(r'[\x00-\x1f\x7f"\\%]', filename):
        return f'{kind}; filename="{filename}"'
    # A percent sign in the plain name is decoded by some clients and not by others (RFC 6266 appendix D).
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", filename)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe=_SAFE)}"


def extended_filename(header: str) -> str | None:
    """The name that a part's `filename*` gives, or None. RFC 7578 forbids it in forms; some programs send it."""
    found = _EXTENDED.search(header)
    if not found:
        return None
    charset, value = found.groups()
    if charset.lower() not in _CHARSETS:
        return None
    try:
        return unquote_to_bytes(value).decode(charset)
    except UnicodeError:
        return None
