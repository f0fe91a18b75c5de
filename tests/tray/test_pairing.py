"""How the tray comes to its server and its token, against a real server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bulletdrop.config import Config, load_config
from bulletdrop.errors import NotSignedIn
from bulletdrop.tray import vault
from bulletdrop.tray.client import Client
from bulletdrop.tray.pairing import Pairing, is_alive, read_local_server, setup_page
from tests.support.screen import wait_for
from tests.support.server import PASSWORD, Server


class Tray:
    """What the pairing tells the tray."""

    def __init__(self, config: Config, environ: dict[str, str]) -> None:
        self.clients: list[Client] = []
        self.needs: list[tuple[str | None, str | None]] = []
        self.off: list[bool] = []
        self.pairing = Pairing(
            config,
            use=self.clients.append,
            needs=lambda words, page: self.needs.append((words, page)),
            environ=environ,
            off=lambda: self.off.append(True),
            keyrings=(),
            patience=0.2,
        )

    @property
    def client(self) -> Client:
        return wait_for(lambda: self.clients, what="a client")[-1]


@pytest.fixture
def tray(request: pytest.FixtureRequest) -> Iterator[Callable[..., Tray]]:
    made: list[Tray] = []

    def make(data: Path, environ: dict[str, str] | None = None, **flags: object) -> Tray:
        tray = Tray(load_config({"data": data, **flags}, environ={}), environ or {})
        made.append(tray)
        tray.pairing.start()
        return tray

    yield make
    for tray in made:
        tray.pairing.stop()
        for client in tray.clients:
            client.close()


def test_the_server_on_this_machine_needs_no_pairing(server: Server, tray: Callable[..., Tray]) -> None:
    _ = server.alice
    made = tray(server.data)
    assert made.client.server_url == server.url
    stored = vault.load_token(server.data, environ={})
    assert stored is not None
    assert stored.token.startswith("bd_")
    assert made.needs[-1] == (None, None)


def test_before_set_up_the_person_is_sent_to_the_page_with_the_code(server: Server, tray: Callable[..., Tray]) -> None:
    made = tray(server.data)
    words, page = wait_for(lambda: made.needs, what="a wish")[0]
    code = (server.data / "setup-code").read_text().strip()
    assert (words, page) == ("Set up BulletDrop", f"{server.url}/setup#code={code}")
    person = {"code": code, "username": "alice", "email": "alice@example.org", "password": PASSWORD}
    assert httpx.post(f"{server.url}/api/v1/setup", json=person, trust_env=False, timeout=30).status_code == 201
    assert made.client.server_url == server.url
    assert made.needs[-1] == (None, None)


def test_a_stored_token_is_used_again(server: Server, tray: Callable[..., Tray]) -> None:
    vault.store_token(server.data, "http://127.0.0.1:1", server.key_of("bob"), keyrings=())
    made = tray(server.data)
    # The port changed since; the data folder is the same, and so the token is good.
    assert made.client.server_url == server.url
    assert not list((server.data / "tray").glob("*.tmp"))
    assert vault.load_token(server.data, environ={}).token == server.key_of("bob")  # type: ignore[union-attr]


def test_a_server_that_starts_later_is_waited_for(
    make_server: Callable[..., Server], tray: Callable[..., Tray]
) -> None:
    server = make_server()
    _ = server.alice
    server.stop()
    assert read_local_server(server.data) is None
    made = tray(server.data)
    server.start()
    assert made.client.server_url == server.url


def test_a_paired_device_whose_server_is_off_is_told_apart_from_one_that_is_not_paired(
    tray: Callable[..., Tray], tmp_path: Path
) -> None:
    vault.store_token(tmp_path / "paired", "http://127.0.0.1:9", "bd_kept", keyrings=())
    paired, new = tray(tmp_path / "paired"), tray(tmp_path / "new")
    wait_for(lambda: paired.off, what="the word that the server is off")
    wait_for(lambda: new.needs, what="the word that there is no server")
    assert paired.needs == []
    assert (new.off, new.needs) == ([], [("The server is not running", None)])


def test_a_secret_of_a_server_that_has_gone_is_waited_out_without_a_warning(
    server: Server, tray: Callable[..., Tray], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    _ = server.alice
    note = tmp_path / "run" / "server.json"
    note.parent.mkdir()
    entry = json.loads((server.data / "run" / "server.json").read_text())
    note.write_text(json.dumps(entry | {"local_secret": "of another time"}))
    made = tray(tmp_path)
    wait_for(lambda: made.needs, what="the end of the tray's patience")
    assert made.clients == []
    assert "Pairing did not work" not in caplog.text
    note.write_text(json.dumps(entry))
    assert made.client.server_url == server.url


def test_a_token_that_the_server_refused_is_replaced_when_the_person_says_so(
    server: Server, tray: Callable[..., Tray], tmp_path: Path
) -> None:
    _ = server.alice
    vault.store_token(server.data, server.url, "bd_revoked_long_ago_0123456789", keyrings=())
    made = tray(server.data)
    picture = tmp_path / "a.png"
    picture.write_bytes(b"no picture")
    with pytest.raises(NotSignedIn):
        made.client.upload(picture, "a.png")
    made.pairing.again(refused=True)
    wait_for(lambda: len(made.clients) == 2, what="another client")
    assert vault.load_token(server.data, environ={}).token != "bd_revoked_long_ago_0123456789"  # type: ignore[union-attr]


def test_a_server_elsewhere_needs_a_token_of_its_own(server: Server, tray: Callable[..., Tray], tmp_path: Path) -> None:
    made = tray(tmp_path / "mine", server=server.url)
    wait_for(lambda: made.needs, what="a wish")
    assert made.needs == [("Pair this computer", server.url)]
    assert made.clients == []


def test_a_token_is_never_sent_to_another_server(server: Server, tray: Callable[..., Tray], tmp_path: Path) -> None:
    vault.store_token(tmp_path, "http://127.0.0.1:1", "bd_for_the_other", keyrings=())
    made = tray(tmp_path, server=server.url)
    wait_for(lambda: made.needs, what="a wish")
    assert made.clients == []


def test_the_environment_s_token_is_for_the_server_that_was_named(
    server: Server, tray: Callable[..., Tray], tmp_path: Path
) -> None:
    made = tray(tmp_path, environ={"BULLETDROP_TOKEN": server.key_of("bob")}, server=server.url)
    assert made.client.server_url == server.url


def test_a_stranger_on_our_port_is_not_our_server(server: Server) -> None:
    local = read_local_server(server.data)
    assert local is not None
    assert is_alive(local)
    entry = json.loads((server.data / "run" / "server.json").read_text())
    (server.data / "run" / "server.json").write_text(json.dumps({**entry, "instance": "another"}))
    changed = read_local_server(server.data)
    assert changed is not None
    assert not is_alive(changed)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"url": "http://x"}'])
def test_a_damaged_note_of_the_server_is_like_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "server.json").write_text(text)
    assert read_local_server(tmp_path) is None


def test_the_set_up_page_is_at_the_public_address(server: Server) -> None:
    local = read_local_server(server.data)
    assert local is not None
    config = load_config({"data": server.data, "public_url": "https://drop.example.org"}, environ={})
    assert setup_page(config, local).startswith("https://drop.example.org/setup#code=")
