#!/usr/bin/env python3
"""Does the built program work on this system? A few real uses of it, in folders of their own. Standard library only.

    python3 packaging/smoke.py dist/bulletdrop [-- what else starts it]

Prints a line for each step. Exit code 0 when all of them worked, 1 when one did not, with what the program said.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import time
import traceback
import urllib.error
import urllib.request
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

PASSWORD = "correct horse battery staple"
# The first start of a one-file program unpacks it, and a virus scanner may look at each file.
PATIENCE_SECONDS = 120.0
WINDOWS, MAC = os.name == "nt", sys.platform == "darwin"


class Failed(Exception):
    """A step did not do what it should."""


class Smoke:
    """One run. Each step may use what those before it left.

    Args:
        command: starts the program.
        folder: an empty folder, for everything it keeps.
    """

    def __init__(self, command: list[str], folder: Path) -> None:
        self.command = command
        self.folder = folder
        self.url = ""
        self.token = ""
        self.picture = _picture()
        self._processes: list[tuple[subprocess.Popen[bytes], Path]] = []
        self.shots = folder / "home" / "Pictures" / "Screenshots"
        for place in (self.shots, folder / "home" / ".config", folder / "temp"):
            place.mkdir(parents=True)
        self.environ = self._environment()

    def _environment(self) -> dict[str, str]:
        home = str(self.folder / "home")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("BULLETDROP_", "XDG_CONFIG"))}
        # The cache stays the system's own: the one-file program unpacks itself there.
        own = {"BULLETDROP_DATA": str(self.folder / "data"), "XDG_CONFIG_HOME": f"{home}/.config"}
        if not WINDOWS:
            cache = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
            own |= {"HOME": home, "XDG_CACHE_HOME": cache}
        return {**kept, **own}

    # --- the steps

    def version(self) -> str:
        """It says which version it is."""
        told = self.run("--version").strip()
        _check(told.startswith("bulletdrop "), told)
        return told

    def serve(self) -> str:
        """The server answers."""
        began = time.monotonic()
        server = self.start("serve", "--host", "127.0.0.1", "--port", "0")
        place = self.folder / "data" / "run" / "server.json"
        self.url = self.wait(server, lambda: json.loads(place.read_text(encoding="utf-8"))["url"], "its address")
        self.wait(server, lambda: self.ask("GET", "/health").get("status") == "ok", "health")
        return f"{self.url} after {time.monotonic() - began:.1f} s"

    def set_up(self) -> str:
        """It can be set up, and gives a key."""
        code = (self.folder / "data" / "setup-code").read_text(encoding="utf-8").strip()
        person = {"code": code, "username": "alice", "email": "alice@example.org", "password": PASSWORD}
        self.token = self.ask("POST", "/api/v1/setup", person)["access_token"]
        wished = {"name": "smoke", "scopes": ["uploads:read", "uploads:write"]}
        self.token = self.ask("POST", "/api/v1/api-keys", wished)["key"]
        self.environ |= {"BULLETDROP_SERVER": self.url, "BULLETDROP_TOKEN": self.token}
        return "one account, one key"

    def upload(self) -> str:
        """The command line uploads a picture; its link opens, and the picture comes back to the byte."""
        path = self.folder / "shot.png"
        path.write_bytes(self.picture)
        link = self.run("upload", str(path)).strip()
        _check("og:image" in self.fetch(link).decode(), "the page has no preview")
        _check(self.fetch(f"{link}.png") == self.picture, "the picture is another one")
        return link

    def documentation(self) -> str:
        """The description of its API is there."""
        paths = self.ask("GET", "/api/v1/openapi.json")["paths"]
        _check("/api/v1/uploads" in paths, str(sorted(paths))[:200])
        return f"{len(paths)} addresses"

    def doctor(self) -> str:
        """Folders are found, events come, and keyring and notifications can be asked, whatever they answer."""
        findings = {one["name"]: one for one in json.loads(self.run("doctor", "--json", codes=(0, 1)))}
        for name in ("screenshots", "watcher", "keyring", "notifications", "tray"):
            what = findings[name]["what"]
            broken = [sign for sign in ("No module", "itself did not work", "cannot import") if sign in what]
            _check(not broken, f"{name}: {what}")
        _check(findings["watcher"]["level"] == "ok", findings["watcher"]["what"])
        told = {name: findings[name]["what"] for name in ("screenshots", "keyring", "notifications", "tray")}
        return "; ".join(f"{name}: {what}" for name, what in told.items())

    def tray(self) -> str:
        """The tray starts, finds a new screenshot, sends it, and quits."""
        data = self.folder / "tray-data"
        tray = self.start("tray", "--watch", str(self.shots), "--data", str(data))
        place = data / "tray" / "control.json"
        control = self.wait(tray, lambda: json.loads(place.read_text(encoding="utf-8")), "the tray")
        ask = {"base": control["url"], "token": control["secret"]}
        # What lies in the folder before the tray has looked is old; a screenshot comes after.
        self.wait(tray, lambda: self.ask("GET", "/api/status", **ask)["folders"][0]["how"] != "absent", "the folder")
        began = time.monotonic()
        (self.shots / "new.png").write_bytes(_picture())
        self.wait(tray, lambda: "new.png" in self.names(), "the screenshot on the server")
        took = time.monotonic() - began
        self.ask("POST", "/api/quit", **ask)
        code = tray.wait(30)
        _check(code == 0, f"it ended with {code}: {self.said(tray)}")
        return f"on the server after {took:.2f} s"

    def names(self) -> list[str]:
        """The names of what the account has."""
        return [drop["original_filename"] for drop in self.ask("GET", "/api/v1/uploads")["items"]]

    def autostart(self) -> str:
        """Start at login is switched on, names this program, and is switched off again."""
        on = self.run("tray", "--autostart", "on").strip()
        entry = self.login_entry()
        off = self.run("tray", "--autostart", "off").strip()
        _check("bulletdrop" in (entry or ""), f"the entry: {entry}")
        left = self.login_entry()
        _check(left is None, f"it is still there: {left}")
        return f"{on} / {off}"

    def login_entry(self) -> str | None:
        """What the system would start at login, read past the program; None for nothing."""
        if sys.platform == "win32":
            import winreg

            try:
                with winreg.OpenKey(winreg.HKEY_CURRENT_USER, r"Software\Microsoft\Windows\CurrentVersion\Run") as key:
                    return str(winreg.QueryValueEx(key, "BulletDrop")[0])
            except FileNotFoundError:
                return None
        folder = self.folder / "home" / ("Library/LaunchAgents" if MAC else ".config/autostart")
        found = [path.read_text(encoding="utf-8") for path in folder.glob("*")] if folder.is_dir() else []
        return found[0] if found else None

    def stop(self) -> str:
        """The server ends when it is told to."""
        server = self._processes[0][0]
        if WINDOWS:
            server.terminate()  # a process there can be told nothing more gentle
            server.wait(30)
            return "ended"
        server.send_signal(signal.SIGTERM)
        code = server.wait(30)
        _check(code == 0, f"it ended with {code}: {self.said(server)}")
        return "cleanly"

    # --- what the steps use

    def run(self, *arguments: str, codes: tuple[int, ...] = (0,)) -> str:
        """Run a command of the program to its end. Returns what it prints."""
        done = subprocess.run(
            [*self.command, *arguments],
            env=self.environ, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_SECONDS, check=False,
        )
        said = done.stdout.decode("utf-8", "replace")
        errors = done.stderr.decode("utf-8", "replace")
        _check(done.returncode in codes, f"{' '.join(arguments)} ended with {done.returncode}: {said}{errors}")
        return said

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """Start a command of the program that stays."""
        log = self.folder / f"{arguments[0]}.log"
        with log.open("wb") as out:
            process = subprocess.Popen(
                [*self.command, *arguments], env=self.environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
            )
        self._processes.append((process, log))
        return process

    def wait(self, process: subprocess.Popen[bytes], question: Callable[[], Any], what: str) -> Any:
        """Ask until there is an answer that is true, while the process runs."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        problem: object = "nothing"
        while time.monotonic() < deadline:
            _check(process.poll() is None, f"it ended with {process.returncode}: {self.said(process)}")
            try:
                if answer := question():
                    return answer
            except (OSError, ValueError, KeyError, IndexError) as error:
                problem = error
            time.sleep(0.05)
        raise Failed(f"{what} did not come; last: {problem}; {self.said(process)}")

    def said(self, process: subprocess.Popen[bytes]) -> str:
        """The end of what a started command wrote."""
        log = next(log for one, log in self._processes if one is process)
        return log.read_text(encoding="utf-8", errors="replace")[-3000:]

    def ask(self, method: str, path: str, value: object = None, *, base: str = "", token: str = "") -> Any:
        """One request with JSON in and out."""
        body = None if value is None else json.dumps(value).encode()
        headers = {"Content-Type": "application/json"} if body else {}
        if token or self.token:
            headers["Authorization"] = f"Bearer {token or self.token}"
        if method == "POST" and body is None:
            body = b""
        answer = self.fetch(f"{base or self.url}{path}", method=method, body=body, headers=headers)
        return json.loads(answer) if answer else {}

    def fetch(
        self, url: str, *, method: str = "GET", body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> bytes:
        """What stands at an address. Raises OSError for any answer but a good one."""
        request = urllib.request.Request(url, data=body, headers=headers or {}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
                content: bytes = answer.read()
        except urllib.error.HTTPError as error:
            raise OSError(f"{method} {url}: {error.code} {error.read()[:500]!r}") from error
        return content

    def close(self) -> None:
        """End what still runs."""
        for process, _ in self._processes:
            if process.poll() is None:
                process.kill()
                process.wait(10)


STEPS: tuple[Callable[[Smoke], str], ...] = (
    Smoke.version, Smoke.serve, Smoke.set_up, Smoke.upload, Smoke.documentation, Smoke.doctor, Smoke.tray,
    Smoke.autostart, Smoke.stop,
)


def _check(is_so: bool, otherwise: str) -> None:
    if not is_so:
        raise Failed(otherwise)


def _picture() -> bytes:
    """A PNG of 64 × 48 pixels that no one has seen before."""
    rows = b"".join(b"\0" + random.randbytes(64 * 3) for _ in range(48))
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", 64, 48, 8, 2, 0, 0, 0)), (b"IDAT", zlib.compress(rows)), (b"IEND", b""),
    )
    chunks = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in parts
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def main(arguments: list[str]) -> int:
    """Run all steps. Returns the exit code."""
    command = [one for one in arguments if one != "--"]
    if not command or command[0] in ("-h", "--help"):
        print(__doc__)
        return 0 if command else 2
    found = shutil.which(command[0])
    command[0] = str(Path(found or command[0]).absolute()) if os.sep in command[0] or "/" in command[0] else command[0]
    with tempfile.TemporaryDirectory(prefix="bulletdrop-smoke-", ignore_cleanup_errors=True) as folder:
        smoke = Smoke(command, Path(folder))
        try:
            for step in STEPS:
                print(f"{step.__name__:<14}", end="", flush=True)
                print(step(smoke), flush=True)
        except Exception as error:
            print(f"FAILED: {error}", flush=True)
            if not isinstance(error, Failed):
                traceback.print_exc()
            return 1
        finally:
            smoke.close()
    print("All of it works.", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
