"""Whom the routes and the page of other people's clients let in, and their addresses while they are switched off."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.rows.row import Page, everybody, persons_only, persons_page, row


def a_kind(_server: Server) -> dict[str, str]:
    """A client that there is a file for."""
    return {"kind": "sharex"}


ROWS = {
    "get_clients": row(200),
    "get_clients_kind": row(200, params=a_kind),
    "post_clients": persons_only(201, body={"kind": "sharex", "name": "a laptop"}),
}
PAGES: dict[str, Page] = {
    "GET /account/clients": persons_page(200),
    "POST /account/clients": persons_page(200, form={"kind": "sharex", "name": "a laptop"}),
}

# Switched off they answer as any address where there is nothing, whoever asks and by whatever method.
OFF = {
    f"{method} {path}": everybody(404)
    for path in ("/3/<what:str>", "/3/image/<deletehash:str>", "/api/1/upload")
    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
}
PAGES |= OFF
