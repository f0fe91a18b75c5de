"""Secrets in a real browser: made and opened with and without script, encrypted by one profile, opened by another."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FilePayload, Page, Route, expect

from tests.e2e.page_kit import Visits, log_in
from tests.e2e.person_kit import calm
from tests.e2e.test_pages_axe import looks
from tests.support.recorder import Recorder, recorded
from tests.support.server import Server, free_port

pytestmark = pytest.mark.browser

TEXT = "Router: admin / tr0ub4dor&3\n\n<b>no tag</b>"
FILE: FilePayload = {
    "name": "Plän.pdf",
    "mimeType": "application/pdf",
    "buffer": b"%PDF-1.4 " + bytes(range(256)) * 900,
}


@pytest.fixture
def through(tmp_path: Path) -> Iterator[tuple[Server, Recorder]]:
    """A server that browsers reach through a recorder."""
    port = free_port()
    with recorded(port) as relay:
        server = Server(tmp_path / "data", environ={"BULLETDROP_PUBLIC_URL": relay.url}, port=port)
        server.start()
        yield server, relay
        server.close()


def fill(page: Page, url: str, *, in_browser: bool = False, views: str = "1", passphrase: str = "") -> None:
    """Fill the form for a new secret in, and send it."""
    page.goto(f"{url}/secrets")
    page.get_by_label("Secret", exact=True).fill(TEXT)
    page.get_by_label("It opens").select_option(views)
    if passphrase:
        page.get_by_label("Passphrase").fill(passphrase)
    page.set_input_files("#f-file", [FILE])
    if in_browser:
        page.get_by_label("Encrypt it in this browser").check()
    page.get_by_role("button", name="Make the link").click()


def make_in_browser(page: Page, url: str, *, views: str = "1", passphrase: str = "") -> str:
    """A secret that the browser encrypts. Returns its whole link."""
    fill(page, url, in_browser=True, views=views, passphrase=passphrase)
    expect(page.locator("[data-secret-made]")).to_be_visible()
    link = page.locator("[data-secret-link]").inner_text()
    assert re.fullmatch(rf"{re.escape(url)}/s/\w+#[\w-]{{64}}", link)
    return link


def downloaded(page: Page) -> tuple[str, bytes]:
    """Download the secret's file. Returns its name and content."""
    with page.expect_download() as found:
        page.get_by_role("button", name="Download").click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


@pytest.mark.parametrize("script", [True, False], ids=["script", "no-script"])
def test_a_secret_is_made_opened_once_and_gone(server: Server, visits: Visits, script: bool) -> None:
    alice, guest = visits.open(script=script), visits.open(script=script)
    log_in(alice, server)
    fill(alice, server.url)
    alice.wait_for_url(re.compile(r"/secrets/\w+"))
    link = alice.locator("input[readonly]").first.input_value()
    for _ in range(3):  # looking opens nothing
        guest.goto(link)
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.get_by_text("This was the last opening.")).to_be_visible()
    assert guest.locator("pre").inner_text() == TEXT
    assert downloaded(guest) == (FILE["name"], FILE["buffer"])
    guest.goto(link)
    expect(guest.get_by_role("heading", name="No longer here")).to_be_visible()
    alice.reload()
    expect(alice.get_by_text("Opened and gone")).to_be_visible()
    assert not [path for path in (server.data / "secrets").rglob("*") if path.is_file()]


def test_what_a_browser_encrypts_opens_in_another_and_its_key_never_reaches_the_server(
    through: tuple[Server, Recorder], visits: Visits, record_property: Callable[[str, object], None]
) -> None:
    server, relay = through
    alice, guest = visits.open(), visits.open()
    # The cookies are the host's, whatever the port.
    log_in(alice, server)
    link = make_in_browser(alice, relay.url, passphrase="open sesame")
    guest.goto(link)
    guest.get_by_label("Passphrase").fill("open sesam")
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.get_by_text("This is not the passphrase.")).to_be_visible()
    guest.get_by_label("Passphrase").fill("open sesame")
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.get_by_text("This was the last opening.")).to_be_visible()
    assert guest.locator("pre").inner_text() == TEXT
    assert downloaded(guest) == (FILE["name"], FILE["buffer"])
    sent, fragment = relay.received, link.partition("#")[2]
    key = base64.urlsafe_b64decode(fragment)
    # The recorder saw it all: the way there, and what went there.
    assert b"POST /api/v1/secrets HTTP" in sent
    assert b"multipart/form-data" in sent
    assert f"POST /api/v1/secrets/{link.partition('/s/')[2].partition('#')[0]}/open".encode() in sent
    looked_for = {
        "fragment": fragment.encode(),
        "key": key[:32],
        "half the key": key[:16],
        "key in hex": key[:32].hex().encode(),
        "key in base64": base64.b64encode(key[:32]).rstrip(b"="),
        "id": key[32:],
        "text": b"tr0ub4dor",
        "name": "Plän.pdf".encode(),
        "name, escaped": b"Pl%C3%A4n",
        "file": FILE["buffer"][9:40],
        "passphrase": b"open sesam",
    }
    found = {name for name, word in looked_for.items() if word in sent}
    record_property("bytes of requests recorded", len(sent))
    assert found == set()
    assert not any(
        word in path.read_bytes()
        for path in server.data.rglob("*")
        if path.is_file()
        for word in (key[:32], b"tr0ub4dor")
    )


