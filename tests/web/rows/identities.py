"""Whom the routes of signing in by a provider and of linked logins let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.rows.row import everybody, open_to_all, persons_only, persons_page


def a_provider(_server: Server) -> dict[str, str]:
    """One that the server does not offer: whoever may ask is told so."""
    return {"provider": "github"}


def an_identity(_server: Server) -> dict[str, str]:
    """One that nobody has."""
    return {"identity_id": "nobody"}


ROWS = {
    "get_auth_provider": open_to_all(404, params=a_provider),
    "post_auth_provider": persons_only(404, params=a_provider),
    "get_auth_provider_callback": open_to_all(404, params=a_provider),
    "get_account_identities": persons_only(200),
    "delete_account_identities_identity_id": persons_only(404, params=an_identity),
}

PAGES = {
    "POST /auth/<name:str>/start": everybody(404, refused=401, params=lambda _server: {"name": "github"}),
    "GET /account/logins": persons_page(200),
    "POST /account/logins": persons_page(404, form={"unlink": "nobody"}),
}
