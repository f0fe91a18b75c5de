"""Several servers: the first is used, the next stands in while it is away, and each is held to its certificate."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bulletdrop.config import Config, load_config
from bulletdrop.errors import NotSignedIn
from bulletdrop.tray import servers, vault
from bulletdrop.tray.answers import CertificateChanged
from bulletdrop.tray.client import Client
from bulletdrop.tray.destination import find_client
from bulletdrop.tray.pairing import CHANGED, UNPAIRED, Pairing
from bulletdrop.tray.preferences import Chosen, Server
from bulletdrop.tray.vault import with_paired_server
from tests.support.screen import wait_for
from tests.tray.engine_kit import FakeServer, Rule, fake_server
from tests.tray.test_client_tls import certificate, pin


class Tray:
    """A tray as far as finding its server goes."""

    def __init__(self, config: Config) -> None:
        self.clients: list[Client] = []
        self.wishes: list[str | None] = []
        self.drops = 0
        self.pairing = Pairing(
            config,
            use=self.clients.append,
            needs=lambda words, page: self.wishes.append(words),
            environ={},
            drop=self.dropped,
            keyrings=(),
            patience=0.2,
            look_seconds=0.1,
        )

    def dropped(self) -> None:
        self.drops += 1

    @property
    def server(self) -> str:
        return self.pairing.present.server

    def comes_to(self, url: str) -> None:
        wait_for(
            lambda: self.server == url and self.clients and self.clients[-1].server_url == url,
            what=f"{url} instead of {self.server}",
        )


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Callable[..., Tray]]:
    made: list[Tray] = []

    def make(**flags: object) -> Tray:
        one = Tray(load_config({"data": tmp_path, **flags}, environ={}))
        made.append(one)
        one.pairing.start()
        return one

    yield make
    for one in made:
        one.pairing.stop()
        for client in one.clients:
            client.close()


def paired(data: Path, url: str, token: str, *, fingerprint: str = "", last: bool = True) -> None:
    """As `bulletdrop pair` leaves it."""
    vault.store_token(data, url, token, keyrings=(), elsewhere=True, username=token.removeprefix("bd_"))
    servers.add(data, Server(url=url, fingerprint=fingerprint), last=last)


@pytest.fixture
def two() -> Iterator[tuple[FakeServer, FakeServer]]:
    with fake_server() as first, fake_server() as second:
        yield first, second


def test_the_next_server_stands_in_while_the_first_is_away_and_it_goes_back(
    tray: Callable[..., Tray], tmp_path: Path, two: tuple[FakeServer, FakeServer]
) -> None:
    first, second = two
    paired(tmp_path, first.url, "bd_first")
    paired(tmp_path, second.url, "bd_second")
    made = tray()
    made.comes_to(first.url)
    assert not made.pairing.present.stands_in
    first.down()
    made.comes_to(second.url)
    present = made.pairing.present
    assert (present.stands_in, present.username) == (True, "second")
    first.up()
    made.comes_to(first.url)
    assert not made.pairing.present.stands_in
    # Each was shown its own token and no other.
    assert [client._token for client in made.clients] == ["bd_first", "bd_second", "bd_first"]
    assert set(made.wishes) == {None}


def test_a_tray_that_starts_while_the_first_is_away_begins_with_the_second(
    tray: Callable[..., Tray], tmp_path: Path
) -> None:
    with fake_server() as second:
        paired(tmp_path, "http://127.0.0.1:9", "bd_first")
        paired(tmp_path, second.url, "bd_second")
        made = tray()
        made.comes_to(second.url)
        assert made.pairing.present.stands_in


def test_where_none_is_there_the_first_is_waited_for(tray: Callable[..., Tray], tmp_path: Path) -> None:
    paired(tmp_path, "http://127.0.0.1:9", "bd_first")
    paired(tmp_path, "http://127.0.0.1:10", "bd_second")
    made = tray()
    made.comes_to("http://127.0.0.1:9")
    assert find_client(load_config({"data": tmp_path}, environ={}), environ={}).server_url == "http://127.0.0.1:9"


def test_what_pair_writes_while_the_tray_runs_is_used_without_a_new_start(
    tray: Callable[..., Tray], tmp_path: Path, two: tuple[FakeServer, FakeServer]
) -> None:
    first, second = two
    paired(tmp_path, first.url, "bd_first")
    made = tray()
    made.comes_to(first.url)
    paired(tmp_path, second.url, "bd_second", last=False)
    made.comes_to(second.url)
    assert not made.pairing.present.stands_in
    servers.forget(tmp_path, second.url)
    made.comes_to(first.url)


@pytest.mark.parametrize("in_settings", [True, False])
def test_a_server_that_is_forgotten_while_the_tray_runs_is_used_no_more(
    tray: Callable[..., Tray], tmp_path: Path, two: tuple[FakeServer, FakeServer], in_settings: bool
) -> None:
    paired(tmp_path, two[0].url, "bd_first")
    # As the tray starts: the server that was paired stands in its settings too.
    made = Tray(with_paired_server(load_config({"data": tmp_path}, environ={}))) if in_settings else tray()
    if in_settings:
        made.pairing.start()
    made.comes_to(two[0].url)
    servers.forget(tmp_path, two[0].url)
    wait_for(lambda: made.drops == 1 and made.server == "")
    made.pairing.stop()
    for client in made.clients:
        client.close()
    assert len(made.clients) == 1


def test_a_server_that_is_named_is_the_only_one(
    tray: Callable[..., Tray], tmp_path: Path, two: tuple[FakeServer, FakeServer]
) -> None:
    first, second = two
    paired(tmp_path, first.url, "bd_first")
    paired(tmp_path, second.url, "bd_second")
    made = tray(server=second.url)
    made.comes_to(second.url)
    assert not made.pairing.present.stands_in
    config = load_config({"data": tmp_path, "server": "http://127.0.0.1:9"}, environ={})
    assert [one.url for one in servers.servers_of(config)] == ["http://127.0.0.1:9"]


def test_another_certificate_stops_the_tray_and_nothing_stands_in_for_that(
    tray: Callable[..., Tray], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    certificate(tmp_path / "other")
    _, settings = certificate(tmp_path)
    with fake_server(settings) as first, fake_server() as second:
        paired(tmp_path, first.url, "bd_first", fingerprint=pin(tmp_path / "other"))
        paired(tmp_path, second.url, "bd_second")
        made = tray()
        wait_for(lambda: CHANGED in made.wishes, what="the word about the certificate")
        assert made.clients == []
        assert second.connections == 0
        # The person has looked, and paired anew.
        servers.add(tmp_path, Server(url=first.url, fingerprint=pin(tmp_path)))
        made.comes_to(first.url)
        assert made.wishes[-1] is None


def test_a_certificate_that_changes_is_not_taken_for_a_token_that_is_refused(
    tray: Callable[..., Tray], tmp_path: Path
) -> None:
    (tmp_path / "other").mkdir()
    other, _ = certificate(tmp_path / "other")
    pem, settings = certificate(tmp_path)
    with fake_server(settings) as server:
        paired(tmp_path, server.url, "bd_first", fingerprint=pin(tmp_path))
        made = tray()
        made.comes_to(server.url)
        settings.load_cert_chain(other)
        made.pairing.again(refused=True)
        wait_for(lambda: CHANGED in made.wishes, what="the word about the certificate")
        # The right one is back, and its token is as good as it was.
        settings.load_cert_chain(pem)
        made.pairing.again()
        wait_for(lambda: made.wishes[-1] is None, what="the way back")
        assert made.clients[-1]._token == "bd_first"
        count = len(made.clients)
        made.pairing.again(refused=True)
        wait_for(lambda: len(made.clients) > count, what="the same token again")
        # Now it is the server itself that does not take it.
        server.always = Rule(401, "not_signed_in")
        made.pairing.again(refused=True)
        wait_for(lambda: made.wishes[-1] == UNPAIRED, what="the wish to be paired")


def test_the_command_line_takes_the_same_order(tmp_path: Path, two: tuple[FakeServer, FakeServer]) -> None:
    first, second = two
    paired(tmp_path, "http://127.0.0.1:9", "bd_away")
    paired(tmp_path, first.url, "bd_first")
    paired(tmp_path, second.url, "bd_second")
    config = with_paired_server(load_config({"data": tmp_path}, environ={}))
    client = find_client(config, environ={})
    assert (client.server_url, client._token) == (first.url, "bd_first")


def test_the_environments_token_is_shown_to_the_first_server_alone(
    tmp_path: Path, two: tuple[FakeServer, FakeServer]
) -> None:
    servers.add(tmp_path, Server(url="http://127.0.0.1:9"))
    servers.add(tmp_path, Server(url=two[0].url), last=True)
    environ = {"BULLETDROP_TOKEN": "bd_env"}
    config = load_config({"data": tmp_path}, environ={})
    assert find_client(config, environ=environ).server_url == "http://127.0.0.1:9"
    with pytest.raises(NotSignedIn, match="There is no token"):
        find_client(config, environ={})


def test_the_command_line_refuses_another_certificate_too(tmp_path: Path) -> None:
    _, settings = certificate(tmp_path)
    with fake_server(settings) as server, fake_server() as second:
        paired(tmp_path, server.url, "bd_first", fingerprint="ab" * 32)
        paired(tmp_path, second.url, "bd_second")
        with pytest.raises(CertificateChanged):
            find_client(load_config({"data": tmp_path}, environ={}), environ={})
        assert second.connections == 0


def test_a_server_paired_before_there_was_a_list_stays_in_it(tmp_path: Path) -> None:
    vault.store_token(tmp_path, "http://old:8484", "bd_old", keyrings=(), elsewhere=True)
    config = load_config({"data": tmp_path}, environ={})
    assert [one.url for one in servers.servers_of(config)] == ["http://old:8484"]
    paired(tmp_path, "http://new:8484", "bd_new", last=False)
    assert [one.url for one in servers.servers_of(config)] == ["http://new:8484", "http://old:8484"]
    again = vault.load_token(tmp_path, "http://old:8484", environ={})
    assert again is not None
    assert again.token == "bd_old"


def test_preferences_that_another_process_changes_are_seen_and_not_written_over(tmp_path: Path) -> None:
    told: list[tuple[Server, ...]] = []
    mine = Chosen(tmp_path)
    mine.listen(lambda old, new: told.append(new.servers))
    theirs = Server(url="http://one:8484")
    servers.add(tmp_path, theirs)
    assert mine.change(notify=False).servers == (theirs,)
    assert Chosen(tmp_path).now.servers == (theirs,)
    assert not Chosen(tmp_path).now.notify
    assert told[0] == (theirs,)
