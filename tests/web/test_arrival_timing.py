"""Neither what is asked for it nor how long the answer takes tells a private drop that has come from one on its way."""

from __future__ import annotations

import logging

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops.found import find_page, find_public, is_theirs_at
from bulletdrop.core.drops.rows import put_into_trash
from bulletdrop.core.models import Team, Upload
from bulletdrop.core.names.places import MAIN_PLACE
from bulletdrop.core.people import teams
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.errors import NotFound
from bulletdrop.web.arrivals import Find, OnItsWay, _stand, find_arrived
from tests.core.drops_kit import person
from tests.core.reservations_kit import device, fill
from tests.core.reservations_kit import held as held_on
from tests.support.server import Server
from tests.web.arrival_kit import HTML, held, put
from tests.web.timing_kit import Ask, told_apart


@pytest.fixture
def alice(site: Site) -> Caller:
    return person(site, "alice")


@pytest.fixture
def both(site: Site, alice: Caller) -> tuple[str, str]:
    """A slug whose private drop has come, and one that waits."""
    laptop = device(site, alice)
    full, empty = held_on(site, laptop), held_on(site, laptop)
    fill(site, laptop, full, is_public=False)
    return full, empty


def asked(caplog: pytest.LogCaptureFixture) -> list[str]:
    """The statements that the database was sent, without their values."""
    return [str(record.msg[0]) for record in caplog.records if record.name == "peewee"]


@pytest.mark.parametrize("ending", [None, "png", "jpg"])
def test_a_stranger_who_looks_at_a_slug_costs_the_same_two_questions_whether_its_drop_is_there_or_not(
    site: Site, both: tuple[str, str], ending: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    statements = []
    with caplog.at_level(logging.DEBUG, "peewee"):
        for slug in both:
            caplog.clear()
            find: Find = find_page if ending is None else find_public
            with pytest.raises(OnItsWay) as told:
                find_arrived(site, slug, find, *([slug] if ending is None else [slug, ending]), place=MAIN_PLACE)
            assert told.value.arrival.state == "waiting"
            statements.append(asked(caplog))
    assert statements[0] == statements[1]
    assert len(statements[0]) == 2


def test_a_stream_asks_the_same_of_both(site: Site, both: tuple[str, str], caplog: pytest.LogCaptureFixture) -> None:
    statements = []
    with caplog.at_level(logging.DEBUG, "peewee"):
        for slug in both:
            caplog.clear()
            arrival, upload = _stand(site, slug, place=MAIN_PLACE)
            assert arrival is not None
            assert upload is None
            statements.append(asked(caplog))
    assert statements[0] == statements[1]


def test_somebody_elses_account_is_told_with_one_question_that_neither_is_theirs(
    site: Site, both: tuple[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    charlie = person(site, "charlie")
    statements = []
    with caplog.at_level(logging.DEBUG, "peewee"):
        for slug in both:
            caplog.clear()
            assert not is_theirs_at(site, charlie, slug)
            statements.append(asked(caplog))
    assert statements[0] == statements[1]
    assert len(statements[0]) == 1


def test_whose_drop_has_come_is_told_so_and_by_no_key_that_may_not_read(
    site: Site, alice: Caller, both: tuple[str, str]
) -> None:
    full, empty = both
    assert is_theirs_at(site, alice, full)
    assert not is_theirs_at(site, alice, empty)
    assert not is_theirs_at(site, None, full)
    assert not is_theirs_at(site, Caller(alice.user_id, "alice", is_admin=False, scopes=frozenset()), full)


@pytest.mark.parametrize("end", ["trash", "expiry", "team"])
def test_what_has_come_and_can_be_shown_to_nobody_is_not_told_as_there(
    site: Site, clock: ManualClock, alice: Caller, both: tuple[str, str], end: str
) -> None:
    full, _ = both
    drop = Upload.get(Upload.slug == full)
    if end == "trash":
        put_into_trash(site, drop, actor=alice.user_id)
    elif end == "expiry":
        Upload.update(expires_at=clock.now()).where(Upload.id == drop.id).execute()
    else:
        team = teams.create_team(site, alice.user_id, name="Team").team
        Upload.update(team=team.id).where(Upload.id == drop.id).execute()
        assert is_theirs_at(site, alice, full)
        Team.update(delete_scheduled_for=clock.now()).where(Team.id == team.id).execute()
    assert not is_theirs_at(site, alice, full)
    with pytest.raises(NotFound):
        find_page(site, full)


@pytest.mark.alone
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("who", ["", "charlie"], ids=["nobody", "charlie"])
def test_how_long_the_page_takes_does_not_tell_a_private_drop_that_has_come(
    server: Server, who: str, method: str
) -> None:
    full, empty = held(server.alice), held(server.alice)
    put(server.alice, full, is_public="false").raise_for_status()
    headers = HTML | ({"Authorization": f"Bearer {server.key_of(who)}"} if who else {})

    def ask(slug: str) -> Ask:
        return lambda connection: connection.request(method, f"/{slug}", headers=headers)

    both = (ask(full), ask(empty))
    found = told_apart(server, lambda: both, 250, status=200)
    print(f"AUC {method} {who or 'nobody'} {found:.3f}")
    # Four standard deviations to either side; see `auc`.
    assert 0.38 < found < 0.62
