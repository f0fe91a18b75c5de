"""`bulletdrop` without a command: server and tray on a desktop, the server alone where there is no screen."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

import click


@click.command()
@click.pass_context
def start_here(context: click.Context) -> int:
    """On a desktop: server and tray together. Without a screen: the same as `serve`."""
    from bulletdrop.cli.serve import serve
    from bulletdrop.cli.tray import run_tray
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging

    if not has_screen(os.environ):
        context.invoke(serve)
        return 0
    config = load_config()
    set_up_logging(level=config.log_level)
    return run_tray(config, with_server=True)


def has_screen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a person sits in front of this: always on macOS and Windows, elsewhere where a display is named."""
    return platform in ("darwin", "win32") or bool(environ.get("DISPLAY") or environ.get("WAYLAND_DISPLAY"))
