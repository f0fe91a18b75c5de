"""Forged tokens and keys: none is accepted, none is a fault of ours, and none is told from another by its time."""

from __future__ import annotations

import base64
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import jwt
import pytest

from tests.support.server import Server
from tests.web.browser import browser, sign_in
from tests.web.cast import Cast, Headers, bearer
from tests.web.forgery import Real, by_strangers, by_the_key, signed, spellings
from tests.web.stale_kit import PICTURE, Try, ask

ME, SEND = "/api/v1/auth/me", "/api/v1/uploads/forged.png"


@pytest.fixture(scope="module")
def tokens(cast: Cast) -> dict[str, dict[str, str]]:
    """Fresh sessions: two of alice's and one of charlie's."""
    found = {}
    for label, name in (("alice", "alice"), ("again", "alice"), ("charlie", "charlie")):
        with browser(cast.server) as client:
            sign_in(client, name).raise_for_status()
            found[label] = dict(client.cookies)
    return found


@pytest.fixture(scope="module")
def real(cast: Cast, tokens: dict[str, dict[str, str]]) -> Real:
    return real_of(cast.server, tokens["alice"]["bd_access"], tokens["charlie"]["bd_access"])


def real_of(server: Server, token: str, other: str) -> Real:
    """A token with all that a forger could dream of."""
    secret = (server.data / "secret.key").read_text().strip()
    claims = jwt.decode(token, secret, algorithms=["HS256"], audience="bulletdrop")
    others = jwt.decode(other, secret, algorithms=["HS256"], audience="bulletdrop")
    return Real(token, secret, claims, server.url, others["sid"], others["sub"])


def ways(name: str, token: str, csrf: str) -> Iterator[Try]:
    """A token in every place where one counts, on a route that reads and one that writes."""
    pages: Headers = {"Accept": "text/html"}
    for headers in (bearer(token), {"X-API-Key": token}, {"Cookie": f"bd_access={token}", "X-CSRF-Token": csrf}):
        yield Try(name, "GET", ME, headers)
        yield Try(name, "PUT", SEND, headers, PICTURE)
        yield Try(name, "GET", "/", {**pages, **headers})


def outcomes(server: Server, tries: list[Try]) -> list[tuple[Try, int]]:
    """The status of each, many at once."""
    with ThreadPoolExecutor(12) as threads:
        return list(zip(tries, (status for status, _ in threads.map(lambda one: ask(server, one), tries)), strict=True))


def sendable(token: str) -> bool:
    """True for what a header can hold at all."""
    return (token.isascii() and token.isprintable()) or "\t" in token


def wrong(found: list[tuple[Try, int]]) -> list[tuple[str, str, int]]:
    """What was accepted or broke. A page's redirect leads to the sign-in form."""
    fine = {400, 401, 413, 414, 431}
    return [
        (one.label, one.path, status)
        for one, status in found
        if status not in fine and not (one.path == "/" and status == 302)
    ]


@pytest.mark.parametrize("kind", [by_strangers, by_the_key])
def test_no_forged_token_is_accepted(
    cast: Cast,
    real: Real,
    tokens: dict[str, dict[str, str]],
    kind: Callable[[Real], Iterator[tuple[str, str]]],
    record_property: Callable[[str, object], None],
) -> None:
    csrf = tokens["alice"]["bd_csrf"]
    assert {status for _, status in outcomes(cast.server, list(ways("real", real.token, csrf)))} == {200, 201}
    forged = list(kind(real))
    assert len({name for name, _ in forged}) == len(forged)
    tries = [one for name, token in forged if sendable(token) for one in ways(name, token, csrf)]
    found = outcomes(cast.server, tries)
    record_property("forged tokens", len(forged))
    record_property("forged tried", len(found))
    assert not wrong(found)


def test_what_else_was_issued_is_no_access_token(cast: Cast, tokens: dict[str, dict[str, str]]) -> None:
    csrf = tokens["alice"]["bd_csrf"]
    others = {
        "refresh": tokens["alice"]["bd_refresh"],
        "csrf": csrf,
        "half": cast.half_ticket(),
        "session": tokens["alice"]["bd_refresh"].partition(".")[0],
    }
    # As a cookie of the right name the refresh token would be one.
    tries = [one for name, token in others.items() for one in ways(name, token, csrf)]
    assert not wrong(outcomes(cast.server, tries))


def test_a_token_of_another_site_is_none_here(
    cast: Cast, real: Real, tokens: dict[str, dict[str, str]], make_server: Callable[..., Server]
) -> None:
    elsewhere = make_server()
    elsewhere.key_of("alice")
    with browser(elsewhere) as client:
        sign_in(client, "alice").raise_for_status()
        token = client.cookies["bd_access"]
    assert not wrong(outcomes(cast.server, list(ways("elsewhere", token, tokens["alice"]["bd_csrf"]))))
    secret = (elsewhere.data / "secret.key").read_text().strip()
    same = signed({"alg": "HS256", "typ": "JWT"}, real.claims, secret)
    assert not wrong(outcomes(cast.server, list(ways("its key", same, tokens["alice"]["bd_csrf"]))))


