"""`bulletdrop upload`: files in, one link per line out."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import shlex
import stat
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from bulletdrop.cli.common import data_option, read_expiry, read_password
from bulletdrop.errors import BulletDropError, Forbidden, Invalid, NotSignedIn, Rejected, RevokedKey, UnknownType

if TYPE_CHECKING:
    from bulletdrop.tray.client import Client
    from bulletdrop.tray.running_tray import RunningTray

EPILOG = (
    "While a tray runs here and its server can be reached, files without other wishes go through it: they stand in its "
    "list, and are sent from its queue. "
    "Exit codes: 0 all uploaded · 1 a file was refused (the others were uploaded) · 2 wrong usage · "
    "3 the server cannot be reached or asks to come back later · 4 not signed in or paired."
)

# So much of a refused file is looked at to tell whether it is a text.
TEXT_BYTES = 4096
# As in `core/names/slugs`, which starts slowly.
STYLES = ("random", "words", "date", "name")
Progress = Callable[[int, int | None], None]


@click.command(epilog=EPILOG)
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, allow_dash=True))
@click.option("--server", help="The server's address. Default: BULLETDROP_SERVER, this machine's, the paired one.")
@click.option("--token-stdin", is_flag=True, help="Read the API key from standard input, not from BULLETDROP_TOKEN.")
@click.option("--name", help="The name of the link, instead of a random one. For one file.")
@click.option("--filename", help="The file name to keep. Default: the file's own; for standard input: upload.")
@click.option("--expires", help="When the link ends: 12h, 7d, 2026-12-01, or a time such as 2027-01-01T00:00:00Z.")
@click.option("--private", is_flag=True, help="Only you can open the link; with --team only the team.")
@click.option("--title", help="What its page is called, instead of the file's name.")
@click.option("--description", help="A few lines for its page and for previews.")
@click.option("--views", type=click.IntRange(1), help="How often others may open it; then it is gone for them.")
@click.option("--password-stdin", is_flag=True, help="Read a password for the link from standard input.")
@click.option("--domain", help="A domain that you have claimed, for its links; main for the main address.")
@click.option("--style", type=click.Choice(STYLES), help="How its short name is made. Default: as your account says.")
@click.option("--team", help="Upload into the gallery of this team that you are in: its address or id.")
@click.option("--copy", is_flag=True, help="Put the link on the clipboard too.")
@click.option("--queue", is_flag=True, help="Leave the files to the running tray, also offline, and print their links.")
@click.option("--json", "as_json", is_flag=True, help="Print the server's whole answer, one JSON object per line.")
@data_option
def upload(
    files: tuple[str, ...],
    server: str | None,
    token_stdin: bool,
    name: str | None,
    filename: str | None,
    expires: str | None,
    private: bool,
    title: str | None,
    description: str | None,
    views: int | None,
    password_stdin: bool,
    domain: str | None,
    style: str | None,
    team: str | None,
    copy: bool,
    queue: bool,
    as_json: bool,
    data: Path | None,
) -> int:
    """Upload files (- is standard input), print one link per line."""
    from bulletdrop.cli.forwarding import tray_for
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging
    from bulletdrop.tray.destination import find_client
    from bulletdrop.tray.vault import with_paired_server

    if len(files) > 1 and (name or filename):
        raise click.UsageError("--name and --filename are for one file.")
    if files.count("-") + token_stdin + password_stdin > 1:
        raise click.UsageError("Standard input can be read once only.")
    set_up_logging(level="error")
    config = with_paired_server(load_config({"server": server, "data": data}))
    wishes = _wishes(name, expires, private, team)
    fields = {"title": title, "description": description, "max_views": views, "slug_style": style}
    wishes |= {field: str(value) for field, value in fields.items() if value is not None}
    if domain:
        wishes["domain"] = "" if domain == "main" else domain
    if password_stdin:
        wishes["password"] = read_password(from_stdin=True)
    plain = not (server or token_stdin or filename or wishes or as_json)
    if queue and (not plain or "-" in files):
        raise click.UsageError("--queue is for files as they are, with --copy at most.")
    if plain and (running := tray_for(config, files, queue=queue)) is not None:
        done, refused = _each(files, lambda file: _by_tray(running, file, queue=queue))
    else:
        token = _token_from_stdin() if token_stdin else None
        client = find_client(config, token)
        try:
            done, refused = _each(files, lambda file: _upload_one(client, file, filename, wishes), as_json=as_json)
        except RevokedKey as error:
            if token or config.token:
                raise
            words = f"{error.message} Pair this machine again: bulletdrop pair {client.server_url}"
            raise RevokedKey(words) from error
        finally:
            client.close()
    if copy and done:
        copy_links(done)
    return 1 if refused else 0


def _wishes(name: str | None, expires: str | None, private: bool, team: str | None) -> dict[str, str]:
    """The options as the form fields of the API."""
    from bulletdrop.clock import SystemClock, rfc3339

    wishes: dict[str, str] = {}
    if name:
        wishes["custom_name"] = name
    if (moment := read_expiry(expires, now=SystemClock().now())) is not None:
        wishes["expires_at"] = rfc3339(moment)
    if private:
        wishes["is_public"] = "false"
    if team:
        wishes["team"] = team
    return wishes


def _token_from_stdin() -> str:
    token = sys.stdin.readline().strip()
    if not token:
        raise Invalid("No key came on standard input.", field="token")
    return token


def _each(
    files: Sequence[str], upload_one: Callable[[str], tuple[str, Mapping[str, Any]]], *, as_json: bool = False
) -> tuple[list[str], bool]:
    """Upload one after the other, print each link as soon as it is there.

    A refused file is one line on standard error, and the others go on. Whatever concerns all of them is raised.
    Returns: the links, and whether any file was refused.
    """
    links: list[str] = []
    refused = False
    for file in files:
        try:
            link, fields = upload_one(file)
        except (NotSignedIn, Forbidden):
            raise
        except Rejected as error:
            click.echo(f"bulletdrop: {file}: {error.message}{_other_way(file, error)}", err=True)
            refused = True
            continue
        if link:
            links.append(link)
            click.echo(json.dumps(dict(fields), ensure_ascii=False) if as_json else link)
    return links, refused


def _other_way(file: str, error: Rejected) -> str:
    """For a text that is refused for its kind: the command that takes it."""
    if not isinstance(error, UnknownType) or file == "-":
        return ""
    with contextlib.suppress(OSError, UnicodeDecodeError), Path(file).open("rb") as source:
        start = source.read(TEXT_BYTES)
        # The last character may be cut.
        codecs.getincrementaldecoder("utf-8")().decode(start)
        if start and b"\0" not in start:
            return f" A text becomes a page with: bulletdrop paste {shlex.quote(file)}"
    return ""


def _by_tray(running: RunningTray, file: str, *, queue: bool) -> tuple[str, Mapping[str, Any]]:
    from bulletdrop.cli.forwarding import queued, through

    path = Path(file)
    if not queue:
        with _progress(path.name, path.stat().st_size) as progress:
            return through(running, path, progress), {}
    if not (link := queued(running, path)):
        click.echo(f"bulletdrop: {file}: the tray has it, and no link is held ready; its link comes later.", err=True)
    return link, {}


def _upload_one(
    client: Client, file: str, filename: str | None, wishes: dict[str, str]
) -> tuple[str, Mapping[str, Any]]:
    import secrets

    from bulletdrop.tray.client import FileCut, sha256_of

    path = None if file == "-" else Path(file)
    size = _size_of_stdin() if path is None else path.stat().st_size
    try:
        with _progress(filename or (path.name if path else "standard input"), size) as progress:
            done = client.upload(
                path or sys.stdin.buffer,
                filename or (path.name if path else "upload"),
                size=size,
                sha256=sha256_of(path) if path else None,
                idempotency_key=secrets.token_hex(16),
                origin="cli",
                wishes=wishes,
                progress=progress,
            )
            return done.link, done.fields
    except FileCut as error:
        raise Rejected("The file changed while it was being sent. Try again.") from error
    except BulletDropError:
        raise
    except OSError as error:
        raise Rejected(f"It cannot be read: {error.strerror or error}.") from error


def _size_of_stdin() -> int | None:
    """The bytes to come when standard input is a file; None for a pipe."""
    facts = os.fstat(sys.stdin.fileno())
    return facts.st_size - sys.stdin.buffer.tell() if stat.S_ISREG(facts.st_mode) else None


@contextmanager
def _progress(name: str, size: int | None) -> Iterator[Progress | None]:
    """A bar on standard error, if that is a terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name.replace("[", "\\["), total=size)
        yield lambda sent, total: bar.update(task, completed=sent, total=total)


def copy_links(links: list[str]) -> None:
    """Put links on the clipboard; where that cannot be, say so on standard error."""
    from bulletdrop.tray.clipboard import Clipboard

    clipboard = Clipboard(detach=True)
    if not clipboard.copy("\n".join(links)):
        click.echo(f"bulletdrop: the link could not be put on the clipboard: {clipboard.problem}.", err=True)
