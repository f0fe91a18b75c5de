"""`bulletdrop pair`: this machine gets a key of its own from a server elsewhere, by its owner's yes or code."""

from __future__ import annotations

import json
import os
import platform
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option
from bulletdrop.cli.default import has_screen

if TYPE_CHECKING:
    from bulletdrop.config import Config
    from bulletdrop.tray.client import Asked, Client, Paired
    from bulletdrop.tray.discovery import Found
    from bulletdrop.tray.preferences import Server

EPILOG = "Exit codes: 0 paired · 1 the owner said no, or the code ran out · 3 the server cannot be reached."


@click.command(epilog=EPILOG)
@click.argument("url", required=False)
@click.argument("code", required=False)
@click.option("--name", help="What this machine is called on the page. Default: its host name.")
@click.option("--fingerprint", help="The fingerprint of the server's certificate, as its page shows it.")
@click.option("--second", is_flag=True, help="Use this server only while those before it are away.")
@click.option("--list", "as_list", is_flag=True, help="Only list the servers that this machine is paired with.")
@click.option("--forget", is_flag=True, help="Forget the server at URL, and its key.")
@click.option("--browser/--no-browser", default=None, help="Open the page here. Default: where there is a screen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: first the codes, then who it is paired with.")
@data_option
def pair(
    url: str | None,
    code: str | None,
    name: str | None,
    fingerprint: str | None,
    second: bool,
    as_list: bool,
    forget: bool,
    browser: bool | None,
    as_json: bool,
    data: Path | None,
) -> int:
    """Pair this machine with a server; without URL, with one of this network.

    A code is shown here and on the server's page. The other way round, CODE is one that its page shows ("-" asks for
    it), and URL may be the whole text of its QR code.
    """
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging

    set_up_logging(level="error")
    config = load_config({"data": data})
    if as_list:
        return _list(config, as_json=as_json)
    if forget:
        return _forget(config, url)
    found = None
    if url is None:
        found = _choose(as_json=as_json)
        if found is None:
            return 1 if not as_json else 0
    server, code = _meet(config, url, found, code, fingerprint)
    if code == "-":
        code = str(click.prompt("The code on the server's page", err=True))
    kept_in, paired = _pair(config, server, code, name or platform.node() or "A computer", browser, as_json, second)
    _say(config, server, paired, kept_in, as_json=as_json)
    return 0


def _pair(
    config: Config, server: Server, code: str | None, name: str, browser: bool | None, as_json: bool, second: bool
) -> tuple[str, Paired]:
    """Get a key from a server and keep it, and the server in the list."""
    from bulletdrop.tray import servers, vault

    client = servers.client_for(server, "")
    try:
        if code:
            paired = client.pair_with_code(code, name)
        else:
            asked = client.pair_begin(name)
            _show(asked, as_json=as_json)
            _open(asked, browser)
            paired = _wait(client, asked)
    finally:
        client.close()
    kept = vault.store_token(config.data, server.url, paired.key, elsewhere=True, username=paired.username)
    servers.add(config.data, server, last=second)
    return kept.where, paired


def _meet(
    config: Config, url: str | None, found: Found | None, code: str | None, fingerprint: str | None
) -> tuple[Server, str | None]:
    """The server, its certificate settled; and the code that a link held."""
    from bulletdrop import trust
    from bulletdrop.config import load_config
    from bulletdrop.tray import discovery, meeting
    from bulletdrop.tray.preferences import Server

    pin = trust.read_fingerprint(fingerprint) if fingerprint else ""
    if found is not None:
        address, told = discovery.reach(found)
        if told and told != pin and not _is_theirs(told):
            raise click.Abort
        return Server(url=address, name=found.name, fingerprint=told), code
    assert url is not None
    if url.startswith(f"{meeting.LINK}:"):
        url, code, held = meeting.read_link(url)
        pin = pin or held
    # What the tray's page takes, the command takes too; then as the setting has it.
    url = load_config({"server": meeting.address_of(url), "data": config.data}).server
    return meeting.meet(url, fingerprint=pin, is_theirs=_is_theirs), code


def _is_theirs(seen: str) -> bool:
    """Ask about a certificate that nobody vouches for. Raises Untrusted where nobody can be asked."""
    from bulletdrop import trust
    from bulletdrop.tray.answers import Untrusted

    if not sys.stdin.isatty():
        raise Untrusted(
            "Nobody vouches for this server's certificate. If its page shows this fingerprint, run the command again"
            f' with --fingerprint "{trust.shown(seen)}"'
        )
    click.echo("This server's certificate is one that it made itself. Its fingerprint:\n", err=True)
    click.echo(f"    {trust.shown(seen)}\n", err=True)
    return click.confirm("Is it the one that its page “Pair a device” shows?", err=True)


