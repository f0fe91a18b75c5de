"""`bulletdrop config`: every setting, what it is now, and what it is for."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@data_option
def config(as_json: bool, data: Path | None) -> None:
    """Show every setting with its value, its variable and its help. Secrets are shown as ***."""
    from bulletdrop.config import SETTINGS, load_config

    current = load_config({"data": data})
    values = {
        setting.name: "***" if setting.secret and getattr(current, setting.name) else getattr(current, setting.name)
        for setting in SETTINGS
    }
    if as_json:
        click.echo(json.dumps(values, indent=2, default=str))
        return
    for setting in SETTINGS:
        value = values[setting.name]
        shown = ", ".join(value) if isinstance(value, tuple) else value
        click.echo(f"{setting.name} = {shown if shown not in ('', None) else '(not set)'}")
        click.echo(f"    {setting.help} [{setting.variable}]")
