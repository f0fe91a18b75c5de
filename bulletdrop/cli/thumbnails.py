"""`bulletdrop thumbnails`, hidden: the child in which the tray makes the small pictures of its menu."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(hidden=True)
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
def thumbnails(paths: tuple[Path, ...]) -> None:
    """Make a small picture of each first path at each second one."""
    from bulletdrop.tray.thumbs import make_thumbnails

    if hasattr(os, "nice"):
        os.nice(10)  # nobody waits for it
    make_thumbnails(list(zip(paths[::2], paths[1::2], strict=True)))
