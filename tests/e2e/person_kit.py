"""What the tests of a person's pages share: signing in by the form, mailed links, whether a page is calm."""

from __future__ import annotations

import re
from email.message import EmailMessage

from playwright.sync_api import Locator, Page, expect

from tests.e2e.test_pages_axe import _violations
from tests.support.server import PASSWORD, Server
from tests.support.smtp import Sink, text_of

_BEYOND = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def enter(page: Page, server: Server, name: str, password: str = PASSWORD) -> None:
    """Sign in by the form."""
    page.goto(f"{server.url}/signin")
    page.get_by_label("Username or email").fill(name)
    page.get_by_label("Password", exact=True).fill(password)
    page.get_by_role("button", name="Sign in", exact=True).click()


def follow(page: Page, mail: EmailMessage, *, script: bool = True) -> str:
    """Open a mail's link. Its code fills the field, or without script is typed into it. Returns the code."""
    (link,) = set(re.findall(r"https?://\S+#\S+", text_of(mail)))
    name, _, code = str(link).partition("#")[2].partition("=")
    page.goto(link)
    field = page.locator(f"#f-{name}")
    if script:
        expect(field).to_have_value(code)
        assert "#" not in page.url
    else:
        field.fill(code)
    return code


def choose(page: Page, data: bytes) -> None:
    """Choose a picture of oneself, and send it."""
    page.set_input_files("input[type=file]", {"name": "me.png", "mimeType": "image/png", "buffer": data})
    page.get_by_role("button", name="Use this picture").click()


def dialog(page: Page) -> Locator:
    """The dialog that asks first."""
    return page.get_by_role("dialog")


def leave(page: Page, *, script: bool, word: str, password: str) -> None:
    """Ask for the account's deletion, up to the dialog's last button or, without script, up to the answer."""
    page.get_by_label("Your password").fill(password)
    if not script:
        page.get_by_label("Type bob to go on").fill(word)
    page.get_by_role("button", name="Delete my account").click()
    if script:
        dialog(page).get_by_role("textbox").fill(word)


def calm(page: Page, state: str) -> None:
    """A page has no violation by axe-core, and is not wider than its window. `state` says which one it was."""
    found = (_violations(page), page.evaluate(_BEYOND))
    assert found == ([], 0), f"{state}: {found}"


def mail_settings(sink: Sink) -> dict[str, str]:
    """What a server's environment says of a mail server."""
    return {
        "BULLETDROP_SMTP_HOST": "127.0.0.1",
        "BULLETDROP_SMTP_PORT": str(sink.port),
        "BULLETDROP_SMTP_SECURITY": "none",
        "BULLETDROP_SMTP_FROM": "drop@example.org",
    }
