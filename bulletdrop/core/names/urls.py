"""Links: all of them built from the configured address, never from what a client sent."""

from __future__ import annotations

import hashlib
import hmac
import socket
import time
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from bulletdrop.config import Config
from bulletdrop.core.models import Upload
from bulletdrop.core.site import Site

_KEEP_SECONDS = 10
_WILDCARDS = {"", "0.0.0.0", "::", "[::]"}


def public_base(config: Config) -> str:
    """The address that links start with: `public_url`, else this machine's own on the LAN (or loopback)."""
    if config.public_url:
        return config.public_url
    host = _recent_lan_address(int(time.monotonic() // _KEEP_SECONDS)) if config.host in _WILDCARDS else config.host
    return f"http://{f'[{host}]' if ':' in host else host}:{config.port}"


@lru_cache(maxsize=1)
def _recent_lan_address(_moment: int) -> str:
    """The LAN address, asked for once in a while: a list of drops has hundreds of links, and Wi-Fi changes seldom."""
    return lan_address()


def lan_address() -> str:
    """The address of the interface that leads out of this machine; 127.0.0.1 when there is none. Sends nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            # A documentation address (RFC 5737): a UDP connect only asks the routing table.
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def page_url(site: Site, upload: Upload) -> str:
    """The page that shows a drop."""
    return f"{public_base(site.config)}/{quote(upload.slug)}"


def direct_url(site: Site, upload: Upload) -> str:
    """The bytes themselves, under the custom name if there is one."""
    name = quote(upload.custom_name or upload.slug)
    return f"{public_base(site.config)}/{name}.{upload.blob.ext}"


def thumbnail_url(site: Site, upload: Upload, size: str = "thumb") -> str:
    """A thumbnail in one of the four sizes."""
    return f"{public_base(site.config)}/i/{upload.id}?size={size}"


def user_url(site: Site, upload: Upload, username: str) -> str:
    """The bytes under their owner's name and their own."""
    return f"{public_base(site.config)}/u/{quote(username)}/{quote(upload.filename)}"


def deletion_url(site: Site, upload: Upload) -> str:
    """A page that asks whether to delete the drop; whoever has the link may."""
    return f"{public_base(site.config)}/delete/{quote(upload.slug)}/{deletion_token(site, upload.id)}"


def deletion_token(site: Site, upload_id: str) -> str:
    """What makes a deletion link nobody's guess: 128 bits of an HMAC over the drop's id."""
    message = f"delete:{upload_id}".encode()
    return hmac.new(site.config.secret_key.encode(), message, hashlib.sha256).hexdigest()[:32]


def token_fits(site: Site, upload_id: str, token: Any) -> bool:
    """True when the token is the drop's deletion token."""
    return hmac.compare_digest(deletion_token(site, upload_id).encode(), str(token).encode())
