"""The threads of the server, by kind of work, so that slow work of one kind cannot starve another."""

from __future__ import annotations

import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

from peewee import Database


class Pools:
    """Six pools.

    database: use cases, one connection a thread; more threads brought nothing (the interpreter lock is the limit).
    hashing: argon2 takes 28 ms of a core, so two at a time, away from everybody else's queries.
    sending: large files, which may have to come from the disk.
    receiving: parsing, hashing and writing of request bodies.
    pictures: waits for the decoding children, which may take seconds.
    remote: waits for sign-in providers, which may take seconds too, or not answer at all.
    """

    DATABASE_THREADS = 4
    PICTURE_THREADS = 4

    def __init__(self) -> None:
        self.database = ThreadPoolExecutor(self.DATABASE_THREADS, "database")
        self.hashing = ThreadPoolExecutor(2, "hashing")
        self.receiving = ThreadPoolExecutor(4, "receiving")
        self.sending = ThreadPoolExecutor(4, "sending")
        self.pictures = ThreadPoolExecutor(self.PICTURE_THREADS, "pictures")
        self.remote = ThreadPoolExecutor(4, "remote")

    def close(self, database: Database | None) -> None:
        """Wait for what runs, drop what waits, and close each thread's connection."""
        for pool in (self.receiving, self.sending, self.hashing, self.pictures, self.remote, self.database):
            if database is not None:
                _close_connections(pool, database)
            pool.shutdown(wait=True, cancel_futures=True)


def _close_connections(pool: ThreadPoolExecutor, database: Database) -> None:
    """Close the connection of every thread of a pool: one task for each, none of which ends before all have begun."""
    count = len(pool._threads)
    barrier = threading.Barrier(count) if count else None

    def close() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            if barrier:
                barrier.wait(timeout=2)
        if not database.is_closed():
            database.close()

    for future in [pool.submit(close) for _ in range(count)]:
        with contextlib.suppress(Exception):
            future.result(timeout=5)
