"""A person's own pages in a real browser: profile, sessions, keys, pairing, limits, the export, leaving."""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.e2e.page_kit import Visits, clipboard, log_in, shows_picture, upload
from tests.e2e.person_kit import choose, dialog, leave
from tests.support.pictures import screenshot
from tests.support.server import PASSWORD, Server, binary
from tests.web.kit import problem

pytestmark = pytest.mark.browser

both_ways = pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])


def own(visits: Visits, server: Server, path: str = "", *, script: bool = True, name: str = "bob") -> Page:
    """A page of somebody's account, signed in."""
    server.key_of("alice")  # without an admin every page leads to the set-up
    page = visits.open(script=script)
    log_in(page, server, name)
    page.goto(f"{server.url}/account{path}")
    return page


@both_ways
def test_names_and_lines_of_a_profile_stay(server: Server, visits: Visits, script: bool) -> None:
    page = own(visits, server, script=script)
    page.get_by_label("Name to show").fill("Bob <b>B.</b>")
    page.get_by_label("A few lines").fill("First line\nsecond line")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status").filter(has_text="Saved.")).to_be_visible()
    page.goto(f"{server.url}/account")
    expect(page.get_by_label("Name to show")).to_have_value("Bob <b>B.</b>")
    expect(page.get_by_label("A few lines")).to_have_value("First line\nsecond line")
    assert server.bob.get("/api/v1/account").json()["display_name"] == "Bob <b>B.</b>"


@both_ways
def test_a_picture_is_set_shown_and_removed(server: Server, visits: Visits, script: bool) -> None:
    page = own(visits, server, script=script)
    expect(page.locator("img.portrait-face")).to_have_count(0)
    choose(page, b"no picture")
    expect(page.locator("#w-file")).to_contain_text("This is no picture.")
    choose(page, screenshot(1))
    expect(page.get_by_text("Your picture is set.")).to_be_visible()
    picture = page.get_by_role("img", name="Your picture")
    assert shows_picture(page, "img.portrait-face")
    address = str(picture.get_attribute("src"))
    page.get_by_role("button", name="Remove the picture").click()
    expect(page.get_by_text("Your picture is removed.")).to_be_visible()
    expect(picture).to_have_count(0)
    assert page.context.request.get(address).status == 404


@both_ways
def test_one_browser_signs_another_out(server: Server, visits: Visits, script: bool) -> None:
    here, there = own(visits, server, "/sessions", script=script), own(visits, server, "/sessions")
    here.reload()
    expect(here.get_by_role("row")).to_have_count(3)
    expect(here.get_by_role("row", name=re.compile("This one"))).to_have_count(1)
    here.get_by_role("button", name=re.compile("^Sign out:")).click()
    expect(here.get_by_text("Signed out there.")).to_be_visible()
    expect(here.get_by_role("row")).to_have_count(2)
    there.get_by_role("link", name="Profile").click()
    expect(there).to_have_url(re.compile("/signin"))
    here.get_by_role("link", name="Profile").click()
    expect(here.get_by_role("heading", name="Profile")).to_be_visible()


@both_ways
def test_signing_out_everywhere_else_is_asked_first(server: Server, visits: Visits, script: bool) -> None:
    others = [own(visits, server) for _ in range(2)]
    here = own(visits, server, "/sessions", script=script)
    here.get_by_role("button", name="Sign out everywhere else").click()
    asking = dialog(here) if script else here.get_by_role("main")
    expect(asking.get_by_role("heading", name="Sign out everywhere else?")).to_be_visible()
    asking.get_by_role("button", name="Cancel").or_(asking.get_by_role("link", name="Cancel")).click()
    expect(here.get_by_role("row")).to_have_count(4)
    here.get_by_role("button", name="Sign out everywhere else").click()
    asking.get_by_role("button", name=re.compile("^Sign out")).click()
    expect(here.get_by_text("Signed out everywhere else.")).to_be_visible()
    expect(here.get_by_role("row")).to_have_count(2)
    for other in others:
        other.get_by_role("link", name="Security").click()
        expect(other).to_have_url(re.compile("/signin"))
    assert server.bob.get("/api/v1/account").status_code == 200  # keys are not touched


@both_ways
def test_a_key_is_shown_once_works_and_is_refused_once_it_was_revoked(
    server: Server, visits: Visits, script: bool
) -> None:
    page = own(visits, server, "/keys", script=script)
    before = page.get_by_role("table", name="Keys").locator("tbody tr").count()
    page.get_by_label("Name").fill("ShareX")
    page.get_by_role("button", name="Make the key").click()
    shown = page.locator("[data-once-value]")
    expect(shown).to_have_text(re.compile("bd_"))
    key = shown.inner_text()
    if script:
        page.get_by_role("button", name="Copy").click()
        expect(page.get_by_text("Copied.")).to_be_visible()
        assert clipboard(page) == key
        page.reload()
    else:
        page.goto(f"{server.url}/account/keys")
    assert key not in page.content()
    # Loading the page again has not made a second one.
    expect(page.get_by_role("table", name="Keys").locator("tbody tr")).to_have_count(before + 1)
    expect(page.get_by_role("row", name=re.compile("ShareX"))).to_contain_text("Never")
    assert _send(server, key, 1).status_code == 201
    page.get_by_role("button", name="Revoke: ShareX").click()
    asking = dialog(page) if script else page.get_by_role("main")
    expect(asking).to_contain_text("This cannot be undone.")
    asking.get_by_role("button", name="Revoke").click()
    expect(page.get_by_text("Revoked: it is refused from now on.")).to_be_visible()
    expect(page.get_by_role("row", name=re.compile("ShareX"))).to_have_count(0)
    problem(_send(server, key, 2), 401, "revoked_key")


