"""Joining, confirming, forgotten passwords and new addresses in a real browser, by the links that a mail server got."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Page, expect

from bulletdrop.core.people.passwords import check_new_password
from bulletdrop.errors import Invalid
from tests.e2e.page_kit import Visits, log_in
from tests.e2e.person_kit import calm, enter, follow, mail_settings
from tests.e2e.test_pages_axe import looks
from tests.support.server import PASSWORD, Server
from tests.support.smtp import Sink, mail_server

pytestmark = pytest.mark.browser

OTHER = "another good battery"
both_ways = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


@pytest.fixture
def sink() -> Iterator[Sink]:
    with mail_server() as server:
        yield server


@pytest.fixture
def posting(make_server: Callable[..., Server], sink: Sink) -> Server:
    """A server that strangers may join, with alice in it and a mail server."""
    server = make_server(BULLETDROP_REGISTRATION="open", **mail_settings(sink))
    server.key_of("alice")
    return server


@both_ways
def test_somebody_joins_by_the_link_in_their_mail_and_signs_in(
    posting: Server, sink: Sink, visits: Visits, script: bool
) -> None:
    page = visits.open(script=script)
    page.goto(f"{posting.url}/register")
    fill(page, "dora", "dora@example.org")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()
    enter(page, posting, "dora")
    expect(page.get_by_text("Confirm your email address first")).to_be_visible()
    follow(page, sink.to("dora@example.org"), script=script)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    enter(page, posting, "dora")
    expect(page).to_have_url(f"{posting.url}/")


def test_a_lost_mail_is_sent_again_and_one_link_of_both_counts_once(
    posting: Server, sink: Sink, visits: Visits
) -> None:
    page = visits.open()
    page.goto(f"{posting.url}/register")
    fill(page, "dora", "dora@example.org")
    page.get_by_role("button", name="Make the account").click()
    page.get_by_role("link", name="Type the code, or send it again").click()
    first = sink.to("dora@example.org")
    page.get_by_text("Send it again").click()
    page.get_by_label("Username or email").fill("dora")
    page.get_by_role("button", name="Send a new link").click()
    expect(page.get_by_text("a new link is on its way")).to_be_visible()
    second = sink.wait(lambda mail: mail["To"] == "dora@example.org" and mail is not first)
    follow(page, second)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    follow(page, first)
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_contain_text("Ask for a new one.")


def test_with_a_script_what_was_typed_stays_when_a_name_is_taken(posting: Server, visits: Visits) -> None:
    page = visits.open()
    page.goto(f"{posting.url}/register")
    fill(page, "alice", "dora@example.org")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#w-username")).to_have_text(
        "This username is taken, or looks like one that is. Take another one."
    )
    expect(page.get_by_label("Username")).to_be_focused()
    expect(page.get_by_label("Password", exact=True)).to_have_value(PASSWORD)
    page.get_by_label("Username").fill("dora")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()


@both_ways
def test_what_is_wrong_with_a_new_account_is_said_beside_the_field(
    posting: Server, visits: Visits, script: bool
) -> None:
    page = visits.open(script=script)
    for name, email, password, field, words in (
        ("do ra", "dora@example.org", PASSWORD, "username", "A username has 1 to 50 letters"),
        ("admin", "dora@example.org", PASSWORD, "username", "reserved"),
        ("dora", f"{'d' * 70}@example.org", PASSWORD, "email", "This is no email address."),
        ("dora", "dora@example.org", "dora@example.org", "password", "quickly guessed"),
    ):
        page.goto(f"{posting.url}/register")
        fill(page, name, email, password)
        page.get_by_role("button", name="Make the account").click()
        expect(page.locator(f"#w-{field}")).to_contain_text(words)
        expect(page.locator(f"#f-{field}")).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_label("Username")).to_have_value(name)


def test_the_line_below_the_password_agrees_with_the_server_and_moves_nothing(posting: Server, visits: Visits) -> None:
    page = visits.open()
    page.goto(f"{posting.url}/register")
    fill(page, "dora", "dora@example.org", "")
    field, line = page.get_by_label("Password", exact=True), page.locator("[data-strength-words]")
    button = page.get_by_role("button", name="Make the account")
    said, meant, places = {}, {}, {str(button.bounding_box())}
    for password in ("dora", "password", "dora@example.org", "Summer2019", "plane tiger cotton", "vK9#mQ2x"):
        field.fill("")
        expect(line).to_be_hidden()
        field.fill(password)
        expect(line).to_be_visible()
        said[password] = "fits" in (line.get_attribute("class") or "").split()
        meant[password] = _is_taken_by_the_server(password)
        places.add(str(button.bounding_box()))
    assert said == meant
    assert set(said.values()) == {True, False}
    assert len(places) == 1


@both_ways
def test_an_invites_link_makes_an_account_that_is_ready_at_once(
    make_server: Callable[..., Server], visits: Visits, script: bool
) -> None:
    server = make_server(BULLETDROP_REGISTRATION="invite")
    server.key_of("alice")
    code = server.command("invite", "add").stdout.strip().partition("#code=")[2]
    page = visits.open(script=script)
    page.goto(f"{server.url}/register")
    expect(page.get_by_text("needs an invite")).to_be_visible()
    fill(page, "dora", "dora@example.org")
    page.get_by_label("Invite").fill("not this one")
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#w-invite")).to_be_visible()
    page.goto(f"{server.url}/invite#code={code}")
    if script:
        expect(page.get_by_label("Invite")).to_have_value(code)
        assert "#" not in page.url
    else:
        page.get_by_label("Invite").fill(code)
    fill(page, "dora", "dora@example.org")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Your account is ready")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    enter(page, server, "dora")
    expect(page).to_have_url(f"{server.url}/")
    # It was good for one.
    other = visits.open(script=script)
    other.goto(f"{server.url}/invite#code={code}")
    fill(other, "emil", "emil@example.org")
    other.get_by_label("Invite").fill(code)
    other.get_by_role("button", name="Make the account").click()
    expect(other.locator("#w-invite")).to_be_visible()


def test_a_server_that_takes_nobody_says_so(server: Server, visits: Visits) -> None:
    server.key_of("alice")
    page = visits.open(script=False)
    for path in ("/register", "/invite"):
        page.goto(server.url + path)
        expect(page.get_by_text("This server takes no registrations.")).to_be_visible()
        expect(page.get_by_role("button")).to_have_count(0)
    page.goto(f"{server.url}/signin")
    expect(page.get_by_role("link", name=re.compile("account", re.IGNORECASE))).to_have_count(0)


@both_ways
def test_a_forgotten_password_is_set_anew_and_an_old_session_is_signed_out(
    posting: Server, sink: Sink, visits: Visits, script: bool
) -> None:
    posting.key_of("bob")
    old, page = visits.open(), visits.open(script=script)
    log_in(old, posting, "bob")
    old.goto(f"{posting.url}/trash")
    expect(old).to_have_url(f"{posting.url}/trash")
    page.goto(f"{posting.url}/forgot")
    page.get_by_label("Username or email").fill("BOB@example.org")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    mail = sink.to("bob@example.org", "password")
    token = follow(page, mail, script=script)
    page.get_by_label("Password", exact=True).fill("password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#w-password")).to_contain_text("quickly guessed")
    # What is refused leaves the link good, and nobody goes back to their mail for it.
    expect(page.get_by_label("Code")).to_have_value(token)
    expect(page.locator("[data-strength-words]")).to_be_hidden()
    page.get_by_label("Password", exact=True).fill(OTHER)
    expect(page.locator("#w-password")).to_be_visible(visible=not script)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    old.reload()
    expect(old).to_have_url(re.compile("/signin"))
    enter(page, posting, "bob")
    expect(page.get_by_text("The name or the password is wrong.")).to_be_visible()
    enter(page, posting, "bob", OTHER)
    expect(page).to_have_url(f"{posting.url}/")
    page = visits.open(script=script)
    follow(page, mail, script=script)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_text("This link or code has been used already")).to_be_visible()


@both_ways
def test_a_new_address_is_confirmed_and_taken_back_by_the_links(
    posting: Server, sink: Sink, visits: Visits, script: bool
) -> None:
    posting.key_of("bob")
    page = visits.open(script=script)
    log_in(page, posting, "bob")
    page.goto(f"{posting.url}/account/email")
    ask_for_address(page, "new@example.org", "not this one")
    expect(page.locator("#w-password")).to_have_text("This is not your password.")
    ask_for_address(page, "bob@example.org")
    expect(page.locator("#w-email")).to_have_text("This is your address already.")
    ask_for_address(page, "new@example.org")
    expect(page.get_by_text("Open the link in the mail to the new address.")).to_be_visible()
    # In the same browser, where bob is signed in.
    follow(page, sink.to("new@example.org"), script=script)
    new, old = (page.get_by_role("button", name=f"{words} address") for words in ("Use the new", "Keep the old"))
    expect(old).to_be_hidden()  # the code is of one answer
    new.click()
    expect(page.get_by_role("heading", name="Your address is changed")).to_be_visible()
    page.goto(f"{posting.url}/account")
    expect(page.get_by_text("new@example.org")).to_be_visible()
    # Whoever reads the old address takes it back, and is signed in nowhere.
    other = visits.open(script=script)
    follow(other, sink.to("bob@example.org", "being changed"), script=script)
    expect(other.get_by_role("button", name="Use the new address")).to_be_hidden()
    other.get_by_role("button", name="Keep the old address").click()
    expect(other.get_by_role("heading", name="Your address stays as it was")).to_be_visible()
    page.reload()
    expect(page).to_have_url(re.compile("/signin"))
    # The link for a new password that comes with it.
    follow(other, sink.to("bob@example.org", "new password"), script=script)
    other.get_by_label("Password", exact=True).fill(OTHER)
    other.get_by_role("button", name="Change the password").click()
    expect(other.get_by_role("heading", name="Your password is changed")).to_be_visible()
    enter(other, posting, "bob@example.org", OTHER)
    expect(other).to_have_url(f"{posting.url}/")


def test_somebody_who_is_signed_in_may_use_mailed_links_too(posting: Server, sink: Sink, visits: Visits) -> None:
    posting.key_of("bob")
    page = visits.open()
    log_in(page, posting, "bob")
    page.goto(f"{posting.url}/forgot")
    page.get_by_label("Username or email").fill("bob")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    follow(page, sink.to("bob@example.org", "password"))
    page.get_by_label("Password", exact=True).fill(OTHER)
    page.get_by_role("button", name="Change the password").click()
    expect(page.get_by_role("heading", name="Your password is changed")).to_be_visible()
    page.goto(f"{posting.url}/trash")
    expect(page).to_have_url(re.compile("/signin"))


@looks
def test_the_pages_of_joining_are_calm(posting: Server, sink: Sink, visits: Visits, phone: bool) -> None:
    page = visits.open(phone=phone)
    page.goto(f"{posting.url}/register")
    calm(page, "register")
    fill(page, "alice", "x", "password")
    expect(page.locator("[data-strength-words]")).to_be_visible()
    page.get_by_role("button", name="Make the account").click()
    expect(page.locator("#w-email")).to_be_visible()
    calm(page, "register, wrong")
    fill(page, "dora", "dora@example.org")
    page.get_by_role("button", name="Make the account").click()
    expect(page.get_by_role("heading", name="Confirm your address")).to_be_visible()
    calm(page, "registered")
    page.goto(f"{posting.url}/invite#code=some-code")
    calm(page, "invited")
    page.goto(f"{posting.url}/verify#token=nothing")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("alert")).to_be_visible()
    calm(page, "verify, wrong")
    follow(page, sink.to("dora@example.org"))
    calm(page, "verify")
    page.get_by_role("button", name="Confirm").click()
    expect(page.get_by_role("heading", name="Your address is confirmed")).to_be_visible()
    calm(page, "verified")
    page.goto(f"{posting.url}/forgot")
    calm(page, "forgot")
    page.get_by_label("Username or email").fill("dora")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mail")).to_be_visible()
    calm(page, "forgot, sent")
    follow(page, sink.to("dora@example.org", "password"))
    page.get_by_label("Password", exact=True).fill("password")
    page.get_by_role("button", name="Change the password").click()
    expect(page.locator("#w-password")).to_contain_text("quickly guessed")
    calm(page, "reset, wrong")
    for path in ("/reset?done=1", "/email", "/email#confirm=some-code", "/email?done=changed", "/email?done=kept"):
        page.goto("about:blank")
        page.goto(posting.url + path)
        calm(page, path)
    log_in(page, posting)
    page.goto(f"{posting.url}/account/email")
    calm(page, "email")
    ask_for_address(page, "alice@example.org")
    expect(page.locator("#w-email")).to_be_visible()
    calm(page, "email, wrong")
    ask_for_address(page, "new@example.org")
    expect(page.get_by_role("status").first).to_be_visible()
    calm(page, "email, sent")


@looks
def test_a_closed_door_is_calm(server: Server, visits: Visits, phone: bool) -> None:
    server.key_of("alice")
    page = visits.open(phone=phone)
    for path in ("/register", "/forgot", "/register/done"):
        page.goto(server.url + path)
        calm(page, path)
    page.goto(f"{server.url}/forgot")
    page.get_by_label("Username or email").fill("alice")
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="The admin has your link")).to_be_visible()
    calm(page, "the admin has the link")


def fill(page: Page, name: str, email: str, password: str = PASSWORD) -> None:
    """Fill the form of a new account in."""
    page.get_by_label("Username").fill(name)
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password", exact=True).fill(password)


def ask_for_address(page: Page, email: str, password: str = PASSWORD) -> None:
    """Ask for a new address on the page for it."""
    page.get_by_label("New email address").fill(email)
    page.get_by_label("Your password").fill(password)
    page.get_by_role("button", name="Send the link").click()
    page.wait_for_load_state()


def _is_taken_by_the_server(password: str) -> bool:
    try:
        check_new_password(password, "dora", "dora@example.org")
    except Invalid:
        return False
    return True
