"""`bulletdrop pair`: this machine gets a key of its own from a server elsewhere, by its owner's yes on the page."""

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
    from bulletdrop.tray.client import Asked, Client, Paired

EPILOG = "Exit codes: 0 paired · 1 the owner said no, or the code ran out · 3 the server cannot be reached."


@click.command(epilog=EPILOG)
@click.argument("url")
@click.option("--name", help="What this machine is called on the page. Default: its host name.")
@click.option("--browser/--no-browser", default=None, help="Open the page here. Default: where there is a screen.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON: first the codes, then who it is paired with.")
@data_option
def pair(url: str, name: str | None, browser: bool | None, as_json: bool, data: Path | None) -> None:
    """Pair this machine with the server at URL: a code is shown here and on its page."""
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging
    from bulletdrop.tray import vault
    from bulletdrop.tray.client import Client

    set_up_logging(level="error")
    config = load_config({"server": url, "data": data})
    client = Client(config.server)
    try:
        asked = client.pair_begin(name or platform.node() or "A computer")
        _show(asked, as_json=as_json)
        _open(asked, browser)
        paired = _wait(client, asked)
    finally:
        client.close()
    kept = vault.store_token(config.data, config.server, paired.key, elsewhere=True)
    if as_json:
        click.echo(json.dumps({"username": paired.username, "server": config.server, "token_in": kept.where}))
    else:
        click.echo(f"Paired with {config.server} as {paired.username}. The key lies in: {kept.where}.")


def _show(asked: Asked, *, as_json: bool) -> None:
    if as_json:
        shown = {"user_code": asked.user_code, "page": asked.page, "page_with_code": asked.page_with_code}
        click.echo(json.dumps({**shown, "expires_in": asked.expires_in}))
    else:
        click.echo(f"Open {asked.page} and type this code:\n\n    {asked.user_code}\n")
        click.echo(f"Or open {asked.page_with_code}\nThe page shows the same code. Waiting for your yes …")
    sys.stdout.flush()


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
