"""Hashes that an import brought: what is taken, what is refused at once, and that the time tells nothing of them."""

from __future__ import annotations

import time

import bcrypt
import pytest

from bulletdrop.core.models import User
from bulletdrop.core.people import accounts, passwords
from bulletdrop.core.site import Site
from bulletdrop.errors import NotSignedIn
from tests.support.server import PASSWORD


def imported(password: str, rounds: int = 4) -> str:
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(rounds)).decode()


def test_a_hash_that_would_take_a_day_is_refused_at_once() -> None:
    dear = imported(PASSWORD).replace("$2b$04$", "$2b$31$")
    began = time.thread_time()
    assert not passwords.password_fits(dear, PASSWORD)
    # bcrypt's work doubles with each step: 31 would take two days, 15 two seconds.
    assert time.thread_time() - began < 1.5


@pytest.mark.alone
def test_where_there_are_imported_hashes_every_refusal_does_the_work_of_both_kinds() -> None:
    old, new = imported(PASSWORD, 10), passwords.hash_password(PASSWORD)
    cases = {"nobody": (None, old), "new": (new, old), "old": (old, old), "nobody, no import": (None, None)}
    best = dict.fromkeys(cases, 9.0)
    for _ in range(7):
        for name, (stored, other) in cases.items():
            # The processor's time and not the clock's: who else works on this machine is no matter here.
            began = time.process_time()
            assert not passwords.password_fits(stored, "wrong one here", imported=other)
            best[name] = min(best[name], time.process_time() - began)
    assert max(best["nobody"], best["new"], best["old"]) < 1.25 * min(best["nobody"], best["new"], best["old"])
    assert best["nobody, no import"] < 0.7 * best["nobody"]


def test_somebody_elses_imported_hash_opens_nothing(site: Site) -> None:
    alice = accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD)
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    nobody = accounts.insert_user(site, username="carol", email="carol@example.org", password_hash=None)
    User.update(password_hash=imported("the words of bob")).where(User.id == bob.id).execute()
    for name in (alice.username, nobody.username, "zoe"):
        with pytest.raises(NotSignedIn) as refusal:
            accounts.authenticate(site, identifier=name, password="the words of bob")
        assert refusal.value.message == "The name or the password is wrong."
    assert accounts.authenticate(site, identifier="alice", password=PASSWORD).id == alice.id
    assert accounts.authenticate(site, identifier="bob", password="the words of bob").id == bob.id
    assert not User.select().where(passwords.is_bcrypt(User.password_hash)).exists()
