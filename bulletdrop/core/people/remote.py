"""Remote: asking a provider something. Never for long, never much, never elsewhere; its failures in our words."""

from __future__ import annotations

import ipaddress
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from bulletdrop import __version__, trust
from bulletdrop.errors import Unavailable
from bulletdrop.log import get_logger

log = get_logger("sign-on")

# Seconds for each answer, from the first byte of the question to the last byte of the answer.
TIMEOUT = 10.0
# The largest answer there is: a tenant's key set has some ten keys of two kilobytes with their certificates.
MOST_BYTES = 512 * 1024


@dataclass(frozen=True)
class Answer:
    """A provider's answer, read as JSON."""

    status: int
    json: Any

    def text(self, name: str) -> str:
        """A member that is a text; empty when it is missing or something else."""
        value = self.json.get(name) if isinstance(self.json, dict) else None
        return value if isinstance(value, str) else ""


def is_safe_address(address: str) -> bool:
    """True for what a secret may be sent to: https, or http that stays on this machine (RFC 8252, section 8.3)."""
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.fragment or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def ask(
    title: str,
    method: str,
    address: str,
    *,
    form: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Answer:
    """One question and its answer. Redirects are not followed.

    Args:
        title: the provider's name, for the message.
        form: what to post.
    Raises: Unavailable when nothing useful comes: no connection, no certificate that counts, too late, too much, no
        JSON, or a status of 429 and from 500 on.
    """
    if not is_safe_address(address):
        _give_up(title, address, "not https")
    import httpx

    sent = {
        "accept": "application/json",
        # What comes packed could be a thousand times what came.
        "accept-encoding": "identity",
        "user-agent": f"BulletDrop/{__version__}",
        **(headers or {}),
    }
    try:
        with (
            httpx.Client(verify=trust.context(), timeout=TIMEOUT) as client,
            client.stream(method, address, data=form, headers=sent) as response,
        ):
            body = _read(response, time.monotonic() + TIMEOUT)
    except (httpx.HTTPError, httpx.InvalidURL, ValueError, OSError) as error:
        _give_up(title, address, f"{type(error).__name__}: {error}")
    if response.status_code == 429 or response.status_code >= 500 or 300 <= response.status_code < 400:
        _give_up(title, address, f"status {response.status_code}")
    try:
        return Answer(response.status_code, json.loads(body))
    except (ValueError, RecursionError):
        _give_up(title, address, f"status {response.status_code}, no JSON")


def _read(response: Any, deadline: float) -> bytes:
    """The body as it came. Raises ValueError for one that is packed, too large or too slow."""
    if response.headers.get("content-encoding", "identity") != "identity":
        raise ValueError("the answer is packed")
    body = b""
    for part in response.iter_raw(16 * 1024):
        body += part
        if len(body) > MOST_BYTES:
            raise ValueError("the answer is too large")
        if time.monotonic() > deadline:
            raise ValueError("the answer is too slow")
    return body


def _give_up(title: str, address: str, reason: str) -> NoReturn:
    """Raise Unavailable; what really happened goes to the log."""
    log.warning(
        "a provider cannot be used", extra={"provider": title, "address": address[:300], "reason": reason[:500]}
    )
    message = f"{title} does not answer as it should. Try again in a few minutes, or sign in with your password."
    raise Unavailable(message, title=f"{title} cannot be reached", retry_after=60)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
