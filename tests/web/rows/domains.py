"""Whom the routes and pages of domains let in."""

from __future__ import annotations

from bulletdrop.core.models import new_id
from tests.support.server import Server
from tests.web.rows.row import admins_only, admins_page, open_to_all, persons_page, row

OFFER = "/api/v1/admin/domains"


def a_domain(server: Server, **values: object) -> dict[str, str]:
    """A domain that everybody may claim."""
    made = server.alice.post(OFFER, json={"name": f"d{new_id()[:12].lower()}.example", **values})
    return {"domain_id": str(made.json()["id"])}


def a_claimed_domain(server: Server) -> dict[str, str]:
    """A domain that alice has."""
    params = a_domain(server)
    server.alice.post(f"/api/v1/domains/{params['domain_id']}/claim", json={}).raise_for_status()
    return params


ROWS = {
    "get_domains": row(200, reader=403),
    "get_domains_ask": open_to_all(404),
    "post_domains_domain_id_claim": row(200, reader=403, params=a_domain),
    "delete_domains_domain_id_claim": row(404, reader=403, alice=204, cookie=204, params=a_claimed_domain),
    "put_domains_domain_id_primary": row(404, reader=403, alice=204, cookie=204, params=a_claimed_domain),
    "delete_domains_domain_id_primary": row(404, reader=403, alice=204, cookie=204, params=a_claimed_domain),
    "get_admin_domains": admins_only(200),
    "post_admin_domains": admins_only(400),
    "patch_admin_domains_domain_id": admins_only(200, params=a_domain),
    "delete_admin_domains_domain_id": admins_only(204, params=a_domain),
}

PAGES = {
    "GET /account/domains": persons_page(200),
    "POST /account/domains": persons_page(404),
    "GET /admin/domains": admins_page(200),
    "POST /admin/domains": admins_page(400),
    "GET /admin/domains/<domain_id:str>": admins_page(200, params=a_domain),
    "POST /admin/domains/<domain_id:str>/<act:str>": admins_page(
        303, params=lambda server: {**a_domain(server), "act": "remove"}, form={"sure": "yes"}
    ),
}
