"""An admin's day in a real browser: somebody blocked, who may join changed, a drop taken away; without script, too."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.e2e.page_kit import Visits, log_in, shows_picture, upload
from tests.e2e.test_pages_axe import _violations, looks
from tests.support.pictures import screenshot
from tests.support.server import Server
from tests.web.rows.admin import id_of
from tests.web.rows.teams import make_team

pytestmark = pytest.mark.browser


def admin(visits: Visits, server: Server, path: str = "", *, script: bool = True) -> Page:
    """A page of the administration, alice signed in."""
    page = visits.open(script=script)
    log_in(page, server)
    page.goto(f"{server.url}/admin{path}")
    return page


def test_somebody_is_found_while_typing_and_blocked_and_is_out_at_once(server: Server, visits: Visits) -> None:
    for name in ("bob", "charlie"):
        server.key_of(name)
    bob = visits.open()
    log_in(bob, server, "bob")
    bob.goto(f"{server.url}/trash")
    page = admin(visits, server, "/users")
    expect(page.locator("tbody tr")).to_have_count(3)
    page.get_by_label("Search name or email").type("BO")
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page).to_have_url(re.compile(r"q=BO"))
    page.get_by_role("link", name="bob").click()
    page.get_by_label("Block, because").fill("sent spam")
    page.get_by_role("button", name="Block").click()
    expect(page.get_by_text("Blocked: signed out everywhere")).to_be_visible()
    bob.reload()
    expect(bob).to_have_url(re.compile(r"/signin"))
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Let in again.")).to_be_visible()
    log_in(bob, server, "bob")


def test_what_was_typed_before_the_script_came_is_searched_for(server: Server, visits: Visits) -> None:
    server.key_of("bob")
    page = admin(visits, server)
    held: list[Route] = []
    is_slow = True
    page.route("**/*.js", lambda route: held.append(route) if is_slow else route.continue_())
    page.goto(f"{server.url}/admin/users", wait_until="commit")
    page.get_by_label("Search name or email").type("BO")
    expect(page.locator("tbody tr")).to_have_count(2)
    is_slow = False
    for one in held:
        one.continue_()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_what_nothing_brings_back_is_asked_first(server: Server, visits: Visits) -> None:
    server.key_of("bob")
    page = admin(visits, server, f"/users/{id_of(server, 'bob')}")
    page.get_by_role("button", name="Delete at once").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("bob")
    page.get_by_role("dialog").get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("The account and everything in it is gone.")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_an_invite_is_made_once_invitation_is_chosen_and_the_register_page_asks_for_it(
    server: Server, visits: Visits
) -> None:
    server.key_of("alice")
    stranger = visits.open()
    page = admin(visits, server, "/settings")
    page.get_by_label("Whoever has an invitation").check()
    page.get_by_label("Files per request").fill("many")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Nothing was saved")).to_be_visible()
    expect(page.get_by_text("needs a whole number, not “many”")).to_be_visible()
    expect(page.get_by_label("Whoever has an invitation")).to_be_checked()
    page.get_by_label("Files per request").fill("50")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved. It holds at once.")).to_be_visible()
    page.goto(f"{server.url}/admin/invites")
    page.get_by_label("What for").fill("the office")
    page.get_by_role("button", name="Make an invite").click()
    link = page.locator("[data-once-value]").inner_text()
    assert "/invite#code=" in link
    page.get_by_role("button", name="Revoke: the office").click()
    expect(page.get_by_text("Revoked", exact=True)).to_be_visible()
    stranger.goto(f"{server.url}/register")
    expect(stranger.get_by_label("Invite", exact=False).first).to_be_visible()


def test_a_drop_is_taken_away_and_given_back(server: Server, visits: Visits) -> None:
    made = upload(server, screenshot(1), "shot.png", "bob")
    page = admin(visits, server, "/uploads")
    assert shows_picture(page, ".any-face img")
    page.get_by_label("shot.png of bob").click()
    page.get_by_label("Because").fill("copied")
    page.get_by_role("button", name="Take away").click()
    expect(page.get_by_text("Taken away: its links do not work.")).to_be_visible()
    assert server.anonymous.get(f"/{made['slug']}").status_code == 404
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("Given back: its links work again.")).to_be_visible()
    assert server.anonymous.get(f"/{made['slug']}").status_code == 200


def test_a_private_drop_is_covered_until_it_is_asked_for(server: Server, visits: Visits) -> None:
    upload(server, screenshot(1), "secret.png", "bob", is_public="false")
    page = admin(visits, server, "/uploads")
    expect(page.locator(".any-face img")).to_have_count(0)
    page.get_by_label("secret.png of bob").click()
    expect(page.locator(".look img")).to_have_count(0)
    page.get_by_role("button", name="Show (this is recorded)").click()
    assert shows_picture(page, ".look img")
    page.goto(f"{server.url}/admin/audit?action=upload.look")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_all_of_it_works_without_script(server: Server, visits: Visits) -> None:
    server.key_of("bob")
    drop = upload(server, screenshot(1), "shot.png", "bob")
    page = admin(visits, server, "/users?q=bob", script=False)
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="bob").click()
    page.get_by_role("button", name="Make a reset link").click()
    expect(page.get_by_text("/reset#token=")).to_be_visible()
    page.get_by_role("button", name="Revoke all keys").click()
    expect(page.get_by_role("heading", name="Revoke all keys of bob?")).to_be_visible()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(page.get_by_text("All keys and devices are revoked.")).to_be_visible()
    page.goto(f"{server.url}/admin/plans")
    page.locator("#f-free-uploads_per_day").fill("many")
    page.get_by_role("button", name="Save Free").click()
    expect(page.get_by_text("A figure is a whole number, or “no limit”.")).to_be_visible()
    page.locator("#f-free-uploads_per_day").fill("7")
    page.get_by_role("button", name="Save Free").click()
    expect(page.locator("#f-free-uploads_per_day")).to_have_value("7")
    page.goto(f"{server.url}/admin/uploads/{drop['id']}")
    page.get_by_role("button", name="Hide").click()
    expect(page.get_by_text("Hidden: only its owner sees it now.")).to_be_visible()
    page.get_by_role("button", name="Delete for good").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.get_by_text("Deleted for good.")).to_be_visible()
    page.goto(f"{server.url}/admin/jobs")
    page.get_by_role("button", name="Run now: expire").click()
    expect(page.get_by_text("The job ran.")).to_be_visible()


def test_a_team_gets_another_plan_and_limits_and_is_deleted_and_kept(server: Server, visits: Visits) -> None:
    for name in ("Design", "Office"):
        make_team(server, name=name)
    page = admin(visits, server, "/teams")
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_label("Search team or member").type("off")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Office").click()
    page.get_by_label("Plan").select_option("free")
    page.get_by_role("button", name="Change the plan").click()
    expect(page.get_by_text("The plan was changed.")).to_be_visible()
    page.get_by_role("textbox", name="Storage").fill("2 GB")
    page.get_by_role("button", name="Save limits").click()
    expect(page.locator(".meter-words").first).to_have_text("0 bytes of 2 GB")
    page.get_by_role("button", name="Delete in seven days").click()
    expect(page.get_by_text("Will be deleted in seven days.")).to_be_visible()
    page.get_by_role("button", name="Undo").click()
    expect(page.get_by_text("The team stays.")).to_be_visible()


@looks
def test_pages_of_the_administration_have_no_violation(
    make_server: Callable[..., Server], visits: Visits, phone: bool
) -> None:
    server = make_server(BULLETDROP_TRASH_DAYS="9")
    server.key_of("alice")
    page = visits.open(phone=phone)
    log_in(page, server)
    places = [
        "invites",
        "plans",
        "uploads",
        "storage",
        "settings",
        "mail",
        "events",
        "audit",
        "jobs",
        "users",
        "teams",
        "new-user",
    ]
    for path in ("", "/new-user", *(f"/{place}" for place in places)):
        page.goto(f"{server.url}/admin{path}")
        assert (path, "empty", _violations(page)) == (path, "empty", [])
    drop = upload(server, screenshot(1), "shot.png", "bob", is_public="false")
    upload(server, screenshot(2), "other.png", "bob")
    bob = id_of(server, "bob")
    api = "/api/v1/admin"
    silent, leaving = (make_team(server, name=name)["id"] for name in ("Design & much more of it", "Office"))
    server.alice.patch(f"{api}/users/{bob}", json={"plan": "free", "is_active": False, "limits": {"storage": 9000}})
    server.alice.post(f"{api}/users/{bob}/reset").raise_for_status()
    server.alice.post(f"{api}/invites", json={"note": "office"}).raise_for_status()
    server.alice.patch(f"{api}/settings", json={"site_name": "Ours"}).raise_for_status()
    limits = {"storage": 9000, "bandwidth_per_month": 0}
    server.alice.patch(f"{api}/teams/{silent}", json={"limits": limits}).raise_for_status()
    server.alice.delete(f"{api}/teams/{leaving}").raise_for_status()
    found = (f"/users/{bob}", f"/teams/{silent}", f"/teams/{leaving}", f"/uploads/{drop['id']}")
    for path in ("", *(f"/{place}" for place in places), *found, "/users?q=zz", "/teams?q=zz"):
        page.goto(f"{server.url}/admin{path}")
        assert (path, _violations(page)) == (path, [])
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
