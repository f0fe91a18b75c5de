"""The master key is exchanged while secrets are made and opened, and killed while it is: every secret opens."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from tests.support.server import Server, binary


@contextmanager
def makers(server: Server, made: dict[str, str]) -> Iterator[None]:
    """Threads that make secrets all the time: id → text."""
    stop = threading.Event()

    def work(name: int) -> None:
        with server.client("alice") as client:
            for number in range(10_000):
                if stop.is_set():
                    return
                text = f"{name}-{number}"
                answer = client.post("/api/v1/secrets", json={"content": text})
                assert answer.status_code == 201, answer.text
                made[answer.json()["id"]] = text

    threads = [threading.Thread(target=work, args=(name,)) for name in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def lost(server: Server, made: dict[str, str]) -> list[str]:
    """Secrets that do not open."""
    answers = {key: server.anonymous.post(f"/api/v1/secrets/{key}/open", json={}).json() for key in made}
    return [key for key, answer in answers.items() if answer.get("content") != made[key]]


def rotate(server: Server) -> subprocess.Popen[bytes]:
    """Begin a rotation in a process of its own."""
    return subprocess.Popen(
        [*binary(), "secrets", "rotate-key", "--data", str(server.data)],
        env=server.environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )


def keys(server: Server) -> list[str]:
    """The ids of the master keys in the file."""
    return [row["id"] for row in json.loads((server.data / "master.key").read_text())["keys"]]


@pytest.mark.parametrize("database_url", ["sqlite", "postgres"], indirect=True)
def test_no_secret_is_lost_while_the_key_is_exchanged_and_killed(
    make_server: Callable[..., Server], database_url: str
) -> None:
    given = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    server, rng = make_server(BULLETDROP_WORKERS="2", **given), Random(4)
    server.key_of("alice")
    made: dict[str, str] = {}
    with makers(server, made):
        time.sleep(1)
        for _ in range(3):
            whole = rotate(server)
            _, said = whole.communicate(timeout=150)
            assert whole.returncode == 0, said
        for _ in range(6):
            killed = rotate(server)
            # It starts for about half a second, and then is at it.
            time.sleep(0.4 + rng.random())
            os.killpg(killed.pid, signal.SIGKILL)
            killed.communicate(timeout=150)
    last = rotate(server)
    _, said = last.communicate(timeout=150)
    assert last.returncode == 0, said
    assert len(keys(server)) == 1
    assert not list(server.data.glob(".master.key.*"))
    assert len(made) > 20
    assert lost(server, made) == []
