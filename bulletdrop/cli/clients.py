"""`bulletdrop clients`: files for other people's screenshot tools, from the server's own command line."""

from __future__ import annotations

import os
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened
from bulletdrop.errors import Conflict, Invalid


@click.command()
@click.argument("kind", required=False)
@click.option("--user", "username", help="Whose key the file gets. Needed when there is more than one account.")
@click.option("--name", "device", default="", help="The device where it will be used, for the key's name.")
@click.option("-o", "--output", help="The file to write; - for standard output. Default: the file's own name, here.")
@click.option("--force", is_flag=True, help="Replace a file that is there.")
@data_option
def clients(
    kind: str | None, username: str | None, device: str, output: str | None, force: bool, data: Path | None
) -> None:
    """Make a file for ShareX, Flameshot and others, with a key of its own; without KIND: list what there is.

    Works on the server's machine. From elsewhere, open the page Account → Clients: a device's key makes no others.
    """
    from bulletdrop.core.people.clients import KINDS, find_kind

    if kind is None:
        for each in KINDS.values():
            click.echo(f"{each.name:<13} {each.filename:<24} {each.about}")
        return
    found = find_kind(kind)
    path = Path(output or found.filename) if output != "-" else None
    if path is not None and path.exists() and not force:
        # Before there is a key that nobody has.
        raise Conflict(f"{path} is there already. Name another file with --output, or use --force.")
    text, name, host = _make(found.name, username, device, data)
    if host:
        click.echo(f"This file leads to {host} and works on this machine alone. Set public_url.", err=True)
    if path is None:
        click.echo(text, nl=False)
        _say(found.steps)
        return
    try:
        _write(path, text, runs=found.filename.endswith(".sh"))
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}. Its key “{name}” was made: revoke it, or try again."
        raise Conflict(message, paths=[path]) from error
    click.echo(f"{path}: its key is “{name}”.", err=True)
    _say(found.steps_once_written)


def _say(steps: tuple[str, ...]) -> None:
    for number, step in enumerate(steps, start=1):
        click.echo(f"{number}. {step}", err=True)


def _make(kind: str, username: str | None, device: str, data: Path | None) -> tuple[str, str, str]:
    """The file's text, its key's name, and the host that it leads to when that is this machine alone."""
    from bulletdrop.core.audit import record
    from bulletdrop.core.models import User
    from bulletdrop.core.origin import only_here
    from bulletdrop.core.people.accounts import find_user
    from bulletdrop.core.people.clients import make_client

    with opened(data) as site:
        if username is None:
            names = [one.username for one in User.select(User.username).limit(2)]
            if len(names) != 1:
                raise Invalid("Say whose key it gets, with --user.", field="user")
            username = names[0]
        key, file = make_client(site, find_user(site, username), kind, device=device)
        record(site, "user.add-key", subject=username, category="admin", detail=f"{key.id}: {' '.join(key.scopes)}")
        host = only_here(site.config)
    return file.text, key.name, host


def _write(path: Path, text: str, *, runs: bool) -> None:
    """For its owner alone: there is a key in it."""
    mode = 0o700 if runs else 0o600

    def private(name: str, flags: int) -> int:
        return os.open(name, flags, mode)

    with open(path, "w", encoding="utf-8", newline="", opener=private) as file:
        # One that was there keeps its rights until this.
        path.chmod(mode)
        file.write(text)
