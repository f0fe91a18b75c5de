"""Whom the routes of sessions let in."""

from __future__ import annotations

from tests.support.server import Server
from tests.web.browser import signed_in
from tests.web.rows.row import persons_only


def a_session(server: Server) -> dict[str, str]:
    """One of alice's sessions, which nobody uses."""
    with signed_in(server, "alice") as browser:
        items = browser.get("/api/v1/account/sessions").json()["items"]
    return {"session_id": next(item["id"] for item in items if item["is_current"])}


ROWS = {
    "get_account_sessions": persons_only(200),
    "delete_account_sessions": persons_only(204),
    "delete_account_sessions_session_id": persons_only(204, admin=404, params=a_session),
}
