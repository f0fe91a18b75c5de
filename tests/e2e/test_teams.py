"""The life of a team in a real browser: made, joined by a link, filled, looked at, left; also without script."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, drop, log_in, ready, sign_in, upload
from tests.e2e.test_pages_axe import _violations as violations
from tests.e2e.test_pages_axe import looks
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server
from tests.web.rows.teams import make_team

pytestmark = pytest.mark.browser


def make(page: Page, server: Server, name: str) -> None:
    """Make a team on the page of teams."""
    page.goto(f"{server.url}/teams")
    page.get_by_label("Name").fill(name)
    page.get_by_role("button", name="Make the team").click()


def invitation(page: Page, server: Server, slug: str, role: str) -> str:
    """Invite somebody on the settings, and take the link as the page gives it."""
    page.goto(f"{server.url}/teams/{slug}/settings")
    page.get_by_label("They will be").select_option(role)
    page.get_by_role("button", name="Invite", exact=True).click()
    row = page.get_by_role("row", name=re.compile("Whoever has the link"))
    expect(row).to_have_count(1)
    return str(row.locator("[data-copy]").get_attribute("data-copy"))


def test_a_team_lives(server: Server, visits: Visits) -> None:
    alice, bob, charlie = visits.open(), visits.open(phone=True), visits.open()
    sign_in(alice, server, "alice")
    make(alice, server, "Design")
    expect(alice.get_by_role("heading", name="Design", exact=True)).to_be_visible()
    link = invitation(alice, server, "design", "member")
    assert "#code=" in link
    # bob opens the link before he has signed in: it waits for him.
    server.key_of("bob")
    bob.goto(link)
    expect(bob.get_by_text("Your invitation waits here meanwhile")).to_be_visible()
    bob.get_by_role("main").get_by_role("link", name="Sign in").click()
    bob.get_by_label("Username or email").fill("bob")
    bob.get_by_label("Password", exact=True).fill(PASSWORD)
    bob.get_by_role("button", name="Sign in", exact=True).click()
    expect(bob.get_by_role("heading", name="Join Design?")).to_be_visible()
    bob.get_by_role("button", name="Join the team").click()
    bob.wait_for_url("**/teams/design")
    ready(bob)
    drop(bob, "plan.png", screenshot(1))
    expect(bob.locator(".tile")).to_have_count(1)
    alice.goto(f"{server.url}/teams/design")
    expect(alice.locator(".tile")).to_have_count(1)
    assert "from bob" in str(alice.locator(".tile-open").get_attribute("aria-label"))
    alice.goto(server.url)
    ready(alice)
    expect(alice.locator(".tile")).to_have_count(0)
    # charlie only looks: no way to add anything, and dropping a file says so.
    link = invitation(alice, server, "design", "viewer")
    sign_in(charlie, server, "charlie")
    charlie.goto(link)
    charlie.get_by_role("button", name="Join the team").click()
    charlie.wait_for_url("**/teams/design")
    ready(charlie)
    expect(charlie.get_by_role("button", name="Upload")).to_have_count(0)
    expect(charlie.get_by_role("button", name=re.compile("Delete"))).to_have_count(0)
    drop(charlie, "mine.png", screenshot(2))
    expect(charlie.get_by_text("You may look at this team's drops, but not add any.")).to_be_visible()
    # bob leaves; what he brought stays, and he sees nothing of it any more.
    bob.goto(f"{server.url}/teams/design/settings")
    bob.get_by_role("button", name="Leave the team").click()
    bob.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(bob.get_by_text("You have left the team.")).to_be_visible()
    assert bob.goto(f"{server.url}/teams/design").status == 404  # type: ignore[union-attr]
    alice.goto(f"{server.url}/teams/design")
    expect(alice.locator(".tile")).to_have_count(1)


def test_an_owner_changes_roles_moves_drops_and_deletes_the_team(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    make_team(server)
    made = upload(server, screenshot(3), "own.png")
    page = sign_in(visits.open(), server)
    page.goto(f"{server.url}/{made['slug']}")
    expect(page.get_by_label("Move to")).to_be_hidden()
    page.get_by_text("Move to another gallery").click()
    page.get_by_label("Move to").select_option("design")
    page.get_by_role("button", name="Move", exact=True).click()
    expect(page.get_by_role("link", name="Design")).to_be_visible()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url("**/teams/design")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".tile")).to_have_count(1)
    page.goto(f"{server.url}/teams/design/settings")
    page.get_by_label("Role of bob", exact=True).select_option("viewer")
    page.get_by_role("button", name="Change the role of bob").click()
    expect(page.get_by_text("The new role holds from now on.")).to_be_visible()
    page.get_by_role("button", name="Remove: bob").click()
    page.get_by_role("dialog").get_by_role("button", name="Remove").click()
    expect(page.get_by_text("What they brought stays here.")).to_be_visible()
    page.get_by_role("button", name="Leave the team").click()
    page.get_by_role("dialog").get_by_role("button", name="Leave").click()
    expect(page.get_by_text("A team needs an owner")).to_be_visible()
    page.get_by_role("button", name="Delete the team").click()
    page.get_by_role("dialog").get_by_role("textbox").fill("Design")
    page.get_by_role("dialog").get_by_role("button", name="Delete the team").click()
    page.wait_for_url("**/teams/design")
    expect(page.get_by_text("This team will be deleted in 7 days.")).to_be_visible()
    assert server.anonymous.get(f"/{made['slug']}.png").status_code == 404
    page.get_by_role("button", name="Keep the team").click()
    expect(page.locator(".tile")).to_have_count(1)


def test_everything_about_a_team_works_without_script(server: Server, visits: Visits) -> None:
    alice, bob = visits.open(script=False), visits.open(script=False)
    log_in(alice, server, "alice")
    log_in(bob, server, "bob")
    make(alice, server, "Plain")
    link = invitation(alice, server, "plain", "member")
    bob.goto(link)
    bob.get_by_label("Code of the invitation").fill(link.partition("#code=")[2])
    bob.get_by_role("button", name="Look at the invitation").click()
    bob.get_by_role("button", name="Join the team").click()
    expect(bob.get_by_role("heading", name="Plain", exact=True)).to_be_visible()
    bob.goto(f"{server.url}/teams/plain/settings")
    bob.get_by_role("button", name="Leave the team").click()
    expect(bob.get_by_role("heading", name="Leave “Plain”?")).to_be_visible()
    bob.get_by_role("button", name="Leave", exact=True).click()
    expect(bob.get_by_text("You have left the team.")).to_be_visible()
    alice.goto(f"{server.url}/teams/plain/settings")
    alice.get_by_role("button", name="Delete the team").click()
    alice.get_by_label("Type Plain to go on").fill("Plain")
    alice.get_by_role("button", name="Delete the team").click()
    expect(alice.get_by_text("This team will be deleted in 7 days.")).to_be_visible()
    alice.get_by_role("button", name="Keep the team").click()
    alice.goto(f"{server.url}/teams/plain/settings")
    alice.get_by_label("Name", exact=True).fill("Other")
    alice.get_by_label("Address", exact=True).fill("admin")
    alice.get_by_role("button", name="Save").click()
    expect(alice.get_by_text("This address is reserved.")).to_be_visible()
    alice.get_by_label("Address", exact=True).fill("other")
    alice.get_by_role("button", name="Save").click()
    alice.wait_for_url("**/teams/other/settings?said=saved")


@looks
def test_pages_of_teams_have_no_violation(server: Server, visits: Visits, phone: bool) -> None:
    server.key_of("alice")
    make_team(server)
    upload(server, screenshot(4), "a.png", person="bob", team="design")
    gone = upload(server, screenshot(5), "b.png", person="bob", team="design")
    server.bob.delete(f"/api/v1/uploads/{gone['id']}").raise_for_status()
    page = sign_in(visits.open(phone=phone), server)
    invitation(page, server, "design", "viewer")
    for path in ("/teams", "/teams/design", "/teams/design/settings", "/trash?team=design", "/teams/join"):
        page.goto(server.url + path)
        assert (path, violations(page)) == (path, [])
        assert not page.evaluate("document.documentElement.scrollWidth > innerWidth"), (
            f"{path} is wider than the screen"
        )
