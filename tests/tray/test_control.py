"""The tray's control server as its callers meet it, and as an attacker in a browser or another account does."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.errors import BadTicket
from bulletdrop.tray.control_doors import TICKET_SECONDS, Doors, is_another_user
from bulletdrop.tray.control_http import Request
from tests.tray.control_kit import Browser, as_program, ask
from tests.tray.engine_kit import eventually, png, write
from tests.tray.steering_kit import Controlled, controlled


@pytest.fixture
def tray(tmp_path: Path) -> Iterator[Controlled]:
    with controlled(tmp_path) as running:
        yield running


# --- programs


def test_a_program_with_the_secret_reads_how_the_tray_stands(tray: Controlled) -> None:
    status = as_program(tray, "/api/status").json()
    assert status["state"] == "idle"
    assert status["pid"] == os.getpid()
    assert status["folders"][0]["path"] == str(tray.folder)
    assert status["connection"]["reserved"] == 12
    assert status["preferences"]["link"] == "first"


def test_a_program_lists_captures_and_does_things_with_them(tray: Controlled) -> None:
    write(tray.folder / "shot.png", png())
    item = eventually(lambda: as_program(tray, "/api/recent?n=5").json()["items"])[0]
    eventually(lambda: as_program(tray, f"/api/items/{item['id']}").json()["status"] == "done")
    for act in ("copy", "open", "show", "undo", "delete-both", "approve"):
        assert as_program(tray, f"/api/items/{item['id']}/{act}", {}).status == 204
    assert [name for name, _ in tray.small.did] == ["copy", "open", "show", "undo", "delete-both", "approve"]
    assert as_program(tray, "/api/items/999999/copy", {}).status == 404
    assert as_program(tray, f"/api/items/{item['id']}/format-disk", {}).status == 404


def test_a_program_hands_over_a_file_and_hears_what_became_of_it(tray: Controlled, tmp_path: Path) -> None:
    path = write(tmp_path / "elsewhere.png", png("elsewhere"))
    ticket = as_program(tray, "/api/uploads", {"path": str(path), "copy": False}).json()["ticket"]

    def done() -> Any:
        item = as_program(tray, f"/api/uploads/{ticket}").json()["item"]
        return item if item and item["status"] == "done" else None

    assert eventually(done)["link"].startswith(tray.server.url)
    assert as_program(tray, "/api/uploads", {"path": "relative.png"}).code == "invalid"
    assert as_program(tray, "/api/uploads", {"path": str(tmp_path / "none.png")}).status == 404
    assert as_program(tray, "/api/uploads/none").status == 404


def test_a_program_pauses_resumes_and_ends_the_tray(tray: Controlled) -> None:
    assert as_program(tray, "/api/pause", {"until": "2027-01-01T00:00:00Z"}).status == 204
    assert as_program(tray, "/api/status").json()["state"] == "paused"
    assert as_program(tray, "/api/resume", {}).status == 204
    assert as_program(tray, "/api/status").json()["state"] == "idle"
    assert as_program(tray, "/api/pause", {"until": "soon"}).code == "invalid"
    assert as_program(tray, "/api/quit", {}).status == 204
    assert tray.small.did[-1] == ("quit", None)


def test_a_program_changes_preferences_and_hears_what_does_not_fit(tray: Controlled) -> None:
    new = as_program(tray, "/api/preferences", {"link": "after"}, method="PATCH").json()
    assert new["link"] == "after"
    assert tray.small.chosen.now.link == "after"
    refused = as_program(tray, "/api/preferences", {"link": "never"}, method="PATCH")
    assert (refused.status, refused.json()["error"]["field"]) == (400, "link")
    assert as_program(tray, "/api/preferences", {"lnik": "first"}, method="PATCH").json()["error"]["field"] == "lnik"
    assert as_program(tray, "/api/preferences").json()["link"] == "after"


def test_the_address_and_the_secret_are_for_their_owner_alone(tray: Controlled) -> None:
    path = tray.data / "tray" / "control.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(json.loads(path.read_text())["secret"]) >= 40


def test_the_file_goes_when_the_tray_ends(tmp_path: Path) -> None:
    with controlled(tmp_path) as tray:
        assert (tray.data / "tray" / "control.json").exists()
    assert not (tray.data / "tray" / "control.json").exists()


# --- those who have no business here


@pytest.mark.parametrize("shown", ["", "Bearer ", "Bearer wrong", "Basic YTpi", "Bearer ä"])
def test_without_the_secret_no_program_is_answered(tray: Controlled, shown: str) -> None:
    headers: dict[str, Any] = {"Authorization": shown.encode().decode("latin-1")} if shown else {}
    assert ask(tray, "/api/status", **headers).status == 401
    assert ask(tray, "/api/quit", method="POST", body=b"{}", **headers).status == 401
    assert tray.small.did == []


def test_a_page_that_learnt_the_secret_is_refused_all_the_same(tray: Controlled) -> None:
    refused = as_program(tray, "/api/quit", {}, Origin="https://evil.example")
    assert (refused.status, refused.code) == (403, "forbidden")
    assert as_program(tray, "/api/status", Sec_Fetch_Site="cross-site").status == 403
    assert tray.small.did == []


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1:1", "[::1]:{port}", ""]
)
def test_under_another_name_nothing_is_answered(tray: Controlled, host: str) -> None:
    """DNS rebinding: a name of the attacker's that leads to 127.0.0.1."""
    host = host.format(port=tray.control.port)
    assert as_program(tray, "/api/status", Host=host).status == 403
    browser = Browser(tray)
    assert browser.get("recent", Host=host).status == 403


