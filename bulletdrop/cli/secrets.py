"""`bulletdrop secret`: a text or a file in, the link of a secret out. `bulletdrop secrets`: the server's master key."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, has_terminal, opened, read_expiry
from bulletdrop.errors import BulletDropError, Invalid, Rejected

_MOST_TEXT = 1024 * 1024


@click.command("secret")
@click.argument("file", default="-", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--views", type=click.IntRange(1, 1000), default=1, show_default=True, help="How often it opens.")
@click.option("--expires", default="7d", show_default=True, help="When it ends: 12h, 7d, a date, or a time.")
@click.option("--passphrase", "ask", is_flag=True, help="Ask for a passphrase, which opening it will ask for.")
@click.option("--note", default="", help="What it is, for your own list.")
@click.option("--team", help="For this team that you are in: its address or id.")
@click.option("--server", help="The server's address. Default: BULLETDROP_SERVER, this machine's, the paired one.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's whole answer.")
@data_option
def secret(
    file: str,
    views: int,
    expires: str,
    ask: bool,
    note: str,
    team: str | None,
    server: str | None,
    as_json: bool,
    data: Path | None,
) -> None:
    """Make a secret of a FILE, or of the text on standard input, and print its link.

    Whoever has the link opens it so many times; then it is gone. The key for the server, which needs the scope
    secrets:write, is taken from BULLETDROP_TOKEN.
    """
    from bulletdrop.clock import SystemClock, rfc3339
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging
    from bulletdrop.tray.client import FileCut
    from bulletdrop.tray.destination import find_client
    from bulletdrop.tray.vault import with_paired_server

    set_up_logging(level="error")
    if ask and not has_terminal():
        raise Invalid("There is no terminal to ask on. Leave --passphrase out, or run this in a terminal.")
    wishes = {"max_views": str(views), "note": note, "team": team or ""}
    moment = read_expiry(expires, now=SystemClock().now())
    wishes["expires_at"] = rfc3339(moment) if moment is not None else ""
    if file == "-":
        wishes["content"] = _text_from_stdin()
    if ask:
        # From the terminal itself, also while the text comes through a pipe; never from an argument.
        wishes["passphrase"] = click.prompt("Passphrase", hide_input=True, confirmation_prompt=True, err=True)
    client = find_client(with_paired_server(load_config({"server": server, "data": data})))
    try:
        made = client.make_secret(wishes, None if file == "-" else Path(file))
    except FileCut as error:
        raise Rejected("The file changed while it was being sent. Try again.") from error
    except BulletDropError:
        raise
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error.strerror or error}.") from error
    finally:
        client.close()
    click.echo(json.dumps(dict(made), ensure_ascii=False) if as_json else made["url"])


def _text_from_stdin() -> str:
    """What comes on standard input, without the line end that `echo` adds. Raises Invalid."""
    if sys.stdin.isatty():
        click.echo("Type the secret, then Ctrl-D.", err=True)
    raw = sys.stdin.buffer.read(_MOST_TEXT + 2)
    try:
        text = raw.decode("utf-8").removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise Invalid("This is no text. Give the file's name instead.", field="content") from error
    if not text:
        raise Invalid("Nothing came on standard input.", field="content")
    if len(raw) > _MOST_TEXT + 1:
        raise Invalid("The text of a secret has at most 1 MB. Give the file's name instead.", field="content")
    return text


@click.group("secrets")
def secrets() -> None:
    """Secrets on this server: exchange the master key."""


@secrets.command("rotate-key")
@data_option
def rotate_key(data: Path | None) -> None:
    """Make a new master key, wrap the keys of all secrets with it, and destroy the old one.

    Safe beside a running server. If it is stopped half way, run it again: it goes on where it was.
    """
    from bulletdrop.core.sharing.secrets.rotating import rotate_master_key

    with opened(data) as site:
        count = rotate_master_key(site)
    click.echo(f"The master key is a new one; {count} {'secret was' if count == 1 else 'secrets were'} wrapped anew.")
