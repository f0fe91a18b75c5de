"""All commands under one name, and what an error becomes: one line and an exit code."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

import click

from bulletdrop import __version__
from bulletdrop.cli.audit import audit
from bulletdrop.cli.clients import clients
from bulletdrop.cli.default import start_here
from bulletdrop.cli.doctor import doctor
from bulletdrop.cli.invite import invite
from bulletdrop.cli.job import job
from bulletdrop.cli.key import key
from bulletdrop.cli.pair import pair
from bulletdrop.cli.paste import paste, shorten
from bulletdrop.cli.secrets import secret, secrets
from bulletdrop.cli.serve import serve
from bulletdrop.cli.settings import config
from bulletdrop.cli.team import team
from bulletdrop.cli.thumbnails import thumbnails
from bulletdrop.cli.tray import tray
from bulletdrop.cli.upload import upload
from bulletdrop.cli.user_acts import user
from bulletdrop.cli.verify import verify
from bulletdrop.errors import BadConfig, BulletDropError, Busy, Invalid, NotSignedIn

EXIT_REFUSED, EXIT_USAGE, EXIT_LATER, EXIT_NOT_SIGNED_IN = 1, 2, 3, 4

EPILOG = (
    "Exit codes: 0 done · 1 refused, or something was found wrong · 2 wrong usage · "
    "3 not now: server, database or disk cannot be used · 4 not signed in or paired."
)


@click.group(invoke_without_command=True, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "-V", "--version", message="bulletdrop %(version)s")
@click.pass_context
def bulletdrop(context: click.Context) -> None:
    """Take a screenshot, and its link is on the clipboard.

    Without a command: the server and, on a desktop, the tray.
    """
    if context.invoked_subcommand is None:
        context.invoke(start_here)


for command in (
    serve,
    tray,
    upload,
    paste,
    shorten,
    secret,
    pair,
    user,
    team,
    key,
    clients,
    invite,
    verify,
    doctor,
    job,
    config,
    audit,
    secrets,
    thumbnails,
):
    bulletdrop.add_command(command)


def run(arguments: Sequence[str]) -> int:
    """Run the command line. Returns the exit code; an error is one line on standard error."""
    try:
        result = bulletdrop.main(list(arguments), prog_name="bulletdrop", standalone_mode=False)
    except BulletDropError as error:
        click.echo(f"bulletdrop: {error.message}", err=True)
        return exit_code(error)
    except click.exceptions.Exit as error:
        return error.exit_code
    except click.Abort:
        click.echo("bulletdrop: stopped.", err=True)
        return 130
    except click.ClickException as error:
        click.echo(f"bulletdrop: {error.format_message()}", err=True)
        return EXIT_USAGE
    except BrokenPipeError:
        # The reader of our output has left (`| head`): no error, but Python must not try to flush again.
        with contextlib.suppress(OSError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return result if isinstance(result, int) else 0


def exit_code(error: BulletDropError) -> int:
    """The exit code that an error becomes."""
    if isinstance(error, Busy):
        return EXIT_LATER
    if type(error) in (Invalid, BadConfig):
        return EXIT_USAGE
    return EXIT_NOT_SIGNED_IN if isinstance(error, NotSignedIn) else EXIT_REFUSED