def test_no_answer_may_be_read_framed_or_embedded_by_another_page(tray: Controlled) -> None:
    for reply in (Browser(tray).get("recent"), ask(tray, "/"), ask(tray, "/static/tray.css"), ask(tray, "/api/status")):
        assert "access-control-allow-origin" not in reply.headers
        assert reply.headers["cross-origin-resource-policy"] == "same-origin"
        assert "frame-ancestors 'none'" in reply.headers["content-security-policy"]
        assert "unsafe" not in reply.headers["content-security-policy"]
        assert reply.headers["x-content-type-options"] == "nosniff"
    preflight = ask(tray, "/api/quit", method="OPTIONS", Origin="https://evil.example")
    assert preflight.status in (401, 403, 404)


def test_a_browser_comes_in_by_a_ticket_once(tray: Controlled) -> None:
    ticket = tray.control.page_address("health").removeprefix(tray.control.url)
    first = Browser(tray, ticket)
    assert first.entered.status == 200
    assert f"url={first.room}health" in first.entered.text
    cookie = first.entered.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie
    assert "Path=/;" not in cookie
    assert first.get("health").status == 200


def test_a_ticket_that_comes_twice_ends_what_the_first_one_got(tray: Controlled) -> None:
    """Whoever saw the address in the list of processes and was quicker is thrown out when its owner comes."""
    ticket = tray.control.page_address().removeprefix(tray.control.url)
    thief = Browser(tray, ticket)
    assert thief.get("recent").status == 200
    owner = Browser(tray, ticket)
    assert owner.entered.status == 401
    assert "used already" in owner.entered.text
    assert thief.get("recent").status == 401


def test_the_same_browser_may_go_back_to_the_address_that_brought_it_in(tray: Controlled) -> None:
    ticket = tray.control.page_address().removeprefix(tray.control.url)
    browser = Browser(tray, ticket)
    again = ask(tray, ticket, Cookie=browser.cookie)
    assert again.status == 200
    assert browser.get("recent").status == 200


def test_a_browser_that_fetches_ahead_does_not_use_the_ticket_up(tray: Controlled) -> None:
    ticket = tray.control.page_address().removeprefix(tray.control.url)
    assert ask(tray, ticket, Sec_Purpose="prefetch;prerender").status == 401
    assert ask(tray, ticket, method="HEAD").status == 401
    assert Browser(tray, ticket).entered.status == 200


def test_a_ticket_is_good_for_a_minute() -> None:
    clock = ManualClock()
    doors = Doors(clock)
    asked = Request("GET", "/", {}, {})
    late, early = doors.make_ticket(), doors.make_ticket()
    clock.advance(seconds=TICKET_SECONDS - 1)
    assert doors.enter(early, asked).room
    clock.advance(seconds=2)
    with pytest.raises(BadTicket, match="too old"):
        doors.enter(late, asked)
    with pytest.raises(BadTicket):
        doors.enter("never-made", asked)


def test_the_path_without_its_cookie_and_the_cookie_without_its_path_are_worth_nothing(tray: Controlled) -> None:
    """Cookies know no ports: each program on 127.0.0.1 that a browser visits is sent those of its path."""
    one, other = Browser(tray), Browser(tray)
    assert ask(tray, one.room + "recent").status == 401
    assert ask(tray, one.room + "recent", Cookie="bd_tray=guess").status == 401
    assert ask(tray, one.room + "recent", Cookie=other.cookie).status == 401
    assert ask(tray, "/AAAAAAAAAAAAAAAA/recent", Cookie=one.cookie).status == 401
    assert ask(tray, "/recent", Cookie=one.cookie).status == 404
    assert one.get("recent").status == 200
    # Another program on this host has planted one of the same name.
    assert ask(tray, one.room + "recent", Cookie=f"bd_tray=planted; {one.cookie}").status == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:1", "http://localhost", "null", ""])
