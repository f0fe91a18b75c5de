"""Figures: the limits of a person, a team or a plan, as forms show them and send them back."""

from __future__ import annotations

from bulletdrop.core.models import Plan, Team, User
from bulletdrop.core.people import plans
from bulletdrop.web.pages.admin.entry import NO_LIMIT, read_count, read_size, write_size

SIZES = ("storage", "bandwidth_per_month", "max_file_size")
LABELS = {
    "uploads_per_day": "Uploads a day",
    "requests_per_hour": "API requests an hour",
    "storage": "Storage",
    "bandwidth_per_month": "Bandwidth a month",
    "max_file_size": "Largest file",
}


def read_figure(name: str, text: str) -> int | None:
    """One figure of a form; None for "no limit". Raises Invalid with the field."""
    return read_size(text, name) if name in SIZES else read_count(text, name)


def read_limits(form: dict[str, str], names: tuple[str, ...] = plans.NAMES) -> dict[str, int | None]:
    """An account's own limits from their form, as `plans.check_figures` takes them; what is left empty is the plan's.

    Raises: Invalid with the field.
    """
    figures: dict[str, int | None] = {}
    for name in names:
        text = form.get(name, "").strip()
        value = read_figure(name, text) if text else None
        figures[name] = None if not text else plans.UNLIMITED if value is None else value
    return figures


def write_figure(name: str, value: int | None) -> str:
    """A figure as a form shows it."""
    value = None if value == plans.UNLIMITED else value
    return write_size(value) if name in SIZES else NO_LIMIT if value is None else str(value)


def own_limits(account: User | Team) -> dict[str, str]:
    """The limits of an account's own, by name, as its form shows them."""
    return {name: write_figure(name, value) for name, value in account.limits.items()}


def plan_limits(account: User | Team) -> dict[str, str]:
    """What the account's plan says, by name, as its form shows it where there is no limit of its own."""
    plan = plans.combined(Plan.get_or_none(Plan.name == account.plan), {})
    return {name: write_figure(name, getattr(plan, name)) for name in plans.NAMES}