def test_a_ciphertext_that_the_server_has_swapped_does_not_open(server: Server, visits: Visits) -> None:
    alice, guest = visits.open(), visits.open()
    log_in(alice, server)
    first, second = (make_in_browser(alice, server.url) for _ in range(2))
    opened = server.anonymous.post(f"/api/v1/secrets/{second.partition('/s/')[2].partition('#')[0]}/open", json={})
    assert opened.status_code == 200

    def swap(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=json.dumps({**answer.json(), "content": opened.json()["content"]}))

    guest.route("**/open", swap)
    guest.goto(first)
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.get_by_text("It cannot be decrypted")).to_be_visible()
    assert guest.locator("[data-secret-shown]").is_hidden()


def test_a_swapped_file_does_not_open(server: Server, visits: Visits) -> None:
    alice, guest = visits.open(), visits.open()
    log_in(alice, server)
    link = make_in_browser(alice, server.url, views="2")
    other = make_in_browser(alice, server.url)
    path = f"/api/v1/secrets/{other.partition('/s/')[2].partition('#')[0]}"
    pass_ = server.anonymous.post(f"{path}/open", json={}).json()["pass"]
    sealed = server.anonymous.post(f"{path}/files/1", json={"pass": pass_}).content
    guest.route("**/files/1", lambda route: route.fulfill(body=sealed))
    guest.goto(link)
    guest.get_by_role("button", name="Open the secret").click()
    guest.get_by_role("button", name="Download").click()
    expect(guest.get_by_text("It cannot be decrypted")).to_be_visible()


def test_a_link_without_its_key_and_a_browser_without_script_use_nothing_up(server: Server, visits: Visits) -> None:
    alice, guest, plain = visits.open(), visits.open(), visits.open(script=False)
    log_in(alice, server)
    link = make_in_browser(alice, server.url)
    for cut in (link.partition("#")[0], link[:-3], link + "A"):
        guest.goto("about:blank")
        guest.goto(cut)
        guest.get_by_role("button", name="Open the secret").click()
        expect(guest.get_by_text("This link is not complete")).to_be_visible()
    plain.goto(link)
    plain.get_by_role("button", name="Open the secret").click()
    expect(plain.get_by_text("Nothing was opened.")).to_be_visible()
    guest.goto("about:blank")
    guest.goto(link)
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.locator("pre")).to_have_text(TEXT)


@looks
def test_the_pages_of_secrets_are_calm(server: Server, visits: Visits, phone: bool) -> None:
    page, guest = visits.open(phone=phone), visits.open(phone=phone)
    log_in(page, server)
    page.goto(f"{server.url}/secrets")
    calm(page, "secrets, empty")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("#w-content")).to_be_visible()
    calm(page, "secrets, wrong")
    link = make_in_browser(page, server.url, passphrase="open sesame")
    calm(page, "secrets, made in the browser")
    fill(page, server.url)
    page.wait_for_url(re.compile(r"/secrets/\w+"))
    calm(page, "a secret, open")
    plain = page.locator("input[readonly]").first.input_value()
    page.get_by_role("button", name="Burn").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    calm(page, "a secret, asked")
    page.keyboard.press("Escape")
    guest.goto(link)
    calm(guest, "button, passphrase")
    guest.get_by_label("Passphrase").fill("open sesam")
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.get_by_text("This is not the passphrase.")).to_be_visible()
    calm(guest, "button, wrong")
    guest.get_by_label("Passphrase").fill("open sesame")
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.locator("pre")).to_be_visible()
    calm(guest, "opened by the browser")
    guest.goto(plain)
    calm(guest, "button")
    guest.get_by_role("button", name="Open the secret").click()
    expect(guest.locator("pre")).to_be_visible()
    calm(guest, "opened")
    guest.goto(plain)
    calm(guest, "gone")
    page.reload()
    calm(page, "a secret, gone")
    page.goto(f"{server.url}/secrets")
    calm(page, "secrets, some")
