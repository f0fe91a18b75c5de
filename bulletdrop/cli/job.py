"""`bulletdrop job`: run a background job once, by hand."""

from __future__ import annotations

from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened


@click.command()
@click.argument("name", required=False)
@data_option
def job(name: str | None, data: Path | None) -> None:
    """Run the job NAME once; without a name, list the jobs."""
    from bulletdrop.core.people.administration import By
    from bulletdrop.core.upkeep.by_hand import run_by_hand
    from bulletdrop.core.upkeep.jobs import JOBS, how_often

    if name is None:
        for one in JOBS:
            click.echo(f"{one.name:<20}{how_often(one.every)}")
        return
    with opened(data) as site:
        click.echo(f"{name}: {run_by_hand(site, By(), name)}")
