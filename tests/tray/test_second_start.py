"""A second start, with and without arguments, speaks to the tray that runs. Real processes, no screen."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from bulletdrop.tray.instance import InstanceLock
from bulletdrop.tray.running_tray import RunningTray, find
from tests.support.server import Server, binary
from tests.tray.engine_kit import FakeServer, Rule, eventually, fake_server, png, write


class Machine:
    """One person's computer without a screen: a data folder, a watched folder, a server elsewhere."""

    def __init__(self, top: Path, server: FakeServer) -> None:
        self.top, self.server = top, server
        self.data, self.folder = top / "data", top / "shots"
        self.folder.mkdir()
        (top / "home").mkdir()
        clean = {name: value for name, value in os.environ.items() if not name.startswith("BULLETDROP_")}
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "DBUS_SESSION_BUS_ADDRESS"):
            clean.pop(name, None)
        own = {"BULLETDROP_DATA": str(self.data), "HOME": str(top / "home"), "LANG": "C.UTF-8"}
        self.environ = clean | own | {"PYTHONFAULTHANDLER": "1"}
        self.tray: subprocess.Popen[bytes] | None = None

    def start(self, url: str = "", token: str = "bd_tray") -> RunningTray:
        """Start the tray, paired by the environment, and wait until it can be spoken to."""
        named = {"BULLETDROP_SERVER": url or self.server.url, "BULLETDROP_TOKEN": token}
        with (self.top / "tray.log").open("ab") as log:
            self.tray = subprocess.Popen(
                [*binary(), "tray", "--watch", str(self.folder)],
                env=self.environ | named,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        running: RunningTray = eventually(lambda: find(self.data, patience=30), 60)
        eventually(lambda: running.status()["state"] == "idle", 60)
        return running

    def run(self, *arguments: object, **environ: str) -> subprocess.CompletedProcess[str]:
        """Another start of the program, to its end."""
        line = [*binary(), *map(str, arguments)]
        return subprocess.run(
            line, env=self.environ | environ, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60
        )

    def end(self) -> int:
        tray, self.tray = self.tray, None
        if tray is None:
            return 0
        if tray.poll() is None:
            tray.terminate()
        try:
            return tray.wait(60)
        except subprocess.TimeoutExpired:
            os.killpg(tray.pid, signal.SIGABRT)  # with faulthandler: what each of its threads was at
            tray.wait()
            raise AssertionError((self.top / "tray.log").read_text()[-20_000:]) from None


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with fake_server() as server:
        made = Machine(tmp_path, server)
        yield made
        made.end()


Done = subprocess.CompletedProcess[str]


def test_second_instance_with_args_pauses_resumes_and_ends_the_first(machine: Machine) -> None:
    running = machine.start()

    def becomes(state: str) -> None:
        eventually(lambda: running.status()["state"] == state)

    for arguments, state in ((["--pause", "1h"], "paused"), (["--resume"], "idle"), (["--pause", "forever"], "paused")):
        done = machine.run("tray", *arguments)
        assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)
        becomes(state)
    assert machine.run("tray", "--quit").returncode == 0
    assert machine.tray is not None
    assert machine.tray.wait(60) == 0
    assert not (machine.data / "tray" / "control.json").exists()
    assert not InstanceLock(machine.data).is_held()


def test_second_instance_with_args_says_how_the_first_stands_and_what_it_sent(machine: Machine) -> None:
    running = machine.start()
    write(machine.folder / "shot.png", png())
    eventually(lambda: any(item["status"] == "done" for item in running.recent()), 60)
    told = machine.run("tray", "--status").stdout
    assert "state         idle" in told
    assert f"server        {machine.server.url}" in told
    assert str(machine.folder) in told
    assert "asking        0\nrefused       0\nfailed        0\n" in told
    status = json.loads(machine.run("tray", "--status", "--json").stdout)
    assert (status["state"], status["folders"][0]["path"]) == ("idle", str(machine.folder))
    assert "last event just now" in told, "in words, not as a number of a clock elsewhere"
    assert f"done       shot.png  {machine.server.url}/" in machine.run("tray", "--recent").stdout
    assert machine.run("tray", "--pause", "forever").stdout == "Paused until you resume. Screenshots wait.\n"
    assert machine.run("tray", "--pause", "1h").stdout.startswith("Paused until to")
    assert re.search(r"paused until  to\w+, \d\d:\d\d\n", machine.run("tray", "--status").stdout)
    assert machine.run("tray", "--resume").stdout == "Not paused: screenshots are uploaded.\n"
    assert json.loads(machine.run("tray", "--recent", "--json").stdout)[0]["name"] == "shot.png"


