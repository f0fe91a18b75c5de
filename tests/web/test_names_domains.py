"""Names on domains, through a real server: one name is two drops, and a drop that moves leads on from where it was."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.support.server import Server
from tests.web.browser import signed_in
from tests.web.kit import path_of, png, upload

ONE, TWO = "one.example", "two.example"


def offer(server: Server, *people: httpx.Client) -> dict[str, str]:
    """Two domains that these people have claimed. Returns their ids by name."""
    ids = {}
    for name in (ONE, TWO):
        made = server.alice.post("/api/v1/admin/domains", json={"name": name})
        assert made.status_code == 201, made.text
        ids[name] = str(made.json()["id"])
        for one in people:
            assert one.post(f"/api/v1/domains/{ids[name]}/claim", json={}).status_code == 200
    return ids


def at(server: Server, host: str, path: str) -> httpx.Response:
    return server.anonymous.get(path, headers={"Host": host, "Accept": "text/html"})


def test_one_name_on_two_domains_is_two_drops(server_on: Server) -> None:
    server = server_on
    offer(server, server.alice, server.bob)
    hers = upload(server.alice, png(seed=b"a"), custom_name="plan", domain=ONE)
    his = upload(server.bob, png(seed=b"b"), custom_name="plan", domain=TWO)
    assert (hers["domain"], his["domain"]) == (ONE, TWO)
    assert urlsplit(hers["url"]).hostname == ONE
    assert path_of(hers["url"]) == "/plan"
    private = server.alice.patch(f"/api/v1/uploads/{hers['id']}", json={"is_public": False}).json()
    assert private["url"] == f"{server.url}/{hers['slug']}", "at the main address, where the name means nothing"
    server.alice.patch(f"/api/v1/uploads/{hers['id']}", json={"is_public": True}).raise_for_status()
    for host, drop, seed in ((ONE, hers, b"a"), (TWO, his, b"b")):
        assert at(server, host, path_of(drop["direct_url"])).content == png(seed=seed)
        assert at(server, host, "/plan").status_code == 200
    assert at(server, TWO, f"/{hers['slug']}").status_code == 404
    assert at(server, "127.0.0.1", "/plan").status_code == 404
    taken = server.bob.patch(f"/api/v1/uploads/{his['id']}", json={"domain": ONE})
    assert (taken.status_code, taken.json()["error"]["code"]) == (409, "name_taken")
    foreign = server.charlie.put(f"/api/v1/uploads/a.png?domain={ONE}", content=png())
    assert (foreign.status_code, foreign.json()["error"]["field"]) == (400, "domain")


def test_a_drop_moves_with_its_name_and_the_old_link_leads_on(server: Server) -> None:
    ids = offer(server, server.alice)
    drop = upload(server.alice, custom_name="plan", domain=ONE)
    path = f"/drops/{drop['id']}/change"
    with signed_in(server, "alice") as alice:
        assert f'value="{ids[TWO]}"' in alice.get(path).text
        form: dict[str, Any] = {"csrf": alice.cookies["bd_csrf"], "do": "link", "custom_name": "plan"}
        moved = alice.post(path, data={**form, "domain": ids[TWO], "keep_old_name": "7d"})
        assert moved.status_code == 303
        assert f"{TWO}" in alice.get(path).text
    now = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
    assert now["domain"] == TWO
    assert at(server, TWO, "/plan").status_code == 200
    led = at(server, ONE, "/plan")
    assert (led.status_code, led.headers["location"]) == (301, now["url"])
    assert at(server, ONE, "/plan.png").status_code == 200
    server.alice.patch(f"/api/v1/uploads/{drop['id']}", json={"domain": None}).raise_for_status()
    assert at(server, TWO, "/plan").status_code == 404
    assert at(server, "127.0.0.1", "/plan").status_code == 200


def test_a_domain_that_the_admin_takes_away_gives_its_names_to_the_main_address(server: Server) -> None:
    ids = offer(server, server.alice)
    drop = upload(server.alice, custom_name="plan", domain=ONE)
    assert server.alice.delete(f"/api/v1/admin/domains/{ids[ONE]}").status_code in (200, 204)
    now = server.alice.get(f"/api/v1/uploads/{drop['id']}").json()
    assert (now["domain"], now["custom_name"]) == (None, "plan")
    assert server.anonymous.get("/plan.png").status_code == 200
