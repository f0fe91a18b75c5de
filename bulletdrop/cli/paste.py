"""`bulletdrop paste`: a text in, its link out. `bulletdrop shorten`: a long address in, a short one out."""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from bulletdrop.cli.common import data_option, read_expiry, read_password
from bulletdrop.cli.upload import copy_links
from bulletdrop.errors import Invalid, Rejected

EPILOG = (
    "Exit codes: 0 done · 1 refused · 2 wrong usage · "
    "3 the server cannot be reached or asks to come back later · 4 not signed in or paired."
)
# The server's own limit is lower; this one keeps a wrong file from being read for nothing.
_MOST_BYTES = 16 * 1024 * 1024

F = TypeVar("F", bound=Callable[..., Any])


def link_options(function: F) -> F:
    """The options that both commands have."""
    options = (
        click.option("--name", help="The name of the link, instead of a random one."),
        click.option("--title", help="What it is called."),
        click.option("--expires", help="When the link ends: 12h, 7d, 2026-12-01, or 2027-01-01T00:00:00Z."),
        click.option("--views", type=click.IntRange(1), help="How often others may open it."),
        click.option("--password-stdin", is_flag=True, help="Read a password for the link from standard input."),
        click.option("--domain", help="A domain that you have claimed, for its link; main for the main address."),
        click.option("--copy", is_flag=True, help="Put the link on the clipboard too."),
        click.option("--json", "as_json", is_flag=True, help="Print the server's whole answer."),
        click.option("--server", help="The server. Default: BULLETDROP_SERVER, this machine's, the paired one."),
    )
    for option in reversed(options):
        function = option(function)
    return data_option(function)


@click.command(epilog=EPILOG)
@click.argument("file", default="-", type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--language", help="Whose colours it is shown in, such as python. Default: told by the file's name.")
@click.option("--private", is_flag=True, help="Only you can open the link; with --team only the team.")
@click.option("--team", help="Into the gallery of this team that you are in: its address or id.")
@link_options
def paste(file: str, language: str | None, private: bool, team: str | None, **options: Any) -> None:
    """Keep the text of a FILE, or what comes on standard input, and print its link."""
    if file == "-" and options["password_stdin"]:
        raise click.UsageError("Standard input can be read once only.")
    wishes = _wishes(options)
    wishes |= {"content": _text_of(file), "filename": "" if file == "-" else Path(file).name}
    wishes |= {"language": language or "", "is_public": not private, "team": team}
    _make("/pastes", wishes, options, link="url")


@click.command(epilog=EPILOG)
@click.argument("url")
@click.option("--ask-first", is_flag=True, help="A page shows where the link leads, and goes there only when told to.")
@link_options
def shorten(url: str, ask_first: bool, **options: Any) -> None:
    """Make a short link that leads to URL, and print it.

    The key for the server, which needs the scope links:write, is taken from BULLETDROP_TOKEN.
    """
    _make("/short-links", {**_wishes(options), "url": url, "asks_first": ask_first}, options, link="short_url")


def _wishes(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that both have, as the API's fields."""
    from bulletdrop.clock import SystemClock, rfc3339

    wishes: dict[str, Any] = {"custom_name": options["name"], "title": options["title"] or ""}
    if (moment := read_expiry(options["expires"], now=SystemClock().now())) is not None:
        wishes["expires_at"] = rfc3339(moment)
    wishes["max_views"] = options["views"]
    if options["domain"]:
        wishes["domain"] = "" if options["domain"] == "main" else options["domain"]
    if options["password_stdin"]:
        wishes["password"] = read_password(from_stdin=True)
    return wishes


def _make(path: str, wishes: Mapping[str, Any], options: Mapping[str, Any], *, link: str) -> None:
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging
    from bulletdrop.tray.destination import find_client
    from bulletdrop.tray.vault import with_paired_server

    set_up_logging(level="error")
    client = find_client(with_paired_server(load_config({"server": options["server"], "data": options["data"]})))
    try:
        made = client.make(path, wishes, idempotency_key=secrets.token_hex(16), link=link)
    finally:
        client.close()
    click.echo(json.dumps(dict(made), ensure_ascii=False) if options["as_json"] else made[link])
    if options["copy"]:
        copy_links([str(made[link])])


def _text_of(file: str) -> str:
    """The text of a file, or of standard input. Raises Rejected, Invalid for what is none."""
    if file == "-" and sys.stdin.isatty():
        click.echo("Type the text, then Ctrl-D.", err=True)
    try:
        if file == "-":
            raw = sys.stdin.buffer.read(_MOST_BYTES + 1)
        else:
            with Path(file).open("rb") as source:
                raw = source.read(_MOST_BYTES + 1)
    except OSError as error:
        raise Rejected(f"{file} cannot be read: {error.strerror or error}.") from error
    if len(raw) > _MOST_BYTES:
        raise Rejected("This text is too long. Upload it as a file.")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Invalid("This is no text. Upload it as a file.", field="content") from error
