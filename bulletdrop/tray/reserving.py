"""The pool of links held ready: slugs that the server handed to this device before there are bytes for them.

A capture takes one in the transaction that makes its row, so that its link is true, survives a kill, and is there at
once, without a network. What is left is counted here, and when it runs low the sender's errand thread asks for more.
"""

from __future__ import annotations

import json
import secrets
import socket
from collections.abc import Iterable, Sequence

from bulletdrop.tray.holding import Holder, Reserved
from bulletdrop.tray.rows import to_micros
from bulletdrop.tray.spool import Spool

# Held ready, for a day without a network; and after a burst has emptied the pool.
USUAL, AFTER_BURST = 40, 50
BURST_SECONDS = 600.0


class Pool:
    """The slugs that are left. Safe to call from any thread."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool
        self._emptied_at: int | None = None

    def take(self, holder: Holder, ending: str) -> tuple[str, str, str] | None:
        """Take the slug that ends first out of the pool; None when there is none.

        Call it within the transaction of the row that gets it.

        Args:
            ending: of the file, without its dot; empty where it is not known.
        Returns: the slug, the link to copy, the link of the bytes.
        """
        found = self._spool.rows(
            "SELECT slug, url, direct_base, with_ending FROM reserved"
            " WHERE server = ? AND device = ? AND expires_at > ? ORDER BY expires_at, slug LIMIT 1",
            *(holder.server, holder.device, self._spool.now()),
        )
        if not found:
            self._emptied_at = self._spool.now()
            return None
        slug, url, direct_base, with_ending = found[0]
        direct = f"{direct_base}.{ending}" if ending else direct_base
        self._spool.write("DELETE FROM reserved WHERE slug = ?", slug)
        return slug, direct if with_ending and ending else url, direct

    def put(self, holder: Holder, items: Sequence[Reserved]) -> None:
        """Add what the server handed out."""
        with self._spool.together():
            for one in items:
                self._spool.write(
                    "INSERT OR IGNORE INTO reserved VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                    *(one.slug, one.url, one.direct_base, one.with_ending),
                    *(self._spool.now(), to_micros(one.expires_at), holder.server, holder.device),
                )

    def count(self, holder: Holder | None) -> int:
        """How many are left for this holder."""
        if holder is None:
            return 0
        found = self._spool.rows(
            "SELECT count(*) FROM reserved WHERE server = ? AND device = ? AND expires_at > ?",
            *(holder.server, holder.device, self._spool.now()),
        )
        return int(found[0][0])

    def store(self) -> str:
        """The mark by which the server knows this pool from others with the same key.

        Another one after the file was lost, and for a copy of it, on this machine or elsewhere: what was handed out by
        a mark is nobody's but ours, unless a whole machine was doubled, name and disk.
        """
        here = f"{socket.gethostname()}:{self._spool.path.stat().st_ino}"
        with self._spool.together():
            found = self._spool.rows("SELECT value FROM setting WHERE name = 'store'")
            mark, _, was_here = str(found[0][0]).partition(" ") if found else ("", "", "")
            if was_here != here:
                mark = secrets.token_hex(8)
                self._spool.write("INSERT OR REPLACE INTO setting VALUES ('store', ?)", f"{mark} {here}")
        return mark

    def unknown(self, slugs: Iterable[str]) -> list[str]:
        """Those of which nothing is known here: not ready, given to no capture, and with no word owed about them."""
        with self._spool.together():
            known = {row[0] for row in self._spool.rows("SELECT slug FROM reserved UNION SELECT slug FROM capture")}
            for (detail,) in self._spool.rows("SELECT detail FROM owed"):
                known.add(json.loads(detail).get("slug"))
        return [slug for slug in slugs if slug not in known]

    def wanted(self, holder: Holder) -> int:
        """How many to ask the server for now: none while half of what shall be there is left."""
        burst = self._emptied_at is not None and self._spool.now() - self._emptied_at < BURST_SECONDS * 1_000_000
        goal = AFTER_BURST if burst else USUAL
        left = self.count(holder)
        return goal - left if left < goal / 2 else 0

    def stale(self, holder: Holder) -> list[str]:
        """The slugs to give back: older than half of their life. Those of an earlier key of ours at this server, which
        nobody can fill or end any more, are dropped here."""
        self._spool.write(
            "DELETE FROM reserved WHERE server = ? AND device <> ?",
            *(holder.server, holder.device),
        )
        found = self._spool.rows(
            "SELECT slug FROM reserved WHERE server = ? AND device = ? AND ? > got_at + (expires_at - got_at) / 2",
            *(holder.server, holder.device, self._spool.now()),
        )
        return [row[0] for row in found]

    def forget(self, holder: Holder) -> None:
        """Its key is refused: what it held nobody can fill or end any more."""
        self._spool.write("DELETE FROM reserved WHERE server = ? AND device = ?", holder.server, holder.device)

    def drop(self, slugs: Sequence[str]) -> None:
        """Take these out. Call it within the transaction that owes the server the word about it."""
        for slug in slugs:
            self._spool.write("DELETE FROM reserved WHERE slug = ?", slug)
