"""`bulletdrop verify`: every row has its bytes, every byte has its row, every hash is right."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened


@click.command()
@click.option("--read-data", is_flag=True, help="Read every byte and compare its hash.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@data_option
@click.pass_context
def verify(context: click.Context, read_data: bool, as_json: bool, data: Path | None) -> None:
    """Check the library. Exit code 1 and a list when something is wrong."""
    from bulletdrop.core.models import Blob, Upload
    from bulletdrop.core.upkeep.verify import verify as check

    with opened(data) as site:
        problems = list(check(site, read_data=read_data))
        counts = {"drops": Upload.select().count(), "blobs": Blob.select().count()}
    if as_json:
        click.echo(json.dumps({**counts, "read_data": read_data, "problems": problems}, indent=2))
    else:
        for problem in problems:
            click.echo(problem)
        found = "nothing wrong" if not problems else f"{len(problems)} wrong"
        click.echo(f"{counts['drops']} drops, {counts['blobs']} files: {found}.")
    if problems:
        context.exit(1)
