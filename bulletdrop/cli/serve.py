"""`bulletdrop serve`: the server."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import click

from bulletdrop.cli.common import data_option
from bulletdrop.config import Config, load_config


@click.command()
@click.option("--host", help="The address to listen on. Default: all of this machine's.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on. Default: 8484.")
@click.option("--public-url", help="The address people use, such as https://drop.example.org.")
@click.option("--workers", type=click.IntRange(1), help="Processes that answer. Default: 1.")
@data_option
def serve(host: str | None, port: int | None, public_url: str | None, workers: int | None, data: Path | None) -> None:
    """Run the server until it is stopped (SIGTERM or Ctrl-C)."""
    from bulletdrop.log import set_up_logging

    flags = {"host": host, "port": port, "public_url": public_url, "workers": workers, "data": data}
    config = load_config(flags)
    set_up_logging(level=config.log_level)
    leave_out_unused(config)
    from bulletdrop.web.parent import end_with_parent

    end_with_parent()
    if config.workers > 1:
        from bulletdrop.web.supervisor import serve_with_workers as run
    else:
        from bulletdrop.web.app import serve as run
    run(config)


def leave_out_unused(config: Config) -> None:
    """Keep libraries out of memory that others would load for what this server does not do.

    peewee imports the Postgres driver wherever it is installed (9 MB), and PyJWT imports cryptography for signatures
    that are not ours (8 MB): both manage without. An entry of None makes an import fail as if it were not installed.
    Cryptography is there again once PyJWT has looked: second factors load it when somebody has one.
    """
    unused = {"cryptography"} if config.database_url else {"cryptography", "psycopg"}
    modules: dict[str, Any] = sys.modules
    for name in unused:
        modules.setdefault(name, None)
    importlib.import_module("jwt")
    if modules["cryptography"] is None:
        del modules["cryptography"]
