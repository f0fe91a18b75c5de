"""No other site's page makes a signed-in browser do anything: every route and form that changes something is tried."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from bulletdrop.core.models import new_id
from bulletdrop.web.routes import ANYBODY, PREFIX, Route
from tests.web.browser import kept
from tests.web.cast import Cast, Headers, cookies
from tests.web.kit import FORM_TYPE, form, png
from tests.web.rows.clients import OFF
from tests.web.test_authorization import ROUTES, TABLE
from tests.web.test_authorization_pages import TABLE as PAGES
from tests.web.test_idor import state

UNSAFE = [route for route in ROUTES if route.method not in ("GET", "HEAD")]
# What is switched off obeys nobody; switched on, a cookie is nothing to it (see `test_foreign_clients`).
FORMS = [address for address in PAGES if not address.startswith("GET ") and address not in OFF]
# The secret in the address is the right to it, whoever is signed in; another site's page has it not.
LINKS = {"POST /delete/<slug:str>/<token:str>", "POST /r/<token:str>"}
FILES = {"POST /account/avatar", "POST /secrets"}
EVIL: dict[str, Headers] = {
    "another site": {"Sec-Fetch-Site": "cross-site"},
    "a sister site": {"Sec-Fetch-Site": "same-site"},
    "nonsense for a site": {"Sec-Fetch-Site": "SAME-ORIGIN, cross-site"},
    "another site, as it says": {"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1"},
    "another origin": {"Origin": "https://evil.example"},
    "an origin that ends like ours": {"Origin": "http://evil-127.0.0.1"},
    "another port": {"Origin": "http://127.0.0.1:1"},
    "a name before an at": {"Origin": "http://127.0.0.1@evil.example"},
    "no origin at all": {"Origin": ""},
    "an origin that cannot be read": {"Origin": "http://[::1"},
}


def without_token(own: Headers, foreign: str) -> Iterator[tuple[str, Headers]]:
    """What is missing or wrong about the token."""
    cookie = {"Cookie": own["Cookie"]}
    yield "no token", cookie
    for name, token in {
        "an empty token": "",
        "somebody else's token": foreign,
        "nonsense": "0" * 64,
        "the token in capitals": own["X-CSRF-Token"].upper(),
        "half the token": own["X-CSRF-Token"][:32],
    }.items():
        yield name, {**cookie, "X-CSRF-Token": token}
    # A cookie of ours that another host has planted makes no token of it.
    planted = own["Cookie"].replace(own["X-CSRF-Token"], foreign)
    yield "a planted cookie and its token", {"Cookie": planted, "X-CSRF-Token": foreign}


def from_elsewhere(own: Headers) -> Iterator[tuple[str, Headers]]:
    """All is right but where it comes from."""
    for name, headers in EVIL.items():
        yield name, {**own, **headers}


def people(cast: Cast) -> tuple[Headers, str]:
    """alice's browser, and charlie's token."""
    alice, charlie = (cookies(dict(kept(cast.server, name).cookies)) for name in ("alice", "charlie"))
    return alice, charlie["X-CSRF-Token"]


@pytest.mark.parametrize("route", UNSAFE, ids=lambda route: route.name)
def test_no_route_obeys_another_sites_page(
    cast: Cast, route: Route, record_property: Callable[[str, object], None]
) -> None:
    own, foreign = people(cast)
    row, path = TABLE[route.name], PREFIX + route.path
    while "<" in path:
        path = path.replace(f"<{path.partition('<')[2].partition('>')[0]}>", new_id())
    options: dict[str, Any] = {"json": row.body} if route.body is not None else {}
    if route.csrf_in_body:
        options = {"content": form(png())}
        own = {**own, "Content-Type": FORM_TYPE}
    elif row.content is not None:
        options = {"content": row.content}
    tries = list(from_elsewhere(own))
    if route.who != ANYBODY:
        typed = {"Content-Type": FORM_TYPE} if route.csrf_in_body else {}
        tries += [(name, {**headers, **typed}) for name, headers in without_token(own, foreign)]
    before = state(cast.server)
    wrong = {}
    for name, headers in tries:
        answer = cast.request(route.method, path, headers, **options)
        if answer.status_code != 403 or answer.json()["error"]["code"] != "bad_csrf":
            wrong[name] = (answer.status_code, answer.text[:200])
    record_property("tried without a right", len(tries))
    assert not wrong
    assert state(cast.server) == before


@pytest.mark.parametrize("address", FORMS)
def test_no_form_obeys_another_sites_page(
    cast: Cast, address: str, record_property: Callable[[str, object], None]
) -> None:
    own, foreign = people(cast)
    method, _, path = address.partition(" ")
    if "<act:str>" in path and (params := PAGES[address].params):
        path = path.replace("<act:str>", params(cast.server)["act"])
    while "<" in path:
        path = path.replace(f"<{path.partition('<')[2].partition('>')[0]}>", new_id())
    fields = {**(PAGES[address].form or {}), "x": "y"}
    tries = [(name, headers, fields) for name, headers in from_elsewhere(own)]
    if address not in LINKS:
        tries += [(name, headers, fields) for name, headers in without_token(own, foreign)]
        tries += [
            (f"{name}, as a field", {"Cookie": own["Cookie"]}, {**fields, "csrf": token})
            for name, token in (("somebody else's token", foreign), ("nonsense", "x"), ("an empty token", ""))
        ]
    before = state(cast.server)
    wrong = {}
    for name, headers, values in tries:
        sent: dict[str, Any] = {"data": values}
        if address in FILES:
            headers, sent = {**headers, "Content-Type": FORM_TYPE}, {"content": form(png(), fields=values)}
        answer = cast.request(method, path, {"Accept": "text/html", **headers}, **sent)
        if answer.status_code != 403:
            wrong[name] = (answer.status_code, answer.text[-300:])
    record_property("tried without a right", len(tries))
    assert not wrong
    assert state(cast.server) == before


@pytest.mark.parametrize("kind", ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"])
def test_what_forms_of_other_sites_can_send_is_no_json_here(cast: Cast, kind: str) -> None:
    own, _ = people(cast)
    for route in UNSAFE:
        if route.body is None or "<" in route.path:
            continue
        headers = {**own, "Content-Type": kind}
        answer = cast.request(route.method, PREFIX + route.path, headers, content=b'{"a": "b"}')
        assert answer.status_code == 400, (route.name, answer.status_code)


def test_a_get_changes_nothing(cast: Cast) -> None:
    own, _ = people(cast)
    before = state(cast.server)
    for route in ROUTES:
        if route.method == "GET" and "<" not in route.path:
            cast.request("GET", PREFIX + route.path, own)
    for address in PAGES:
        if address.startswith("GET ") and "<" not in address:
            cast.request("GET", address.partition(" ")[2], {"Accept": "text/html", **own})
    assert state(cast.server) == before