def test_a_form_from_another_page_does_nothing(tray: Controlled, origin: str) -> None:
    browser = Browser(tray)
    refused = browser.post("recent", {"bar": "quit"}, Origin=origin)
    assert refused.status == 403
    assert tray.small.did == []


@pytest.mark.parametrize("token", ["", "wrong", "ä"])
def test_a_form_without_its_token_does_nothing(tray: Controlled, token: str) -> None:
    browser = Browser(tray)
    assert browser.post("recent", {"bar": "quit", "csrf": token}).status == 403
    assert browser.post("recent", {"bar": "quit", "csrf": Browser(tray).csrf()}).status == 403
    assert tray.small.did == []
    ended = browser.post("recent", {"bar": "quit"})
    assert (ended.status, "BulletDrop has ended" in ended.text) == (200, True)
    eventually(lambda: tray.small.did == [("quit", None)])


HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
V4, MAPPED = "0100007F", "0000000000000000FFFF00000100007F"
ME, OTHER = os.getuid(), os.getuid() + 1


def row(local: int, remote: int, user: int, *, state: str = "01", inode: int = 7, address: str = V4) -> str:
    """A socket as /proc/net/tcp tells of it."""
    ends = f"{address}:{local:04X} {address}:{remote:04X}"
    return f"   0: {ends} {state} 00000000:00000000 00:00000000 00000000 {user:5d}        0 {inode} 1 0\n"


@pytest.mark.skipif(sys.platform != "linux", reason="told by Linux alone")
@pytest.mark.parametrize(
    ("rows", "is_told"),
    [
        ([row(8080, 40000, OTHER)], True),
        ([row(8080, 40000, ME)], False),
        ([row(8080, 40000, OTHER, address=MAPPED)], True),
        ([row(8080, 40000, OTHER, state="05")], True),
        # What is left of a connection that ended is nobody's, and stands there as root's.
        ([row(8080, 40001, 0, state="06", inode=0), row(8080, 40000, OTHER)], True),
        ([row(8080, 40000, 0, state="06", inode=0), row(8080, 40000, OTHER)], True),
        ([row(8080, 40000, 0, inode=0)], True),
        # The port of another's socket is in use by ours too, to somewhere else.
        ([row(8080, 40000, OTHER), row(8080, 443, ME)], True),
        # Our end is in the list, and the asker's is not.
        ([row(40000, 8080, ME)], True),
        ([row(8081, 40000, OTHER)], False),
        ([], False),
    ],
)
def test_another_user_of_this_machine_is_told_by_the_system(tmp_path: Path, rows: list[str], is_told: bool) -> None:
    table = tmp_path / "tcp"
    table.write_text(HEAD + "".join(rows))
    assert is_another_user(8080, 40000, (table, tmp_path / "none")) is is_told
    assert not is_another_user(8080, 40000, (tmp_path / "none",))


@pytest.mark.skipif(sys.platform != "linux" or os.getuid() != 0, reason="becomes another user")
@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_another_users_program_cannot_read_the_secret_nor_use_a_ticket(tray: Controlled, host: str) -> None:
    """As a whole process of another account: it has seen the address, which works for its owner still."""
    address = tray.control.page_address()
    code = """
import os, sys, http.client, urllib.parse, encodings.idna
os.setgid(65534); os.setuid(65534)
try:
    open(sys.argv[1]).read(); print("read")
except OSError:
    print("closed")
url = urllib.parse.urlsplit(sys.argv[2])
line = http.client.HTTPConnection(sys.argv[3], url.port)
line.request("GET", url.path, headers={"Host": url.netloc}); print(line.getresponse().status)
"""
    control = str(tray.data / "tray" / "control.json")
    done = subprocess.run(
        [sys.executable, "-c", code, control, address, host], capture_output=True, text=True, check=True
    )
    # We are root here, whom the test of the sockets lets through; the file is closed to the other one in any case.
    assert done.stdout.split()[0] == "closed"
    assert done.stdout.split()[1] == "403"
    assert Browser(tray, address.removeprefix(tray.control.url)).entered.status == 200
