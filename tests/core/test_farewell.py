"""An account whose time is over: gone with everything it had, and with nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.drops import avatars
from bulletdrop.core.models import Audit, Blob, Mail, Session, Upload, Usage, User
from bulletdrop.core.people import departures, keys, sessions
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.farewell import finish_deletions
from bulletdrop.core.upkeep.jobs import JOBS, run_job
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.storage.base import Storage
from tests.core.drops_kit import arrive, keep
from tests.support.pictures import screenshot

LINK = "http://127.0.0.1:8484/signin"


@pytest.fixture
def leaving(site: Site, clock: ManualClock, alice: Caller, bob: Caller) -> Caller:
    """Alice, with drops, a trash, an avatar, a session and a key; bob has the same bytes as one of hers."""
    for number in range(3):
        keep(site, alice, screenshot(number))
    keep(site, bob, screenshot(0))
    trashed = keep(site, alice, screenshot(7))
    Upload.update(trashed_at=clock.now()).where(Upload.id == trashed.id).execute()
    user = User.get_by_id(alice.user_id)
    sessions.open_session(site, user, user_agent="", address="")
    keys.create_key(site, user, name="k", scopes=["uploads:read"])
    avatars.set_avatar(site, alice.user_id, arrive(site, screenshot(9)))
    departures.request_deletion(site, alice.user_id, link=LINK)
    return alice


def test_before_the_seventh_day_is_over_nothing_is_gone(site: Site, clock: ManualClock, leaving: Caller) -> None:
    clock.advance(days=6, hours=23)
    assert finish_deletions(site) == "0 deleted"
    assert Upload.select().where(Upload.owner == leaving.user_id).count() == 4


def test_afterwards_nothing_is_left_of_it_and_all_of_others(
    site: Site, clock: ManualClock, leaving: Caller, bob: Caller
) -> None:
    clock.advance(days=7)
    assert finish_deletions(site) == "1 deleted"
    assert [user.username for user in User.select()] == ["bob"]
    assert [upload.owner_id for upload in Upload.select()] == [bob.user_id]
    assert Blob.select().count() == 1
    assert len(list(site.storage.keys("uploads/"))) == 1
    assert list(site.storage.keys(avatars.FOLDER)) == []
    assert not Session.select().where(Session.user == leaving.user_id).exists()
    assert not Usage.select().where(Usage.account == leaving.user_id).exists()
    assert list(verify(site, read_data=True)) == []
    assert [mail.recipient for mail in Mail.select().where(Mail.purpose == "deleted")] == ["alice@example.org"]
    assert Audit.select().where(Audit.action == "account.deleted").get().subject == leaving.user_id
    assert finish_deletions(site) == "0 deleted"


class _Dies(Exception):
    """The process is gone."""


class _Failing:
    """A storage whose process dies at its nth deletion; everything else goes to the real one."""

    def __init__(self, real: Storage, at: int) -> None:
        self._real = real
        self._left = at

    def delete(self, key: str) -> None:
        if self._left == 0:
            raise _Dies(key)
        self._left -= 1
        self._real.delete(key)

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


def dying(site: Site) -> Iterator[Site]:
    """The site with a storage that dies one deletion later each time."""
    for at in range(40):
        yield Site(site.live, site.db, _Failing(site.storage, at), site.clock, site.decoder, site.counts)  # type: ignore[arg-type]


def test_a_run_that_dies_between_any_two_deletions_of_bytes_is_finished_by_the_next(
    site: Site, clock: ManualClock, leaving: Caller, bob: Caller
) -> None:
    clock.advance(days=7)
    died = 0
    for failing in dying(site):
        try:
            finish_deletions(failing)
            break
        except _Dies:
            died += 1
            # Nothing is half done at any moment: what has a row has its bytes.
            wrong = [line for line in verify(site) if "bytes without a row" not in line]
            assert wrong == []
    assert died >= 3
    finish_deletions(site)
    assert [user.username for user in User.select()] == ["bob"]
    assert [upload.owner_id for upload in Upload.select()] == [bob.user_id]


def test_every_job_of_the_people_runs_on_an_empty_site_and_twice(site: Site) -> None:
    for name in ("finish-deletions", "forget-pairings", "sweep-avatars", "forget-audit"):
        assert name in {job.name for job in JOBS}
        for _ in range(2):
            assert run_job(site, name).startswith("0 ")
