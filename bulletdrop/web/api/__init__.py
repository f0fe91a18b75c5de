"""The JSON API: one file per noun, each with a table of its routes."""

from __future__ import annotations

from bulletdrop.web import openapi
from bulletdrop.web.api import (
    account,
    addresses,
    admin,
    albums,
    auth,
    chevereto,
    clients,
    devices,
    domains,
    identities,
    imgur,
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
    # At addresses and in shapes of other services: no part of ours, nor of its document.
    for other in (imgur, chevereto):
        other.attach(app)
    app.ctx.openapi = openapi.document(ROUTES + openapi.ROUTES)
