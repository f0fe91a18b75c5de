"""How the tray comes to its server and token: set-up first, then by the secret in the data folder, or as configured."""

from __future__ import annotations

import json
import platform
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bulletdrop.config import Config
from bulletdrop.errors import BulletDropError, Forbidden, Invalid, NotSetUp, NotSignedIn
from bulletdrop.log import get_logger
from bulletdrop.tray import vault
from bulletdrop.tray.answers import CertificateChanged
from bulletdrop.tray.client import Client, Unreachable
from bulletdrop.tray.preferences import Server
from bulletdrop.tray.servers import answers, client_for, foreign_of, servers_of
from bulletdrop.tray.steering import Connection
from bulletdrop.tray.vault import StoredToken, VaultLocked

log = get_logger("pairing")

ASK_AGAIN_SECONDS = 2.0
SOON_SECONDS = 0.05
# A server is up in a quarter of a second; without one for this long, the person is told.
PATIENCE_SECONDS = 10.0
# How often it is looked whether the list of servers is another one, or which of several are there. In seconds.
LOOK_SECONDS = 10.0
# Another server is taken when that many looks in a row say so.
LOOKS = 2
LOCKED = "Unlock the keyring"
UNPAIRED = "Pair this computer"
SET_UP = "Set up BulletDrop"
NOT_RUNNING = "The server is not running"
CHANGED = "The server shows another certificate"
UNREADABLE = "The other host's uploader cannot be read"


@dataclass(frozen=True, slots=True)
class LocalServer:
    """The server on this machine, as DATA/run/server.json says. The file is there only while the server listens."""

    url: str
    instance: str
    local_secret: str
    fingerprint: str = ""
    announced: bool | None = None  # to the network; None: it does not say


