"""What the server says on standard output when it is ready: where it is, and the set-up code while it needs one."""

from __future__ import annotations

import sys
from typing import TextIO

from bulletdrop import __version__, trust
from bulletdrop.core import certificate
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
    if site.config.tls == "own":
        lines.append(f"Its certificate's fingerprint: {trust.shown(certificate.fingerprint(site.config))}")
    if needs_setup(site):
        code = setup_code(site)
        lines.append(f"Set-up code: {code}")
        lines.append(f"Open {here}/setup#code={code} to make the first account.")
    return lines


def listening_at(site: Site, url: str) -> dict[str, str]:
    """What the log says of it: the address, and the certificate's fingerprint where there is one."""
    digits = certificate.fingerprint(site.config)
    return {"url": url, **({"fingerprint": digits} if digits else {})}


def say(lines: list[str], stream: TextIO | None = None) -> None:
    """Print the lines at once. A closed standard output (a service without one) is no error."""
    out = stream or sys.stdout
    if out is None:
        return
    try:
        print("\n".join(lines), file=out, flush=True)
    except (OSError, ValueError):
        return
