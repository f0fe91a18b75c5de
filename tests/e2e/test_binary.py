"""The binary on a machine where nothing of ours lies beside it: no Python, no checkout, only the C library."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bulletdrop import __version__
from tests.support.bare import BareMachine
from tests.support.built import built
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, free_port

pytestmark = [
    pytest.mark.binary,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("binary"),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the one file is Linux's form of the program"),
]
ALICE = {"username": "alice", "email": "alice@example.org", "password": "correct horse battery staple"}


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> BareMachine:
    """A machine with the binary in `/bulletdrop`."""
    return BareMachine(tmp_path_factory.mktemp("bare") / "machine", built())


@pytest.fixture
def data(request: pytest.FixtureRequest) -> str:
    """A data folder on that machine, of this test alone."""
    return f"/data/{abs(hash(request.node.nodeid))}"


@pytest.fixture
def url(machine: BareMachine, data: str) -> Iterator[str]:
    """The address of the binary's server on that machine."""
    port = free_port()
    command = machine.command("serve", "--data", data, "--host", "127.0.0.1", "--port", str(port))
    path = machine.root / f"log-{port}"
    with path.open("wb") as log:
        server = subprocess.Popen(command, env=machine.environ(), stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        wait_for(lambda: httpx.get(f"{address}/health", timeout=2, trust_env=False).status_code == 200)
        yield address
        server.terminate()
        code, told = server.wait(60), path.read_text()
    finally:
        server.kill()
        server.wait(60)
    assert code == 0, told
    assert "Traceback" not in told


def wait_for(condition: object, *, seconds: float = 60) -> None:
    """Ask until the answer is yes; a refused connection is a no."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            if condition():  # type: ignore[operator]
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def alice(machine: BareMachine, data: str, url: str) -> Iterator[httpx.Client]:
    """Its admin, who set the server up with the code that lies in its data folder."""
    with httpx.Client(base_url=url, timeout=30, trust_env=False) as client:
        code = (machine.root / data[1:] / "setup-code").read_text().strip()
        answer = client.post("/api/v1/setup", json={"code": code, **ALICE})
        assert answer.status_code in (200, 201), answer.text
        client.cookies.clear()
        client.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        yield client


def test_it_tells_its_version(machine: BareMachine) -> None:
    done = machine.run("--version")
    assert (done.stdout, done.stderr, done.returncode) == (f"bulletdrop {__version__}\n", "", 0)


@pytest.fixture
def stranger() -> Iterator[httpx.Client]:
    """Somebody without an account."""
    with httpx.Client(timeout=30, trust_env=False) as client:
        yield client


def test_a_whole_life_set_up_upload_look_take_back(alice: httpx.Client, stranger: httpx.Client) -> None:
    picture = screenshot(7, width=1200, height=800)
    answer = alice.post("/api/v1/uploads", files={"file": ("shot.png", picture, "image/png")})
    assert answer.status_code == 201, answer.text
    drop = answer.json()

    assert stranger.get(drop["direct_url"]).content == picture
    page = stranger.get(drop["url"])
    assert page.status_code == 200
    assert "og:image" in page.text

    thumbnail = stranger.get(drop["thumbnail_url"])  # made by the decoding child, which is this binary too
    assert (thumbnail.status_code, thumbnail.headers["content-type"]) == (200, "image/webp")

    assert alice.delete(f"/api/v1/uploads/{drop['id']}").status_code in (200, 204)
    assert stranger.get(drop["direct_url"]).status_code in (404, 410)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP", "GIF", "AVIF"])
def test_it_can_decode_every_kind_of_picture_it_takes(alice: httpx.Client, kind: str) -> None:
    picture = screenshot(1, kind=kind)
    answer = alice.post("/api/v1/uploads", files={"file": (f"shot.{kind.lower()}", picture)})
    assert answer.status_code == 201, answer.text
    assert alice.get(answer.json()["thumbnail_url"]).status_code == 200


def test_the_command_line_uploads_and_the_library_verifies(
    machine: BareMachine, data: str, url: str, alice: httpx.Client
) -> None:
    wanted = {"name": "cli", "scopes": ["uploads:read", "uploads:write"]}
    key = alice.post("/api/v1/api-keys", json=wanted).json()["key"]
    (machine.root / "home" / "shot.png").write_bytes(screenshot(3))
    done = machine.run("upload", "/home/shot.png", BULLETDROP_SERVER=url, BULLETDROP_TOKEN=key)
    assert done.returncode == 0, done.stderr
    assert httpx.get(done.stdout.strip(), trust_env=False, timeout=30).status_code == 200

    verified = machine.run("verify", "--read-data", "--data", data)
    assert verified.returncode == 0, verified.stdout + verified.stderr


def test_accounts_and_keys_come_from_the_command_line(machine: BareMachine, data: str, url: str) -> None:
    added = machine.run(
        "user", "add", "alice", "--email", "alice@example.org", "--admin", "--password-stdin", "--data", data,
        stdin="correct horse battery staple\n",
    )
    assert added.returncode == 0, added.stderr
    key = machine.run("key", "add", "alice", "--name", "k", "--scope", "uploads:read", "--data", data).stdout.strip()
    answer = httpx.get(f"{url}/api/v1/uploads", headers={"X-API-Key": key}, trust_env=False, timeout=30)
    assert answer.status_code == 200


def test_it_speaks_to_postgres(postgres: str, tmp_path: Path) -> None:
    from tests.support.postgres import fresh_database

    with fresh_database(postgres) as database:
        command = [str(built()), "user", "add", "alice", "--email", "alice@example.org", "--password-stdin"]
        command += ["--data", str(tmp_path / "data")]
        environ = {"HOME": str(tmp_path), "BULLETDROP_DATABASE_URL": database}
        done = subprocess.run(
            command, env=environ, input=PASSWORD, capture_output=True, text=True, timeout=60, check=False
        )
    assert done.returncode == 0, done.stderr
