"""Domains in a real browser: added, claimed, made primary, given up; with script and without, calm in four looks."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, log_in
from tests.e2e.person_kit import calm
from tests.e2e.test_pages_axe import looks
from tests.support.server import Server
from tests.web.kit import upload

pytestmark = pytest.mark.browser
LONG = "a-rather-long-name-for-a-domain-of-somebodys-own.share.example.org"


def opened(visits: Visits, server: Server, name: str, path: str, **how: bool) -> Page:
    page = visits.open(**how)
    log_in(page, server, name)
    page.goto(f"{server.url}{path}")
    return page


def with_domains(server: Server) -> None:
    for wanted in (
        {"name": "bücher.example", "display_name": "Books", "description": "For reading.", "max_file_size": 10**7},
        {"name": LONG, "is_wildcard": True, "display_name": "W" * 100},
        {"name": "gold.example", "is_premium": True},
        {"name": "closed.example", "is_available": False},
    ):
        assert server.alice.post("/api/v1/admin/domains", json=wanted).status_code == 201


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_an_admin_adds_a_domain_changes_and_removes_it(server: Server, visits: Visits, script: bool) -> None:
    page = opened(visits, server, "alice", "/admin/domains", script=script)
    expect(page.get_by_text("No domains yet.")).to_be_visible()
    page.get_by_label("Domain", exact=True).fill("no domain")
    page.get_by_role("button", name="Add the domain").click()
    expect(page.locator("#w-name")).to_be_visible()
    page.get_by_label("Domain", exact=True).fill("Bücher.Example")
    page.get_by_label("Largest file").fill("25 MB")
    page.get_by_role("button", name="Add the domain").click()
    row = page.get_by_role("row").filter(has_text="bücher.example")
    expect(row).to_contain_text("25 MB")
    row.get_by_role("link", name="bücher.example", exact=True).click()
    expect(page.get_by_text("xn--bcher-kva.example", exact=True)).to_be_visible()
    page.get_by_label("For the plans pro").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Changed. It holds at once.")).to_be_visible()
    expect(page.get_by_label("For the plans pro")).to_be_checked()
    page.get_by_role("button", name="Remove").first.click()
    (page.get_by_role("dialog") if script else page).get_by_role("button", name="Remove").last.click()
    expect(page.get_by_text("No domains yet.")).to_be_visible()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no script"])
def test_somebody_claims_a_domain_builds_links_with_it_and_gives_it_up(
    server: Server, visits: Visits, script: bool
) -> None:
    with_domains(server)
    page = opened(visits, server, "bob", "/account/domains", script=script)
    expect(page.get_by_text("closed.example")).to_have_count(0)
    page.get_by_role("button", name=f"Claim: {LONG}").click()
    page.get_by_role("button", name=f"Make primary: {LONG}").click()
    expect(page.get_by_text("New links are built with it.")).to_be_visible()
    page.get_by_role("button", name=f"With my name: bob.{LONG}").click()
    expect(page.get_by_text("Links begin with your own host now.")).to_be_visible()
    assert f"//bob.{LONG}" in upload(server.bob)["url"]
    page.get_by_role("button", name=re.compile("Make primary: http")).click()
    expect(page.get_by_text("New links are built with the main address.")).to_be_visible()
    assert "example" not in upload(server.bob)["url"]
    page.get_by_role("button", name=f"Give up: {LONG}").click()
    (page.get_by_role("dialog") if script else page).get_by_role("button", name="Give up").last.click()
    expect(page.get_by_role("button", name=f"Claim: {LONG}")).to_be_visible()


@looks
def test_the_pages_of_domains_are_calm(server: Server, visits: Visits, phone: bool) -> None:
    page = opened(visits, server, "alice", "/admin/domains", phone=phone)
    calm(page, "admin's domains, empty")
    page.goto(f"{server.url}/account/domains")
    calm(page, "domains, empty")
    with_domains(server)
    found = server.alice.get("/api/v1/domains").json()["items"]
    for one in found[:2]:
        server.alice.post(f"/api/v1/domains/{one['id']}/claim", json={}).raise_for_status()
    server.alice.put(f"/api/v1/domains/{found[0]['id']}/primary").raise_for_status()
    page.goto(f"{server.url}/account/domains")
    calm(page, "domains")
    page.get_by_role("button", name=re.compile("^Give up:")).first.click()
    expect(page.get_by_role("dialog")).to_be_visible()
    calm(page, "domains, dialog")
    page.goto(f"{server.url}/admin/domains")
    calm(page, "admin's domains")
    page.get_by_label("Domain", exact=True).fill("not a domain")
    page.get_by_role("button", name="Add the domain").click()
    expect(page.locator("#w-name")).to_be_visible()
    calm(page, "admin's domains, wrong")
    page.goto(f"{server.url}/admin/domains/{found[0]['id']}")
    calm(page, "one domain")


def test_a_domain_that_nothing_is_said_of_has_no_empty_line_on_a_phone(server: Server, visits: Visits) -> None:
    answer = server.alice.post("/api/v1/admin/domains", json={"name": "plain.example"})
    assert answer.status_code == 201
    page = opened(visits, server, "bob", "/account/domains")
    page.set_viewport_size({"width": 390, "height": 844})
    row = page.get_by_role("row").filter(has_text="plain.example")
    expect(row.locator("[data-label=About]")).to_be_hidden()
    page.get_by_role("button", name="Claim: plain.example").click()
    expect(row.locator("[data-label=About]")).to_be_hidden()
    label, badge = row.locator("[data-label='New links']"), row.locator(".row-acts")
    above, below = label.bounding_box(), badge.bounding_box()
    assert above
    assert below
    assert above["y"] + above["height"] <= below["y"]
