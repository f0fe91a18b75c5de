"""`bulletdrop tray`: the tray alone, for a server elsewhere or one that already runs here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option

if TYPE_CHECKING:
    from bulletdrop.config import Config


@click.command()
@click.option("--server", help="The server's address. Default: the one on this machine.")
@click.option("--watch", type=click.Path(path_type=Path), help="The folder to watch. Default: the screenshot folder.")
@data_option
def tray(server: str | None, watch: Path | None, data: Path | None) -> int:
    """Watch the screenshot folder, put each link on the clipboard."""
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging

    config = load_config({"server": server, "watch": watch, "data": data})
    set_up_logging(level=config.log_level)
    return run_tray(config, with_server=False)


def run_tray(config: Config, *, with_server: bool) -> int:
    """Run the tray until it is ended. A second one opens the page instead. Returns the exit code."""
    from bulletdrop.clock import SystemClock
    from bulletdrop.log import get_logger
    from bulletdrop.tray.app import TrayApp, gallery_url
    from bulletdrop.tray.browser import open_page
    from bulletdrop.tray.folders import make_default_folder, watched_folders
    from bulletdrop.tray.instance import AlreadyRunning
    from bulletdrop.tray.vault import with_paired_server

    config = with_paired_server(config)
    try:
        app = TrayApp(
            config,
            folders=lambda: watched_folders(config),
            clock=SystemClock(),
            with_server=with_server,
            say=lambda text: click.echo(f"bulletdrop: {text}", err=True),
        )
    except AlreadyRunning as error:
        click.echo(f"bulletdrop: {error.message} Opening its page.", err=True)
        open_page(gallery_url(config)).join(5)
        return 0
    try:
        make_default_folder(config)
    except OSError as error:
        get_logger("tray").warning("The screenshot folder could not be made: %s", error.strerror or error)
    return app.run()
