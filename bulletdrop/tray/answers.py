"""Reads a server's answer back into the error tree: by `code` when it is BulletDrop's JSON, else by status."""

from __future__ import annotations

import email.utils
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from bulletdrop import errors
from bulletdrop.errors import BulletDropError


@dataclass(frozen=True, slots=True)
class Answer:
    """One whole HTTP answer; header names are lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Mapping[str, Any] | None:
        """The body as a JSON object, or None when it is something else."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None


class Unreachable(errors.Unavailable):
    """No BulletDrop answered: no network, nobody listens, it hung up, or something else sits at this address."""

    code = "unreachable"
    title = "The server cannot be reached"


class CertificateChanged(errors.Forbidden):
    """What answers is not the server that was paired: it shows another certificate. Nothing was sent to it.

    Forbidden, and not Busy: to try again does not help, and only a person can tell a server that was set up anew from a
    stranger in its place.
    """

    code = "certificate_changed"
    title = "This is not the server that was paired"


class Untrusted(Unreachable):
    """Nobody whom this system trusts vouches for the certificate that answers."""

    code = "untrusted"
    title = "The certificate is not trusted"


class ServerFault(errors.Unavailable):
    """The server answered 500: this upload met a fault there; others may pass."""

    code = "internal"
    title = "The server had a fault"


def _classes(root: type[BulletDropError]) -> dict[str, type[BulletDropError]]:
    found = {root.code: root}
    for child in root.__subclasses__():
        found |= _classes(child)
    return found


# By code, so that an error the server learns later only needs to exist in errors.py.
BY_CODE = _classes(BulletDropError)

# For answers without our JSON (a proxy in front, an older server): RFC 9110 and RFC 4918 (507).
BY_STATUS: dict[int, type[BulletDropError]] = {
    400: errors.Invalid,
    401: errors.NotSignedIn,
    403: errors.Forbidden,
    409: errors.Conflict,
    410: errors.Gone,
    413: errors.TooBig,
    415: errors.UnknownType,
    422: errors.BadPicture,
    429: errors.TooMany,
    500: ServerFault,
    503: errors.Unavailable,
    507: errors.DiskFull,
}
# A 4xx or 5xx with JSON but a code we do not know: as what family to treat it.
WAIT_STATUSES = frozenset({408, 425, 429})
# A day, in seconds: the limits of an account end with it.
MOST_RETRY_AFTER = 86_400.0


def error_of(server_url: str, answer: Answer, *, now: datetime | None = None) -> BulletDropError:
    """The error that a non-2xx answer means, with the server's own sentence and `Retry-After` in seconds."""
    fields = answer.json() or {}
    told = fields.get("error")
    told = told if isinstance(told, Mapping) else {}
    known = BY_CODE.get(str(told.get("code")))
    if known in (None, BulletDropError):
        known = BY_STATUS.get(answer.status)
    if known is None and told:
        busy = answer.status >= 500 or answer.status in WAIT_STATUSES
        known = ServerFault if busy else errors.Rejected
    if known is None:
        return not_ours(server_url, answer)
    field = told.get("field")
    return known(
        str(told.get("message") or f"{known.title} (the server answered {answer.status})."),
        field=field if isinstance(field, str) else None,
        retry_after=retry_after(answer, now or datetime.now(UTC)),
    )


def error_from(code: str | None, message: str | None) -> BulletDropError:
    """An error that was kept as its code and its sentence, as an error again."""
    return BY_CODE.get(code or "", errors.Rejected)(message or "")


def not_ours(server_url: str, answer: Answer) -> Unreachable:
    """Something answered, but no BulletDrop: a captive portal, a proxy, another program on the port."""
    where = answer.headers.get("location")
    if 300 <= answer.status < 400 and where:
        return Unreachable(f"{server_url} sends to {where}. Use that address if it is your server's.")
    return Unreachable(f"What answers at {server_url} is not a BulletDrop server (status {answer.status}).")


def is_link(text: str) -> bool:
    """Whether it is an address that may go to a clipboard and be opened: of the web, and of one line."""
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text


def retry_after(answer: Answer, now: datetime) -> float | None:
    """`Retry-After` in seconds, given as a number or as a date (RFC 9110, 10.2.3); None when absent or unreadable.

    MOST_RETRY_AFTER at most: whoever asks for longer is asked again once.
    """
    text = answer.headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MOST_RETRY_AFTER)
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - now).total_seconds()), MOST_RETRY_AFTER)
