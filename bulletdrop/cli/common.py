"""What the commands share: the data option, an opened site, a password from a prompt or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from bulletdrop.errors import BadConfig, Invalid

if TYPE_CHECKING:
    from bulletdrop.core.people.plans import Limits
    from bulletdrop.core.site import Site

F = TypeVar("F", bound=Callable[..., Any])


def data_option(function: F) -> F:
    """The option `--data DIR` that all commands have."""
    option = click.option(
        "--data",
        type=click.Path(path_type=Path),
        help="The data folder. Default: BULLETDROP_DATA or the system's place.",
    )
    return option(function)


@contextmanager
def opened(data: Path | None, *, may_make: bool = False, as_running: bool = True) -> Iterator[Site]:
    """The site of a data folder, for a command that works beside a running server.

    Args:
        may_make: the command may be the first one that the folder sees.
        as_running: links begin as those of the server that runs on it, whatever flags it was started with.

    Raises: BadConfig where there is no data folder: its name may be mistyped.
    """
    from bulletdrop.config import load_config
    from bulletdrop.core.database import using
    from bulletdrop.core.people.devices import links_of_running
    from bulletdrop.core.site import close_site, open_site
    from bulletdrop.log import set_up_logging

    set_up_logging(level="warning")
    config = load_config({"data": data})
    # The secret is the first thing that is made in it, unless the settings bring one.
    known = ("secret.key", "bulletdrop.db", "start.lock")
    if not may_make and not any((config.data / name).exists() for name in known):
        raise BadConfig(f"There is no data folder at {config.data}.", field="data", paths=[config.data])
    if as_running and (links := links_of_running(config.data)):
        config = replace(config, public_url=links)
    site = open_site(config)
    try:
        with using(site.db):
            yield site
    finally:
        close_site(site)


def read_password(from_stdin: bool) -> str:
    """A password from standard input's first line, or asked for twice without showing it. Raises Invalid for none."""
    if from_stdin:
        try:
            password = sys.stdin.buffer.readline().decode("utf-8").rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise Invalid("The password on standard input is no UTF-8 text.", field="password") from error
        if not password:
            raise Invalid("No password came on standard input.", field="password")
        return password
    if not sys.stdin.isatty():
        raise Invalid("There is no terminal to ask on. Use --password-stdin.", field="password")
    password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return str(password)


def has_terminal() -> bool:
    """True where somebody can be asked, also while something comes through a pipe on standard input.

    Where nobody can, `getpass` warns with the path of Python's own files, and reads a passphrase from the pipe.
    """
    try:
        # As `getpass` does: the terminal that this process belongs to, whatever its standard input is.
        os.close(os.open("/dev/tty", os.O_RDWR | getattr(os, "O_NOCTTY", 0)))
    except OSError:
        return sys.stdin.isatty()
    return True


def read_expiry(text: str | None, *, now: datetime) -> datetime | None:
    """An expiry from an option. Raises Invalid, saying which forms there are."""
    from bulletdrop.clock import parse_expiry

    if text is None:
        return None
    try:
        return parse_expiry(text, now=now)
    except (ValueError, OverflowError) as error:
        raise Invalid("An expiry is 30m, 12h, 7d, 2w, 1y, a date, or a time such as 2027-01-01T00:00:00Z.") from error


def show_limits(names: Sequence[str], allowed: Limits, own: Mapping[str, int]) -> None:
    """Print limits, one a line.

    Args:
        names: which, in this order.
        allowed: what counts.
        own: those that are not the plan's.
    """
    for name in names:
        value = getattr(allowed, name)
        click.echo(f"{name:<22}{'no limit' if value is None else value}{'  (own)' if name in own else ''}")


def read_figure(text: str) -> tuple[str, int | None]:
    """A limit, written NAME=VALUE, in the form in which it is kept. Raises Invalid."""
    from bulletdrop.core.people.plans import UNLIMITED

    name, equals, value = text.partition("=")
    value = value.strip().lower()
    if not equals or not (value in ("", "none") or (value.isascii() and value.isdigit())):
        raise Invalid(f"“{text}” is no limit. Write NAME=NUMBER, NAME=none or NAME=.", field="figures")
    return name.strip(), None if value == "" else UNLIMITED if value == "none" else int(value)
