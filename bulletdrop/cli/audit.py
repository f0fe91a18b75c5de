"""`bulletdrop audit`: who did what, and when, from the server's own command line."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from bulletdrop.cli.common import data_option, opened
from bulletdrop.errors import Invalid


@click.command()
@click.option("--category", default="", help="act, admin or security.")
@click.option("--action", default="", help="An action such as user.disable, or the noun alone.")
@click.option("--actor", default="", help="A username; “server” for the command line and the server itself.")
@click.option("--since", default="", help="From this date or time on; 24h, 7d and the like count back from now.")
@click.option("--limit", default=100, show_default=True, help="The most rows; 0 for all.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per line.")
@data_option
def audit(category: str, action: str, actor: str, since: str, limit: int, as_json: bool, data: Path | None) -> None:
    """Print the audit log, newest first."""
    from bulletdrop.core.people.trail import Filter, as_text, read_trail

    with opened(data) as site:
        wanted = Filter(category=category, action=action, actor=actor, since=_since(since, site.clock.now()))
        cursor, left = None, limit or None
        while left is None or left > 0:
            page = read_trail(site, wanted, cursor=cursor, limit=200 if left is None else min(left, 200))
            if as_json:
                click.echo(as_text(page.items, "jsonl"), nl=False)
            else:
                for one in page.items:
                    row = one.row
                    who = one.actor_name or ("server" if row.actor is None else row.actor)
                    line = f"{row.at:%Y-%m-%d %H:%M:%S}  {row.category:<9}{who:<20}{row.action:<24}{row.subject}"
                    click.echo(f"{line}  {row.detail}".rstrip())
            left = None if left is None else left - len(page.items)
            cursor = page.next
            if cursor is None:
                break


def _since(text: str, now: datetime) -> datetime | None:
    """A time, a date, or a span back from now. Raises Invalid."""
    from bulletdrop.clock import parse_expiry

    if not text:
        return None
    try:
        moment = parse_expiry(text, now=now)
    except (ValueError, OverflowError) as error:
        raise Invalid("A time is 24h, 7d, a date, or a time such as 2026-11-20T12:00:00Z.", field="since") from error
    # A span is read as one into the future, as everywhere else; here it lies in the past.
    return now - (moment - now) if text.strip()[-1].lower() in "mhdwy" else moment
