"""Secrets: as many openings as allowed, and then nothing of them is left; who may make, see and burn them."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import Audit, Secret, SecretAccess, SecretPart, Team, Usage, User, new_id
from bulletdrop.core.people import departures
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.sharing import secrets
from bulletdrop.core.sharing.secrets import Wishes
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.farewell import finish_deletions
from bulletdrop.core.upkeep.jobs import JOBS, run_job
from bulletdrop.core.upkeep.verify import verify
from bulletdrop.errors import Forbidden, Gone, Invalid, NotFound, QuotaFull, TooBig, Unavailable
from tests.core.secrets_kit import TEXT, WHERE, fetch, make, open_, stored
from tests.core.teams_kit import cast


def test_a_secret_opens_as_often_as_it_may_and_then_is_gone(site: Site, alice: Caller) -> None:
    secret = make(site, alice, max_views=2)
    assert (open_(site, secret).views_left, open_(site, secret).views_left) == (1, 0)
    with pytest.raises(Gone) as used_up:
        open_(site, secret)
    with pytest.raises(Gone) as never:
        secrets.find_secret(site, new_id())
    assert used_up.value.message == never.value.message
    row = Secret.get_by_id(secret.id)
    assert (row.wrapped_key, row.views, stored(site)) == ("", 2, [])
    assert SecretPart.select().count() == 0


def test_fifty_who_open_at_once_are_given_exactly_what_is_allowed(site: Site, alice: Caller) -> None:
    secret, ready = make(site, alice, max_views=7), threading.Barrier(50)

    def one(_: int) -> bool:
        with using(site.db):
            found = secrets.find_secret(site, secret.id)
            ready.wait(30)
            try:
                return secrets.open_secret(site, found, **WHERE).text == TEXT
            except Gone:
                return False
            finally:
                site.db.close()

    with ThreadPoolExecutor(50) as pool:
        assert sum(pool.map(one, range(50))) == 7


def test_the_database_never_holds_ciphertext_and_the_storage_never_plaintext(site: Site, alice: Caller) -> None:
    make(site, alice, "kerfuffle otter", {"plan.txt": b"brisk otter" * 9000})
    values = [str(row) for model in (Secret, SecretPart, SecretAccess, Audit) for row in model.select().dicts()]
    sealed = [(site.config.data / key).read_bytes() for key in stored(site)]
    assert len(sealed) == 2
    for content in (*sealed, *(value.encode() for value in values)):
        for word in (b"otter", b"plan.txt"):
            assert word not in content
    assert not list(site.temporary.iterdir())


def test_an_attachment_is_fetched_with_the_pass_and_destroyed_after(site: Site, alice: Caller) -> None:
    content = bytes(range(256)) * 1000
    secret = make(site, alice, files={"a.bin": content, "b.txt": b"b"})
    opened = open_(site, secret)
    assert [(file.part, file.name, file.size) for file in opened.files] == [(1, "a.bin", 256_000), (2, "b.txt", 1)]
    assert len(stored(site)) == 2  # the text is gone
    assert fetch(site, secret, opened) == content
    assert len(stored(site)) == 1
    with pytest.raises(Gone):
        fetch(site, secret, opened)
    assert fetch(site, secret, opened, 2) == b"b"
    assert stored(site) == []
    assert User.get_by_id(alice.user_id).storage_used == 0


def test_a_pass_is_good_for_a_quarter_of_an_hour_and_for_its_own_secret(
    site: Site, alice: Caller, clock: ManualClock
) -> None:
    secret, other = make(site, alice, files={"a": b"aaa"}), make(site, alice, files={"b": b"bbb"})
    opened, foreign = open_(site, secret), open_(site, other)
    for wrong in (foreign.pass_, "", "nonsense", opened.pass_[:-4] + "AAAA", "é"):
        with pytest.raises(Gone):
            secrets.begin_fetch(site, secret.id, 1, wrong)
    with pytest.raises(Gone):
        secrets.begin_fetch(site, secret.id, 0, opened.pass_)  # the text is no attachment
    clock.advance(minutes=15)
    with pytest.raises(Gone):
        secrets.begin_fetch(site, secret.id, 1, opened.pass_)
    assert secrets.sweep_secrets(site) == "2 removed"
    assert stored(site) == []


def test_whoever_opened_before_the_last_one_still_fetches_their_files(site: Site, alice: Caller) -> None:
    secret = make(site, alice, files={"a": b"aaa"}, max_views=2)
    first, last = open_(site, secret), open_(site, secret)
    assert fetch(site, secret, last) == b"aaa"
    assert fetch(site, secret, first) == b"aaa"


def test_a_secret_ends_with_its_time(site: Site, alice: Caller, clock: ManualClock) -> None:
    secret = make(site, alice, max_views=None, expires_at=clock.now() + timedelta(hours=1))
    for _ in range(3):
        assert open_(site, secret).views_left is None
    clock.advance(hours=1)
    with pytest.raises(Gone):
        open_(site, secret)
    clock.advance(minutes=16)
    assert run_job(site, "sweep-secrets") == "2 removed"
    row = Secret.get_by_id(secret.id)
    assert (row.wrapped_key, stored(site)) == ("", [])
    assert secrets.state_of(row, clock.now()) == "expired"
    assert [each.outcome for each in secrets.list_accesses(site, row)] == ["expired", *["opened"] * 3]
    clock.advance(days=31)
    secrets.sweep_secrets(site)
    assert Secret.select().count() == 0


def test_a_secret_without_any_end_is_refused(site: Site, alice: Caller) -> None:
    for wishes in ({"max_views": None}, {"max_views": 0}, {"max_views": 1001}, {"mode": "x"}, {"note": "a\nb"}):
        with pytest.raises(Invalid):
            make(site, alice, **wishes)
    for text, error in (("", Invalid), ("x" * (1024 * 1024 + 1), TooBig)):
        with pytest.raises(error):
            make(site, alice, text)
    assert stored(site) == []
    assert not list(site.temporary.iterdir())


def test_burning_ends_it_at_once_passes_included(site: Site, alice: Caller, bob: Caller, clock: ManualClock) -> None:
    secret = make(site, alice, files={"a": b"aaa"}, max_views=5)
    opened = open_(site, secret)
    clock.advance(seconds=1)
    with pytest.raises(NotFound):
        secrets.burn_secret(site, bob, secret.id)
    for _ in range(2):
        secrets.burn_secret(site, alice, secret.id)
    with pytest.raises(Gone):
        open_(site, secret)
    with pytest.raises(Gone):
        secrets.begin_fetch(site, secret.id, 1, opened.pass_)
    assert stored(site) == []
    assert [row.outcome for row in secrets.list_accesses(site, secret)] == ["burned", "opened"]


def test_a_wrong_passphrase_burns_nothing_and_is_noted(site: Site, alice: Caller, clock: ManualClock) -> None:
    secret = make(site, alice, passphrase_hash=secrets.hash_passphrase(site, "open sesame"))
    found = secrets.find_secret(site, secret.id)
    with pytest.raises(secrets.WrongPassphrase):
        secrets.check_passphrase(site, found, "open sesam", **WHERE)
    secrets.check_passphrase(site, found, "open sesame", **WHERE)
    clock.advance(seconds=1)
    # Whoever did not show the right one has the row of a secret that asks for none: it is not this one.
    found.passphrase_hash = None
    with pytest.raises(Gone):
        secrets.open_secret(site, found, **WHERE)
    assert open_(site, secret).text == TEXT
    assert [row.outcome for row in secrets.list_accesses(site, secret)] == ["opened", "refused"]


def test_a_swapped_ciphertext_or_key_does_not_open_and_counts_no_view(site: Site, alice: Caller) -> None:
    mine, other = make(site, alice, "mine"), make(site, alice, "other")
    keys = {part.secret_id: part.key for part in SecretPart.select()}
    first, second = (site.config.data / keys[each.id] for each in (mine, other))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    with pytest.raises(Unavailable):
        open_(site, mine)
    first.write_bytes(kept)
    Secret.update(wrapped_key=other.wrapped_key).where(Secret.id == mine.id).execute()
    with pytest.raises(Unavailable):
        open_(site, mine)
    Secret.update(wrapped_key=mine.wrapped_key).where(Secret.id == mine.id).execute()
    assert Secret.get_by_id(mine.id).views == 0
    assert open_(site, mine).text == "mine"


def test_in_a_team_members_make_and_burn_and_viewers_look(site: Site) -> None:
    people = cast(site)
    secret = make(site, people.member, team=people.team.slug)
    for who in (people.alice, people.admin, people.member, people.viewer):
        assert [row.id for row in secrets.list_secrets(site, who).items] == [secret.id]
        assert [row.id for row in secrets.list_secrets(site, who, team=people.team.id).items] == [secret.id]
    assert secrets.list_secrets(site, people.charlie).items == []
    with pytest.raises(NotFound):
        secrets.visible_secret(site, people.charlie, secret.id)
    with pytest.raises(Forbidden):
        secrets.burn_secret(site, people.viewer, secret.id)
    with pytest.raises(Forbidden):
        make(site, people.viewer, team=people.team.slug)
    with pytest.raises(NotFound):
        make(site, people.charlie, team=people.team.slug)
    assert Team.get_by_id(people.team.id).storage_used == sum(part.size for part in SecretPart.select())
    assert secret.size == len(TEXT)
    secrets.burn_secret(site, people.alice, secret.id)
    assert Team.get_by_id(people.team.id).storage_used == 0


def test_a_repeat_with_the_same_key_is_the_same_secret(site: Site, alice: Caller, bob: Caller) -> None:
    first = make(site, alice, idempotency_key="once")
    again = make(site, alice, "another text", idempotency_key="once")
    assert again.id == first.id
    assert make(site, bob, idempotency_key="once").id != first.id
    assert len(stored(site)) == 2
    assert open_(site, first).text == TEXT


def test_secrets_count_for_the_quota_and_are_counted_by_day(site: Site, alice: Caller) -> None:
    User.update(limits={"storage": 1000}).where(User.id == alice.user_id).execute()
    make(site, alice, files={"a": b"a" * 700})
    with pytest.raises(QuotaFull):
        make(site, alice, files={"a": b"a" * 700})
    assert len(stored(site)) == 2
    assert list(verify(site)) == []
    assert Usage.get(Usage.account == alice.user_id).secrets == 1


def test_what_a_crash_left_is_found_by_verify_and_swept(site: Site, alice: Caller, clock: ManualClock) -> None:
    secret = make(site, alice)
    lost = site.config.data / "secrets" / "left-by-a-crash"
    lost.write_bytes(b"sealed")
    # The process died between the burn and the end of its bytes.
    Secret.update(wrapped_key="", burned_at=clock.now(), views=1, last_viewed_at=clock.now()).where(
        Secret.id == secret.id
    ).execute()
    assert [line.partition(":")[0] for line in verify(site)] == ["secrets/left-by-a-crash"]
    assert secrets.sweep_secrets(site, older_than_seconds=-1e12) == "2 removed"
    assert (stored(site), list(verify(site))) == ([], [])
    assert "sweep-secrets" in {job.name for job in JOBS}


def test_an_account_that_goes_takes_its_secrets_along(
    site: Site, alice: Caller, bob: Caller, clock: ManualClock
) -> None:
    secret, kept = (
        make(site, alice, files={"a": b"a"}, max_views=None, expires_at=clock.now() + timedelta(days=99)),
        make(site, bob),
    )
    departures.request_deletion(site, alice.user_id, link="http://127.0.0.1:8484/signin")
    with pytest.raises(Gone):
        secrets.find_secret(site, secret.id)
    clock.advance(days=7)
    finish_deletions(site)
    assert [row.id for row in Secret.select()] == [kept.id]
    assert len(stored(site)) == 1


def test_a_blocked_persons_secrets_do_not_open(site: Site, alice: Caller, bob: Caller) -> None:
    secret, other = make(site, alice), make(site, bob)
    User.update(is_active=False).where(User.id == alice.user_id).execute()
    assert open_(site, other).text == TEXT
    with pytest.raises(Gone):
        secrets.find_secret(site, secret.id)
    User.update(is_active=True).where(User.id == alice.user_id).execute()
    assert open_(site, secret).text == TEXT


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3::4", "2001:db8:1::/48"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("fe80::1%eth0", "fe80::/48"),
        ("unknown", ""),
    ],
)
def test_addresses_are_shortened_before_they_are_kept(address: str, kept: str) -> None:
    assert secrets.shortened(address) == kept


def test_wishes_have_a_default_that_burns_at_once() -> None:
    assert Wishes().max_views == 1
