"""Who may speak to the tray: programs by the secret in its data folder, a browser by a ticket that works once.

Cookies know no ports: whatever else listens on 127.0.0.1 is sent those of the whole host. So each visit lives under a
path of its own that nobody else knows (`room`), its cookie is for that path alone, and neither is worth anything
without the other.
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import secrets
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bulletdrop.clock import Clock
from bulletdrop.errors import BadCsrf, BadTicket, Forbidden, NotSignedIn
from bulletdrop.tray.control_http import Request
from bulletdrop.tray.words import t

COOKIE = "bd_tray"
TICKET_SECONDS = 60.0
VISIT_SECONDS = 12 * 3600.0
MOST_TICKETS = 16
MOST_VISITS = 32
SOCKET_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))
# 127.0.0.1 as the kernel writes it, by itself and mapped into IPv6 (RFC 4291, 2.5.5.2).
_LOOPBACK = ("0100007F", "0000000000000000FFFF00000100007F")
_LOOKS = 3


@dataclass(slots=True)
class Visit:
    """One browser that came in by a ticket.

    Args:
        room: the first part of its paths.
        cookie, csrf: what it has to show; `csrf` with every form.
        said: what the next page tells, as (words, tone).
        notes: what pages remember from one request to the next, such as a test that runs.
    """

    room: str
    cookie: str
    csrf: str
    seen_at: float
    said: list[tuple[str, str]] = field(default_factory=list)
    notes: dict[str, object] = field(default_factory=dict)

    def say(self, words: str, tone: str = "ok") -> None:
        """Tell this on the next page; tones: ok, warn, danger."""
        self.said.append((words, tone))

    def take_said(self) -> list[tuple[str, str]]:
        """What is to be told now, once."""
        said, self.said = self.said, []
        return said


class Doors:
    """Tickets and visits of one running tray; all in memory, gone with it."""

    def __init__(self, clock: Clock) -> None:
        self.secret = secrets.token_urlsafe(32)
        self._clock = clock
        self._lock = threading.Lock()
        self._tickets: dict[str, float] = {}
        self._used: dict[str, str] = {}
        self._visits: dict[str, Visit] = {}

    def is_program(self, request: Request) -> bool:
        """Whether a request shows the secret. Raises Forbidden when a browser sent it: programs name no origin."""
        kind, _, shown = request.headers.get("authorization", "").partition(" ")
        if kind.lower() != "bearer" or not hmac.compare_digest(shown.strip().encode(), self.secret.encode()):
            return False
        if "origin" in request.headers or "sec-fetch-site" in request.headers:
            raise Forbidden("This address is for programs on this machine.")
        return True

    def make_ticket(self) -> str:
        """A ticket for one browser: good once, for a minute."""
        ticket = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._tickets) >= MOST_TICKETS:
                del self._tickets[next(iter(self._tickets))]
            self._tickets[_hash(ticket)] = self._clock.monotonic() + TICKET_SECONDS
        return ticket

    def enter(self, ticket: str, request: Request) -> Visit:
        """Exchange a ticket for a visit.

        A ticket that comes twice was seen by somebody else on its way to the browser (a program's arguments are no
        secret): then neither of the two stays. The browser that has the visit already may come by it again.

        Raises: BadTicket; Forbidden for another user of this machine.
        """
        if is_another_user(*request.ends):
            raise Forbidden(t("This page belongs to another person on this computer."))
        key = _hash(ticket)
        with self._lock:
            if (room := self._used.get(key)) is not None:
                visit = self._visits.get(room)
                if visit is not None and _shows(request, visit):
                    return visit
                self._visits.pop(room, None)
                raise BadTicket(t("This address was used already. Open the page anew from BulletDrop."))
            good_until = self._tickets.pop(key, None)
            if good_until is None or good_until < self._clock.monotonic():
                raise BadTicket(t("This address is too old. Open the page anew from BulletDrop."))
            visit = self._make_visit()
            self._used[key] = visit.room
            return visit

    def visit(self, room: str, request: Request) -> Visit:
        """The visit that a request belongs to. Raises NotSignedIn."""
        with self._lock:
            visit = self._visits.get(room)
            now = self._clock.monotonic()
            if visit is None or not _shows(request, visit) or now - visit.seen_at > VISIT_SECONDS:
                raise NotSignedIn(t("This page has ended. Open it anew from BulletDrop."))
            visit.seen_at = now
            return visit

    def check_post(self, visit: Visit, request: Request, own: str, shown: str) -> None:
        """Let nothing be changed from another page. Raises BadCsrf.

        Args:
            own: the origin that this request must come from.
            shown: the token in the form.
        """
        origin = request.headers.get("origin")
        if origin != own and not (origin is None and request.headers.get("sec-fetch-site") == "same-origin"):
            raise BadCsrf(t("This came from another page and was not done."))
        if not hmac.compare_digest(shown.encode(), visit.csrf.encode()):
            raise BadCsrf(t("This page is too old. Load it anew and try again."))

    def _make_visit(self) -> Visit:
        while len(self._visits) >= MOST_VISITS:
            del self._visits[min(self._visits.values(), key=lambda one: one.seen_at).room]
        self._used = {key: room for key, room in self._used.items() if room in self._visits}
        made = Visit(
            room=secrets.token_urlsafe(12),
            cookie=secrets.token_urlsafe(32),
            csrf=secrets.token_urlsafe(24),
            seen_at=self._clock.monotonic(),
        )
        self._visits[made.room] = made
        return made


def check_host(headers: Mapping[str, str], port: int) -> None:
    """Answer to our own names alone: another name that leads to this address is an attack (DNS rebinding).

    Raises: Forbidden.
    """
    if headers.get("host", "").lower() not in (f"127.0.0.1:{port}", f"localhost:{port}"):
        raise Forbidden("This address is not answered under that name.")


def is_another_user(peer: int, own: int, tables: Sequence[Path] = SOCKET_TABLES) -> bool:
    """Whether the asker at a local port is another user's program, as far as Linux tells; elsewhere False.

    The columns are those of proc_net_tcp.txt in the kernel's documentation: addresses and ports in hex, uid, inode.
    Only the asker's own end of this very connection counts: one port can be in use towards several others, and what is
    left of a connection that ended stands there as root's, without an inode. Root can read our memory anyway.

    Args:
        peer, own: the ports of the connection's two ends.
        tables: the kernel's lists; a socket for IPv6 reaches us too, and stands in the second.
    """
    if sys.platform != "linux":
        return False
    import os

    for _ in range(_LOOKS):
        rows = _sockets(tables)
        asking = {(int(row[7]), row[9]) for row in rows if _joins(row, peer, own)}
        if asking:
            users = {user for user, inode in asking if inode != "0"}
            return os.getuid() not in users and 0 not in users
        # The list is read in pieces, and changes meanwhile.
    return any(_joins(row, own, peer) for row in rows)


def _sockets(tables: Sequence[Path]) -> list[list[str]]:
    rows: list[list[str]] = []
    for table in tables:
        with contextlib.suppress(OSError, ValueError):
            rows += [line.split() for line in table.read_text(encoding="ascii").splitlines()[1:]]
    return [row for row in rows if len(row) > 9 and row[7].isdigit()]


def _joins(row: Sequence[str], first: int, second: int) -> bool:
    """Whether a row is the end at the first port of the connection between two ports of 127.0.0.1."""
    (here, at), (there, to) = row[1].split(":"), row[2].split(":")
    return (int(at, 16), int(to, 16)) == (first, second) and here in _LOOPBACK and there in _LOOPBACK


def _shows(request: Request, visit: Visit) -> bool:
    return any(hmac.compare_digest(value.encode(), visit.cookie.encode()) for value in request.cookies(COOKIE))


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
