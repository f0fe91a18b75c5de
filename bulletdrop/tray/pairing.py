"""How the tray comes to its server and token: set-up first, then by the secret in the data folder, or as configured."""

from __future__ import annotations

import json
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, Forbidden, NotSetUp, NotSignedIn
from bulletdrop.log import get_logger
from bulletdrop.tray import vault
from bulletdrop.tray.client import Client, Unreachable
from bulletdrop.tray.vault import StoredToken, VaultLocked

log = get_logger("pairing")

ASK_AGAIN_SECONDS = 2.0
SOON_SECONDS = 0.05
# A server is up in a quarter of a second; without one for this long, the person is told.
PATIENCE_SECONDS = 10.0
LOCKED = "Unlock the keyring"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The server on this machine, as DATA/run/server.json says. The file is there only while the server listens."""

    url: str
    instance: str
    local_secret: str


def read_local_server(data: Path) -> LocalServer | None:
    """What run/server.json says, or None when there is none or it cannot be read."""
    try:
        entry = json.loads((data / "run" / "server.json").read_text(encoding="utf-8"))
        return LocalServer(str(entry["url"]).rstrip("/"), str(entry["instance"]), str(entry["local_secret"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def is_alive(server: LocalServer) -> bool:
    """Whether the server of run/server.json really answers there, and not a stranger on its port."""
    client = Client(server.url, connect_seconds=2, answer_seconds=2)
    try:
        return client.health().get("instance") == server.instance
    except BulletDropError:
        return False
    finally:
        client.close()


def setup_page(config: Config, server: LocalServer) -> str:
    """The address of the set-up page, with the one-time code behind the #, where no server and no log sees it."""
    try:
        code = (config.data / "setup-code").read_text(encoding="utf-8").strip()
    except OSError:
        code = ""
    return f"{config.public_url or server.url}/setup" + (f"#code={code}" if code else "")


class Pairing:
    """Finds server and token in a thread of its own, and again whenever `again` is called.

    Args:
        config: `server` set means a server elsewhere; else the one of the data folder.
        use: called with a client that may upload.
        needs: called with what the person has to do and the page for it, or (None, None) when nothing is left.
        environ: the environment (BULLETDROP_TOKEN).
        off: called when this device is paired and its server is not there.
        keyrings: where a new token may go, see `vault.store_token`.
        patience: seconds in which a server that is not there may still be starting.
    """

    def __init__(
        self,
        config: Config,
        *,
        use: Callable[[Client], None],
        needs: Callable[[str | None, str | None], None],
        environ: Mapping[str, str],
        off: Callable[[], None] = lambda: None,
        keyrings: Sequence[str] = vault.KEYRINGS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        self._config = config
        self._use = use
        self._needs = needs
        self._environ = environ
        self._off = off
        self._keyrings = keyrings
        self._patience = patience
        self._may_prompt = False
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._refused: str | None = None  # a token that the server does not take any more
        self._used: StoredToken | None = None
        self._wish: str | None = None
        self._thread = threading.Thread(target=self._run, name="pairing", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._wake.set()
        self._thread.start()

    def again(self, *, refused: bool = False, may_prompt: bool = False) -> None:
        """Look again for server and token; `refused`: the server does not take the present token any more.

        `may_prompt`: the person asked for it, so a locked keyring may show its dialog, once.
        """
        self._may_prompt = may_prompt
        if refused and self._used is not None:
            self._refused = self._used.token
        self._wake.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(1)

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            pause, began = SOON_SECONDS, time.monotonic()
            while not self._stopped.is_set() and not self._try():
                if self._wish is None and time.monotonic() - began > self._patience:
                    self._not_there()
                self._stopped.wait(pause)
                pause = min(pause * 1.5, ASK_AGAIN_SECONDS)
            if self._stopped.is_set():
                return

    def _not_there(self) -> None:
        if vault.is_paired(self._config.data, self._environ):
            self._off()
        else:
            self._wishes("The server is not running", None)

    def _wishes(self, words: str | None, page: str | None) -> None:
        self._wish = words
        self._needs(words, page)

    def _try(self) -> bool:
        """One attempt. True: there is a client, or nothing more to do until `again`."""
        try:
            return self._elsewhere() if self._config.server else self._here()
        except VaultLocked as error:
            if self._wish != LOCKED:
                log.warning("%s", error.message)
            self._wishes(LOCKED, None)
        except Unreachable:
            pass  # starting, or stopping: the next attempt tells
        except BulletDropError as error:
            log.warning("Pairing did not work yet: %s", error.message)
        except Exception:
            log.exception("Pairing did not work.")
        return False

    def _elsewhere(self) -> bool:
        stored = self._stored()
        if stored is None or stored.server not in ("", self._config.server):
            self._wishes("Pair this computer", self._config.server)
            return True
        return self._take(StoredToken(self._config.server, stored.token, stored.where))

    def _here(self) -> bool:
        server = read_local_server(self._config.data)
        if server is None or not is_alive(server):
            return False
        stored = self._stored()
        if stored is not None:
            # Same data folder, same accounts: the token stays good though the port may have changed.
            return self._take(StoredToken(server.url, stored.token, stored.where))
        client = Client(server.url)
        try:
            paired = client.pair_local(server.local_secret, platform.node() or "This computer")
        except NotSetUp:
            self._wishes("Set up BulletDrop", setup_page(self._config, server))
            return False
        except (NotSignedIn, Forbidden):
            return False  # the file is of a server that has gone; the next one writes its own
        finally:
            client.close()
        kept = vault.store_token(self._config.data, server.url, paired.key, keyrings=self._keyrings)
        log.info("This computer is paired.", extra={"user": paired.username, "token_in": kept.where})
        return self._take(kept)

    def _stored(self) -> StoredToken | None:
        may_prompt, self._may_prompt = self._may_prompt, False
        stored = vault.load_token(self._config.data, environ=self._environ, may_prompt=may_prompt)
        if stored is None and self._config.token:
            stored = StoredToken(self._config.server, self._config.token, "configuration")
        return None if stored is not None and stored.token == self._refused else stored

    def _take(self, stored: StoredToken) -> bool:
        self._used = stored
        self._use(Client(stored.server, stored.token, environ=self._environ))
        self._wishes(None, None)
        return True
