"""The pages of the administration: one file per noun. Whoever is no admin gets 403."""

from __future__ import annotations

from bulletdrop.web.context import App
from bulletdrop.web.pages.admin import (
    domains,
    invites,
    jobs,
    mail,
    overview,
    people,
    person,
    plans,
    settings,
    storage,
    team,
    teams,
    trail,
    uploads,
)

NOUNS = (overview, people, person, teams, team, invites, plans, domains, uploads, storage, settings, mail, trail, jobs)


def attach(app: App) -> None:
    """Add the addresses of the administration."""
    for noun in NOUNS:
        noun.attach(app)
