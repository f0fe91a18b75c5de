"""Clients that read next to nothing do not use the server up, and they are not waited for for ever."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop.web.patience import Patience, most_answers
from bulletdrop.web.prepared import shared_file
from tests.support.server import Server
from tests.web.kit import head_of, path_of, png, raw, upload

DESCRIPTORS = 512


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that the system gives few descriptors."""
    limit = f"--nofile={DESCRIPTORS}:{DESCRIPTORS}"
    monkeypatch.setenv("BULLETDROP_BINARY", f"prlimit {limit} {sys.executable} -m bulletdrop")
    server = Server(tmp_path / "data", environ={"BULLETDROP_MIN_FREE_DISK": "0"})
    server.start()
    yield server
    server.close()


def slow_reader(server: Server, head: bytes) -> socket.socket:
    """A client that asks and then takes nothing."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    sock.settimeout(10)
    sock.connect(("127.0.0.1", server.port))
    sock.sendall(head)
    return sock


@pytest.mark.skipif(sys.platform != "linux", reason="prlimit and /proc are Linux's")
def test_four_hundred_slow_readers_do_not_use_the_server_up(small: Server) -> None:
    drop = upload(small.alice, png(1600, 1500))
    head = head_of(small, "GET", path_of(drop["direct_url"]))
    with contextlib.ExitStack() as readers:
        readers_socks = [readers.enter_context(slow_reader(small, head)) for _ in range(400)]
        deadline = time.monotonic() + 30
        while len(list(Path(f"/proc/{small.pid}/fd").iterdir())) > DESCRIPTORS / 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        with small.client("alice") as client:
            assert client.get("/health").status_code == 200
            assert client.get("/ready").status_code == 200
            upload(client)
        first = [sock.recv(16).split(b" ")[1] for sock in readers_socks]
        assert set(first) == {b"200", b"429"}
        assert first.count(b"200") == most_answers(DESCRIPTORS)[1]
        refused = readers_socks[first.index(b"429")]
        rest = b""
        while piece := refused.recv(4096):
            rest += piece
        assert b"retry-after:" in rest.lower()
    deadline = time.monotonic() + 30
    while (answer := small.anonymous.get(path_of(drop["direct_url"]))).status_code == 429:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert hashlib.sha256(answer.content).hexdigest() == drop["sha256"]


def test_a_client_that_takes_nothing_is_cut_off_and_one_that_takes_little_is_not(shared: Server) -> None:
    drop = upload(shared.alice, png(2600, 2300))
    head = head_of(shared, "GET", path_of(drop["direct_url"]))
    # A receive buffer of this size holds back the most of what there is.
    with slow_reader(shared, head) as idle, raw(shared, seconds=60, receive_buffer=4096) as patient:
        patient.send(head)
        status, headers = patient.head()
        assert status == 200
        size = int(headers["content-length"])
        body = bytearray()
        for _ in range(42):
            body += patient.body(8192)
            time.sleep(1)
        idle.settimeout(30)
        got = 0
        with contextlib.suppress(ConnectionResetError):
            while piece := idle.recv(1 << 20):
                got += len(piece)
        assert got < size
        while len(body) < size:
            piece = patient.body(min(1 << 20, size - len(body)))
            assert piece
            body += piece
        assert hashlib.sha256(body).hexdigest() == drop["sha256"]


def test_patience_is_used_up_by_waiting_and_earned_by_bytes() -> None:
    patience = Patience(1000, first=30, most=120)
    patience.begins(0, 0.0)
    assert patience.lasts(0, 29.0)
    assert patience.lasts(8000, 30.0)
    assert patience.left == pytest.approx(8)
    assert patience.lasts(10_000_000, 31.0)
    assert patience.left == 120
    assert patience.lasts(10_000_000, 150.0)
    assert not patience.lasts(10_000_100, 151.2)
    for_ever = Patience(0)
    for_ever.begins(0, 0.0)
    assert for_ever.lasts(0, 1e9)


def test_a_file_is_opened_once_for_all_and_anew_when_its_path_names_another(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_bytes(b"one")
    first = shared_file(path)
    assert shared_file(path) is first
    path.with_name("b").write_bytes(b"other")
    path.with_name("b").replace(path)
    assert shared_file(path) is not first
