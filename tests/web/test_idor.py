"""Somebody else's thing, asked for by its right id, is answered exactly as one that never was, and stays as it is."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import pkgutil
import re
import sqlite3
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bulletdrop.core.models import new_id
from bulletdrop.web.routes import PREFIX, Route
from tests.support.server import PASSWORD, Server
from tests.web import rows
from tests.web.browser import kept
from tests.web.cast import Cast, Headers, bearer, cookies
from tests.web.rows.keys import a_key
from tests.web.rows.sessions import a_session
from tests.web.rows.teams import an_invite, make_team
from tests.web.test_authorization import ROUTES, TABLE
from tests.web.test_authorization_pages import TABLE as PAGES
from tests.web.test_authorization_pages import AskedDrop

Params = dict[str, str]

# What people have and others must not touch; when somebody asked for it does not count as a change.
_KEPT = {
    "upload": "*",
    "blob": "id, refcount",
    "team": "id, name, slug, storage_used, delete_scheduled_for",
    "team_member": "*",
    "team_invite": "*",
    "invite": "*",
    "identity": "*",
    "passkey": "*",
    "mail": "id",
    "api_key": "id, name, scopes, rate_limit_per_hour, revoked_at, expires_at",
    "session": "id, user_id, revoked_at, epoch",
    "share_link": "*",
    "short_link": "id, slug, url, title, custom_name, password_hash, max_views, expires_at, revoked_at",
    "album": "id, slug, owner_id, title, description, is_public, sort, password_hash, max_views, expires_at, cover_id",
    "album_item": "*",
    "upload_request": "id, token, title, revoked_at, max_files, max_bytes, password_hash, files",
    "user": "id, email, is_admin, is_active, plan, limits, epoch, delete_scheduled_for",
}


def state(server: Server) -> dict[str, list[tuple[Any, ...]]]:
    """All that must stay as it is."""
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows:
        found = {}
        for table, columns in _KEPT.items():
            names = [each[1] for each in rows.execute(f"PRAGMA table_info({table})")]
            wanted = columns if columns == "*" else ", ".join(set(columns.split(", ")) & set(names))
            found[table] = sorted(rows.execute(f"SELECT {wanted} FROM {table}"), key=repr)
        return found


def insert(server: Server, table: str, **values: object) -> str:
    """A row of dora's that takes a browser or a provider to make. Returns its id."""
    row_id = new_id()
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
        (dora,) = rows.execute("SELECT id FROM user WHERE username = 'dora'").fetchone()
        all_values = {"id": row_id, "user_id": dora, "created_at": int(time.time() * 1e6), **values}
        marks = ", ".join("?" * len(all_values))
        rows.execute(f"INSERT INTO {table} ({', '.join(all_values)}) VALUES ({marks})", list(all_values.values()))
    return row_id


def an_identity(server: Server) -> Params:
    """A login of dora's."""
    values = {"provider": new_id()[:20], "issuer": "https://github.com", "subject": new_id(), "email": "", "name": "d"}
    return {"identity_id": insert(server, "identity", **values)}


def a_passkey(server: Server) -> Params:
    """A passkey of dora's."""
    values = {"credential_id": new_id(), "public_key": "x", "sign_count": 0, "transports": "[]", "name": "d"}
    return {"passkey_id": insert(server, "passkey", **values, is_backed_up=0)}


# Where the row of the authorization table asks for nothing that is anybody's.
REAL: dict[str, Callable[[Server], Params]] = {
    "delete_account_identities_identity_id": an_identity,
    "patch_account_passkeys_passkey_id": a_passkey,
    "delete_account_passkeys_passkey_id": a_passkey,
    "POST /account/security/passkeys/<passkey_id:str>": a_passkey,
}
# Their parameters name nothing that is anybody's: a file to be, a provider, a plan, a job.
NOBODYS = {
    "put_uploads_upload_id",
    "get_auth_provider",
    "post_auth_provider",
    "get_auth_provider_callback",
    "patch_admin_plans_name",
    "get_clients_kind",
    "post_admin_jobs_name",
    # The admin offers it to everybody.
    "post_domains_domain_id_claim",
    # Whoever has a secret's address may open it: it is nobody's guess.
    "post_secrets_secret_id_open",
    "GET /s/<secret_id:str>",
    "POST /s/<secret_id:str>",
    "GET /static/<name:path>",
    "POST /auth/<name:str>/start",
    "POST /admin/plans/<plan:str>",
    "POST /admin/jobs/<job:str>",
}
BODIES = {"delete_account_passkeys_passkey_id": {"password": PASSWORD}}
# Whoever has such an address may: it is what it is for. What it shows besides stands in the tests of its noun.
BY_LINK = {
    address
    for found in pkgutil.iter_modules(rows.__path__)
    for address in getattr(importlib.import_module(f"tests.web.rows.{found.name}"), "BY_LINK", ())
}
ASKED = [route for route in ROUTES if "<" in route.path and route.name not in NOBODYS]
PAGES_ASKED = [address for address in PAGES if "<" in address and address not in NOBODYS | BY_LINK]


