"""`bulletdrop config`: every setting, what it is now, and what it is for; some can be changed at run time."""

from __future__ import annotations

import json
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object.")
@data_option
@click.pass_context
def config(context: click.Context, as_json: bool, data: Path | None) -> None:
    """Show every setting with its value, its variable and its help. Secrets are shown as ***."""
    from bulletdrop.config import SETTINGS, load_config

    if context.invoked_subcommand is not None:
        context.obj = data
        return
    current = load_config({"data": data})
    if (current.data / "secret.key").exists():
        # With what the admin changed at run time.
        with opened(data, as_running=False) as site:
            current = site.config
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


@config.command("set")
@click.argument("name")
@click.argument("value")
@data_option
@click.pass_context
def set_one(context: click.Context, name: str, value: str, data: Path | None) -> None:
    """Change a setting: a running server takes it up within a second. Lists are separated by commas."""
    from bulletdrop.core.settings import change_settings

    with opened(data or context.obj) as site:
        change_settings(site, {name: value})
        now = getattr(site.config, name)
    click.echo(f"{name} = {', '.join(now) if isinstance(now, tuple) else now}")


@config.command("unset")
@click.argument("name")
@data_option
@click.pass_context
def unset(context: click.Context, name: str, data: Path | None) -> None:
    """Take a change back: the default counts again."""
    from bulletdrop.core.settings import change_settings

    with opened(data or context.obj) as site:
        change_settings(site, {name: None})
        now = getattr(site.config, name)
    click.echo(f"{name} = {', '.join(now) if isinstance(now, tuple) else now}")
