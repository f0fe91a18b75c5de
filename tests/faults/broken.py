"""Builds broken on purpose: the experiments must find each of them, or they prove nothing."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

from tests.faults.ends import run_ends
from tests.faults.limit_races import limit_race
from tests.faults.points import run_points
from tests.faults.powercut import run_powercut
from tests.faults.product import ROOT
from tests.faults.races import dedupe_race
from tests.faults.secret_points import secret_points
from tests.faults.secrets import secrets_race
from tests.faults.spool_points import run_spool

Experiment = Callable[[Path, Path], list[str]]


class PatchError(Exception):
    """The text to break is not in the source any more: the break has to be written anew."""


@dataclass(frozen=True)
class Break:
    """One way to break the product.

    Attributes:
        name: what is broken, in words.
        patches: (file, text that must be there exactly once, text to put there).
        experiment: folder and source → violations found.
        expected: words that one of the violations must carry, so that it is found for the right reason.
        traced: the experiment watches system calls.
    """

    name: str
    patches: tuple[tuple[str, str, str], ...]
    experiment: Experiment
    expected: str
    traced: bool = False


def _cuts(folder: Path, source: Path) -> list[str]:
    return run_powercut(folder, uploads=4, source=source, models=("strict",), boots=0)[0].violations()


def _cuts_after_a_kill(folder: Path, source: Path) -> list[str]:
    return run_powercut(folder, uploads=2, source=source, models=("strict",), boots=0, again=True)[0].violations()


def _points(folder: Path, source: Path) -> list[str]:
    return run_points(folder, "upload", source=source, until_red=True).violations


def _counts(folder: Path, source: Path) -> list[str]:
    return dedupe_race(folder, rounds=4, source=source).violations


def _views(folder: Path, source: Path) -> list[str]:
    return limit_race(folder, rounds=2, limits=(10,), targets=("link bytes",), source=source).violations


def _ends(folder: Path, source: Path) -> list[str]:
    return run_ends(folder, cuts=4, source=source).violations


def _openings(folder: Path, source: Path) -> list[str]:
    return secrets_race(folder, rounds=2, limits=(10,), source=source).violations


def _points_of_opening(expected: str) -> Experiment:
    def run(folder: Path, source: Path) -> list[str]:
        return secret_points(folder, "open", source=source, only=range(22, 36), until=expected).violations

    return run


def _spool(folder: Path, source: Path) -> list[str]:
    return run_spool(folder, "capture", source=source, workers=4, until_red=True).violations


_PUT = "        site.storage.put(key, stored.path, size=stored.size)\n"

BREAKS: tuple[Break, ...] = (
    Break(
        "no fsync of the file",
        (("bulletdrop/storage/local.py", "        os.fsync(descriptor)\n", "        pass\n"),),
        _cuts,
        "bytes lost",
        traced=True,
    ),
    Break(
        "a folder that is there taken for safe",
        (
            (
                "bulletdrop/storage/local.py",
                "(folder in self._durable and folder.is_dir())",
                "folder.is_dir()",
            ),
        ),
        _cuts_after_a_kill,
        "bytes lost",
        traced=True,
    ),
    Break(
        "row before bytes",
        (
            ("bulletdrop/core/drops/intake.py", f"    if not known:\n{_PUT}    try:\n", "    try:\n"),
            (
                "bulletdrop/core/drops/intake.py",
                "    site.wake.set()\n    if not known and",
                f"    if kept.upload.blob.key == key:\n{_PUT}    site.wake.set()\n    if not known and",
            ),
        ),
        _points,
        "row before its bytes",
        traced=True,
    ),
    Break(
        "references read and then written",
        (
            (
                "bulletdrop/core/drops/intake.py",
                "        with transaction(site.db):\n            blob = _share_or_make(site, stored, key)\n",
                "        seen = Blob.get_or_none(Blob.sha256 == stored.sha256)\n"
                "        with transaction(site.db):\n            blob = _share_or_make(site, stored, key, seen)\n",
            ),
            (
                "bulletdrop/core/drops/intake.py",
                "def _share_or_make(site: Site, stored: Stored, key: str | None) -> Blob:",
                "def _share_or_make(site: Site, stored: Stored, key: str | None, seen: Blob | None) -> Blob:",
            ),
            (
                "bulletdrop/core/drops/intake.py",
                "    shared = Blob.update(refs=Blob.refs + 1).where(",
                "    shared = Blob.update(refs=seen.refs + 1 if seen else Blob.refs + 1).where(",
            ),
        ),
        _counts,
        "miscounted",
    ),
    Break(
        "views read and then written",
        (
            (
                "bulletdrop/core/sharing/limits.py",
                "    left = model.max_views.is_null() | (model.views < model.max_views)\n",
                "    left = model.max_views.is_null() | (not is_used_up(row))\n",
            ),
        ),
        _views,
        "10 allowed",
    ),
    Break(
        "synchronous=OFF",
        (("bulletdrop/core/database.py", '"synchronous": "full"', '"synchronous": "off"'),),
        _cuts,
        "row lost",
        traced=True,
    ),
    Break(
        "end of body not checked",
        (
            (
                "bulletdrop/web/parts.py",
                "            if not self._is_complete():\n                raise Truncated(",
                "            if self._aborted:\n                raise Truncated(",
            ),
        ),
        _ends,
        "answered 201",
    ),
    Break(
        "openings counted without a condition",
        (
            ("bulletdrop/core/sharing/secrets/opening.py", ".where(same & _alive(site))", ".where(same)"),
            (
                "bulletdrop/core/sharing/secrets/opening.py",
                'Secret.update(wrapped_key="", burned_at=site.clock.now())',
                "Secret.update(burned_at=site.clock.now())",
            ),
        ),
        _openings,
        "limit 10: given",
    ),
    Break(
        "what a crash left of a burned secret not swept",
        (
            (
                "bulletdrop/core/sharing/secrets/burning.py",
                "        remove_parts_quietly(site, secret, parts)\n        count",
                "        count",
            ),
        ),
        _points_of_opening("lies in the storage"),
        "lies in the storage",
        traced=True,
    ),
    Break(
        "a key that outlives the last opening",
        (
            (
                "bulletdrop/core/sharing/secrets/opening.py",
                'Secret.update(wrapped_key="", burned_at=site.clock.now()).where(Secret.id == secret.id).execute()',
                "pass",
            ),
        ),
        _points_of_opening("the bytes of a secret are gone"),
        "the bytes of a secret are gone",
        traced=True,
    ),
    Break(
        "a tray whose repeat is a new request",
        (("bulletdrop/tray/rows.py", 'f"{self.item.sha256}-{self.key}"', 'f"{self.item.sha256}-{id(self)}"'),),
        _spool,
        "2 times on the server",
        traced=True,
    ),
)


def broken_copy(one: Break, folder: Path) -> Path:
    """Copy the package into a folder and break it there. Returns: the folder. Raises: PatchError."""
    folder.mkdir(parents=True)
    # The last are files that another process is just writing, and about to rename.
    skipped = shutil.ignore_patterns("node_modules", "*.pyc.*")
    shutil.copytree(ROOT / "bulletdrop", folder / "bulletdrop", ignore=skipped)
    for name, old, new in one.patches:
        path = folder / name
        text = path.read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise PatchError(f"“{one.name}”: {name} has this text {text.count(old)} times, not once: {old!r}")
        path.write_text(text.replace(old, new), encoding="utf-8")
        # Of all other files what Python compiled comes along: each start of the copy would compile it anew.
        Path(cache_from_source(str(path))).unlink(missing_ok=True)
    return folder


def run_broken(one: Break, folder: Path) -> tuple[bool, list[str]]:
    """Break the product in one way and run the experiment. Returns: whether it was found, and what was found."""
    source = broken_copy(one, folder / "source")
    (folder / "run").mkdir()
    found = one.experiment(folder / "run", source)
    return any(one.expected in text for text in found), found
