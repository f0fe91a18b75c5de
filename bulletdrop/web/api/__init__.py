"""The JSON API: one file per noun, each with a table of its routes."""

from __future__ import annotations

from bulletdrop.web import openapi
from bulletdrop.web.api import (
    account,
    addresses,
    admin,
    albums,
    auth,
    clients,
    devices,
    domains,
    identities,
    keys,
    links,
    passkeys,
    password,
    pastes,
    registration,
    requests,
    reservations,
    secrets,
    sessions,
    setup,
    short,
    teams,
    totp,
    uploads,
)
from bulletdrop.web.context import App
from bulletdrop.web.routes import Route, attach_routes

NOUNS = (
    setup,
    auth,
    registration,
    addresses,
    account,
    password,
    totp,
    passkeys,
    identities,
    sessions,
    keys,
    clients,
    devices,
    teams,
    domains,
    uploads,
    reservations,
    albums,
    requests,
    links,
    pastes,
    short,
    secrets,
    admin,
)
ROUTES: tuple[Route, ...] = tuple(route for noun in NOUNS for route in noun.ROUTES)


def attach(app: App) -> None:
    """Register the API and the document that describes it."""
    attach_routes(app, ROUTES + openapi.ROUTES)
    app.ctx.openapi = openapi.document(ROUTES + openapi.ROUTES)
