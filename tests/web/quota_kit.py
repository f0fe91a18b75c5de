"""For the tests of quotas over HTTP: pictures of one size, four ways to send them, many at once, the counts."""

from __future__ import annotations

import contextlib
import io
import json
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx
from PIL import Image

from tests.support.server import Server
from tests.web.kit import FORM_TYPE, form

WAYS = ("form", "chunked form", "put", "chunked put")


def bitmap(width: int = 100, height: int = 100) -> bytes:
    """A picture of always the same size for its dimensions, other bytes at each call, kept as it is."""
    buffer = io.BytesIO()
    Image.frombytes("RGB", (width, height), os.urandom(3 * width * height)).save(buffer, "BMP")
    return buffer.getvalue()


def send(client: httpx.Client, way: str, data: bytes, *, pause: Callable[[], object] = lambda: None) -> httpx.Response:
    """Send a file one way or another; `pause` is called when half of the body is on its way."""
    body = form(data, filename="a.bmp") if "form" in way else data

    def halves() -> Iterator[bytes]:
        yield body[: len(body) // 2]
        pause()
        yield body[len(body) // 2 :]

    headers = {"Content-Type": FORM_TYPE} if "form" in way else {}
    if "chunked" not in way:
        headers["Content-Length"] = str(len(body))
    method, path = ("POST", "/api/v1/uploads") if "form" in way else ("PUT", "/api/v1/uploads/a.bmp")
    return client.request(method, path, content=halves(), headers=headers)


def all_at_once(server: Server, name: str, way: str, files: list[bytes]) -> list[httpx.Response]:
    """Send files, all of which are half on their way before the first of them ends."""
    half = threading.Barrier(len(files))
    answers: list[httpx.Response | None] = [None] * len(files)

    def pause() -> None:
        with contextlib.suppress(threading.BrokenBarrierError):
            half.wait(20)

    def run(number: int) -> None:
        with server.client(name) as client:
            answers[number] = send(client, way, files[number], pause=pause)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(files))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [answer for answer in answers if answer is not None]


def ask(server: Server, sql: str) -> list[tuple[Any, ...]]:
    """Ask the server's database, or change it."""
    url = server.environ.get("BULLETDROP_DATABASE_URL")
    if url:
        import psycopg

        with psycopg.connect(url, autocommit=True) as postgres:
            cursor = postgres.execute(sql.encode())
            return cursor.fetchall() if cursor.description else []
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        return database.execute(sql).fetchall()


def limit(server: Server, name: str, **figures: int) -> None:
    """Set somebody's own limits."""
    ask(server, f"UPDATE \"user\" SET limits = '{json.dumps(figures)}' WHERE username = '{name}'")


def used(server: Server, name: str) -> int:
    """Bytes that are counted for somebody."""
    return int(ask(server, f"SELECT storage_used FROM \"user\" WHERE username = '{name}'")[0][0])


def held(server: Server) -> int:
    """Bytes that uploads under way hold."""
    return int(ask(server, "SELECT COALESCE(SUM(size), 0) FROM hold")[0][0])


def soon(check: Callable[[], Any], *, seconds: float = 40) -> Any:
    """What `check` says as soon as it is true, or when the time is over."""
    deadline = time.monotonic() + seconds
    while not (value := check()) and time.monotonic() < deadline:
        time.sleep(0.05)
    return value
