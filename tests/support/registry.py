"""A registry of Windows in a dictionary."""

from __future__ import annotations


class Values:
    """Imitates `bulletdrop.tray.registry.Registry`; `closed` makes every access fail as a policy can."""

    def __init__(self) -> None:
        self.all: dict[tuple[str, str], str | int | bytes] = {}
        self.writes = 0
        self.closed = False

    def read(self, key: str, name: str) -> str | int | bytes | None:
        self._check()
        return self.all.get((key, name))

    def write(self, key: str, name: str, value: str | int) -> None:
        self._check()
        self.writes += 1
        self.all[key, name] = value

    def delete(self, key: str, name: str) -> None:
        self._check()
        self.all.pop((key, name), None)

    def _check(self) -> None:
        if self.closed:
            raise PermissionError(13, "Access is denied")
