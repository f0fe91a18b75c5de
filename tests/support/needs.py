"""Skips that name what is missing, and that are failures where CI=true."""

from __future__ import annotations

import os
import shutil

import pytest


def requires(*programs: str, package: str | None = None) -> None:
    """Skip the test unless all programs are on the PATH; with CI=true, fail instead.

    Args:
        programs: names as `which` finds them.
        package: the system package that brings them, for the message.
    """
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        unavailable(f"{', '.join(missing)} is not installed (package {package or missing[0]})")


def unavailable(reason: str) -> None:
    """Skip with a reason; with CI=true, fail: the gate has the right to install what it needs."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"needed here but missing: {reason}")
    pytest.skip(reason)


def needs_root() -> None:
    """Skip (or fail, with CI=true) unless root: mounts and namespaces need it."""
    if os.name == "nt" or os.geteuid() != 0:
        unavailable("this test needs root (to mount a small disk)")
