"""Whom the routes of keys and devices let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.rows.row import open_to_all, persons_only


def a_key(server: Server) -> dict[str, str]:
    """One of alice's keys."""
    made = kept(server, "alice").post("/api/v1/api-keys", json={"name": "k", "scopes": ["uploads:read"]}).json()
    return {"key_id": made["id"]}


ROWS = {
    "post_devices_code": open_to_all(201),
    "post_devices_token": open_to_all(400),
    "post_devices_offer": persons_only(201),
    "post_devices_redeem": open_to_all(400, body={"code": "BBBB-BBBB"}),
    "post_devices_lookup": persons_only(404, body={"user_code": "BBBB-BBBB"}),
    "post_devices_approve": persons_only(404, body={"user_code": "BBBB-BBBB"}),
    "get_api_keys": persons_only(200),
    "post_api_keys": persons_only(400),
    "patch_api_keys_key_id": persons_only(200, admin=404, params=a_key),
    "delete_api_keys_key_id": persons_only(204, admin=404, params=a_key),
    "post_devices_local": open_to_all(400),
}
