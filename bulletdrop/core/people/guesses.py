"""The brake on guessing: wrong attempts are counted by address, by name and by both, for all processes together."""

from __future__ import annotations

import math
import secrets
from dataclasses import dataclass
from typing import Any

import apsw

from bulletdrop.core.audit import record
from bulletdrop.core.site import Site
from bulletdrop.errors import TooMany

# An attempt whose process died says nothing any more after this long, in seconds; a check takes 30 ms and its queue.
_PENDING = 60.0
_HOUR = 3600.0
# Security events about the brake in an hour: a thousand addresses fill no log.
_MOST_NOTED = 100
# Addresses that have signed in as somebody and are remembered for it.
_MOST_KNOWN = 10_000

# What counts longer than anything may was written before the machine's last start, which sets the clock back.
_STATE = """
SELECT pending, COUNT(*), MIN(until) FROM guesses
WHERE name = :name AND until > :now AND until <= :now + CASE pending WHEN 0 THEN :failed ELSE :pending END
GROUP BY pending
"""
# Processes read their clocks one after the other, in seconds.
_APART = 1.0
_WRITE = "INSERT OR REPLACE INTO guesses VALUES (?, ?, ?, ?)"


@dataclass(frozen=True)
class Attempt:
    """One attempt under way, ended once by one of the functions below."""

    id: int
    # What it counts under: address with name, address, and name, in this order; without the last where it is shared.
    names: tuple[str, ...]


def begin(site: Site, address: str, name: str, *, now: float, shared: bool = False) -> Attempt:
    """Count an attempt before anything is checked: many that are under way at once are no way around the limits.

    Counted are an address with a name (so that nobody is locked out by a stranger elsewhere), an address with all its
    names (so that an account of one's own does not help), and a name from everywhere (against many addresses). Where
    somebody has signed in before under the name, its owner goes on beyond the last. Nothing here asks whether the name
    is anybody's.

    Args:
        address: from where.
        name: as whom; short.
        now: monotonic seconds.
        shared: the secret is no person's and too long to be guessed from many addresses: no limit by name.
    Raises: TooMany when one of the limits is reached, Unavailable.
    """
    config = site.config
    limits = {f"pair {address} {name}": config.guesses_per_pair, f"address {address}": config.guesses_per_address}
    by_name = f"name {name}"
    if not shared:
        limits[by_name] = config.guesses_per_name
    attempt = Attempt(secrets.randbits(63), tuple(limits))

    def count(file: apsw.Connection) -> None:
        pair = f"{address} {name}"
        is_known = file.execute("SELECT 1 FROM known WHERE pair = ?", (pair,)).fetchone() is not None
        for counted, most in limits.items():
            if not (is_known and counted == by_name):
                _check(file, counted, most, now, window=config.guess_minutes * 60)
        file.executemany(_WRITE, [(counted, attempt.id, 1, now + _PENDING) for counted in limits])

    site.counts.atomically(count)
    return attempt


def failed(site: Site, attempt: Attempt, *, now: float) -> None:
    """It was wrong. `now` in monotonic seconds."""
    until = now + site.config.guess_minutes * 60
    rows = [(counted, attempt.id, 0, until) for counted in attempt.names]
    site.counts.atomically(lambda file: file.executemany(_WRITE, rows).fetchall())


def succeeded(site: Site, attempt: Attempt) -> None:
    """It was right: what was wrong under this name is forgotten, what was wrong from this address is not."""
    pair, address, *by_name = attempt.names

    def forget(file: apsw.Connection) -> None:
        file.execute("DELETE FROM guesses WHERE name = ? AND id = ?", (address, attempt.id))
        for counted in (pair, *by_name):
            file.execute("DELETE FROM guesses WHERE name = ? AND (id = ? OR NOT pending)", (counted, attempt.id))
        file.execute("INSERT OR REPLACE INTO known (pair) VALUES (?)", (pair.removeprefix("pair "),))
        file.execute("DELETE FROM known WHERE id <= (SELECT MAX(id) FROM known) - ?", (_MOST_KNOWN,))

    site.counts.atomically(forget)


def given_back(site: Site, attempt: Attempt) -> None:
    """It said nothing about the secret."""
    rows = [(counted, attempt.id) for counted in attempt.names]
    statement = "DELETE FROM guesses WHERE name = ? AND id = ?"
    site.counts.atomically(lambda file: file.executemany(statement, rows).fetchall())


def note_refusal(site: Site, address: str, *, now: float) -> None:
    """Write down that the brake holds an address: a security event, once an hour for it, and not without end for all.

    The name is not written down: people type passwords into its field, and who has an account here is not to be told
    by how long an answer takes. `now` in monotonic seconds.
    """
    for counter, most in ((f"braked {address}", 1), ("braked", _MOST_NOTED)):
        if not site.counts.take(counter, most=most, window=_HOUR, now=now).allowed:
            return
    record(site, "sign-in.braked", subject=address, address=address, category="security")


def _check(file: apsw.Connection, counted: str, most: int, now: float, *, window: float) -> None:
    bounds = {"failed": window + _APART, "pending": _PENDING + _APART}
    rows: Any = file.execute(_STATE, {"name": counted, "now": now, **bounds}).fetchall()
    state = {pending: (count, until) for pending, count, until in rows}
    failures, until = state.get(0, (0, now))
    if failures >= most:
        wait = max(1, math.ceil(until - now))
        raise TooMany("Too many failed attempts. Wait a few minutes, then try again.", retry_after=wait)
    if failures + state.get(1, (0, now))[0] >= most:
        raise TooMany("Too many attempts at once. Try again in a moment.", retry_after=1)
