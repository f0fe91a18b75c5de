"""Known: every domain by its name, as it was at most a second ago: no request asks the database for its host."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from bulletdrop.core.models import Domain
from bulletdrop.core.site import Site


@dataclass(frozen=True)
class Known:
    """What answering a request needs of a domain."""

    id: str
    name: str
    is_wildcard: bool
    max_file_size: int | None


@dataclass(frozen=True)
class Table:
    """All domains at one moment, by name."""

    by_name: Mapping[str, Known] = field(default_factory=lambda: MappingProxyType({}))

    def find(self, host: str) -> tuple[Known, str] | None:
        """The domain of a host, and the label in front of it where the host is somebody's own; None for neither."""
        exact = self.by_name.get(host)
        if exact is not None:
            return exact, ""
        label, _, rest = host.partition(".")
        parent = self.by_name.get(rest)
        return (parent, label) if parent is not None and parent.is_wildcard and label else None


_NONE = Table()


def refresh(site: Site) -> None:
    """Look at the table of domains. One query: called each second, and after each change in this process."""
    rows: Any = Domain.select(Domain.id, Domain.name, Domain.is_wildcard, Domain.max_file_size).tuples()
    table = Table(MappingProxyType({row[1]: Known(*row) for row in rows}))
    if site.live.domains != table:
        site.live.domains = table


def known(site: Site) -> Table:
    """The domains as they were at the last look; none before the first."""
    table: Table | None = site.live.domains
    return _NONE if table is None else table
