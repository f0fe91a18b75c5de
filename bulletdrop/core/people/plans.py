"""Plans: how much an account may use. The plan's figures, with the account's own over them."""

from __future__ import annotations

import time
from dataclasses import dataclass, fields
from typing import Any

from bulletdrop.core.models import Plan, Team, User
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound

# What an unlimited figure is called in somebody's own limits, where None means "as the plan says".
UNLIMITED = -1
# Beyond this a database integer of 64 bits would not hold it.
_MOST = 2**62
# A plan's figures that an admin changes hold after this long, in seconds: they are asked for with every request.
_BELIEVED = 1.0


@dataclass(frozen=True)
class Limits:
    """What an account may use. None is no limit. Sizes in bytes; days and months are those of UTC."""

    uploads_per_day: int | None = None
    requests_per_hour: int | None = None
    storage: int | None = None
    bandwidth_per_month: int | None = None
    max_file_size: int | None = None


NAMES: tuple[str, ...] = tuple(field.name for field in fields(Limits))
# Requests are made by people, and count for them alone.
TEAM_NAMES: tuple[str, ...] = tuple(name for name in NAMES if name != "requests_per_hour")


def limits_of(site: Site, account: User | Team) -> Limits:
    """What somebody, or a team, may use now. One query for the plan's row."""
    plan = Plan.get_or_none(Plan.name == account.plan)
    return combined(plan, account.limits)


def known_plan(site: Site, name: str) -> Plan | None:
    """A plan by its name, as it was at most a second ago; None for one that is gone."""
    now = time.monotonic()
    found, until = site.plans.get(name, (None, 0.0))
    if until <= now:
        found = Plan.get_or_none(Plan.name == name)
        site.plans[name] = (found, now + _BELIEVED)
    plan: Plan | None = found
    return plan


def combined(plan: Plan | None, own: dict[str, Any]) -> Limits:
    """A plan's figures with an account's own over them. A plan that is gone limits nothing."""
    values: dict[str, int | None] = {}
    for name in NAMES:
        figure = own.get(name)
        if figure is None:
            figure = getattr(plan, name) if plan is not None else None
        values[name] = None if figure is None or figure == UNLIMITED else int(figure)
    return Limits(**values)


def list_plans(site: Site) -> list[Plan]:
    """Every plan, the smallest first."""
    order = {"home": 0, "free": 1, "pro": 2, "enterprise": 3}
    return sorted(Plan.select(), key=lambda plan: (order.get(plan.name, 9), plan.name))


def get_plan(site: Site, name: str) -> Plan:
    """A plan by its name. Raises NotFound."""
    plan: Plan | None = Plan.get_or_none(Plan.name == name)
    if plan is None:
        raise NotFound(f"There is no plan “{name}”.")
    return plan


def check_figures(figures: dict[str, Any], *, unlimited: int | None = None) -> dict[str, int | None]:
    """Limits as somebody sent them, in the form to keep. Raises Invalid with the field.

    Args:
        figures: by name; None and left out are kept as they are.
        unlimited: the value for "no limit" that is allowed beside whole numbers from 0.
    """
    checked: dict[str, int | None] = {}
    for name, value in figures.items():
        if name not in NAMES:
            raise Invalid(f"“{name}” is no limit. There are: {', '.join(NAMES)}.", field=name)
        fits = value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST)
        if not fits and (unlimited is None or value != unlimited):
            raise Invalid("A limit is a whole number of at least 0, or left empty.", field=name)
        checked[name] = value
    return checked