def test_a_key_has_the_rights_the_end_and_the_limit_that_were_chosen(server: Server, visits: Visits) -> None:
    page = own(visits, server, "/keys")
    page.get_by_label("Name").fill("Only looks")
    page.get_by_label("Upload and change drops").uncheck()
    page.get_by_label("It ends").select_option("30d")
    page.get_by_label("Requests an hour").fill("many")
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#w-limit")).to_contain_text("a whole number")
    expect(page.get_by_label("Upload and change drops")).not_to_be_checked()
    expect(page.get_by_label("It ends")).to_have_value("30d")
    page.get_by_label("Requests an hour").fill("3")
    page.get_by_role("button", name="Make the key").click()
    key = page.locator("[data-once-value]").inner_text()
    row = page.get_by_role("row", name=re.compile("Only looks"))
    expect(row).to_contain_text(re.compile("See drops.*3/h.*30 days", re.DOTALL))
    expect(row).not_to_contain_text("Upload")
    expect(page.get_by_label("Administer this server")).to_have_count(0)  # bob is no admin
    problem(_send(server, key, 3), 403)
    headers = {"Authorization": f"Bearer {key}"}
    codes = [
        httpx.get(f"{server.url}/api/v1/uploads", headers=headers, trust_env=False, timeout=30).status_code
        for _ in range(4)
    ]
    assert codes[0] == 200
    assert codes[-1] == 429


@both_ways
def test_a_device_is_paired_by_a_yes_on_the_page(server: Server, visits: Visits, tmp_path: Path, script: bool) -> None:
    page = own(visits, server, script=script)
    with _pairing(server, tmp_path) as (command, asked):
        page.goto(asked["page_with_code"])
        if not script:
            page.get_by_label("Code").fill(asked["user_code"])
        expect(page.get_by_label("Code")).to_have_value(asked["user_code"])
        assert "#" not in page.url or not script
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_role("heading", name="Is this your device?")).to_be_visible()
        expect(page.get_by_text(asked["user_code"])).to_be_visible()
        expect(page.get_by_text("Work laptop")).to_be_visible()
        expect(page.get_by_text("BulletDrop on Linux")).to_be_visible()
        page.get_by_label("Delete drops").uncheck()
        page.get_by_role("button", name="Yes, pair it").click()
        expect(page.get_by_text("Paired. The device goes on by itself.")).to_be_visible()
        said, wrong = command.communicate(timeout=60)
    assert command.returncode == 0, wrong
    assert json.loads(said.splitlines()[-1])["username"] == "bob"
    page.goto(f"{server.url}/account/keys")
    row = page.get_by_role("table", name="Devices").get_by_role("row", name=re.compile("Work laptop"))
    expect(row.get_by_role("rowheader")).to_have_text("Work laptop Linux")
    expect(row).to_contain_text("Upload and change drops")
    # Its times stand on one line each, whatever the rights beside them take.
    assert row.locator("time").first.evaluate("it => it.getClientRects().length") == 1
    expect(row).not_to_contain_text("Delete drops")


def test_a_device_that_is_refused_gets_nothing(server: Server, visits: Visits, tmp_path: Path) -> None:
    page = own(visits, server)
    with _pairing(server, tmp_path) as (command, asked):
        page.goto(f"{server.url}/pair")
        page.get_by_label("Code").fill("BBBB-BBBB")
        page.get_by_role("button", name="Go on").click()
        expect(page.get_by_text("No device shows this code.")).to_be_visible()
        # Typed as people type it.
        page.get_by_label("Code").fill(asked["user_code"].lower().replace("-", " "))
        page.get_by_role("button", name="Go on").click()
        page.get_by_role("button", name="No", exact=True).click()
        expect(page.get_by_text("Refused. The device gets nothing.")).to_be_visible()
        _said, wrong = command.communicate(timeout=60)
    assert command.returncode == 1
    assert "Traceback" not in wrong
    page.goto(f"{server.url}/account/keys")
    expect(page.get_by_text("No devices yet.")).to_be_visible()


