"""What the page's forms do with a script: typed values, errors beside the field, asking first, strength in words."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, Request, expect

from bulletdrop.core.people.passwords import check_new_password
from bulletdrop.errors import Invalid
from tests.e2e.page_kit import Visits
from tests.support.server import Server

pytestmark = pytest.mark.browser

# Weak and strong, short and long, with the person's own name in them, and beyond what is looked at.
PASSWORDS = (
    "short",
    "password",
    "12345678",
    "aaaaaaaaaaaa",
    "alice@example.org",
    "bulletdrop",
    "qwertyuiop",
    "Summer2019",
    "plane tiger cotton",
    "correct horse battery staple",
    "vK9#mQ2x",
    "😀😀😀😀",
    "a" * 80,
)

# Every kind of field that says its type.
_FORM = """(send) => {
  document.querySelector("main").innerHTML = `<form class="form" data-send="${send}" data-method="POST" data-stay>
    <p class="form-wrong" role="alert" hidden></p>
    <input type="hidden" name="csrf" value="not sent"><input type="hidden" name="next" value="not sent">
    <input name="most" data-type="number" data-times="1048576" value="2.5">
    <input name="none" data-type="number" value="">
    <input name="note" data-type="null-if-empty" value=""><input name="left_out" data-type="omit-if-empty" value="">
    <input name="tags" data-type="list" value="red, blue,"><input type="checkbox" name="on" data-type="boolean" checked>
    <input type="checkbox" name="off" data-type="boolean">
    <input type="checkbox" name="scopes" data-type="list" value="a" checked>
    <input type="checkbox" name="scopes" data-type="list" value="b">
    <input type="checkbox" name="scopes" data-type="list" value="c" checked>
    <input type="radio" name="way" value="one"><input type="radio" name="way" value="two" checked>
    <select name="yes" data-type="boolean"><option value="no">No<option value="yes" selected>Yes</select>
    <input type="datetime-local" name="ends" data-type="moment" value="2026-12-24T18:00">
    <div class="field" data-field="code"><input name="code" value="AAAA-BBBB-CCCC"><p class="wrong" hidden></p></div>
    <button type="submit">Send</button></form>`;
}"""

_ASKING = """([confirm, word]) => {
  document.querySelector("main").innerHTML = `<form method="get" action="/nowhere" data-confirm="${confirm}"
    data-confirm-word="${word}"><input type="hidden" name="id" value="7">
    <button type="submit">Delete it</button></form>`;
}"""


def test_a_form_sends_what_its_fields_say_they_are(server: Server, visits: Visits) -> None:
    page = _set_up(visits, server)
    page.evaluate(_FORM, "/api/v1/setup")
    with page.expect_request("**/api/v1/setup") as sent:
        page.get_by_role("button", name="Send").click()
    assert sent.value.post_data_json == {
        "most": 2621440,
        "none": None,
        "note": None,
        "tags": ["red", "blue"],
        "on": True,
        "off": False,
        "scopes": ["a", "c"],
        "way": "two",
        "yes": True,
        "ends": "2026-12-24T17:00:00.000Z",  # the reader lives in Berlin
        "code": "AAAA-BBBB-CCCC",
    }


def test_what_the_server_refuses_is_said_beside_the_field(server: Server, visits: Visits) -> None:
    page = _set_up(visits, server)
    page.get_by_label("Set-up code").fill("AAAA-BBBB-CCCC")
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Email").fill("alice@example.org")
    page.get_by_label("Password", exact=True).fill("plane tiger cotton")
    page.get_by_role("button", name="Set up and sign in").click()
    expect(page.locator("#w-code")).to_have_text("This is not the set-up code. It stands in the server's log.")
    expect(page.get_by_label("Set-up code")).to_be_focused()
    expect(page.get_by_label("Set-up code")).to_have_attribute("aria-invalid", "true")


def test_the_dialog_asks_and_cancel_does_nothing(server: Server, visits: Visits) -> None:
    page = _set_up(visits, server)
    page.evaluate(_ASKING, ["Delete it for good?", ""])
    page.get_by_role("button", name="Delete it").click()
    dialog = page.get_by_role("dialog", name="Delete it for good?")
    expect(dialog.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    assert page.url == f"{server.url}/setup"
    page.get_by_role("button", name="Delete it").click()
    dialog.get_by_role("button", name="Delete it").click()
    # The server sees that it was asked, and need not ask again.
    page.wait_for_url("**/nowhere?id=7&sure=yes")


def test_where_much_is_at_stake_the_word_has_to_be_typed(server: Server, visits: Visits) -> None:
    page = _set_up(visits, server)
    page.evaluate(_ASKING, ["Delete the team?", "office"])
    page.get_by_role("button", name="Delete it").click()
    dialog = page.get_by_role("dialog", name="Delete the team?")
    go = dialog.get_by_role("button", name="Delete it")
    expect(go).to_be_disabled()
    dialog.get_by_label("Type office to go on").fill("offic")
    expect(go).to_be_disabled()
    dialog.get_by_label("Type office to go on").fill("office")
    go.click()
    page.wait_for_url("**/nowhere?id=7&sure=yes&word=office")


def test_the_word_lists_come_only_when_somebody_thinks_of_a_password(server: Server, visits: Visits) -> None:
    fetched: list[str] = []
    page = visits.open()
    page.on("request", lambda request: _note(fetched, request))
    page.goto(f"{server.url}/setup")
    page.get_by_label("Email").fill("alice@example.org")
    page.wait_for_load_state("networkidle")
    assert fetched == []
    page.get_by_label("Password", exact=True).fill("password")
    expect(page.locator("[data-strength-words]")).to_have_text(
        "Quickly guessed. Take a longer one, such as four words."
    )
    assert len(fetched) == 1


def test_the_page_and_the_server_take_the_same_passwords(server: Server, visits: Visits) -> None:
    page = _set_up(visits, server)
    page.get_by_label("Username").fill("alice")
    page.get_by_label("Email").fill("alice@example.org")
    field, line = page.get_by_label("Password", exact=True), page.locator("[data-strength-words]")
    differ = {}
    for password in PASSWORDS:
        field.fill("")
        expect(line).to_be_hidden()
        field.fill(password)
        expect(line).to_be_visible()
        taken = "fits" in (line.get_attribute("class") or "").split()
        if taken != _server_takes(password):
            differ[password] = line.inner_text()
    assert differ == {}
    assert {_server_takes(password) for password in PASSWORDS} == {True, False}


def _server_takes(password: str) -> bool:
    try:
        check_new_password(password, "alice", "alice@example.org")
    except Invalid:
        return False
    return True


def _note(fetched: list[str], request: Request) -> None:
    if "strength" in request.url:
        fetched.append(request.url)


def _set_up(visits: Visits, server: Server) -> Page:
    page = visits.open()
    page.goto(f"{server.url}/setup")
    return page
