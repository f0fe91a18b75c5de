"""What the server says on standard output when it is ready: where it is, and the set-up code while it needs one."""

from __future__ import annotations

import sys
from typing import TextIO

from bulletdrop import __version__
from bulletdrop.core.names.urls import public_base
from bulletdrop.core.people.accounts import needs_setup, setup_code
from bulletdrop.core.site import Site


def welcome(site: Site, *, here: str) -> list[str]:
    """The lines for a person.

    Args:
        here: the address under which this machine reaches the server; links start with the configured one.
    """
    base = public_base(site.config)
    lines = [f"BulletDrop {__version__} is ready at {base}"]
    if base != here:
        lines.append(f"On this machine: {here}")
    if needs_setup(site):
        code = setup_code(site)
        lines.append(f"Set-up code: {code}")
        lines.append(f"Open {here}/setup#code={code} to make the first account.")
    return lines


def say(lines: list[str], stream: TextIO | None = None) -> None:
    """Print the lines at once. A closed standard output (a service without one) is no error."""
    out = stream or sys.stdout
    if out is None:
        return
    try:
        print("\n".join(lines), file=out, flush=True)
    except (OSError, ValueError):
        return