def test_however_a_token_is_spelt_it_ends_with_its_session(
    cast: Cast, tokens: dict[str, dict[str, str]], record_property: Callable[[str, object], None]
) -> None:
    values = tokens["again"]
    token = values["bd_access"]
    spelt = [("as it is", token), *((name, other) for name, other in spellings(token) if other != token)]
    tries = [one for name, token in spelt for one in ways(name, token, values["bd_csrf"])]
    before = outcomes(cast.server, tries)
    accepted = {one.label for one, status in before if status in (200, 201)}
    # The letters' spare bits, and blanks around, which HTTP takes away itself.
    harmless = {name for name, _ in spelt if "spare bits" in name} | {"space at the end", "tab at the end"}
    assert accepted <= {"as it is"} | harmless
    assert not [each for each in before if each[1] >= 500]
    headers = {**bearer(values["bd_access"])}
    assert ask(cast.server, Try("", "POST", "/api/v1/auth/logout", headers))[0] == 204
    record_property("spellings accepted before", sorted(accepted))
    assert not wrong(outcomes(cast.server, tries))


def test_a_key_counts_as_it_is_and_not_otherwise(cast: Cast, real: Real, tokens: dict[str, dict[str, str]]) -> None:
    key = cast.server.key_of("bob")
    basic = base64.b64encode(f"bob:{key}".encode()).decode()
    wrong_ones: dict[str, Headers] = {
        f"{name} by {where}": {where: prefix + spelt}
        for where, prefix in (("Authorization", "Bearer "), ("X-API-Key", ""))
        for name, spelt in {
            "capitals": key.upper(),
            "swapped": key.swapcase(),
            "prefix": "bd_",
            "shown part": key[:9],
            "cut": key[:-1],
            "longer": key + "A",
            "twice": key * 2,
            "quoted": f'"{key}"',
            "spaced": f"bd_ {key[3:]}",
            "without prefix": key[3:],
            "another prefix": f"BD_{key[3:]}",
            "percent": key.replace("bd_", "bd%5F"),
            "a token": f"bd_{real.token}",
            "wildcard": "bd_%",
            "SQL": "bd_' OR '1'='1",
            "long": "bd_" + "A" * 5000,
        }.items()
    }
    wrong_ones |= {
        "basic": {"Authorization": f"Basic {basic}"},
        "basic, the key alone": {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"},
        "token": {"Authorization": f"Token {key}"},
        "no scheme": {"Authorization": key},
        "no space": {"Authorization": f"Bearer{key}"},
        "two in one": {"Authorization": f"Bearer nothing, Bearer {key}"},
        "digest": {"Authorization": f'Digest username="bob", response="{key}"'},
        "access cookie": {"Cookie": f"bd_access={key}"},
        "refresh cookie": {"Cookie": f"bd_refresh={key}"},
        "another header": {"X-Auth-Token": key, "Api-Key": key},
    }
    tries = [Try(name, "GET", ME, headers) for name, headers in wrong_ones.items() if "access" not in name]
    tries += [Try(f"{name} query", "GET", f"{ME}?{name}={key}", {}) for name in ("key", "token", "access_token")]
    assert not wrong(outcomes(cast.server, tries))
    for headers in ({"Authorization": f"bearer {key}"}, {"Authorization": f"BEARER {key}"}, {"X-API-Key": f" {key} "}):
        assert ask(cast.server, Try("", "GET", ME, headers))[0] == 200


def test_of_a_header_and_cookies_of_two_people_the_header_counts_alone(
    cast: Cast, tokens: dict[str, dict[str, str]]
) -> None:
    alices = {"Cookie": f"bd_access={tokens['alice']['bd_access']}; bd_refresh={tokens['alice']['bd_refresh']}"}
    bobs = bearer(cast.server.key_of("bob"))
    status, text = ask(cast.server, Try("", "GET", ME, {**alices, **bobs}))
    assert (status, '"username":"bob"' in text) == (200, True)
    # What is sent on purpose and does not count never falls back to cookies that came along.
    for header in (bearer("nonsense"), bearer(""), {"X-API-Key": ""}, {"X-API-Key": "bd_nonsense"}):
        assert ask(cast.server, Try("", "GET", ME, {**alices, **header}))[0] == 401, header
    # And what is no token of ours takes nothing of the cookies' need for a CSRF token away.
    for header in ({}, {"Authorization": "Basic eDp5"}, {"Authorization": "Negotiate x"}, {"X-Requested-With": "x"}):
        assert ask(cast.server, Try("", "PUT", SEND, {**alices, **header}, PICTURE))[0] == 403, header
    # bob's key with alice's token of the CSRF kind is still bob.
    mixed = {**alices, **bobs, "X-CSRF-Token": tokens["alice"]["bd_csrf"]}
    status, text = ask(cast.server, Try("", "PUT", SEND, mixed, PICTURE))
    assert status == 201
    drop = text.partition('"id":"')[2].partition('"')[0]
    assert cast.server.bob.get(f"/api/v1/uploads/{drop}").status_code == 200
    assert cast.server.alice.get(f"/api/v1/uploads/{drop}").status_code == 404


@pytest.mark.alone
def test_the_time_does_not_tell_how_much_of_a_signature_is_right(cast: Cast, real: Real) -> None:
    head, _, mark = real.token.rpartition(".")
    swapped = {letter: "A" if letter != "A" else "B" for letter in mark}
    first, last = f"{head}.{swapped[mark[0]]}{mark[1:]}", f"{head}.{mark[:-2]}{swapped[mark[-2]]}{mark[-1]}"
    times: dict[str, list[float]] = {first: [], last: []}
    for number in range(800):
        for token in (first, last) if number % 2 else (last, first):
            began = time.perf_counter()
            assert cast.request("GET", ME, bearer(token)).status_code == 401
            times[token].append(time.perf_counter() - began)
    faster = Counter(early < late for early in times[first] for late in times[last])
    share = faster[True] / sum(faster.values())
    assert 0.42 < share < 0.58, (share, statistics.median(times[first]), statistics.median(times[last]))