def strangers(cast: Cast, *, may_admin: bool) -> dict[str, Headers]:
    """Who asks: nobody, charlie by cookie and by key, and an admin where the route is not one for admins."""
    found = {
        "nobody": {},
        "charlie": cookies(dict(kept(cast.server, "charlie").cookies)),
        "charlie's key": bearer(cast.server.key_of("charlie")),
    }
    if may_admin:
        found["admin"] = cookies(dict(kept(cast.server, "root2").cookies))
    return found


def said(answer: httpx.Response, params: Params) -> tuple[Any, ...]:
    """All of an answer that could tell one thing from another."""
    text = answer.text
    # A short one, such as a version, stands in other places too.
    for value in sorted((each for each in params.values() if len(each) > 6), key=len, reverse=True):
        text = text.replace(value, "…")
    text = re.sub(r'("request_id":")[^"]*|(name="csrf" value=")[^"]*|(<code>)[\w-]{8,}(?=</code>)', r"\1\2\3…", text)
    fixed = {"date", "x-request-id", "ratelimit", "set-cookie", "content-length", "location", "etag"}
    headers = sorted((name, value) for name, value in answer.headers.items() if name not in fixed)
    return answer.status_code, text, headers, sorted(answer.headers.get_list("set-cookie"))


def never_was(params: Params) -> Params:
    """Parameters of the same form that lead to nothing."""
    return {name: new_id()[: len(value)] if len(value) > 8 else new_id() for name, value in params.items()}


def differences(
    cast: Cast, ask: Callable[[Headers, Params], httpx.Response], real: Params, who: dict[str, Headers]
) -> Any:
    """Whose answers tell what is from what never was; and whatever has changed."""
    before = state(cast.server)
    wrong: dict[str, Any] = {}
    for name, headers in who.items():
        nothing = never_was(real)
        found, unknown = said(ask(headers, real), real), said(ask(headers, nothing), nothing)
        if found != unknown:
            lines = difflib.ndiff(str(found).split("\\n"), str(unknown).split("\\n"))
            wrong[name] = [line[:300] for line in lines if line[0] in "+-"]
        elif found[0] < 300:
            wrong[name] = f"let in: {found[0]}"
    after = state(cast.server)
    return wrong or [table for table in before if before[table] != after[table]]


@pytest.mark.parametrize("route", ASKED, ids=lambda route: route.name)
def test_somebody_elses_is_as_what_never_was(cast: Cast, route: Route) -> None:
    row = TABLE[route.name]
    params = REAL.get(route.name, row.params)
    assert params is not None
    body = BODIES.get(route.name, row.body)

    def ask(headers: Headers, values: Params) -> httpx.Response:
        path = PREFIX + route.path
        for name, value in values.items():
            path = path.replace(f"<{name}>", value)
        options: dict[str, Any] = {"json": body} if route.body is not None else {}
        return cast.request(route.method, path, headers, **options)

    who = strangers(cast, may_admin=route.who != "admin")
    assert not differences(cast, ask, params(cast.server), who)


@pytest.mark.parametrize("address", PAGES_ASKED)
def test_a_page_about_somebody_elses_is_as_of_what_never_was(cast: Cast, address: str) -> None:
    row, (method, _, written) = PAGES[address], address.partition(" ")
    asked = AskedDrop(cast.server, address)
    asked.path(written)
    named = set(re.findall(r"<(\w+):", written))
    real = REAL[address](cast.server) if address in REAL else asked.params
    real = {name: value for name, value in real.items() if name in named and name != "act"}
    if address.startswith(("GET /delete", "POST /delete")):
        # Whoever has the right token may: it is what the link is for.
        real["token"] = new_id()
    form: dict[str, Any] = {"data": row.form} if row.form is not None else {}

    def ask(headers: Headers, values: Params) -> httpx.Response:
        path = written
        for name, value in {**asked.params, **values}.items():
            path = path.replace(f"<{name}:str>", value)
        return cast.request(method, path, {"Accept": "text/html", **headers}, **form)

    who = strangers(cast, may_admin="/admin/" not in address)
    wrong = differences(cast, ask, real, who)
    if address.startswith(("GET /delete", "POST /delete")):
        # This page says in the answer itself that a link is no longer good, with 200 or not.
        wrong = {name: why for name, why in wrong.items() if not str(why).startswith("let in")} if wrong else wrong
    assert not wrong


