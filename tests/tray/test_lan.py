"""Two machines in one network: a server is found, paired by a code, and held to its certificate from then on."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bulletdrop import trust
from tests.support.lan import Machine, two_machines
from tests.support.screen import wait_for
from tests.support.server import PASSWORD, binary
from tests.web.kit import png

PORT = 8484
# The owner, in a browser on the server's own machine: signs in, and says yes to the code that the device shows.
OWNER = """
import httpx, sys
url, act, code = sys.argv[1:]
with httpx.Client(base_url=url, verify=False, trust_env=False, timeout=30) as web:
    answer = web.post("/api/v1/auth/login", json={"identifier": "alice", "password": sys.stdin.read()})
    web.cookies.clear()
    web.headers["Authorization"] = "Bearer " + answer.json()["access_token"]
    if act == "offer":
        print(web.post("/api/v1/devices/offer").json()["link"])
    else:
        web.post("/api/v1/devices/approve", json={"user_code": code}).raise_for_status()
"""
# Stands where the server stood, with a certificate of its own, and notes every byte that is said to it.
STRANGER = """
import pathlib, socket, ssl, sys
certificate, key, heard = sys.argv[1:]
settings = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
settings.load_cert_chain(certificate, key)
listening = socket.create_server(("0.0.0.0", 8484))
heard = pathlib.Path(heard)
heard.write_text("listens\\n")
while True:
    plain, _ = listening.accept()
    plain.settimeout(10)
    with heard.open("a") as notes:
        try:
            with settings.wrap_socket(plain, server_side=True) as secure:
                notes.write("handshake\\n")
                while piece := secure.recv(65536):
                    notes.write(repr(piece) + "\\n")
        except OSError as error:
            notes.write("end: " + type(error).__name__ + "\\n")
"""
# Looks all the time, as the window for pairing does.
LOOKER = """
import time
from bulletdrop.tray.discovery import Looking
with Looking() as looking:
    while not looking.found():
        time.sleep(0.05)
    print("here")
    while looking.found():
        time.sleep(0.05)
    print("gone")
"""


class Lan:
    """A server on one machine and a device on the other."""

    def __init__(self, server: Machine, device: Machine, folder: Path) -> None:
        self.server, self.device, self.folder = server, device, folder
        self.data, self.desk, self.log = folder / "server", folder / "desk", folder / "server.log"
        self.url = f"https://{server.address}:{PORT}"
        self._process: subprocess.Popen[bytes] | None = None
        # No keyring of this machine, and no page on its screen.
        self.environ = {"DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent", "DISPLAY": "", "WAYLAND_DISPLAY": ""}

    def start(self, **environ: str) -> None:
        settings = {"BULLETDROP_TLS": "own", "BULLETDROP_ANNOUNCE": "on", **environ}
        command = [*binary(), "serve", "--data", str(self.data), "--port", str(PORT)]
        self._process = self.server.spawn(*command, log=self.log, environ=settings)
        wait_for(self._answers, what="the server", pause=0.2)

    def _answers(self) -> bool:
        asked = f"httpx.get('{self.url}/health', verify=False, trust_env=False, timeout=30)"
        code = f"import httpx; {asked}.raise_for_status()"
        return self.server.run(sys.executable, "-c", code).returncode == 0

    def stop(self) -> float:
        """End the server; returns its status."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(60)

    def owner(self, act: str, code: str = "") -> str:
        done = self.server.run(sys.executable, "-W", "ignore", "-c", OWNER, self.url, act, code, stdin=PASSWORD)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def on_device(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self.device.run(*binary(), *arguments, "--data", str(self.desk), environ=self.environ)

    def found(self) -> list[dict[str, object]]:
        done = self.on_device("pair", "--json")
        assert done.returncode == 0, done.stderr
        listed: list[dict[str, object]] = json.loads(done.stdout)
        return listed

    def upload(self) -> subprocess.CompletedProcess[str]:
        picture = self.folder / "shot.png"
        picture.write_bytes(png())
        return self.on_device("upload", str(picture))


@pytest.fixture
def lan(tmp_path: Path) -> Iterator[Lan]:
    with two_machines() as (server, device):
        made = Lan(server, device, tmp_path)
        command = [*binary(), "user", "add", "alice", "--email", "alice@example.org", "--admin", "--password-stdin"]
        done = server.run(*command, "--data", str(made.data), stdin=PASSWORD + "\n")
        assert done.returncode == 0, done.stderr
        yield made


def fingerprint_of(lan: Lan) -> str:
    """What the server wrote down about its own certificate."""
    return str(json.loads((lan.data / "run" / "server.json").read_text())["fingerprint"])


def test_a_server_is_found_in_the_network_paired_by_a_code_and_held_to_its_certificate(lan: Lan) -> None:
    lan.start()
    found = wait_for(lan.found, what="the server in the network")
    assert [one["urls"] for one in found] == [[lan.url]]
    pin = found[0]["fingerprint"]
    assert pin == fingerprint_of(lan)
    # Nobody says yes for the person: the command ends and says what to compare.
    asked = lan.on_device("pair", lan.url)
    assert asked.returncode == 3
    assert f'--fingerprint "{trust.shown(str(pin))}"' in asked.stderr
    # The device shows a code, and its owner says yes to it on the server's page.
    command = [*binary(), "pair", lan.url, "--fingerprint", trust.shown(str(pin)), "--json", "--data", str(lan.desk)]
    shown = lan.folder / "pair.log"
    pairing = lan.device.spawn(*command, log=shown, environ=lan.environ)
    lines = wait_for(lambda: shown.read_text().splitlines(), what="the code")
    lan.owner("approve", json.loads(lines[0])["user_code"])
    assert pairing.wait(60) == 0, shown.read_text()
    assert json.loads(shown.read_text().splitlines()[1])["fingerprint"] == pin
    done = lan.upload()
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"{lan.url}/")