def test_a_second_start_without_arguments_opens_the_page_of_the_first(machine: Machine) -> None:
    """Where there is no screen to open it on, its address is printed, and works once."""
    machine.start()
    for arguments in (["tray"], ["tray", "--settings"]):
        done = machine.run(*arguments)
        assert done.returncode == 0, done.stderr
        address = done.stdout.strip()
        with httpx.Client(trust_env=False, follow_redirects=False, timeout=30) as browser:
            entered = browser.get(address)
            assert entered.status_code == 200
            page = browser.get(address.partition("/enter/")[0] + entered.text.split("url=")[1].partition('"')[0])
            assert "Take a screenshot." in page.text
    assert "already running" in machine.run("tray").stderr


@pytest.mark.parametrize("option", ["--status", "--recent", "--resume", "--quit", "--settings", "--pause=1h"])
def test_where_no_tray_runs_it_is_said_and_the_exit_code_tells(machine: Machine, option: str) -> None:
    done = machine.run("tray", option)
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == f"bulletdrop: No tray runs on {machine.data}. Start it with: bulletdrop tray\n"


def test_words_that_do_not_fit_together_are_wrong_usage(machine: Machine) -> None:
    for arguments, words in (
        (["--pause", "1h", "--quit"], "two commands"),
        (["--json"], "--json is for"),
        (["--status", "--server", "http://x.example"], "for a new one"),
        (["--pause", "soon"], "A pause is 30m"),
    ):
        done = machine.run("tray", *arguments)
        assert done.returncode == 2
        assert words in done.stderr


def test_lock_file_unreadable_is_its_own_message(machine: Machine) -> None:
    """No other tray, and another cure: whoever reads "already running" would look for a program that is not there."""
    (machine.data / "tray" / "lock").mkdir(parents=True)
    done = machine.run("tray")
    assert done.returncode == 1
    assert "already running" not in done.stderr
    assert f"{machine.data}/tray/lock cannot be used (Is a directory)" in done.stderr
    assert "--data" in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_what_a_killed_tray_left_behind_misleads_nobody(machine: Machine) -> None:
    running = machine.start()
    assert machine.tray is not None
    os.killpg(machine.tray.pid, signal.SIGKILL)
    machine.tray.wait()
    assert (machine.data / "tray" / "control.json").exists()
    assert machine.run("tray", "--status").returncode == 3
    # The next one writes its own, and only that is believed.
    again = machine.start()
    assert again.pid != running.pid
    assert again.secret != running.secret


def test_nobody_gets_the_secret_who_only_listens_where_a_killed_tray_did(machine: Machine) -> None:
    machine.start()
    assert machine.tray is not None
    path = machine.data / "tray" / "control.json"
    entry = json.loads(path.read_text())
    os.killpg(machine.tray.pid, signal.SIGKILL)
    machine.tray.wait()
    with fake_server() as stranger:
        path.write_text(json.dumps(entry | {"url": stranger.url}))
        # Even while another tray is just starting: it is not the process that the file names.
        lock = InstanceLock(machine.data)
        lock.take()
        try:
            assert machine.run("tray", "--status").returncode == 3
        finally:
            lock.release()
        assert stranger.connections == 0


# --- bulletdrop upload through the tray


