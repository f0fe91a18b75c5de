"""What the browser tests share: visits, people who are signed in already, files that are dropped and pasted."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, Playwright

from tests.support.needs import requires, unavailable
from tests.support.server import PASSWORD, Server

STATIC = Path(__file__).parents[2] / "bulletdrop" / "web" / "static"
AXE = Path(__file__).parents[2] / "bulletdrop" / "web" / "ui" / "node_modules" / "axe-core" / "axe.min.js"
CSS = Path(__file__).parents[2] / "bulletdrop" / "web" / "ui" / "css"

WIDE = {"width": 1440, "height": 900}
PHONE = {"width": 390, "height": 844}
# How long a page may take over anything before its test fails, in milliseconds: a busy machine is no mistake of ours.
PATIENCE = 30_000

_DROP = """([name, kind, data, event]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carrier = new DataTransfer();
  carrier.items.add(new File([bytes], name, { type: kind }));
  if (event === "paste") {
    document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: carrier, bubbles: true, cancelable: true }));
    return;
  }
  for (const step of ["dragenter", "dragover", "drop"]) {
    document.body.dispatchEvent(new DragEvent(step, { dataTransfer: carrier, bubbles: true, cancelable: true }));
  }
}"""


@contextmanager
def chromium(playwright: Playwright, *names: str) -> Iterator[Browser]:
    """A Chromium that finds nothing but this machine, so that no page waits for what the network never answers.

    The form of the tests' OpenID Connect provider, for one, asks Google for a font, and until that has failed its page
    counts as loading.

    Args:
        playwright: the one of the tests, since there can be no two in a process.
        names: names under which this machine is found too; `localhost` and what ends so always is.
    """
    requires("chromium", package="chromium")
    ours = ("127.0.0.1", "localhost", "*.localhost")
    rules = [f"MAP {name} 127.0.0.1" for name in names]
    rules += ["MAP * ~NOTFOUND", *(f"EXCLUDE {name}" for name in ours)]
    # What Playwright does not say by itself; a proxy would resolve names for the browser.
    arguments = ["--no-sandbox", "--disable-gpu", "--no-proxy-server", f"--host-resolver-rules={', '.join(rules)}"]
    opened = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
    yield opened
    opened.close()


class Visits:
    """Pages in profiles of their own, and what their consoles complained about.

    A failed request is no complaint: some tests ask for what is not there.
    """

    def __init__(self, browser: Browser) -> None:
        if not (STATIC / "manifest.json").exists():
            unavailable("the page is not built (python packaging/build_page.py)")
        self.browser = browser
        self.complaints: list[str] = []
        self._contexts: list[BrowserContext] = []

    def open(self, *, phone: bool = False, dark: bool = False, script: bool = True) -> Page:
        """A page in a fresh profile."""
        context = self.browser.new_context(
            viewport=PHONE if phone else WIDE,  # type: ignore[arg-type]
            color_scheme="dark" if dark else "light",
            java_script_enabled=script,
            has_touch=phone,
            is_mobile=phone,
            timezone_id="Europe/Berlin",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        return page

    def close(self) -> None:
        """Close all profiles."""
        for context in self._contexts:
            context.close()

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning") and not text.startswith("Failed to load resource"):
            self.complaints.append(f"{kind}: {text}")


def sign_in(page: Page, server: Server, name: str = "alice") -> Page:
    """Sign a page's profile in without going through the form, and open the gallery."""
    log_in(page, server, name)
    page.goto(server.url)
    ready(page)
    return page


def log_in(page: Page, server: Server, name: str = "alice") -> None:
    """Sign a page's profile in and open nothing yet."""
    server.key_of(name)
    answer = page.context.request.post(
        f"{server.url}/api/v1/auth/login", data={"identifier": name, "password": PASSWORD}
    )
    assert answer.status == 200, answer.text()


def ready(page: Page) -> None:
    """Wait until the gallery's script listens."""
    page.locator("[data-show-keys]:not([hidden])").wait_for(state="attached")


def drop(page: Page, name: str, data: bytes, *, kind: str = "image/png") -> None:
    """Let go of a file over the page."""
    page.evaluate(_DROP, [name, kind, base64.b64encode(data).decode(), "drop"])


def paste(page: Page, name: str, data: bytes, *, kind: str = "image/png") -> None:
    """Paste a file into the page."""
    page.evaluate(_DROP, [name, kind, base64.b64encode(data).decode(), "paste"])


def pick(page: Page, *files: tuple[str, bytes]) -> None:
    """Choose files in the file dialog."""
    chosen: Any = [{"name": name, "mimeType": "image/png", "buffer": data} for name, data in files]
    page.set_input_files("#picker", chosen)


def upload(server: Server, data: bytes, name: str = "shot.png", person: str = "alice", **fields: str) -> dict[str, Any]:
    """Upload over the API. Returns the answer."""
    client = server.client(person)
    with client:
        answer = client.post("/api/v1/uploads", files={"file": (name, data)}, data=fields)
    assert answer.status_code == 201, answer.text
    made: dict[str, Any] = answer.json()
    return made


def clipboard(page: Page) -> str:
    """The text on the browser's clipboard."""
    return str(page.evaluate("navigator.clipboard.readText()"))


def copied(page: Page, text: str) -> None:
    """Wait until this text is on the browser's clipboard: what is said of it may be of the copy before."""
    for _ in range(PATIENCE // 100):
        if clipboard(page) == text:
            return
        page.wait_for_timeout(100)
    assert clipboard(page) == text


def shows_picture(page: Page, selector: str) -> bool:
    """Whether the picture there arrives in good time. (Playwright's own waiting needs eval, which we forbid.)"""
    for _ in range(PATIENCE // 100):
        if page.locator(selector).first.evaluate("it => it.complete && it.naturalWidth > 0"):
            return True
        page.wait_for_timeout(100)
    return False


def set_up_code(server: Server) -> str:
    """The code from the server's data folder."""
    return (server.data / "setup-code").read_text(encoding="ascii").strip()
