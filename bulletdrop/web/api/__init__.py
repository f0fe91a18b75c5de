"""The JSON API: one file per noun, each with a table of its routes."""

from __future__ import annotations

from bulletdrop.web import openapi
from bulletdrop.web.api import auth, devices, keys, setup, uploads
from bulletdrop.web.context import App
from bulletdrop.web.routes import Route, attach_routes

ROUTES: tuple[Route, ...] = setup.ROUTES + auth.ROUTES + keys.ROUTES + devices.ROUTES + uploads.ROUTES


def attach(app: App) -> None:
    """Register the API and the document that describes it."""
    attach_routes(app, ROUTES + openapi.ROUTES)
    app.ctx.openapi = openapi.document(ROUTES + openapi.ROUTES)
