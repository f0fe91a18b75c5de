"""Every page for somebody in a team, and every form of theirs that is refused: none of them breaks the server."""

from __future__ import annotations

import re
from dataclasses import dataclass

import httpx
import pytest

from tests.support.server import Server
from tests.web.browser import kept
from tests.web.kit import path_of, upload
from tests.web.test_authorization_pages import addresses

TOO_MANY = {"max_views": "1000000000000"}
# Forms that are refused, each with what it says, on the page that it was sent from.
REFUSED: list[tuple[str, dict[str, str]]] = [
    ("/secrets", {"content": ""}),
    ("/secrets", {"content": "x", "max_views": "0"}),
    ("/secrets", {"content": "x", "team": "nobodys"}),
    ("/albums", {"title": ""}),
    ("/albums", {"title": "\u200b", "team": "design"}),
    ("/albums/<album_id:str>", {"do": "about", "title": ""}),
    ("/albums/<album_id:str>", {"do": "look", **TOO_MANY}),
    ("/drops/<upload_id:str>/albums", {"title": ""}),
    ("/drops/<upload_id:str>/share", TOO_MANY),
    ("/albums/<album_id:str>/share", TOO_MANY),
    ("/links/<token:str>", TOO_MANY),
    ("/links/requests", {"title": ""}),
    ("/links/requests", {"title": "Pictures", "max_files": "many"}),
    ("/links/requests/<request_id:str>", {"do": "save", "title": ""}),
    ("/links/short", {"url": ""}),
    ("/links/short", {"url": "https://example.org/", **TOO_MANY}),
    ("/links/short/<short_id:str>", {"url": "https://example.org/", **TOO_MANY}),
    ("/paste", {"content": "", "team": "design"}),
    ("/paste", {"content": "x", **TOO_MANY}),
    ("/paste", {"content": "x", "max_views": "9" * 5000}),
    ("/drops/<upload_id:str>/change", {"do": "text", "title": "x" * 5000}),
    ("/drops/<upload_id:str>/change", {"do": "link", "custom_name": "///"}),
    ("/drops/<upload_id:str>/change", {"do": "access", **TOO_MANY}),
    ("/account/links", {"do": "nothing"}),
    ("/teams", {"name": ""}),
    ("/teams/<team:str>/settings", {"do": "about", "name": ""}),
]


@dataclass
class Desk:
    """bob, who is in a team, and the addresses of what he has there."""

    server: Server
    bob: httpx.Client
    params: dict[str, str]

    def path(self, written: str) -> str:
        """An address with what is his in the place of its parameters."""
        for name, value in self.params.items():
            written = written.replace(name, value)
        parts = [self.params.get(part, part) for part in written.split("/")]
        return "/".join("nothing" if part.startswith("<") else part for part in parts)


@pytest.fixture(scope="module")
def desk(shared: Server) -> Desk:
    """bob with one of everything in his team."""
    bob = kept(shared, "bob")
    team = bob.post("/api/v1/teams", json={"name": "Design"}).json()
    drop = upload(shared.bob, team=team["slug"])
    album = made(bob, "albums", title="Harbour", team=team["slug"])
    bob.post(f"/api/v1/albums/{album['id']}/items", json={"ids": [drop["id"]]}).raise_for_status()
    wanted = made(bob, "upload-requests", album_id=album["id"], title="Pictures")
    link = made(bob, f"albums/{album['id']}/share")
    short = made(bob, "short-links", url="https://example.org/")
    secret = made(bob, "secrets", content="a secret", team=team["slug"])
    token = "<token:str>"
    params = {
        f"/l/{token}": f"/l/{link['token']}",
        f"/links/{token}": f"/links/{link['token']}",
        f"/r/{token}": path_of(wanted["url"]),
        "/a/<slug:str>": f"/a/{album['slug']}",
        "<album_id:str>": album["id"],
        "<upload_id:str>": drop["id"],
        "<request_id:str>": wanted["id"],
        "<short_id:str>": short["id"],
        "<secret_id:str>": secret["id"],
        "<team:str>": team["slug"],
        "<username:str>": "bob",
        "<name:str>": drop["slug"],
    }
    return Desk(shared, bob, params)


def made(client: httpx.Client, noun: str, **wanted: str) -> dict[str, str]:
    """One of these, by the API."""
    answer = client.post(f"/api/v1/{noun}", json=wanted)
    assert answer.status_code == 201, answer.text
    result: dict[str, str] = answer.json()
    return result


# What bob may not, or what needs more than an address, is 400 to 404; the rest is shown, or leads on.
@pytest.mark.parametrize("address", [one.removeprefix("GET ") for one in addresses() if one.startswith("GET ")])
def test_every_page_is_there_for_somebody_in_a_team(desk: Desk, address: str) -> None:
    answer = desk.bob.get(desk.path(address))
    assert answer.status_code < 500, answer.text
    new = ("/albums", "/links", "/secrets", "/paste", "/teams", "/stats", "/info", "/drops", "/trash", "/account")
    if address.startswith(new) and "face" not in address and "join" not in address:
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(("address", "form"), REFUSED)
def test_a_refused_form_of_somebody_in_a_team_says_what_is_wrong(
    desk: Desk, address: str, form: dict[str, str]
) -> None:
    answer = desk.bob.post(desk.path(address), data=form)
    assert 400 <= answer.status_code < 500, (answer.status_code, answer.text[:300])
    # On the page it came from, beside its field or above the form: not on the one that says an error alone.
    assert 'aria-invalid="true"' in answer.text or 'role="alert">' in answer.text
    assert '<div class="said">' not in answer.text
    if "max_views" in form and form["max_views"] == TOO_MANY["max_views"]:
        # A browser that cut the number at the end of a short field would have made another limit of it.
        fields = re.findall(r'<input[^>]* name="max_views"[^>]*>', answer.text)
        assert fields
        assert all(int(re.findall(r'maxlength="(\d+)"', field)[0]) > len(form["max_views"]) for field in fields)
        assert "1,000,000" in answer.text
