"""The API of the administration: one file per noun. All of it asks for the scope `admin` and an admin behind it."""

from __future__ import annotations

from bulletdrop.web.api.admin import (
    domains,
    invites,
    jobs,
    mail,
    overview,
    plans,
    settings,
    teams,
    trail,
    uploads,
    user_acts,
    users,
)
from bulletdrop.web.routes import Route

ROUTES: tuple[Route, ...] = (
    overview.ROUTES
    + users.ROUTES
    + user_acts.ROUTES
    + teams.ROUTES
    + domains.ROUTES
    + invites.ROUTES
    + plans.ROUTES
    + uploads.ROUTES
    + settings.ROUTES
    + mail.ROUTES
    + trail.ROUTES
    + jobs.ROUTES
)
