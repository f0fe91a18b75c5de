"""What one check of the doctor found."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass
class Finding:
    """One line of the doctor: `level` is ok, warn or fail; `cure` says what to do, and is empty when all is well."""

    level: str
    what: str
    cure: str = ""
    name: str = ""

    def fields(self) -> dict[str, str]:
        """The finding as JSON shows it."""
        return asdict(self)


def ok(what: str) -> Finding:
    """All is well."""
    return Finding("ok", what)


def warn(what: str, cure: str) -> Finding:
    """It works, but not as well as it could."""
    return Finding("warn", what, cure)


def fail(what: str, cure: str) -> Finding:
    """Something does not work."""
    return Finding("fail", what, cure)
