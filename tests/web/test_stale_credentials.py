"""What was issued before something was taken away opens nothing a moment after it, with one worker and with four."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.support.processes import all_answer
from tests.support.server import PASSWORD, Server
from tests.web.browser import kept
from tests.web.cast import cookies
from tests.web.stale_kit import NEW_PASSWORD, Held, Try, accepted, ask, hold_everything

SESSIONS = {"browser", "browser refresh", "program", "program refresh", "half"}
KEYS = {"key", "reader", "device", "pairing", "admin key"}
# Not the old address's word against a change of it, "undo": whoever made the change could take it away otherwise, by
# whatever they do next.
TICKETS = {"reset", "confirm"}
ALL = SESSIONS | KEYS | TICKETS
# The old address's word against a change outlives what whoever made the change may do next.
BUT_THE_VETO = ALL - {"undo"}
BROWSER = {"browser", "browser refresh"}


def as_admin(held: Held, method: str, path: str, values: object = None) -> None:
    """Do something to them as an admin."""
    answer = kept(held.server, "alice").request(method, f"/api/v1/admin/users/{held.id}{path}", json=values)
    assert answer.status_code < 300, answer.text


def by_ticket(held: Held, label: str) -> None:
    """Use one of the mailed links."""
    (one,) = [each for each in held.tries if each.label == label]
    status, text = ask(held.server, one)
    assert status == 204, text


def end_browser(held: Held) -> None:
    """Sign the browser out from the program's list."""
    _, text = ask(held.server, Try("", "GET", "/api/v1/account/sessions", cookies(held.browser)))
    current = text.partition('"is_current":true')[0].rpartition('"id":"')[2].partition('"')[0]
    held.ask("program", "DELETE", f"/account/sessions/{current}")


def own_password(held: Held, *, revoke_keys: bool = True) -> None:
    """Change the password in the browser."""
    values = {"new_password": NEW_PASSWORD, "password": PASSWORD, "revoke_keys": revoke_keys}
    held.ask("browser", "POST", "/account/password", values)


# What is done, and what is worthless after it. What is not named is still good, and tried to be.
ACTS: dict[str, tuple[Callable[[Held], object], set[str]]] = {
    "signing out": (lambda held: held.ask("browser", "POST", "/auth/logout"), BROWSER),
    "signing out by the page": (
        lambda held: ask(held.server, Try("", "POST", "/signout", cookies(held.browser))),
        BROWSER,
    ),
    "a session ended from the list": (end_browser, BROWSER),
    "signing out everywhere else": (
        lambda held: held.ask("program", "DELETE", "/account/sessions"),
        BROWSER | {"half"},
    ),
    "signing out everywhere": (lambda held: held.ask("browser", "DELETE", "/account/sessions?all=true"), SESSIONS),
    "signed out by an admin": (lambda held: as_admin(held, "POST", "/sign-out"), SESSIONS),
    "an own new password": (own_password, BUT_THE_VETO),
    "an own new password, keys kept": (
        lambda held: own_password(held, revoke_keys=False),
        BUT_THE_VETO - KEYS | {"pairing"},
    ),
    "a reset by a mailed link": (lambda held: by_ticket(held, "reset"), BUT_THE_VETO),
    "a password from the command line": (
        lambda held: held.server.command("user", "passwd", held.name, "--password-stdin", stdin=NEW_PASSWORD),
        ALL,
    ),
    "a block": (lambda held: as_admin(held, "PATCH", "", {"is_active": False}), ALL),
    "a block from the command line": (lambda held: held.server.command("user", "disable", held.name), ALL),
    "a demotion": (lambda held: as_admin(held, "PATCH", "", {"is_admin": False}), SESSIONS | {"admin key"}),
    "a key revoked": (lambda held: held.ask("browser", "DELETE", f"/api-keys/{held.key_ids['key']}"), {"key"}),
    "all keys revoked by an admin": (lambda held: as_admin(held, "POST", "/revoke-keys"), KEYS),
    "an own deletion": (
        lambda held: held.ask("browser", "POST", "/account/delete-request", {"password": PASSWORD}),
        BUT_THE_VETO,
    ),
    "a deletion by an admin": (lambda held: as_admin(held, "DELETE", ""), BUT_THE_VETO),
    "a deletion at once": (lambda held: as_admin(held, "DELETE", f"?at_once=true&confirm={held.name}"), ALL | {"undo"}),
    "a change of address undone": (lambda held: by_ticket(held, "undo"), ALL | {"undo"}),
}


@pytest.fixture(scope="module", params=[1, 4], ids=["1 worker", "4 workers"])
def workers(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server of one and of four processes."""
    environ = {"BULLETDROP_MIN_FREE_DISK": "0", "BULLETDROP_TRUSTED_PROXIES": "127.0.0.1"}
    environ["BULLETDROP_WORKERS"] = str(request.param)
    server = Server(tmp_path_factory.mktemp("stale") / "data", environ=environ)
    server.start()
    try:
        if request.param > 1:
            all_answer(server)
        server.key_of("alice")
        yield server
    finally:
        server.close()


@pytest.mark.parametrize("act", ACTS)
def test_nothing_issued_before_is_good_after(
    workers: Server, act: str, record_property: Callable[[str, object], None]
) -> None:
    do, worthless = ACTS[act]
    held = hold_everything(workers, is_admin="demotion" in act)
    again = [one for one in held.tries if not one.once]
    # Every worker has seen everything that can be used more than once, so that whatever it remembers is warm.
    _, refused, _ = accepted(workers, again, times=2)
    assert not refused
    do(held)
    stale = [one for one in held.tries if one.label in worthless]
    wrong, right, seconds = accepted(workers, stale, times=2)
    assert not wrong
    record_property("stale tried and refused", len(right))
    record_property("seconds until each was tried", round(seconds, 2))
    still = [one for one in again if one.label not in worthless]
    _, refused, _ = accepted(workers, still)
    assert not refused