def read_local_server(data: Path) -> LocalServer | None:
    """What run/server.json says, or None when there is none or it cannot be read."""
    try:
        entry = json.loads((data / "run" / "server.json").read_text(encoding="utf-8"))
        url, fingerprint = str(entry["url"]).rstrip("/"), str(entry.get("fingerprint", ""))
        told = entry.get("announced")
        announced = told if isinstance(told, bool) else None
        return LocalServer(url, str(entry["instance"]), str(entry["local_secret"]), fingerprint, announced)
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def is_alive(server: LocalServer) -> bool:
    """Whether the server of run/server.json really answers there, and not a stranger on its port."""
    client = Client(server.url, connect_seconds=2, answer_seconds=2, fingerprint=server.fingerprint)
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
        use: called with a client that may upload (an `Uplink`), again whenever it is to be another server.
        needs: called with what the person has to do and the page for it, or (None, None) when nothing is left.
        environ: the environment (BULLETDROP_TOKEN).
        off: called when this device is paired and its server is not there.
        drop: called when the present server or its key was forgotten, and nothing may go there any more.
        keyrings: where a new token may go, see `vault.store_token`.
        patience: seconds in which a server that is not there may still be starting.
        look_seconds: how often it is looked which of several servers are there.
    """

    def __init__(
        self,
        config: Config,
        *,
        use: Callable[[Any], None],
        needs: Callable[[str | None, str | None], None],
        environ: Mapping[str, str],
        off: Callable[[], None] = lambda: None,
        drop: Callable[[], None] = lambda: None,
        keyrings: Sequence[str] = vault.KEYRINGS,
        patience: float = PATIENCE_SECONDS,
        look_seconds: float = LOOK_SECONDS,
    ) -> None:
        self._config = config
        self._use = use
        self._needs = needs
        self._environ = environ
        self._off = off
        self._drop = drop
        self._keyrings = keyrings
        self._patience = patience
        self._look_seconds = look_seconds
        self._may_prompt = False
        self._wake = threading.Event()
        self._stopped = threading.Event()
        self._refused: str | None = None  # a token that the server does not take any more
        self._used: StoredToken | None = None
        self._wish: str | None = None
        self._servers: tuple[Server, ...] = ()
        self._foreign = ""
        self._tokens: dict[str, StoredToken] = {}
        self._missed = 0
        self._doubted = False
        self.present = Connection()
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
        self._doubted = refused
        self._wake.set()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(1)

    def _run(self) -> None:
        while True:
            if not self._wake.wait(self._look_seconds):
                self._look()
                continue
            self._wake.clear()
            pause, began = SOON_SECONDS, time.monotonic()
            while not self._stopped.is_set() and not self._try():
                if self._wish is None and time.monotonic() - began > self._patience:
                    self._not_there()
                self._stopped.wait(pause)
                pause = min(pause * 1.5, ASK_AGAIN_SECONDS)
            if self._stopped.is_set():
                return

    def _look(self) -> None:
        """What changed by itself: the list of servers, as by `bulletdrop pair`, or which of several are there."""
        if (
            servers_of(self._config) != self._servers
            or foreign_of(self._config) != self._foreign
            or self._wish == UNPAIRED
            or self._is_forgotten()
        ):
            self._wake.set()
        elif len(self._tokens) > 1:
            self._stand_in()

    def _is_forgotten(self) -> bool:
        """Whether the key that is used now is noted no longer, as after `bulletdrop pair --forget`."""
        used = self._used
        if used is None or used.where in ("environment", "configuration"):
            return False
        return not vault.remembers(self._config.data, used.server)

    def _let_go(self) -> None:
        log.info("A server was forgotten: nothing goes there any more.", extra={"server": self.present.server})
        self.present, self._used = Connection(), None
        self._drop()

    def _stand_in(self) -> None:
        """Use the first server that is there, where the present one is not, or is not the first."""
        try:
            found = next((one for one in self._servers if one.url in self._tokens and self._is_there(one)), None)
        except CertificateChanged as error:
            self._refuse(error)
            return
        self._missed = self._missed + 1 if found is None or found.url != self.present.server else 0
        # One answer that was late must not send captures elsewhere, nor bring them back too early.
        if found is not None and self._missed >= LOOKS:
            self._missed = 0
            self._take(self._tokens[found.url], found)

    def _is_there(self, server: Server) -> bool:
        return answers(server, environ=self._environ)

    def _not_there(self) -> None:
        if vault.is_paired(self._config.data, self._environ):
            self._off()
        else:
            self._wishes(NOT_RUNNING, None)

    def _wishes(self, words: str | None, page: str | None) -> None:
        self._wish = words
        self._needs(words, page)

    def _try(self) -> bool:
        """One attempt. True: there is a client, or nothing more to do until `again`."""
        try:
            servers, self._foreign = servers_of(self._config), foreign_of(self._config)
            if self._foreign:
                return self._abroad(servers)
            listed = {one.url for one in servers}
            if self.present.server not in listed and self.present.server in {one.url for one in self._servers}:
                self._let_go()
            return self._elsewhere(servers) if servers else self._here()
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

    def _abroad(self, servers: tuple[Server, ...]) -> bool:
        """Somebody else's host, as the person chose it. No server of ours has doubted a token then, nor has one."""
        from bulletdrop.tray.foreign import ForeignClient

        self._servers, self._tokens = servers, {}
        self._used, self._doubted = None, False
        try:
            client = ForeignClient(self._foreign, environ=self._environ)
        except Invalid as error:
            log.warning("%s", error.message)
            self._wishes(UNREADABLE, None)
            return True
        self.present = Connection(client.server_url, "", "the uploader's file")
        self._use(client)
        self._wishes(None, None)
        return True

    def _elsewhere(self, servers: tuple[Server, ...]) -> bool:
        self._servers, self._tokens = servers, {}
        try:
            self._settle_doubt(servers)
        except CertificateChanged as error:
            self._refuse(error)
            return True
        for number, server in enumerate(servers):
            stored = self._stored(server.url, is_first=number == 0)
            if stored is not None and stored.server in ("", server.url):
                self._tokens[server.url] = stored
        usable = [server for server in servers if server.url in self._tokens]
        if not usable:
            if self._is_forgotten():
                self._let_go()
            self._wishes(UNPAIRED, servers[0].url)
            return True
        chosen = usable[0]
        try:
            if len(usable) > 1 or chosen.fingerprint:
                chosen = next((one for one in usable if self._is_there(one)), chosen)
        except CertificateChanged as error:
            self._refuse(error)
            return True
        return self._take(self._tokens[chosen.url], chosen)

    def _settle_doubt(self, servers: tuple[Server, ...]) -> None:
        """Where the person was told that the server does not take the token: that may have been the certificate.

        Raises: CertificateChanged while another one answers there; then the token is as good as it was.
        """
        doubted, self._doubted = self._doubted, False
        used = self._used
        if not doubted or used is None:
            return
        pinned = next((one for one in servers if one.url == used.server and one.fingerprint), None)
        if pinned is None or not (self._is_there(pinned) and self._is_taken(pinned, used)):
            self._refused = used.token

    def _is_taken(self, server: Server, stored: StoredToken) -> bool:
        client = client_for(server, stored.token, environ=self._environ)
        try:
            client.find("whether this token is taken")
        except BulletDropError:
            return False
        else:
            return True
        finally:
            client.close()

    def _refuse(self, error: CertificateChanged) -> None:
        """Another server answers in the place of one that was paired: only the person can tell what that means."""
        if self._wish != CHANGED:
            log.warning("%s", error.message)
        self._wishes(CHANGED, None)

    def _here(self) -> bool:
        server = read_local_server(self._config.data)
        if server is None or not is_alive(server):
            return False
        self._servers, self._tokens = (), {}
        self._settle_doubt(())
        here = Server(url=server.url, fingerprint=server.fingerprint)
        stored = self._stored()
        if stored is not None:
            # Same data folder, same accounts: the token stays good though the port may have changed.
            return self._take(stored, here)
        client = client_for(here, "")
        try:
            paired = client.pair_local(server.local_secret, platform.node() or "This computer")
        except NotSetUp:
            self._wishes(SET_UP, setup_page(self._config, server))
            return False
        except (NotSignedIn, Forbidden):
            return False  # the file is of a server that has gone; the next one writes its own
        finally:
            client.close()
        kept = vault.store_token(
            self._config.data, server.url, paired.key, keyrings=self._keyrings, username=paired.username
        )
        log.info("This computer is paired.", extra={"user": paired.username, "token_in": kept.where})
        return self._take(kept, here)

    def _stored(self, server: str = "", *, is_first: bool = True) -> StoredToken | None:
        may_prompt, self._may_prompt = self._may_prompt, False
        # What the environment or the settings give is for one server, and never shown to another.
        environ = self._environ if is_first else {}
        stored = vault.load_token(self._config.data, server, environ=environ, may_prompt=may_prompt)
        if stored is None and is_first and self._config.token:
            stored = StoredToken(self._config.server, self._config.token, "configuration")
        return None if stored is not None and stored.token == self._refused else stored

    def _take(self, stored: StoredToken, server: Server) -> bool:
        self._used, self._missed = stored, 0
        stands_in = bool(self._servers) and server.url != self._servers[0].url
        if self._servers and self.present.server not in ("", server.url):
            log.info("another server is used now", extra={"server": server.url, "stands_in": stands_in})
        self.present = Connection(server.url, stored.username, stored.where, stands_in)
        self._use(client_for(server, stored.token, environ=self._environ))
        self._wishes(None, None)
        return True
