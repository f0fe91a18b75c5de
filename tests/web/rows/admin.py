"""Whom the routes of the administration let in: admins, by cookie or with a key that has the scope."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable

from bulletdrop.core.models import new_id
from tests.support.server import PASSWORD, Server
from tests.web.kit import upload
from tests.web.rows.row import admins_only, admins_page, row
from tests.web.rows.teams import a_team, an_ending_team


def somebody(server: Server) -> dict[str, str]:
    """A fresh account, which is neither an admin nor anybody of the table."""
    name = f"p{new_id()[:12]}"
    wanted = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
    return {"user_id": server.alice.post("/api/v1/admin/users", json=wanted).json()["id"]}


def somebody_leaving(server: Server) -> dict[str, str]:
    """A fresh account that is about to be deleted."""
    found = somebody(server)
    server.alice.delete(f"/api/v1/admin/users/{found['user_id']}").raise_for_status()
    return found


def id_of(server: Server, name: str) -> str:
    """The id of an account."""
    found = server.alice.get("/api/v1/admin/users", params={"q": name, "limit": 200}).json()["items"]
    return str(next(one["id"] for one in found if one["username"] == name))


def bobs_drop(server: Server) -> dict[str, str]:
    """One of bob's drops."""
    return {"upload_id": upload(server.bob)["id"]}


def an_invite(server: Server) -> dict[str, str]:
    """An invite that is open."""
    return {"invite_id": server.alice.post("/api/v1/admin/invites", json={}).json()["id"]}


def a_mail(server: Server) -> dict[str, str]:
    """A mail that waits to be handed over."""
    mail_id = new_id()
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as database, database:
        database.execute(
            "INSERT INTO mail (id, purpose, recipient, subject, text, html, link, error, created_at, expires_at)"
            " VALUES (?, 'reset', 'x@example.org', 's', 't', 'h', 'http://localhost/reset', '', 0, 9000000000000000)",
            (mail_id,),
        )
    return {"mail_id": mail_id}


ROWS = {
    "get_admin_overview": admins_only(200),
    "get_admin_storage": admins_only(200),
    "get_admin_users": admins_only(200),
    "post_admin_users": admins_only(400),
    "get_admin_users_user_id": admins_only(200, params=somebody),
    "patch_admin_users_user_id": admins_only(200, params=somebody),
    "delete_admin_users_user_id": admins_only(202, params=somebody),
    "post_admin_users_user_id_reset": admins_only(201, params=somebody),
    "post_admin_users_user_id_sign_out": admins_only(204, params=somebody),
    "post_admin_users_user_id_revoke_keys": admins_only(200, params=somebody),
    "delete_admin_users_user_id_second_factor": admins_only(409, params=somebody),
    "post_admin_users_user_id_keep": admins_only(200, params=somebody_leaving),
    # The admin of the table is in no team.
    "get_admin_teams": admins_only(200),
    "get_admin_teams_team_id": admins_only(200, params=a_team),
    "patch_admin_teams_team_id": admins_only(200, params=a_team),
    "delete_admin_teams_team_id": admins_only(202, params=a_team),
    "post_admin_teams_team_id_keep": admins_only(200, params=an_ending_team),
    "get_admin_invites": admins_only(200),
    "post_admin_invites": admins_only(201),
    "delete_admin_invites_invite_id": admins_only(204, params=an_invite),
    "get_plans": row(200),
    "patch_admin_plans_name": admins_only(200, params=lambda server: {"name": "free"}),
    "get_admin_uploads": admins_only(200),
    "patch_admin_uploads_upload_id": admins_only(200, params=bobs_drop, body={"act": "hide"}),
    "delete_admin_uploads_upload_id": admins_only(204, params=bobs_drop),
    "get_admin_settings": admins_only(200),
    "patch_admin_settings": admins_only(200),
    # A key with the scope is refused too: with a link that waits it could make itself a stronger one.
    "get_admin_mail": admins_only(200, alice=403),
    "delete_admin_mail_mail_id": admins_only(204, params=a_mail),
    "post_admin_mail_test": admins_only(400),
    "get_admin_events": admins_only(200),
    "get_admin_audit": admins_only(200),
    "get_admin_audit_export": admins_only(200),
    "get_admin_jobs": admins_only(200),
    "post_admin_jobs_name": admins_only(200, params=lambda server: {"name": "forget-runs"}),
}


def somebody_and(act: str) -> Callable[[Server], dict[str, str]]:
    """A fresh account, and what is done to it."""
    return lambda server: {**somebody(server), "act": act}


def a_team_and(act: str) -> Callable[[Server], dict[str, str]]:
    """alice's team, and what is done to it."""
    return lambda server: {**a_team(server), "act": act}


PAGES = {
    "GET /admin": admins_page(200),
    "GET /admin/users": admins_page(200),
    "GET /admin/new-user": admins_page(200),
    "POST /admin/new-user": admins_page(400),
    "GET /admin/users/<user_id:str>": admins_page(200, params=somebody),
    "POST /admin/users/<user_id:str>/<act:str>": admins_page(303, params=somebody_and("sign-out")),
    "GET /admin/teams": admins_page(200),
    "GET /admin/teams/<team_id:str>": admins_page(200, params=a_team),
    "POST /admin/teams/<team_id:str>/<act:str>": admins_page(303, params=a_team_and("delete")),
    "GET /admin/invites": admins_page(200),
    "POST /admin/invites": admins_page(200),
    "POST /admin/invites/<invite_id:str>/revoke": admins_page(303, params=an_invite),
    "GET /admin/plans": admins_page(200),
    "POST /admin/plans/<plan:str>": admins_page(400, params=lambda server: {"plan": "free"}),
    "GET /admin/uploads": admins_page(200),
    "GET /admin/uploads/<upload_id:str>": admins_page(200),
    "POST /admin/uploads/<upload_id:str>/<act:str>": admins_page(303, params=lambda server: {"act": "trash"}),
    # A private drop's bytes: not even an admin sees them who has not asked first.
    "GET /admin/uploads/<upload_id:str>/bytes": admins_page(403),
    "GET /admin/storage": admins_page(200),
    "POST /admin/storage": admins_page(303),
    "GET /admin/settings": admins_page(200),
    "POST /admin/settings": admins_page(303),
    "GET /admin/mail": admins_page(200),
    "POST /admin/mail": admins_page(400),
    "POST /admin/mail/<mail_id:str>/done": admins_page(303, params=a_mail),
    "GET /admin/events": admins_page(200),
    "GET /admin/audit": admins_page(200),
    "GET /admin/jobs": admins_page(200),
    "POST /admin/jobs/<job:str>": admins_page(303, params=lambda server: {"job": "forget-runs"}),
}
