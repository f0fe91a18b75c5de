"""`bulletdrop doctor`: looks at everything that can be wrong; one line each, with the cure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bulletdrop.cli.common import data_option

if TYPE_CHECKING:
    from bulletdrop.cli.finding import Finding

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@data_option
@click.option("--clipboard", is_flag=True, help="Test the clipboard too. This replaces what is on it.")
@click.option("--json", "as_json", is_flag=True, help="One JSON list instead of lines.")
def doctor(data: Path | None, clipboard: bool, as_json: bool) -> int:
    """Check everything that can be wrong; exit 1 if anything is."""
    import json

    from bulletdrop.cli.checks_desktop import desktop_checks
    from bulletdrop.cli.checks_server import server_checks
    from bulletdrop.config import load_config
    from bulletdrop.log import set_up_logging

    set_up_logging(level="error")
    config = load_config({"data": data})
    findings = []
    for finding in _run((*server_checks(config), *desktop_checks(config, clipboard=clipboard))):
        findings.append(finding)
        if not as_json:
            _print(finding)
    if as_json:
        click.echo(json.dumps([finding.fields() for finding in findings], indent=2, ensure_ascii=False))
    return 1 if any(finding.level == "fail" for finding in findings) else 0


def _run(checks: Iterable[tuple[str, Callable[[], Finding]]]) -> Iterator[Finding]:
    """Each check's finding; one that breaks down is a finding too."""
    from bulletdrop.cli.finding import Finding

    for name, check in checks:
        try:
            finding = check()
        except Exception as error:
            finding = Finding("fail", f"the check itself did not work: {type(error).__name__}: {error}")
        finding.name = name
        yield finding


def _print(finding: Finding) -> None:
    level = click.style(f"{finding.level:<4}", fg=COLOURS[finding.level])
    cure = f" — {finding.cure}" if finding.cure else ""
    click.echo(f"{level}  {finding.name:<14}{finding.what}{cure}")