def test_a_server_with_another_certificate_is_refused_before_a_byte_was_said(lan: Lan) -> None:
    lan.start()
    paired = lan.on_device("pair", lan.owner("offer"))
    assert paired.returncode == 0, paired.stderr
    assert lan.upload().returncode == 0
    lan.stop()
    memory = (lan.desk / "tray" / "preferences.json").read_text()
    # The same server, the same accounts: but a certificate that nobody on the device has seen.
    shutil.rmtree(lan.data / "tls")
    lan.start()
    requests = lan.log.read_text().count('"noun": "audit"')
    refused = lan.upload()
    assert refused.returncode == 1, refused.stderr
    assert "shows another certificate" in refused.stderr
    assert lan.log.read_text().count('"noun": "audit"') == requests
    # It is not taken for the right one by asking again, nor by looking anew in the network.
    assert lan.upload().returncode == 1
    assert (lan.desk / "tray" / "preferences.json").read_text() == memory
    lan.stop()
    heard = lan.folder / "heard"
    tls = lan.data / "tls"
    stranger = (sys.executable, "-c", STRANGER, str(tls / "certificate.pem"), str(tls / "key.pem"), str(heard))
    lan.server.spawn(*stranger, log=lan.log)
    wait_for(heard.exists, what="the stranger")
    assert lan.upload().returncode == 1
    wait_for(lambda: "end" in heard.read_text() or heard.read_text().count("\n") > 1, what="the handshake")
    # A handshake and then nothing: no head, no token, no name of a file.
    assert [line for line in heard.read_text().splitlines() if line.startswith("b")] == []
    assert "handshake" in heard.read_text()


def test_pairing_again_says_that_the_new_certificate_is_the_right_one(lan: Lan) -> None:
    lan.start()
    assert lan.on_device("pair", lan.owner("offer")).returncode == 0
    lan.stop()
    shutil.rmtree(lan.data / "tls")
    lan.start()
    assert lan.upload().returncode == 1
    assert lan.on_device("pair", lan.owner("offer")).returncode == 0
    done = lan.upload()
    assert done.returncode == 0, done.stderr
    listed = json.loads(lan.on_device("pair", "--list", "--json").stdout)
    assert [(one["url"], one["fingerprint"]) for one in listed] == [(lan.url, fingerprint_of(lan))]


def test_a_server_that_ends_says_goodbye_to_those_who_look(lan: Lan) -> None:
    lan.start()
    seen = lan.folder / "seen"
    lan.device.spawn(sys.executable, "-u", "-c", LOOKER, log=seen)
    wait_for(lambda: "here" in seen.read_text(), what="the server in the network")
    assert lan.stop() == 0
    # Without the goodbye it would be believed for two minutes (RFC 6762, 10).
    wait_for(lambda: "gone" in seen.read_text(), what="the goodbye")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_server_is_announced_once_however_many_processes_it_has(lan: Lan, workers: str) -> None:
    lan.start(BULLETDROP_WORKERS=workers)
    found = wait_for(lan.found, what="the server in the network")
    assert len(found) == 1
    # It is heard of before the last of its words is out.
    wait_for(lambda: "announced in the network" in lan.log.read_text(), what="the word in the log")
    assert lan.log.read_text().count("announced in the network") == 1


def test_a_server_that_is_not_to_be_announced_is_not_found(lan: Lan) -> None:
    lan.start(BULLETDROP_ANNOUNCE="off")
    assert lan.found() == []
    assert "announc" not in lan.log.read_text()
