"""Rights in a team, and second factors, that were taken away: what was made with them before is worth nothing after."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Iterator

import httpx
import pyotp
import pytest

from tests.support.authenticator import Authenticator
from tests.support.processes import all_answer
from tests.support.server import PASSWORD, Server, free_port
from tests.web.browser import browser, kept, sign_in
from tests.web.cast import Headers, bearer, cookies
from tests.web.kit import upload
from tests.web.rows.teams import make_team
from tests.web.stale_kit import PICTURE, Try, accepted, ask
from tests.web.test_stale_races import somebody


@pytest.fixture(scope="module", params=[1, 4], ids=["1 worker", "4 workers"])
def workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one and of four processes, under a name to which passkeys can be bound."""
    port = free_port()
    environ = {
        "BULLETDROP_MIN_FREE_DISK": "0",
        "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1",
        "BULLETDROP_WORKERS": str(request.param),
        "BULLETDROP_PUBLIC_URL": f"http://localhost:{port}",
    }
    server = Server(tmp_path_factory.mktemp("rights") / "data", environ=environ, port=port)
    server.start()
    try:
        if request.param > 1:
            all_answer(server)
        server.key_of("alice")
        yield server
    finally:
        server.close()


class InTeam:
    """A fresh team of alice's with bob in it, a private drop of hers there, and what bob comes with."""

    def __init__(self, server: Server, role: str) -> None:
        self.server = server
        self.team = make_team(server, role=role, name="Design")
        self.bob = server.bob.get("/api/v1/auth/me").json()["id"]
        slug = self.team["slug"]
        drop = upload(kept(server, "alice"), is_public="false", team=slug)
        self.bytes, self.page = f"/i/{drop['id']}", f"/{drop['slug']}"
        self.reads, self.writes, self.rules = [], [], []
        browsers: Headers = cookies(dict(kept(server, "bob").cookies))
        for label, headers in (("key", bearer(server.key_of("bob"))), ("cookie", browsers)):
            pages = {**headers, "Accept": "text/html"}
            for path in (f"/api/v1/uploads?team={slug}", f"/api/v1/teams/{slug}", f"/api/v1/teams/{slug}/members"):
                self.reads.append(Try(label, "GET", path, headers))
            self.reads.append(Try(label, "GET", self.bytes, headers))
            self.reads.append(Try(label, "GET", f"/api/v1/uploads/{drop['id']}", headers))
            self.reads += [Try(label, "GET", path, pages) for path in (f"/teams/{slug}", self.page)]
            path = f"/api/v1/uploads/a.png?team={slug}"
            self.writes.append(Try(label, "PUT", path, headers, PICTURE))
            title = json.dumps({"title": "mine"}).encode()
            self.rules.append(Try(label, "PATCH", f"/api/v1/uploads/{drop['id']}", headers, title))
        self.rules.append(Try("cookie", "GET", f"/api/v1/teams/{slug}/invites", browsers))
        self.rules.append(Try("cookie", "PATCH", f"/api/v1/teams/{slug}", browsers, b'{"name": "Ours"}'))

    def warm(self, tries: list[Try]) -> None:
        """Let every worker see that they are good."""
        assert not accepted(self.server, tries, times=2)[1]

    def change(self, method: str, **options: object) -> None:
        """alice changes bob's membership."""
        path = f"/api/v1/teams/{self.team['id']}/members/{self.bob}"
        kept(self.server, "alice").request(method, path, **options).raise_for_status()  # type: ignore[arg-type]


@pytest.mark.parametrize("how", ["removed", "left", "the team deleted"])
def test_who_is_out_of_a_team_reaches_nothing_of_it(workers: Server, how: str) -> None:
    case = InTeam(workers, "admin")
    everything = case.reads + case.writes + case.rules
    case.warm(everything)
    if how == "removed":
        case.change("DELETE")
    elif how == "left":
        kept(workers, "bob").post(f"/api/v1/teams/{case.team['id']}/leave").raise_for_status()
    else:
        body = {"confirm": kept(workers, "alice").get(f"/api/v1/teams/{case.team['id']}").json()["name"]}
        kept(workers, "alice").request("DELETE", f"/api/v1/teams/{case.team['id']}", json=body).raise_for_status()
        # That it is ending, and who else is in it, is still shown to its members.
        everything = [one for one in everything if "team=" in one.path or one.path in (case.bytes, case.page)]
    wrong, right, _ = accepted(workers, everything, times=2)
    assert not wrong
    assert right


def test_a_lesser_role_counts_at_once(workers: Server) -> None:
    case = InTeam(workers, "admin")
    case.warm(case.reads + case.writes + case.rules)
    case.change("PATCH", json={"role": "member"})
    assert not accepted(workers, case.rules, times=2)[0]
    case.warm(case.reads + case.writes)
    case.change("PATCH", json={"role": "viewer"})
    assert not accepted(workers, case.rules + case.writes, times=2)[0]
    case.warm(case.reads)


