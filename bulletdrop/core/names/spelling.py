"""Spelling: the one form of a host's name that is kept and compared, and which hosts can be whose."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from bulletdrop.core.origin import public_base
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid

# RFC 1035, 2.3.4: a name of 253 characters is one of 255 bytes, a label has 63.
_LONGEST, _LONGEST_LABEL = 253, 63
_LETTERS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-")


def check_name(text: str) -> str:
    """A host's name in the form to keep: IDNA 2008 in ASCII, lower case, without a dot at its end.

    Raises: Invalid with the field `name` for what is no name, such as an address in numbers, a port or a path.
    """
    import idna

    plain = text.strip()
    if not plain or len(plain) > _LONGEST:
        raise Invalid("A domain is a name such as share.example.org.", field="name")
    try:
        # UTS 46 without its transitional rules: letters of any case and width, and each as IDNA 2008 keeps it.
        name = idna.encode(plain.rstrip("."), uts46=True, std3_rules=True, transitional=False).decode("ascii")
    except (idna.IDNAError, UnicodeError) as error:
        message = "A domain is a name such as share.example.org: without https://, without a port, without a path."
        raise Invalid(message, field="name") from error
    if is_address(name) or len(name) > _LONGEST or name.rpartition(".")[2].isdigit():
        raise Invalid("A domain is a name; addresses in numbers are answered anyway.", field="name")
    if "." not in name:
        raise Invalid("A domain has a dot, such as share.example.org.", field="name")
    return name


def shown_name(name: str) -> str:
    """A name as people read it: `bücher.example` for `xn--bcher-kva.example`."""
    if "xn--" not in name:
        return name
    import idna

    try:
        return idna.decode(name)
    except (idna.IDNAError, UnicodeError):
        return name


def is_address(host: str) -> bool:
    """True for an IP address, with or without the brackets of IPv6."""
    try:
        ipaddress.ip_address(host.removeprefix("[").removesuffix("]").partition("%")[0])
    except ValueError:
        return False
    return True


def own_label(username: str) -> str:
    """A username as the first label of a host (RFC 1123, 2.1); empty for one that cannot be one, such as `a.b`."""
    label = username.lower()
    fits = set(label) <= _LETTERS and not label.startswith("-") and not label.endswith("-")
    # Behind two dashes in the third and fourth place a browser looks for another alphabet (RFC 5891, 4.2.3.1).
    return label if fits and 1 <= len(label) <= _LONGEST_LABEL and label[2:4] != "--" else ""


def main_hosts(site: Site) -> set[str]:
    """The hosts of `public_url` and `content_url`, which no domain and nobody's own host may be."""
    config = site.config
    found = (urlsplit(address).hostname for address in (public_base(config), config.content_url) if address)
    return {host for host in found if host}
