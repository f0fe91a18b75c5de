"""The person's rules for folders: which are watched, and which rule is whose, also where a link leads to the folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from bulletdrop.tray.preferences import Chosen, Rule


class Rules:
    """Asked often: what is looked up on disk is kept until the preferences change."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen
        self._known: tuple[tuple[Rule, ...], dict[Path, Rule]] = ((), {})

    def of(self, folder: Path) -> Rule:
        """What holds for captures of a folder."""
        rules = self._chosen.now.folders
        if self._known[0] is not rules:
            self._known = (rules, {})
        found = self._known[1].get(folder)
        if found is None:
            found = self._known[1][folder] = self._look_up(folder)
        return found

    def watched(self, found: Sequence[Path]) -> list[Path]:
        """The folders to watch: those that the system names and the person did not exclude, then the person's own."""
        own = [Path(rule.folder) for rule in self._chosen.now.folders if rule.watch and Path(rule.folder).is_absolute()]
        named = {rule.folder for rule in self._chosen.now.folders}
        kept = [folder for folder in found if str(folder) not in named or self.of(folder).watch]
        real = {os.path.realpath(folder) for folder in kept}
        return kept + [folder for folder in own if os.path.realpath(folder) not in real]

    def _look_up(self, folder: Path) -> Rule:
        chosen = self._chosen.now
        rule = chosen.rule_for(folder)
        if rule.folder == str(folder):
            return rule
        real = os.path.realpath(folder)
        return next((one for one in chosen.folders if os.path.realpath(one.folder) == real), rule)
