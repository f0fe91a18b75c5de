"""Several worker processes: they share the work and the limits, come back when they die, and never stay behind."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from bulletdrop.config import load_config
from bulletdrop.web.api.devices import MOST_BEGUN
from bulletdrop.web.orders import share_of
from tests.conftest import both_databases
from tests.support.processes import (
    all_answer,
    connections_of,
    group_is_empty,
    is_running,
    needs_proc,
    until,
    workers_of,
)
from tests.support.server import Server, binary, certificates, free_port
from tests.web.browser import browser, signed_in
from tests.web.kit import Kept, head_of, kept, png, raw, settled, until_unfinished
from tests.web.test_rates import limit_user

pytestmark = needs_proc
ME = "/api/v1/auth/me"


@pytest.fixture
def four(make_server: Callable[..., Server]) -> Server:
    """A server of four workers, all of which answer."""
    server = make_server(BULLETDROP_WORKERS="4")
    all_answer(server)
    return server


def get(server: Server, path: str, **options: object) -> httpx.Response:
    """Ask on a connection of its own, so that any worker may get it."""
    return httpx.get(server.url + path, trust_env=False, verify=certificates(), timeout=40, **options)  # type: ignore[arg-type]


def test_four_workers_answer_as_one_server_and_end_with_it(four: Server) -> None:
    workers, parent = workers_of(four), four.pid
    assert len(workers) == 4
    announced = json.loads((four.data / "run" / "server.json").read_text())
    assert announced["pid"] == parent
    assert {get(four, "/health").json()["instance"] for _ in range(20)} == {announced["instance"]}
    assert four.log.read_text().count("is ready at") == 1
    began = time.monotonic()
    assert four.stop(seconds=30) == 0
    assert time.monotonic() - began < 8  # nobody waited for the end of an upload
    assert not any(is_running(pid) for pid in workers)
    assert group_is_empty(parent)
    assert not (four.data / "run" / "server.json").exists()


def test_connections_are_spread_over_the_workers(four: Server) -> None:
    with contextlib.ExitStack() as stack:
        for _ in range(60):
            connection = stack.enter_context(raw(four))
            connection.send(head_of(four, "GET", "/health"))
            assert connection.response()[0] == 200
        got = [connections_of(pid, port=four.port) for pid in workers_of(four)]
        assert sum(got) >= 60
        assert sum(count > 0 for count in got) >= 2


def test_a_worker_that_is_killed_comes_back_while_the_others_answer(four: Server) -> None:
    before = workers_of(four)
    os.kill(before[1], signal.SIGKILL)
    # Of the connections that it had taken, none is left; new ones are answered all along.
    assert Counter(get(four, "/health").status_code for _ in range(50)) == {200: 50}
    until(lambda: len(workers_of(four)) == 4)
    assert before[1] not in workers_of(four)
    assert len(set(workers_of(four)) & set(before)) == 3
    for _ in range(3):
        for pid in workers_of(four):
            os.kill(pid, signal.SIGKILL)
        assert get(four, "/health").status_code == 200
        until(lambda: len(workers_of(four)) == 4)


def test_when_the_parent_is_killed_nothing_stays_and_the_port_is_free(four: Server) -> None:
    workers, group = workers_of(four), four.pid
    with raw(four) as idle:
        os.kill(four.pid, signal.SIGKILL)
        until(lambda: group_is_empty(group) or not any(is_running(pid) for pid in workers))
        assert idle.is_closed()
    four.kill()
    with socket.create_server(("127.0.0.1", four.port)):
        pass
    four.start()
    assert get(four, "/health").status_code == 200


def test_signals_in_any_moment_of_the_start_end_it_and_leave_nothing(tmp_path: Path) -> None:
    moments = random.Random(7)
    for number in range(10):
        arguments = ["--data", str(tmp_path / str(number)), "--host", "127.0.0.1", "--port", str(free_port())]
        process = subprocess.Popen(
            [*binary(), "serve", "--workers", "4", *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            # A shell's background job ignores SIGINT, and so would whatever the tests start from there.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        time.sleep(moments.uniform(0.0, 1.6))
        # A storm: the parent and its whole group, several times.
        for _ in range(moments.randint(1, 5)):
            with contextlib.suppress(ProcessLookupError):
                if moments.random() < 0.5:
                    process.send_signal(moments.choice((signal.SIGTERM, signal.SIGINT)))
                else:
                    os.killpg(process.pid, signal.SIGTERM)
            time.sleep(moments.uniform(0, 0.05))
        try:
            # Much longer than it takes, for a busy machine; what hangs, hangs for ever.
            code = process.wait(40)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise AssertionError(f"number {number} is still there") from None
        assert code in (0, -signal.SIGTERM, -signal.SIGINT, 1, 130)
        assert group_is_empty(process.pid), number


def test_workers_that_never_get_to_answer_end_the_server_with_an_error(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path / "data"), "--host", "127.0.0.1", "--port", str(free_port())]
    process = subprocess.Popen(
        [*binary(), "serve", "--workers", "2", *arguments],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    killed = set()
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        for pid in workers_of(process.pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        time.sleep(0.02)
    _, said = process.communicate(timeout=150)
    assert process.returncode == 3
    assert "workers end before they answer" in said
    # Five of one worker in a row; on a busy machine one may get to answer before we see it, and counts anew.
    assert 5 <= len(killed) <= 20
    assert group_is_empty(process.pid)


def test_settings_that_no_worker_can_start_with_are_said_at_once(tmp_path: Path) -> None:
    arguments = ["--data", str(tmp_path / "data"), "--host", "127.0.0.1", "--port", str(free_port())]
    done = subprocess.run(
        [*binary(), "serve", "--workers", "3", *arguments],
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
        env={**os.environ, "BULLETDROP_TRUSTED_PROXIES": "nonsense"},
    )
    assert done.returncode == 2
    assert "trusted_proxies" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_upload_under_way_at_the_stop_is_finished(four: Server) -> None:
    data = png(300, 200)
    with raw(four) as connection:
        connection.send(head_of(four, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data))))
        connection.send(data[:1000])
        until_unfinished(four)
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(four.stop)
            time.sleep(1)
            connection.send(data[1000:])
            assert connection.response()[0] == 201
            assert stopping.result() == 0
    assert kept(four) == Kept(1, 1, 1, 0)


@both_databases
def test_uploads_over_all_workers_are_all_there(make_server: Callable[..., Server], database_url: str) -> None:
    environ = {"BULLETDROP_DATABASE_URL": database_url} if database_url else {}
    server = make_server(BULLETDROP_WORKERS="4", **environ)
    all_answer(server)
    headers = {"Authorization": f"Bearer {server.key_of('alice')}"}
    # A quarter of them are the same bytes, which are kept once, whoever of the workers gets them.
    same = png(40, 30)
    pictures = [same if number % 4 == 0 else png(40, 30) for number in range(120)]

    def send(number: int) -> dict[str, str]:
        url = f"{server.url}/api/v1/uploads/{number}.png"
        answer = httpx.put(
            url, content=pictures[number], headers=headers, trust_env=False, verify=certificates(), timeout=60
        )
        assert answer.status_code == 201, answer.text
        drop: dict[str, str] = answer.json()
        return drop

    with ThreadPoolExecutor(16) as threads:
        drops = list(threads.map(send, range(120)))
        shown = list(threads.map(lambda drop: get(server, f"/i/{drop['id']}").content, drops))
    assert shown == pictures
    if not database_url:
        assert settled(server) == Kept(120, 91, 91, 0)
    verified = server.command("verify", "--read-data", check=False)
    assert verified.returncode == 0, verified.stdout


def test_a_limit_by_the_hour_is_exact_over_all_workers(four: Server) -> None:
    key = four.key_of("bob")
    limit_user(four, "bob", 50)
    headers = {"Authorization": f"Bearer {key}"}
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: get(four, ME, headers=headers), range(200)))
    assert Counter(answer.status_code for answer in answers) == {200: 50, 429: 150}
    left = [int(answer.headers["ratelimit"].split(";")[1][2:]) for answer in answers if answer.status_code == 200]
    assert sorted(left) == list(range(50))


def test_tabs_that_wake_together_stay_signed_in_whichever_worker_each_meets(four: Server) -> None:
    with signed_in(four, "alice") as client:
        refresh = {"bd_refresh": client.cookies["bd_refresh"]}
        with ThreadPoolExecutor(16) as threads:
            answers = list(threads.map(lambda _: get(four, ME, cookies=refresh), range(40)))
        assert Counter(answer.status_code for answer in answers) == {200: 40}
        newest = {answer.cookies["bd_refresh"] for answer in answers if "bd_refresh" in answer.cookies}
        assert len(newest) == 1
        again = get(four, ME, cookies={"bd_refresh": newest.pop()})
        assert again.status_code == 200


def test_a_session_that_ends_is_refused_by_every_worker_at_once(four: Server) -> None:
    with signed_in(four, "alice") as client:
        cookies = {name: client.cookies[name] for name in ("bd_access", "bd_refresh")}
        assert all(get(four, ME, cookies=cookies).status_code == 200 for _ in range(20))
        assert client.post("/api/v1/auth/logout").status_code == 204
        with ThreadPoolExecutor(8) as threads:
            statuses = Counter(threads.map(lambda _: get(four, ME, cookies=cookies).status_code, range(60)))
        assert statuses == {401: 60}
        with browser(four) as other:
            assert other.get(ME).status_code == 401


def test_what_is_a_total_for_the_server_is_divided_among_its_workers(tmp_path: Path) -> None:
    config = load_config({"data": tmp_path}, environ={})
    assert share_of(config, 1) == config
    share = share_of(config, 4)
    assert (share.max_open_uploads, share.max_open_uploads_per_address) == (64, 50)
    assert (share.decode_processes, share.cache_mb) == (1, 8)
    assert share_of(load_config({"data": tmp_path, "cache_mb": 0}, environ={}), 4).cache_mb == 0


def test_a_limit_by_address_is_exact_over_all_workers_and_a_household_is_one_address(
    make_server: Callable[..., Server],
) -> None:
    server = make_server(BULLETDROP_WORKERS="4", BULLETDROP_TRUSTED_PROXIES="127.0.0.1")
    all_answer(server)

    def ask(address: str) -> httpx.Response:
        wanted = {"device_name": "desk", "scopes": ["uploads:read"]}
        url, headers = f"{server.url}/api/v1/devices/code", {"X-Forwarded-For": address}
        return httpx.post(url, json=wanted, headers=headers, trust_env=False, verify=False, timeout=40)

    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda number: ask(f"2001:db8:1:2::{number:x}"), range(1, 61)))
    assert Counter(answer.status_code for answer in answers) == {201: MOST_BEGUN, 429: 60 - MOST_BEGUN}
    assert all(0 < int(answer.headers["retry-after"]) <= 1200 for answer in answers if answer.status_code == 429)
    assert ask("2001:db8:1:3::1").status_code == 201
