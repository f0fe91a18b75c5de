"""Start, stop, and what is announced in between."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.server import Server, binary, free_port
from tests.web.kit import Kept, head_of, png, raw, settled, until_unfinished, upload


@pytest.mark.alone
def test_an_idle_server_stops_within_a_second(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.key_of("alice")
    with socket.create_connection(("127.0.0.1", server.port)) as half:
        server.alice.get("/api/v1/auth/me")
        half.sendall(b"GET / HT")
        time.sleep(0.1)
        started = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - started < 1.5
    assert not (server.data / "run" / "server.json").exists()


def test_a_signal_in_any_moment_of_the_start_ends_it(tmp_path: Path) -> None:
    for delay in (0.02, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7):
        command = [
            *binary(),
            "serve",
            "--data",
            str(tmp_path / str(delay)),
            "--host",
            "127.0.0.1",
            "--port",
            str(free_port()),
        ]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            time.sleep(delay)
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(40)
            except subprocess.TimeoutExpired:
                process.kill()
                raise AssertionError(f"still there after a SIGTERM {delay} s into its start") from None


def test_an_upload_under_way_at_the_stop_is_finished(make_server: Callable[..., Server]) -> None:
    server = make_server()
    data = png(300, 200)
    with raw(server) as connection:
        connection.send(head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data))))
        connection.send(data[:1000])
        until_unfinished(server)
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(server.stop)
            time.sleep(1)
            connection.send(data[1000:])
            status, headers, body = connection.response()
            assert status == 201
            assert headers["connection"] == "close"
            assert stopping.result() == 0
    server.start()
    # Its thumbnails are made meanwhile, by way of files beside it.
    assert settled(server) == Kept(1, 1, 1, 0)
    assert server.anonymous.get(json.loads(body)["direct_url"].replace(server.url, "")).content == data


def test_an_upload_that_does_not_finish_in_time_gets_an_answer(make_server: Callable[..., Server]) -> None:
    server = make_server()
    with raw(server, seconds=20) as connection:
        connection.send(head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length="1000000") + b"x" * 1000)
        until_unfinished(server)
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(server.stop, seconds=20)
            status, headers, body = connection.response()
            assert status == 503
            assert json.loads(body)["error"]["code"] == "unavailable"
            assert int(headers["retry-after"]) > 0
            assert stopping.result() == 0
    server.start()
    assert settled(server) == Kept(0, 0, 0, 0)


def test_a_download_under_way_at_the_stop_is_finished(make_server: Callable[..., Server]) -> None:
    server = make_server()
    drop = upload(server.alice, png(2000, 1500))
    with raw(server, seconds=20, receive_buffer=65536) as connection:
        connection.send(head_of(server, "GET", f"/i/{drop['id']}"))
        _, headers = connection.head()
        size = int(headers["content-length"])
        with ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(server.stop, seconds=20)
            time.sleep(1)
            assert len(connection.body(size)) == size
            assert stopping.result() == 0


def test_a_port_in_use_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    command = [*binary(), "serve", "--data", str(tmp_path / "other"), "--host", "127.0.0.1", "--port", str(server.port)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode != 0
    assert str(server.port) in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_server_on_the_same_folder_is_refused_and_harms_nothing(server_on: Server) -> None:
    server = server_on
    data = png(300, 200)
    announced = (server.data / "run" / "server.json").read_text()
    with raw(server) as connection:
        connection.send(head_of(server, "PUT", "/api/v1/uploads/a.png", Content_Length=str(len(data))))
        connection.send(data[:1000])
        until_unfinished(server)
        command = [*binary(), "serve", "--data", str(server.data), "--host", "127.0.0.1", "--port", "0"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=150, check=False, env=server.environ)
        assert done.returncode == 3
        said = f"bulletdrop: Another BulletDrop serves this data folder (process {server.pid}).\n"
        assert done.stderr == said
        assert server.command("user", "list").stdout
        assert server.command("verify").stdout
        connection.send(data[1000:])
        assert connection.response()[0] == 201
    assert (server.data / "run" / "server.json").read_text() == announced


def test_after_a_kill_the_next_server_starts_at_once(server: Server) -> None:
    for _ in range(3):
        server.kill()
        server.start()
    assert json.loads((server.data / "run" / "server.json").read_text())["pid"] == server.pid


def test_port_0_means_any_and_is_announced(tmp_path: Path) -> None:
    data = tmp_path / "any"
    command = [*binary(), "serve", "--data", str(data), "--host", "127.0.0.1", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + 60
            while not (data / "run" / "server.json").exists():
                assert time.monotonic() < deadline
                time.sleep(0.02)
            url = json.loads((data / "run" / "server.json").read_text())["url"]
            assert not url.endswith(":0")
            import httpx

            assert httpx.get(f"{url}/health", trust_env=False, timeout=30).status_code == 200
        finally:
            process.terminate()
            assert process.wait(40) == 0