def test_the_invitations_of_who_was_taken_out_let_nobody_in(workers: Server) -> None:
    case = InTeam(workers, "admin")
    bob, path = kept(workers, "bob"), f"/api/v1/teams/{case.team['id']}/invites"
    links = [bob.post(path, json={"role": role}).json()["link"] for role in ("member", "viewer")]
    case.change("DELETE")
    for who in ("bob", "charlie"):
        for link in links:
            answer = kept(workers, who).post("/api/v1/teams/join", json={"code": link.partition("#code=")[2]})
            assert answer.status_code == 410, answer.text


def with_passkeys(server: Server, client: httpx.Client) -> list[tuple[Authenticator, str]]:
    """Give somebody who is signed in two passkeys. Returns each with its id."""
    made: list[tuple[Authenticator, str]] = []
    for number in range(2):
        device = Authenticator(origin=f"http://localhost:{server.port}", rp_id="localhost")
        asked: dict[str, str] = {"code": proof(client, made[0][0])} if made else {"password": PASSWORD}
        begun = client.post("/api/v1/account/passkeys/options", json=asked)
        assert begun.status_code == 200, begun.text
        credential = device.make(begun.json()["options"])
        answer = client.post("/api/v1/account/passkeys", json={"credential": credential, "name": f"{number}"})
        assert answer.status_code == 201, answer.text
        made.append((device, answer.json()["id"]))
        if number == 0:
            forget_password(server, client)
    return made


def forget_password(server: Server, client: httpx.Client) -> None:
    """Make somebody one who came by a provider: without a password, a proof is a code."""
    name = client.get("/api/v1/auth/me").json()["username"]
    with contextlib.closing(sqlite3.connect(server.data / "bulletdrop.db", timeout=10)) as rows, rows:
        rows.execute("UPDATE user SET password_hash = NULL WHERE username = ?", (name,))


def proof(client: httpx.Client, device: Authenticator) -> str:
    """What a passkey has proved a moment ago."""
    options = client.post("/api/v1/account/passkeys/proof-options").json()["options"]
    answer = client.post("/api/v1/account/passkeys/proof", json={"credential": device.use(options)})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["code"])


@pytest.mark.parametrize("by", ["owner", "admin"])
def test_what_a_passkey_has_proved_goes_with_it(workers: Server, by: str) -> None:
    name = somebody(workers)
    with browser(workers, Origin=f"http://localhost:{workers.port}") as client:
        sign_in(client, name).raise_for_status()
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        (first, first_id), (second, _) = with_passkeys(workers, client)
        stale = proof(client, first)
        if by == "owner":
            body = {"code": proof(client, second)}
            client.request("DELETE", f"/api/v1/account/passkeys/{first_id}", json=body).raise_for_status()
        else:
            user = client.get("/api/v1/auth/me").json()["id"]
            kept(workers, "alice").delete(f"/api/v1/admin/users/{user}/second-factor").raise_for_status()
        answer = client.post("/api/v1/account/delete-request", json={"code": stale})
        assert answer.status_code == 403, answer.text
        signed = {"credential": first.use(client.post("/api/v1/auth/passkeys/options", json={}).json()["options"])}
        assert client.post("/api/v1/auth/passkeys", json=signed).status_code == 401


@pytest.mark.parametrize("by", ["owner", "admin"])
def test_half_a_sign_in_is_not_finished_with_an_app_that_is_off(workers: Server, by: str) -> None:
    name = somebody(workers)
    with browser(workers) as client:
        sign_in(client, name).raise_for_status()
        client.headers["X-CSRF-Token"] = client.cookies["bd_csrf"]
        begun = client.post("/api/v1/account/totp", json={"password": PASSWORD}).json()
        app = pyotp.TOTP(begun["secret"])
        codes = client.post("/api/v1/account/totp/confirm", json={"code": app.now()}).json()["recovery_codes"]
        with browser(workers) as other:
            ticket = sign_in(other, name).json()["second_factor"]["ticket"]
        if by == "owner":
            client.request("DELETE", "/api/v1/account/totp", json={"password": PASSWORD}).raise_for_status()
        else:
            user = client.get("/api/v1/auth/me").json()["id"]
            kept(workers, "alice").delete(f"/api/v1/admin/users/{user}/second-factor").raise_for_status()
    for path, code in (("totp", app.now()), ("recovery", codes[0])):
        sent = json.dumps({"ticket": ticket, "code": code}).encode()
        assert ask(workers, Try("", "POST", f"/api/v1/auth/{path}", {}, sent))[0] == 401