def test_an_upload_goes_through_the_trays_queue_with_its_token(machine: Machine) -> None:
    running = machine.start()
    one, two = write(machine.top / "one.png", png(1)), write(machine.top / "two.png", png(2))
    done = machine.run("upload", one, two)
    assert (done.returncode, done.stderr) == (0, "")
    assert len(done.stdout.splitlines()) == 2
    assert {item["name"] for item in running.recent()} == {"one.png", "two.png"}
    assert {kept.headers["authorization"] for kept in machine.server.kept} == {"Bearer bd_tray"}
    assert sorted(done.stdout.split()) == sorted(str(item["link"]) for item in running.recent())


def test_a_file_that_the_server_refuses_is_one_line_and_the_others_go_on(machine: Machine) -> None:
    machine.start()
    machine.server.judge = lambda name: Rule(status=415, code="unknown_type") if name == "bad.png" else None
    bad, good = write(machine.top / "bad.png", png(1)), write(machine.top / "good.png", png(2))
    done = machine.run("upload", bad, good)
    assert done.returncode == 1
    assert done.stderr == f"bulletdrop: {bad}: The fake server says unknown_type.\n"
    assert len(done.stdout.splitlines()) == 1


def wishes_of_their_own() -> list[Callable[[Machine], list[str]]]:
    return [
        lambda machine: ["--json"],
        lambda machine: ["--private"],
        lambda machine: ["--server", machine.server.url],
    ]


@pytest.mark.parametrize("wish", wishes_of_their_own())
def test_what_the_tray_cannot_carry_goes_to_the_server_itself(
    machine: Machine, wish: Callable[[Machine], list[str]]
) -> None:
    running = machine.start()
    file = write(machine.top / "one.png", png(1))
    named = {"BULLETDROP_SERVER": machine.server.url, "BULLETDROP_TOKEN": "bd_own"}
    done = machine.run("upload", file, *wish(machine), **named)
    assert done.returncode == 0, done.stderr
    assert running.recent() == []
    assert {kept.headers["authorization"] for kept in machine.server.kept} == {"Bearer bd_own"}


def test_without_a_tray_an_upload_goes_to_the_server_itself(machine: Machine) -> None:
    named = {"BULLETDROP_SERVER": machine.server.url, "BULLETDROP_TOKEN": "bd_own"}
    done = machine.run("upload", write(machine.top / "one.png", png(1)), **named)
    assert (done.returncode, len(done.stdout.splitlines())) == (0, 1)


def test_queue_hands_the_file_over_at_once_and_it_goes_up_later(machine: Machine) -> None:
    running = machine.start()
    assert machine.run("tray", "--pause", "forever").returncode == 0
    eventually(lambda: running.status()["state"] == "paused")
    file = write(machine.top / "later.png", png(1))
    done = machine.run("upload", "--queue", file)
    assert done.returncode == 0
    # This server hands out no links in advance: that is said, and nothing is made up.
    assert done.stdout == ""
    assert "its link comes later" in done.stderr
    assert machine.server.kept == []
    running.resume()
    eventually(lambda: machine.server.names() == ["later.png"], 30)


def test_queue_prints_the_link_at_once_while_the_server_is_away_and_it_is_true(
    machine: Machine, server: Server
) -> None:
    running = machine.start(server.url, server.key_of("alice"))
    eventually(lambda: running.status()["reserved"] > 0, 30)
    server.stop()
    file = write(machine.top / "early.png", png("early"))
    done = machine.run("upload", "--queue", file)
    assert (done.returncode, done.stderr) == (0, "")
    link = done.stdout.strip()
    assert link.startswith(server.url)
    server.start()
    eventually(lambda: server.alice.get("/api/v1/uploads").json()["items"], 60)
    assert server.alice.get("/api/v1/uploads").json()["items"][0]["url"] == link


def test_queue_needs_a_tray_and_files_as_they_are(machine: Machine) -> None:
    file = write(machine.top / "one.png", png(1))
    assert machine.run("upload", "--queue", file).returncode == 3
    assert machine.run("upload", "--queue", "--private", file).returncode == 2
