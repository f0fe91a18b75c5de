"""Chromium's virtual authenticator: a security key that tests put in, copy and take out (CDP, domain WebAuthn)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

from playwright.sync_api import Page

from tests.support.server import Server, free_port


class VirtualKey:
    """An authenticator in one page: with a screen lock that says yes, unless `verified` is False."""

    def __init__(self, page: Page, *, verified: bool = True) -> None:
        self._session: Any = page.context.new_cdp_session(page)
        self._session.send("WebAuthn.enable")
        wanted = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": verified,
            "automaticPresenceSimulation": True,
        }
        made = self._session.send("WebAuthn.addVirtualAuthenticator", {"options": wanted})
        self._which = {"authenticatorId": made["authenticatorId"]}

    def credentials(self) -> list[dict[str, Any]]:
        """What is in it, private keys and all."""
        found: list[dict[str, Any]] = self._session.send("WebAuthn.getCredentials", self._which)["credentials"]
        return found

    def put(self, credential: dict[str, Any]) -> None:
        """Put a copy in."""
        self._session.send("WebAuthn.addCredential", {**self._which, "credential": credential})

    def clear(self) -> None:
        """Take everything out."""
        self._session.send("WebAuthn.clearCredentials", self._which)


def local_server(folder: Path, **environ: str) -> Server:
    """A server that people reach as http://localhost, where browsers allow passkeys."""
    port = free_port()
    server = Server(
        folder / "data", environ={"BULLETDROP_PUBLIC_URL": f"http://localhost:{port}", **environ}, port=port
    )
    server.start()
    server.url = f"http://localhost:{port}"
    return server


@contextmanager
def another_site(folder: Path) -> Iterator[str]:
    """A web server of somebody else's on another port of this machine, with an empty page. Gives its origin."""
    (folder / "index.html").write_text("<!doctype html><title>elsewhere</title><p>nothing here</p>")
    web = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
    thread = Thread(target=web.serve_forever)
    thread.start()
    try:
        yield f"http://localhost:{web.server_port}"
    finally:
        web.shutdown()
        thread.join()
        web.server_close()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


# Signs what the options ask for in whatever page it runs, as passkeys.ts does.
SIGN = """async (options) => {
  const bytes = (t) => Uint8Array.from(atob(t.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
  const plain = (b) => btoa(String.fromCharCode(...new Uint8Array(b)));
  const text = (b) => plain(b).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  const publicKey = { ...options, challenge: bytes(options.challenge),
    allowCredentials: options.allowCredentials.map((one) => ({ ...one, id: bytes(one.id) })) };
  const { id, rawId, type, response } = await navigator.credentials.get({ publicKey });
  return { id, rawId: text(rawId), type, response: { clientDataJSON: text(response.clientDataJSON),
    authenticatorData: text(response.authenticatorData), signature: text(response.signature),
    userHandle: response.userHandle && text(response.userHandle) } };
}"""


def offer_by_button_alone(page: Page) -> None:
    """As in a browser that offers no passkeys in the name field: one that does may sign in before a button is pressed.

    To be called before the page is opened.
    """
    page.add_init_script("PublicKeyCredential.isConditionalMediationAvailable = async () => false")
