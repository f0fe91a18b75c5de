"""`bulletdrop doctor`: looks at everything that can be wrong; one line each, with the cure."""

from __future__ import annotations

from pathlib import Path

import click

from bulletdrop.cli.common import data_option


@click.command()
@data_option
def doctor(data: Path | None) -> int:
    """Check everything that can be wrong; exit 1 if anything is."""
    return 0
