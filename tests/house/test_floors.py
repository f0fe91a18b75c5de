"""Imports point down, never up: cli → web or tray; web → core → storage and media → ground; tray → ground only."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.house.sources import modules

GROUND = {"config", "config_values", "errors", "paths", "log", "clock", "trust", "__init__"}
BELOW = {
    "ground": {"ground"},
    "storage": {"storage", "ground"},
    "media": {"media", "ground"},
    "core": {"core", "storage", "media", "ground"},
    "web": {"web", "core", "storage", "media", "ground"},
    "tray": {"tray", "ground"},
    "cli": {"cli", "web", "tray", "core", "storage", "media", "ground"},
}
# Inside core each wing may use those named before it; what is under all of them is named in FOUNDATION.
WINGS = ["people", "names", "drops", "sharing", "insight", "upkeep"]
FOUNDATION = {"site", "database", "migrations", "queue", "audit", "models", "reserve", "reserved", "expiry", "text"}
FOUNDATION |= {"archive", "certificate", "counts", "cursors", "mail", "origin", "sealed", "settings", "shapes"}


def floor_of(name: str) -> str:
    """The floor of a module of ours by its dotted name."""
    parts = name.split(".")
    first = parts[1] if len(parts) > 1 else "__init__"
    if first == "__main__":
        return "cli"
    return "ground" if first in GROUND or first.startswith("__") else first


def arrows() -> Iterator[tuple[str, str]]:
    """Every import of ours by ours: who imports, what."""
    names = {module.name for module in modules("bulletdrop")}
    for module in modules("bulletdrop"):
        for imported in module.imports():
            if imported.split(".")[0] != "bulletdrop":
                continue
            # `from bulletdrop.core import site` names a module, `from bulletdrop.core.site import Site` does not.
            yield module.name, imported if imported in names else imported.rpartition(".")[0]


def test_every_module_lies_on_a_floor_of_the_plan() -> None:
    homeless = [module.name for module in modules("bulletdrop") if floor_of(module.name) not in BELOW]
    assert homeless == []


def test_no_import_points_to_a_floor_above() -> None:
    upward = [(who, what) for who, what in arrows() if floor_of(what) not in BELOW[floor_of(who)]]
    assert upward == []


def wing_of(name: str) -> int | None:
    """How far up in core a module lies: -1 for the foundation, else its wing's place; None outside core."""
    parts = name.split(".")
    if parts[:2] != ["bulletdrop", "core"] or len(parts) < 3:
        return None
    return WINGS.index(parts[2]) if parts[2] in WINGS else -1


def test_every_module_of_core_lies_in_a_wing_or_under_all_of_them() -> None:
    parts = [module.name.split(".") for module in modules("bulletdrop")]
    rooms = {part[2] for part in parts if part[:2] == ["bulletdrop", "core"] and len(part) > 2}
    assert rooms - FOUNDATION - set(WINGS) == set()


def test_inside_core_imports_point_to_earlier_wings_only() -> None:
    upward = []
    for who, what in arrows():
        mine, other = wing_of(who), wing_of(what)
        if mine is not None and other is not None and other > mine:
            upward.append((who, what))
    assert upward == []


# `--version` and `--help` must not pay for Sanic, Pillow or the tray.
HEAVY = ("bulletdrop.web", "bulletdrop.core", "bulletdrop.tray", "bulletdrop.storage", "sanic", "PIL", "peewee")


def test_the_cli_opens_its_doors_inside_its_functions() -> None:
    early = []
    for module in modules("bulletdrop"):
        if floor_of(module.name) != "cli":
            continue
        for node in module.tree.body:
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            early += [(module.name, name) for name in names if name.startswith(HEAVY)]
    assert early == []
