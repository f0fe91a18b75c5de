"""`bulletdrop serve`: the server."""

from __future__ import annotations

from pathlib import Path

import click

from bulletdrop.cli.common import data_option


@click.command()
@click.option("--host", help="The address to listen on. Default: all of this machine's.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port to listen on. Default: 8484.")
@click.option("--public-url", help="The address people use, such as https://drop.example.org.")
@data_option
def serve(host: str | None, port: int | None, public_url: str | None, data: Path | None) -> None:
    """Run the server until it is stopped (SIGTERM or Ctrl-C)."""
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging
    from bulletdrop.web.app import serve as run
    from bulletdrop.web.parent import end_with_parent

    config = load_config({"host": host, "port": port, "public_url": public_url, "data": data})
    set_up_logging(level=config.log_level)
    end_with_parent()
    run(config)
