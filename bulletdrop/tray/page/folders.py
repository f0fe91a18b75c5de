"""The page's part “folders”."""

from __future__ import annotations

from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.page.looking import Look
from bulletdrop.tray.page.rendering import render


def show(look: Look) -> Reply:
    """Show it."""
    return render("folders.html", look)


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Do what a form asks."""
    return "folders"
