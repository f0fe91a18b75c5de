"""Second factors: an app's codes, recovery codes, half-finished sign-ins, and what races and guessers get of them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pyotp
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import Audit, Mail, RecoveryCode, Session, Ticket, Totp, User
from bulletdrop.core.people import (
    accounts,
    keys,
    proof,
    recovery,
    second_factor,
    sessions,
    signing_in,
    tickets,
    totp,
)
from bulletdrop.core.people.password_change import change_password
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadTicket,
    Blocked,
    BulletDropError,
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    NotSignedIn,
    TooMany,
)

PASSWORD = "correct horse battery"
AGENT, ADDRESS = "Firefox/140.0 (X11; Linux)", "192.0.2.7"


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


@pytest.fixture
def app(site: Site, alice: User, clock: ManualClock) -> pyotp.TOTP:
    """Alice's authenticator app, set up and confirmed a minute ago."""
    made = pyotp.TOTP(totp.begin(site, alice).secret)
    second_factor.turn_on(site, alice.id, code_of(made, clock))
    clock.advance(minutes=1)
    return made


def code_of(app: pyotp.TOTP, clock: ManualClock, steps: int = 0) -> str:
    """The code that the app shows now, or so many steps of 30 seconds away."""
    return app.generate_otp(int(clock.now().timestamp()) // 30 + steps)


def enter(site: Site, user: User, **changes: str) -> Tokens | Half:
    wanted = {"method": "password", "user_agent": AGENT, "address": ADDRESS, **changes}
    return signing_in.enter(site, User.get_by_id(user.id), **wanted)


def half_of(site: Site, user: User) -> Half:
    entered = enter(site, user)
    assert isinstance(entered, Half)
    return entered


def finish(site: Site, half: Half, code: str, kind: str = "totp") -> Tokens:
    return signing_in.finish(site, half.ticket, code, kind=kind, user_agent=AGENT, address=ADDRESS)


def at_once(site: Site, count: int, work: Callable[[int], object]) -> list[object]:
    """Do something in as many threads, which all begin together. What raised one of our errors comes back as it."""
    line = threading.Barrier(count)

    def one(number: int) -> object:
        with using(site.db):
            line.wait(30)
            try:
                return work(number)
            except BulletDropError as error:
                return error
            finally:
                site.db.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def test_without_a_second_factor_a_password_opens_a_session(site: Site, alice: User) -> None:
    entered = enter(site, alice)
    assert isinstance(entered, Tokens)
    assert Session.get_by_id(entered.session_id).method == "password"


def test_a_code_of_the_app_finishes_the_sign_in(site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock) -> None:
    half = half_of(site, alice)
    assert half.methods == ("totp", "recovery")
    assert Session.select().count() == 0
    tokens = finish(site, half, code_of(app, clock))
    assert sessions.check_access(site, tokens.access_token).user_id == alice.id
    assert Session.get_by_id(tokens.session_id).method == "password+totp"


def test_a_half_ticket_is_no_access_token_and_no_refresh_token(site: Site, alice: User, app: pyotp.TOTP) -> None:
    ticket = half_of(site, alice).ticket
    with pytest.raises(NotSignedIn):
        sessions.check_access(site, ticket)
    with pytest.raises(NotSignedIn):
        sessions.refresh(site, ticket, user_agent=AGENT, address=ADDRESS)


@pytest.mark.parametrize("steps", [-1, 0, 1])
def test_a_clock_that_is_half_a_minute_off_does_not_matter(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock, steps: int
) -> None:
    finish(site, half_of(site, alice), code_of(app, clock, steps))


@pytest.mark.parametrize("steps", [-20, -2, 2, 20])
def test_a_code_of_another_time_is_refused(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock, steps: int
) -> None:
    with pytest.raises(NotSignedIn) as refused:
        finish(site, half_of(site, alice), code_of(app, clock, steps))
    assert refused.value.field == "code"


@pytest.mark.parametrize("code", ["", "0", "abcdef", "12345", "1234567", "١٢٣٤٥٦", "123456\0", "-12345", "1e5555"])
def test_what_is_no_code_is_refused(site: Site, alice: User, app: pyotp.TOTP, code: str) -> None:
    for kind in ("totp", "recovery"):
        with pytest.raises(NotSignedIn):
            finish(site, half_of(site, alice), code, kind)


def test_a_code_may_be_typed_with_a_space_in_it(site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock) -> None:
    code = code_of(app, clock)
    finish(site, half_of(site, alice), f" {code[:3]} {code[3:]} ")


def test_a_code_works_once_and_older_ones_not_at_all(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    finish(site, half_of(site, alice), code_of(app, clock))
    for steps in (0, -1):
        with pytest.raises(NotSignedIn):
            finish(site, half_of(site, alice), code_of(app, clock, steps))
    clock.advance(seconds=30)
    finish(site, half_of(site, alice), code_of(app, clock))


def test_the_code_that_confirmed_the_app_does_not_sign_in(site: Site, alice: User, clock: ManualClock) -> None:
    app = pyotp.TOTP(totp.begin(site, alice).secret)
    second_factor.turn_on(site, alice.id, code_of(app, clock))
    with pytest.raises(NotSignedIn):
        finish(site, half_of(site, alice), code_of(app, clock))


def test_of_fifty_who_come_with_one_code_one_gets_in(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    code, halves = code_of(app, clock), [half_of(site, alice) for _ in range(50)]
    outcomes = at_once(site, 50, lambda number: finish(site, halves[number], code))
    assert [isinstance(each, Tokens) for each in outcomes].count(True) == 1
    assert all(isinstance(each, Tokens | NotSignedIn) for each in outcomes)
    assert Session.select().count() == 1


def test_of_fifty_who_come_with_one_recovery_code_one_gets_in(site: Site, alice: User, app: pyotp.TOTP) -> None:
    code, *_ = recovery.replace(site, alice)
    halves = [half_of(site, alice) for _ in range(50)]
    outcomes = at_once(site, 50, lambda number: finish(site, halves[number], code, "recovery"))
    assert [isinstance(each, Tokens) for each in outcomes].count(True) == 1
    assert recovery.left(site, alice.id) == 9


def test_of_twenty_who_come_with_one_half_ticket_one_gets_in(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    half, codes = half_of(site, alice), recovery.replace(site, alice)
    # Four, because the fifth try ends a ticket whatever it brings.
    outcomes = at_once(site, 4, lambda number: finish(site, half, codes[number], "recovery"))
    assert [isinstance(each, Tokens) for each in outcomes].count(True) == 1
    # A code that came with a used ticket is not used up.
    assert recovery.left(site, alice.id) == 9
    with pytest.raises(BadTicket):
        finish(site, half, code_of(app, clock))


def test_a_half_ticket_dies_after_five_wrong_codes(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    half = half_of(site, alice)
    outcomes = at_once(site, 20, lambda _: finish(site, half, "000000"))
    assert [type(each) for each in outcomes].count(NotSignedIn) == 5
    assert [type(each) for each in outcomes].count(BadTicket) == 15
    with pytest.raises(BadTicket):
        finish(site, half, code_of(app, clock))
    assert Audit.select().where((Audit.action == "second-factor.wrong") & (Audit.category == "security")).count() == 5


def test_whoever_knows_the_password_guesses_few_codes_a_day(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    checked = 0
    for _ in range(20):
        half = half_of(site, alice)
        for _ in range(5):
            with pytest.raises((NotSignedIn, TooMany)) as refused:
                finish(site, half, "000000")
            checked += refused.type is NotSignedIn
    assert checked == 60
    # Its owner is not locked out by it.
    code, *_ = recovery.replace(site, alice)
    finish(site, half_of(site, alice), code, "recovery")


def test_a_half_ticket_lives_for_ten_minutes(site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock) -> None:
    half = half_of(site, alice)
    assert half.expires_in == 600
    clock.advance(minutes=10)
    with pytest.raises(BadTicket):
        finish(site, half, code_of(app, clock))


@pytest.mark.parametrize("change", ["password", "block", "tickets", "purpose"])
def test_what_changes_the_account_ends_a_half_sign_in(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock, change: str
) -> None:
    accounts.create_user(site, username="carol", email="c@example.org", password=PASSWORD, is_admin=True)
    half = half_of(site, alice)
    if change == "password":
        accounts.set_password(site, "alice", "another good one 42")
    elif change == "block":
        accounts.disable(site, "alice")
    elif change == "tickets":
        tickets.drop_tickets(site, alice.id)
    else:
        Ticket.update(purpose="reset").execute()
    with pytest.raises(NotSignedIn):
        finish(site, half, code_of(app, clock))


def test_nobody_blocked_or_unconfirmed_comes_in(site: Site, alice: User) -> None:
    User.update(is_verified=False).execute()
    with pytest.raises(Forbidden, match="Confirm"):
        enter(site, alice)
    User.update(is_active=False).execute()
    with pytest.raises(Blocked):
        enter(site, alice)


def test_a_recovery_code_works_once_and_is_noted(site: Site, alice: User, app: pyotp.TOTP) -> None:
    code, other, *_ = recovery.replace(site, alice)
    tokens = finish(site, half_of(site, alice), code.lower().replace("-", " "), "recovery")
    assert Session.get_by_id(tokens.session_id).method == "password+recovery"
    with pytest.raises(NotSignedIn):
        finish(site, half_of(site, alice), code, "recovery")
    (noted,) = Audit.select().where(Audit.action == "recovery-code.used")
    assert (noted.category, noted.detail) == ("security", "9 left")
    assert recovery.replace(site, alice)
    with pytest.raises(NotSignedIn):
        finish(site, half_of(site, alice), other, "recovery")


def test_recovery_codes_are_ten_and_not_kept(site: Site, alice: User) -> None:
    codes = recovery.replace(site, alice)
    assert len(set(codes)) == 10
    kept = " ".join(row.code_hash for row in RecoveryCode.select())
    assert not [code for code in codes if code in kept or code.replace("-", "") in kept]


def test_another_accounts_codes_are_worth_nothing(site: Site, alice: User, app: pyotp.TOTP) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    code, *_ = recovery.replace(site, bob)
    with pytest.raises(NotSignedIn):
        finish(site, half_of(site, alice), code, "recovery")


def test_the_secret_of_an_app_is_sealed_and_belongs_to_its_owner(site: Site, alice: User) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    made = totp.begin(site, alice)
    row = Totp.get()
    assert made.secret not in row.secret
    assert made.uri.startswith("otpauth://totp/BulletDrop:alice?secret=")
    assert totp.pending(site, alice, made.secret) == made
    assert totp.pending(site, alice, "") is None
    Totp.create(user=bob, secret=row.secret, created_at=site.clock.now())
    with pytest.raises(BulletDropError, match="cannot be read"):
        totp.pending(site, bob, made.secret)


def test_a_wrong_first_code_switches_nothing_on(site: Site, alice: User, clock: ManualClock) -> None:
    with pytest.raises(Conflict):
        second_factor.turn_on(site, alice.id, "123456")
    app = pyotp.TOTP(totp.begin(site, alice).secret)
    with pytest.raises(Invalid) as refused:
        second_factor.turn_on(site, alice.id, code_of(app, clock, 9))
    assert refused.value.field == "code"
    assert isinstance(enter(site, alice), Tokens)
    clock.advance(minutes=30)
    with pytest.raises(Conflict):
        second_factor.turn_on(site, alice.id, code_of(app, clock))
    app = pyotp.TOTP(totp.begin(site, alice).secret)
    assert len(second_factor.turn_on(site, alice.id, code_of(app, clock))) == 10
    with pytest.raises(Conflict):
        totp.begin(site, alice)


def test_an_app_that_was_switched_off_is_asked_for_no_more(site: Site, alice: User, app: pyotp.TOTP) -> None:
    second_factor.turn_off(site, alice, actor=alice.id)
    assert isinstance(enter(site, alice), Tokens)
    assert recovery.left(site, alice.id) == 0
    assert Audit.select().where((Audit.action == "totp.remove") & (Audit.category == "security")).count() == 1
    with pytest.raises(Conflict):
        second_factor.new_codes(site, alice)


def test_a_proof_is_the_password(site: Site, alice: User) -> None:
    proof.check_proof(site, alice, password=PASSWORD, code=None)
    for password in (None, "", "wrong one"):
        with pytest.raises(Forbidden) as refused:
            proof.check_proof(site, alice, password=password, code=None)
        assert refused.value.field == "password"
    assert Audit.select().where(Audit.action == "proof.refused").count() == 1


def test_without_a_password_a_proof_is_a_code_used_once(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    User.update(password_hash=None).execute()
    alice = User.get_by_id(alice.id)
    code = code_of(app, clock)
    proof.check_proof(site, alice, password=None, code=code)
    for again in (code, "000000", None):
        with pytest.raises(Forbidden) as refused:
            proof.check_proof(site, alice, password=PASSWORD, code=again)
        assert refused.value.field == "code"


def test_without_any_of_these_a_proof_is_a_fresh_sign_in(site: Site, alice: User, clock: ManualClock) -> None:
    User.update(password_hash=None).execute()
    alice = User.get_by_id(alice.id)
    tokens = enter(site, alice, method="oidc")
    assert isinstance(tokens, Tokens)
    proof.check_proof(site, alice, password=None, session_id=tokens.session_id)
    clock.advance(minutes=11)
    for session_id in (tokens.session_id, None, "made up"):
        with pytest.raises(Forbidden):
            proof.check_proof(site, alice, password=None, session_id=session_id)


@pytest.fixture
def posting(site: Site) -> Iterator[Site]:
    """The site, with a mail server that is never reached."""
    from dataclasses import replace

    before = site.live.config
    site.live.config = replace(before, smtp_host="127.0.0.1")
    yield site
    site.live.config = before


def test_a_sign_in_from_a_new_place_is_told_by_mail(posting: Site, alice: User) -> None:
    def told() -> int:
        return int(Mail.select().where(Mail.purpose == "new-sign-in").count())

    enter(posting, alice)
    assert told() == 0
    enter(posting, alice, user_agent=AGENT.replace("140.0", "141.0"))
    assert told() == 0
    enter(posting, alice, address="203.0.113.9")
    assert told() == 1
    enter(posting, alice, user_agent="curl/8.0")
    assert told() == 2
    enter(posting, alice, user_agent="curl/8.1")
    assert told() == 2


def test_changes_of_the_way_in_are_told_by_mail(posting: Site, alice: User, clock: ManualClock) -> None:
    app = pyotp.TOTP(totp.begin(posting, alice).secret)
    code, *_ = second_factor.turn_on(posting, alice.id, code_of(app, clock))
    finish(posting, half_of(posting, alice), code, "recovery")
    second_factor.turn_off(posting, alice, actor=alice.id)
    purposes = [mail.purpose for mail in Mail.select().order_by(Mail.created_at, Mail.id)]
    assert sorted(purposes) == ["recovery-code-used", "security-changed", "security-changed"]


def test_somebody_sees_and_ends_their_own_sessions_alone(site: Site, alice: User, clock: ManualClock) -> None:
    bob = accounts.create_user(site, username="bob", email="bob@example.org", password=PASSWORD)
    mine = [enter(site, alice) for _ in range(3)]
    his = enter(site, bob)
    assert all(isinstance(each, Tokens) for each in (*mine, his))
    ids = [each.session_id for each in mine if isinstance(each, Tokens)]
    assert {row.id for row in sessions.list_sessions(site, alice.id)} == set(ids)
    with pytest.raises(NotFound):
        sessions.revoke_session(site, bob.id, ids[0])
    sessions.revoke_session(site, alice.id, ids[0])
    assert {row.id for row in sessions.list_sessions(site, alice.id)} == set(ids[1:])
    assert sessions.revoke_all(site, alice.id, but=ids[1]) == 1
    assert [row.id for row in sessions.list_sessions(site, alice.id)] == [ids[1]]
    assert len(sessions.list_sessions(site, bob.id)) == 1
    clock.advance(days=400)
    assert sessions.list_sessions(site, alice.id) == []
    assert sessions.forget_sessions(site) == "4 removed"


def test_half_tickets_are_forgotten_with_the_others(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    half_of(site, alice)
    clock.advance(minutes=11)
    assert tickets.forget_tickets(site) == "1 removed"


def test_a_new_password_ends_everything_that_the_old_one_opened(site: Site, alice: User, clock: ManualClock) -> None:
    here, elsewhere = enter(site, alice), enter(site, alice)
    assert isinstance(here, Tokens)
    assert isinstance(elsewhere, Tokens)
    _, key = keys.create_key(site, alice, name="k", scopes=["uploads:read"])
    ticket = tickets.issue(site, "reset", user=alice, lives=second_factor.LIVES)
    with pytest.raises(Invalid) as refused:
        change_password(site, alice, "12345678", session_id=here.session_id)
    assert refused.value.field == "new_password"
    fresh = change_password(site, alice, "another good one 42", session_id=here.session_id)
    assert sessions.check_access(site, fresh.access_token).user_id == alice.id
    stale: list[Callable[[], object]] = [
        lambda: sessions.check_access(site, here.access_token),
        lambda: sessions.check_access(site, elsewhere.access_token),
        lambda: sessions.refresh(site, here.refresh_token or "", user_agent=AGENT, address=ADDRESS),
        lambda: sessions.refresh(site, elsewhere.refresh_token or "", user_agent=AGENT, address=ADDRESS),
        lambda: keys.check_key(site, key),
        lambda: tickets.look(site, "reset", ticket),
        lambda: accounts.authenticate(site, identifier="alice", password=PASSWORD),
    ]
    for each in stale:
        with pytest.raises(NotSignedIn):
            each()
    # The refused old refresh tokens have not ended the session that goes on.
    assert sessions.refresh(site, fresh.refresh_token or "", user_agent=AGENT, address=ADDRESS)
    with pytest.raises(Conflict):
        change_password(site, alice, "a third good one 43", session_id=fresh.session_id)


def test_devices_may_stay_at_a_change_of_the_password(site: Site, alice: User) -> None:
    here = enter(site, alice)
    assert isinstance(here, Tokens)
    _, key = keys.create_key(site, alice, name="k", scopes=["uploads:read"])
    change_password(site, alice, "another good one 42", session_id=here.session_id, revoke_keys=False)
    assert keys.check_key(site, key).user_id == alice.id