def charlies_team(server: Server) -> str:
    """A team in which charlie may do everything."""
    return str(kept(server, "charlie").post("/api/v1/teams", json={"name": "Charlie's"}).json()["id"])


def test_an_owner_of_one_team_reaches_nothing_of_another(cast: Cast) -> None:
    own, invite = charlies_team(cast.server), an_invite(cast.server)
    bob = cast.server.bob.get("/api/v1/auth/me").json()["id"]
    asked: list[tuple[str, str, Params, dict[str, Any]]] = [
        ("DELETE", f"/teams/{own}/invites/<id>", {"id": invite["invite_id"]}, {}),
        ("PATCH", f"/teams/{own}/members/<id>", {"id": bob}, {"json": {"role": "viewer"}}),
        ("DELETE", f"/teams/{own}/members/<id>", {"id": bob}, {}),
    ]
    charlie = {"charlie": cookies(dict(kept(cast.server, "charlie").cookies))}
    for method, path, real, options in asked:

        def ask(headers: Headers, values: Params, sent: Any = (method, path, options)) -> httpx.Response:
            return cast.request(sent[0], PREFIX + sent[1].replace("<id>", values["id"]), headers, **sent[2])

        assert not differences(cast, ask, real, charlie), path

    def hand_over(headers: Headers, values: Params) -> httpx.Response:
        return cast.request("POST", f"{PREFIX}/teams/{own}/owner", headers, json={"user_id": values["id"]})

    assert not differences(cast, hand_over, {"id": bob}, charlie)


def test_ids_in_forms_and_queries_reach_nothing_of_others(cast: Cast) -> None:
    own, theirs = charlies_team(cast.server), make_team(cast.server)
    invite, bob = an_invite(cast.server)["invite_id"], cast.server.bob.get("/api/v1/auth/me").json()["id"]
    settings = f"/teams/{own}/settings"
    # `not there` is fine for a page that says "it is gone already": the same for what never was.
    asked: list[tuple[str, str, dict[str, str], str]] = [
        ("POST", "/account/keys", {"revoke": ""}, a_key(cast.server)["key_id"]),
        ("POST", "/account/keys", {"rename": "", "name": "mine"}, a_key(cast.server)["key_id"]),
        ("POST", "/account/sessions", {"end": ""}, a_session(cast.server)["session_id"]),
        ("POST", "/account/logins", {"unlink": ""}, an_identity(cast.server)["identity_id"]),
        ("POST", settings, {"do": "withdraw", "invite_id": "", "sure": "yes"}, invite),
        ("POST", settings, {"do": "role", "user_id": "", "role": "viewer", "sure": "yes"}, bob),
        ("POST", settings, {"do": "remove", "user_id": "", "sure": "yes"}, bob),
        ("POST", settings, {"do": "hand-over", "user_id": "", "sure": "yes"}, bob),
    ]
    charlie = cookies(dict(kept(cast.server, "charlie").cookies))
    before = state(cast.server)
    for method, path, form, real in asked:
        (empty,) = [name for name, value in form.items() if not value]
        found = [
            said(cast.request(method, path, {"Accept": "text/html", **charlie}, data={**form, empty: each}), {"": each})
            for each in (real, new_id())
        ]
        assert found[0] == found[1], (path, form)
    slug, never = theirs["slug"], f"never-{new_id()[:8].lower()}"
    for method, path in (("GET", "/api/v1/uploads?team={}"), ("PUT", "/api/v1/uploads/a.png?team={}")):
        both = [cast.request(method, path.format(name), charlie, content=b"x") for name in (slug, never)]
        assert said(both[0], {"": slug}) == said(both[1], {"": never}), path
        assert both[0].status_code == 404
    assert state(cast.server) == before
