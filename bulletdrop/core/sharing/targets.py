"""Targets: which addresses a short link may lead to, and how they are shown before anybody goes there."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from bulletdrop.core.text import is_visible
from bulletdrop.errors import Invalid

LONGEST = 4096
_SCHEMES = ("http", "https")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_LABEL = re.compile(r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?")
# A host that ends in a number is read as an IPv4 address by browsers (WHATWG URL, 3.5), in five spellings.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)")
# What a browser encodes in a path or a query (WHATWG URL, 1.3), and what has no place in a header.
_ENCODED = re.compile(r'["<>`{}]|[^\x21-\x7e]')


@dataclass(frozen=True)
class Target:
    """An address in parts, as a page shows it: the host is what tells whose it is.

    scheme: with its `://`.
    host: in ASCII, as the DNS knows it.
    readable: the host in the letters of its language; empty where that is the same.
    port: with its colon; empty for the scheme's own.
    rest: path, query and fragment.
    """

    scheme: str
    host: str
    readable: str
    port: str
    rest: str


def check_target(url: str) -> str:
    """An address in the form to keep: ASCII alone, the host as it stands in the DNS (IDNA 2008, RFC 5891).

    Nothing that browsers would read in another way than we do: no control characters, spaces or backslashes, no host
    in odd numbers, no name and password before it, whose part is to look like the host.

    Raises: Invalid with field `url`.
    """
    url = url.strip(" \t\r\n")
    if not url or len(url) > LONGEST:
        raise _wrong(f"An address has 1 to {LONGEST:,} characters.")
    if not is_visible(url) or "\\" in url or " " in url:
        raise _wrong("An address holds no spaces, no backslashes and nothing invisible.")
    found = _SCHEME.match(url)
    if found is None or "." in found[1] or found[1].lower() == "localhost":
        raise _wrong("Write the whole address, such as https://example.org/page.")
    if found[1].lower() not in _SCHEMES:
        raise _wrong(f"A short link leads to http and https addresses, not to “{found[1][:20].lower()}:”.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _check_host(parts.hostname or "") if "@" not in parts.netloc else ""
        rest = "".join(map(_encoded, (parts.path, "?" * ("?" in url.partition("#")[0]), parts.query)))
        rest += f"#{_encoded(parts.fragment)}" if parts.fragment else ""
    except ValueError as error:
        raise _wrong("This address cannot be read. Check its host and its port.") from error
    if "@" in parts.netloc:
        raise _wrong("An address with a name or password before its host is not taken.")
    shown_port = "" if port in (None, {"http": 80, "https": 443}[parts.scheme]) else f":{port}"
    checked = f"{parts.scheme}://{host}{shown_port}{rest or '/'}"
    if port == 0 or len(checked) > LONGEST:
        raise _wrong(f"An address has 1 to {LONGEST:,} characters." if port != 0 else "There is no port 0.")
    return checked


def taken_apart(url: str) -> Target:
    """A kept address in parts."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition(":")[0] if parts.port is not None else parts.netloc
    port = f":{parts.port}" if parts.port is not None else ""
    return Target(f"{parts.scheme}://", host, _readable(host), port, url[len(parts.scheme) + 3 + len(parts.netloc) :])


def _check_host(host: str) -> str:
    """A host in ASCII. Raises Invalid."""
    if ":" in host:
        # Brackets are gone already; a zone (`%eth0`) is this machine's own business.
        return f"[{ipaddress.IPv6Address(host).compressed}]" if "%" not in host else _no_host()
    if not host.isascii():
        host = _in_ascii(host)
    host = host.lower().removesuffix(".")
    labels = host.split(".")
    if not host or len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        return _no_host()
    if _NUMBER.fullmatch(labels[-1]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return _no_host()
    return host


def _in_ascii(host: str) -> str:
    # Normalising takes time by the square of a run of combining marks.
    if len(host) > 253:
        return _no_host()
    import idna

    try:
        return idna.encode(host, uts46=True).decode("ascii")
    except (idna.IDNAError, UnicodeError):
        return _no_host()


def _readable(host: str) -> str:
    if "xn--" not in host:
        return ""
    import idna

    try:
        return idna.decode(host)
    except (idna.IDNAError, UnicodeError):
        return ""


def _encoded(part: str) -> str:
    return _ENCODED.sub(lambda found: quote(found[0], safe=""), part)


def _no_host() -> str:
    raise _wrong("The host of this address cannot be read.")


def _wrong(message: str) -> Invalid:
    return Invalid(message, field="url")
