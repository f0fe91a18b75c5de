"""The wheel's build hook: a wheel carries the built page, so that whoever installs it needs no Node."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PageHook(BuildHookInterface):  # type: ignore[type-arg]  # older hatchlings have no parameter
    """Builds the page before the files of the wheel are collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling; an editable install leaves the page to dev.py."""
        if version == "editable":
            return
        path = Path(self.root) / "packaging" / "build_page.py"
        spec = importlib.util.spec_from_file_location("build_page", path)
        if spec is None or spec.loader is None:
            raise RuntimeError(f"{path} cannot be loaded")
        build_page = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(build_page)
        build_page.build()
