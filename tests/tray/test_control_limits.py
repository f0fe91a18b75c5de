"""What the tray's control server does with broken, huge, slow and many requests; and that nothing holds up its end."""

from __future__ import annotations

import contextlib
import http.client
import socket
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.tray.control_kit import Browser, as_program, ask
from tests.tray.engine_kit import eventually, png, write
from tests.tray.steering_kit import Controlled, controlled


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Controlled]:
    with controlled(tmp_path) as running:
        yield running


def raw(tray: Controlled, data: bytes, *, seconds: float = 60) -> bytes:
    """What comes back for these bytes until the server hangs up."""
    with socket.create_connection(("127.0.0.1", tray.control.port), timeout=seconds) as line:
        line.sendall(data)
        parts = []
        try:
            while part := line.recv(65536):
                parts.append(part)
        except ConnectionResetError:
            pass
        return b"".join(parts)


@pytest.mark.parametrize(
    "data",
    [
        b"hello\r\n\r\n",
        b"GET http://127.0.0.1/ HTTP/1.1\r\n\r\n",
        b"GET / HTTP/2.0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost : x\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: a\r\n\r\n",
    ],
)
def test_what_is_no_request_is_refused_and_hung_up_on(tray: Controlled, data: bytes) -> None:
    assert raw(tray, data).split(b" ", 2)[1] in (b"400", b"413")


def test_a_head_without_end_is_refused(tray: Controlled) -> None:
    assert b" 413 " in raw(tray, b"GET / HTTP/1.1\r\nX: " + b"a" * 100_000)[:20]


def test_a_huge_body_is_refused_before_it_comes(tray: Controlled) -> None:
    head = f"POST /api/uploads HTTP/1.1\r\nHost: 127.0.0.1:{tray.control.port}\r\nContent-Length: {10**9}\r\n\r\n"
    assert b" 413 " in raw(tray, head.encode())[:20]


def test_a_form_of_a_million_fields_is_refused(tray: Controlled) -> None:
    browser = Browser(tray)
    body = ("csrf=" + browser.csrf() + "&a" * 100_000).encode()
    kind = "application/x-www-form-urlencoded"
    refused = ask(
        tray, browser.room + "recent", method="POST", body=body, Cookie=browser.cookie, Origin=tray.control.url,
        Content_Type=kind,
    )  # fmt: skip
    assert refused.status == 400
    assert ask(tray, "/api/page", method="POST", body=b"[" * 100_000).status == 401
    assert as_program(tray, "/api/page", [1, 2]).code == "bad_body"


def test_who_sends_a_byte_now_and_then_is_let_go(tray: Controlled) -> None:
    with socket.create_connection(("127.0.0.1", tray.control.port), timeout=30) as line:
        began = time.monotonic()
        with contextlib.suppress(OSError):
            while time.monotonic() - began < 60:
                line.sendall(b"G")
                time.sleep(0.1)
        assert 3 < time.monotonic() - began < 50


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir())) if sys.platform == "linux" else 0


def test_a_thousand_connections_keep_nobody_out_and_no_file_of_the_trays(tray: Controlled) -> None:
    before = open_files()
    with ExitStack() as open_lines:
        lines = []
        for _ in range(1000):
            line = socket.create_connection(("127.0.0.1", tray.control.port), timeout=60)
            open_lines.enter_context(line)
            lines.append(line)
            if len(lines) > 200:
                lines.pop(0).close()  # ours are few as well
        began = time.monotonic()
        assert as_program(tray, "/api/status").status == 200
        assert time.monotonic() - began < 15, "those that say nothing are let go after twenty"
        # The tray's own ends: 64 at most, whatever the others do.
        assert open_files() - before - len(lines) <= 64 + 8
    write(tray.folder / "still.png", png("still"))
    eventually(lambda: [item for item in tray.small.recent() if item.name == "still.png" and item.link])


def test_connections_that_say_nothing_do_not_hold_up_the_end(tmp_path: Path) -> None:
    with controlled(tmp_path) as tray, ExitStack() as open_lines:
        for sent in (b"", b"GET / HT", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n123"):
            line = open_lines.enter_context(socket.create_connection(("127.0.0.1", tray.control.port)))
            line.sendall(sent)
        Browser(tray).get("servers")
        began = time.monotonic()
        tray.control.stop()
        assert time.monotonic() - began < 10, "the first of them is let go after twenty seconds"
        eventually(lambda: nobody_listens(tray.control.port))


def nobody_listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except ConnectionRefusedError:
        return True
    except OSError:
        return False
    return False


def test_an_answer_that_hangs_holds_up_neither_others_nor_the_end(tmp_path: Path) -> None:
    with controlled(tmp_path) as tray:
        stuck, entered = threading.Event(), threading.Semaphore(0)
        honest = tray.small.report

        def hang() -> Any:
            entered.release()
            stuck.wait(60)
            return honest()

        tray.small.report = hang  # type: ignore[method-assign]

        def wait_for_it() -> None:
            with contextlib.suppress(OSError, http.client.HTTPException):
                as_program(tray, "/api/status")

        asker = threading.Thread(target=wait_for_it)
        asker.start()
        assert entered.acquire(timeout=60)
        assert as_program(tray, "/api/recent").status == 200
        began = time.monotonic()
        tray.control.stop()
        assert time.monotonic() - began < 20, "the answer hangs for sixty"
        stuck.set()
        asker.join(60)
        assert not asker.is_alive()


def test_no_secret_comes_into_the_log(tray: Controlled, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        browser = Browser(tray)
        browser.post("recent", {"bar": "gallery"})
        as_program(tray, "/api/status")
        ask(tray, "/enter/" + "x" * 30)
    secrets = [browser.cookie.partition("=")[2], browser.room.strip("/"), tray.control.doors.secret, browser.csrf()]
    assert not [secret for secret in secrets if secret in caplog.text]