def test_the_bars_show_what_is_used_of_a_plan(server: Server, visits: Visits) -> None:
    page = own(visits, server, "/data")
    expect(page.get_by_text("Your plan is “Home”.")).to_be_visible()
    expect(page.get_by_text("0 bytes, no limit").first).to_be_visible()
    expect(page.get_by_role("meter")).to_have_count(0)
    server.command("user", "plan", "bob", "free")
    data = screenshot(1)
    server.command("user", "limits", "bob", "uploads_per_day=2", f"storage={100 * len(data)}")
    upload(server, data, person="bob")
    page.reload()
    expect(page.get_by_text("Your plan is “Free”.")).to_be_visible()
    assert _meter(page, "Storage") == (_used(server)["storage_used"], 100 * len(data))
    assert _meter(page, "Uploads today") == (1, 2)
    expect(page.locator(".meter-words").nth(1)).to_have_text("1 of 2")
    upload(server, screenshot(2), person="bob")
    problem(server.bob.post("/api/v1/uploads", files={"file": ("3.png", screenshot(3))}), 429)
    page.reload()
    expect(page.get_by_role("meter", name="Uploads today")).to_have_class("full")


@both_ways
def test_everything_is_taken_along_as_one_zip(server: Server, visits: Visits, tmp_path: Path, script: bool) -> None:
    made = [upload(server, screenshot(number), f"shot {number}.png", person="bob") for number in range(3)]
    upload(server, screenshot(9), "hers.png", person="alice")
    page = own(visits, server, "/data", script=script)
    with page.expect_download() as started:
        page.get_by_role("link", name="Download everything").click()
    target = tmp_path / started.value.suggested_filename
    assert re.fullmatch(r"bulletdrop-bob-\d{4}-\d\d-\d\d\.zip", target.name)
    started.value.save_as(target)
    with zipfile.ZipFile(target) as whole:
        assert whole.testzip() is None
        names = whole.namelist()
        hashes = {hashlib.sha256(whole.read(name)).hexdigest() for name in names}
    assert {one["sha256"] for one in made} <= hashes
    assert len([name for name in names if name.endswith(".png")]) == len(made)


@both_ways
def test_an_account_is_deleted_by_the_typed_word_and_kept_by_signing_in(
    server: Server, visits: Visits, script: bool
) -> None:
    made = upload(server, screenshot(1), person="bob")
    page, other = own(visits, server, "/data", script=script), own(visits, server)
    leave(page, script=script, word="charlie", password=PASSWORD)
    if script:
        expect(dialog(page).get_by_role("button", name="Delete my account")).to_be_disabled()
        page.keyboard.press("Escape")
    else:
        expect(page.locator("#w-word")).to_have_text("Type bob here to go on.")
    leave(page, script=script, word="bob", password="not this one")
    if script:
        dialog(page).get_by_role("button", name="Delete my account").click()
    expect(page.get_by_text("This is not your password.")).to_be_visible()
    leave(page, script=script, word="bob", password=PASSWORD)
    if script:
        dialog(page).get_by_role("button", name="Delete my account").click()
    expect(page.get_by_role("heading", name="Your account will be deleted in 7 days.")).to_be_visible()
    assert server.anonymous.get(f"/{made['slug']}.png").status_code == 404
    problem(server.bob.get("/api/v1/uploads"), 403)
    other.reload()
    expect(other).to_have_url(re.compile("/signin"))
    page.get_by_role("link", name="Sign in and keep it").click()
    page.get_by_label("Username or email").fill("bob")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_text("Your account stays.")).to_be_visible()
    assert server.anonymous.get(f"/{made['slug']}.png").status_code == 200
    assert server.bob.get("/api/v1/uploads").status_code == 200


def _send(server: Server, key: str, seed: int) -> httpx.Response:
    """Upload a picture with a key."""
    headers, files = {"Authorization": f"Bearer {key}"}, {"file": ("shot.png", screenshot(seed))}
    return httpx.post(f"{server.url}/api/v1/uploads", headers=headers, files=files, trust_env=False, timeout=30)


@contextmanager
def _pairing(server: Server, folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`bulletdrop pair` on another computer, waiting for its owner's yes; and what it shows."""
    home = folder / "elsewhere"
    home.mkdir()
    environ = {
        **os.environ,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "PYTHON_KEYRING_BACKEND": "keyring.backends.null.Keyring",
    }
    wanted = ["pair", server.url, "--no-browser", "--json", "--name", "Work laptop", "--data", str(home / "data")]
    with subprocess.Popen(
        [*binary(), *wanted], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environ
    ) as command:
        try:
            assert command.stdout is not None
            yield command, json.loads(command.stdout.readline())
        finally:
            if command.poll() is None:
                command.kill()


def _meter(page: Page, name: str) -> tuple[int, int]:
    """How much of how much a bar shows."""
    meter = page.get_by_role("meter", name=name)
    return int(meter.get_attribute("value") or 0), int(meter.get_attribute("max") or 0)


def _used(server: Server) -> dict[str, int]:
    used: dict[str, int] = server.bob.get("/api/v1/account").json()["usage"]
    return used
