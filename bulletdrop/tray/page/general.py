"""The page's part “general”."""

from __future__ import annotations

from bulletdrop.tray.control_http import Reply
from bulletdrop.tray.page.looking import Look
from bulletdrop.tray.page.rendering import render


def show(look: Look) -> Reply:
    """Show it."""
    return render("general.html", look)


def act(look: Look, form: dict[str, list[str]]) -> str:
    """Do what a form asks."""
    return "general"