def _choose(*, as_json: bool) -> Found | None:
    """Look for servers in this network, and let somebody choose."""
    from bulletdrop.tray import discovery

    if not as_json:
        click.echo("Looking for servers in this network …", err=True)
    found = discovery.look()
    if as_json:
        click.echo(json.dumps([one.fields() for one in found], ensure_ascii=False, indent=2))
        return None
    if not found:
        click.echo("None was found. Name one: bulletdrop pair http://ADDRESS:8484", err=True)
        return None
    for number, one in enumerate(found, start=1):
        click.echo(f"{number:>3}  {one.name}  {one.urls[0]}{'  version ' + one.version if one.version else ''}")
    if not sys.stdin.isatty():
        click.echo("Name one of them: bulletdrop pair URL", err=True)
        return None
    number = click.prompt("Which one?", type=click.IntRange(1, len(found)), default=1 if len(found) == 1 else None)
    return found[number - 1]


def _list(config: Config, *, as_json: bool) -> int:
    from bulletdrop.tray.servers import servers_of

    listed = servers_of(config)
    if as_json:
        fields = [{"url": one.url, "name": one.name, "fingerprint": one.fingerprint} for one in listed]
        click.echo(json.dumps(fields, ensure_ascii=False, indent=2))
    elif not listed:
        click.echo("None: this machine's own server is used.", err=True)
    else:
        for one in listed:
            click.echo(
                f"{one.url}{'  ' + one.name if one.name else ''}{'  own certificate' if one.fingerprint else ''}"
            )
    return 0


def _forget(config: Config, url: str | None) -> int:
    from bulletdrop.errors import NotFound
    from bulletdrop.tray import servers

    if url is None:
        raise click.UsageError("--forget needs the URL of the server.")
    if url.rstrip("/") not in {one.url for one in servers.servers_of(config)}:
        raise NotFound(f"This machine is not paired with {url}.")
    servers.forget(config.data, url)
    click.echo(f"Forgotten: {url}. Its page “Keys and devices” still lists the key; revoke it there.", err=True)
    return 0


def _say(config: Config, server: Server, paired: Paired, kept_in: str, *, as_json: bool) -> None:
    from bulletdrop.tray.servers import servers_of

    if as_json:
        told = {"username": paired.username, "server": server.url, "fingerprint": server.fingerprint}
        click.echo(json.dumps({**told, "token_in": kept_in}))
        return
    click.echo(f"Paired with {server.url} as {paired.username}. The key lies in: {kept_in}.")
    if len(order := [one.url for one in servers_of(config)]) > 1:
        click.echo(f"In this order, the next while those before are away: {', '.join(order)}")


def _show(asked: Asked, *, as_json: bool) -> None:
    if as_json:
        shown = {"user_code": asked.user_code, "page": asked.page, "page_with_code": asked.page_with_code}
        click.echo(json.dumps({**shown, "expires_in": asked.expires_in}))
    else:
        if sys.stdout.isatty() and not has_screen(os.environ):
            _draw(asked.page_with_code)
        click.echo(f"Open {asked.page} and type this code:\n\n    {asked.user_code}\n")
        click.echo(f"Or open {asked.page_with_code}\nThe page shows the same code. Waiting for your yes …")
    sys.stdout.flush()


def _draw(address: str) -> None:
    """A QR code for a phone that is signed in, where no browser can be opened."""
    import segno

    segno.make(address, error="l", micro=False).terminal(compact=True)


def _open(asked: Asked, browser: bool | None) -> None:
    from bulletdrop.tray.browser import open_page

    if browser or (browser is None and sys.stdout.isatty() and has_screen(os.environ)):
        open_page(asked.page_with_code)


def _wait(client: Client, asked: Asked) -> Paired:
    """Ask as often as the server allows until there is an answer; one that is away for a moment is asked again."""
    import time

    from bulletdrop.errors import Busy, ExpiredCode, Pending, SlowDown

    interval, deadline = asked.interval, time.monotonic() + asked.expires_in
    while time.monotonic() < deadline:
        time.sleep(interval)
        try:
            return client.pair_poll(asked.device_code)
        except Pending:
            continue
        except SlowDown as error:
            interval = max(interval + 5, error.retry_after or 0)
        except Busy as error:
            interval = max(asked.interval, error.retry_after or 0)
    raise ExpiredCode("Nobody said yes in time. Run the command again.")
