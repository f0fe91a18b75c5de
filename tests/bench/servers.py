"""The servers to compare with (a bare Sanic, nginx with one worker) and wrk, which loads them and ours alike."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.bench.shots import Shot
from tests.faults.ends import BOUNDARY, multipart
from tests.faults.product import ROOT, end_group
from tests.support.ports import free_port

# wrk calls `request` for each request: here it glues the tail of the next variant to the head that all share.
UPLOAD_LUA = """
local started = 0
function setup(thread) thread:set("mine", started); started = started + 1 end
function init(args)
  local file = assert(io.open(args[1], "rb")); head = file:read("*a"); file:close()
  path, key, stride, at = args[3], args[4], tonumber(args[5]), tonumber(args[6]) + mine
  tails = {}
  file = assert(io.open(args[2], "rb"))
  while true do
    local size = file:read(4)
    if not size then break end
    local a, b, c, d = size:byte(1, 4)
    tails[#tails + 1] = file:read(((a * 256 + b) * 256 + c) * 256 + d)
  end
  file:close()
  headers = { ["Content-Type"] = "multipart/form-data; boundary=BOUNDARY", ["X-API-Key"] = key }
end
function request()
  at = at + stride
  return wrk.format("POST", path, headers, head .. tails[at % #tails + 1])
end
function response(status) if status ~= 201 then wrong = (wrong or 0) + 1; last = status end end
"""
DONE_LUA = """
local threads = {}
local before = setup
function setup(thread) threads[#threads + 1] = thread; if before then before(thread) end end
function done(summary, latency)
  local wrong = 0
  for _, thread in ipairs(threads) do wrong = wrong + (thread:get("wrong") or 0) end
  local errors = summary.errors
  io.write(string.format('RESULT {"requests": %d, "microseconds": %d, "wrong": %d, "p99_us": %d}\\n', summary.requests,
    summary.duration, wrong + errors.connect + errors.read + errors.write + errors.timeout, latency:percentile(99)))
end
"""
COUNT_LUA = "function response(status) if status ~= 200 then wrong = (wrong or 0) + 1 end end\n"


class LoadError(Exception):
    """A server answered with something else than it should under load: the figure would mean nothing."""


@dataclass(frozen=True)
class Load:
    """What wrk counted."""

    requests: int
    seconds: float
    wrong: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return self.requests / self.seconds


def has_wrk() -> bool:
    """True when wrk is installed."""
    return shutil.which("wrk") is not None


def _wrk(lua: Path, url: str, *words: str, seconds: float, connections: int, threads: int) -> Load:
    command = [
        "wrk",
        f"-t{threads}",
        f"-c{connections}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "30s",
        "-s",
        str(lua),
        url,
    ]
    done = subprocess.run([*command, "--", *words], capture_output=True, text=True, timeout=120 + seconds, check=False)
    line = next((line for line in done.stdout.splitlines() if line.startswith("RESULT ")), None)
    if line is None:
        raise LoadError(f"wrk: {done.stdout[-500:]}{done.stderr[-500:]}")
    counted = json.loads(line.removeprefix("RESULT "))
    load = Load(counted["requests"], counted["microseconds"] / 1e6, counted["wrong"])
    if load.wrong or not load.requests:
        raise LoadError(f"{url}: {load.wrong} of {load.requests} requests went wrong")
    return load


def get_load(folder: Path, url: str, *, seconds: float, connections: int = 32) -> Load:
    """Fetch one URL from many connections. Raises: LoadError unless every answer is a 200."""
    lua = folder / "get.lua"
    lua.write_text(COUNT_LUA + DONE_LUA)
    return _wrk(lua, url, seconds=seconds, connections=connections, threads=2)


class Uploads:
    """Unique uploads for wrk: what all share and what makes each its own, as two files.

    Args:
        count: how many; a product that takes more than that in all would see the first again.
    """

    def __init__(self, folder: Path, shot: Shot, *, count: int) -> None:
        self.folder = folder
        whole = multipart(shot.whole(0), "load.png")
        cut = whole.index(shot.head) + len(shot.head)
        end = f"\r\n--{BOUNDARY}--\r\n".encode()
        (folder / "head").write_bytes(whole[:cut])
        with (folder / "tails").open("wb") as file:
            for number in range(count):
                tail = shot.tail((1 << 40) + number) + end
                file.write(struct.pack(">I", len(tail)) + tail)
        (folder / "upload.lua").write_text(UPLOAD_LUA.replace("BOUNDARY", BOUNDARY) + DONE_LUA)
        self.count = count
        self._used = 0

    def load(self, url: str, path: str, key: str, *, seconds: float, connections: int) -> Load:
        """Upload for some seconds. Raises: LoadError unless every answer is a 201."""
        threads = 2
        files = (str(self.folder / "head"), str(self.folder / "tails"))
        first = self._used
        lua = self.folder / "upload.lua"
        done = _wrk(
            lua,
            url,
            *files,
            path,
            key,
            str(threads),
            str(first),
            seconds=seconds,
            connections=connections,
            threads=threads,
        )
        self._used += done.requests + connections * 2
        return done


@contextlib.contextmanager
def _running(command: list[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
        )
    try:
        until = time.monotonic() + 15
        while not _answers(port):
            if process.poll() is not None or time.monotonic() > until:
                raise LoadError(f"{command[0]}: {log.read_text(errors='replace')[-500:]}")
            time.sleep(0.02)
        yield process
    finally:
        end_group(process)


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status in (200, 404)
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


@dataclass(frozen=True)
class Floor:
    """A server to compare with."""

    url: str
    port: int
    pid: int


@contextlib.contextmanager
def bare_sanic(folder: Path, content: bytes = b"{}") -> Iterator[Floor]:
    """A Sanic that answers `content` at /bytes and drains what is posted to /drain."""
    port = free_port()
    (folder / "content").write_bytes(content)
    command = [sys.executable, "-m", "tests.bench.floor_app", str(port), str(folder / "content")]
    with _running(command, port, folder / "floor.log") as process:
        yield Floor(f"http://127.0.0.1:{port}", port, process.pid)


@contextlib.contextmanager
def nginx(folder: Path, content: bytes, name: str) -> Iterator[Floor]:
    """An nginx with one worker that serves one file."""
    port = free_port()
    root = folder / "nginx"
    (root / "html").mkdir(parents=True)
    (root / "html" / name).write_bytes(content)
    root.chmod(0o755)
    conf = root / "nginx.conf"
    conf.write_text(
        f"worker_processes 1; daemon off; pid {root}/pid; error_log stderr; user root;"
        "events { worker_connections 1024; }"
        f"http {{ access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; types {{ image/png png; }}"
        f" client_body_temp_path {root}/a; proxy_temp_path {root}/b; fastcgi_temp_path {root}/c;"
        f" uwsgi_temp_path {root}/d; scgi_temp_path {root}/e;"
        f" server {{ listen 127.0.0.1:{port}; root {root}/html; }} }}"
    )
    binary = shutil.which("nginx") or "/usr/sbin/nginx"
    with _running([binary, "-p", str(root), "-c", str(conf)], port, folder / "nginx.log") as process:
        yield Floor(f"http://127.0.0.1:{port}", port, process.pid)
