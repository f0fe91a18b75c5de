"""Places: what a host that somebody asked for stands for, and so which names count there."""

from __future__ import annotations

from dataclasses import dataclass

from bulletdrop.core.names.chosen import MAIN


@dataclass(frozen=True)
class Place:
    """One host's meaning.

    domain_key: whose custom names count here: the domain's id, or MAIN.
    host: the host as links are built with it; empty for the main address.
    user_id: set on somebody's own host under a wildcard: only their drops are found there.
    kind: main (everything), domain (what is shared alone), content (bytes alone), own (the machine's own addresses:
        everything).
    """

    kind: str = "main"
    domain_key: str = MAIN
    host: str = ""
    user_id: str | None = None

    @property
    def is_whole(self) -> bool:
        """True where the whole product is: signing in, the gallery, the API."""
        return self.kind in ("main", "own")


MAIN_PLACE = Place()
