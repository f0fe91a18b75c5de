"""Second factors: an app's codes, recovery codes, half-finished sign-ins, and what races and guessers get of them."""

from __future__ import annotations

import pyotp
import pytest

from bulletdrop.clock import ManualClock
from bulletdrop.core.models import Audit, RecoveryCode, Session, Ticket, Totp, User
from bulletdrop.core.people import accounts, recovery, second_factor, sessions, tickets, totp
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.errors import (
    BadTicket,
    Blocked,
    BulletDropError,
    Conflict,
    Forbidden,
    Invalid,
    NotSignedIn,
    TooMany,
)
from tests.core.sign_in_kit import ADDRESS, AGENT, PASSWORD, at_once, code_of, enter, finish, half_of, with_app


@pytest.fixture
def alice(site: Site) -> User:
    return accounts.create_user(site, username="alice", email="alice@example.org", password=PASSWORD, is_admin=True)


@pytest.fixture
def app(site: Site, alice: User, clock: ManualClock) -> pyotp.TOTP:
    """Alice's authenticator app, set up and confirmed a minute ago."""
    return with_app(site, alice, clock)


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


def test_half_tickets_are_forgotten_with_the_others(
    site: Site, alice: User, app: pyotp.TOTP, clock: ManualClock
) -> None:
    half_of(site, alice)
    clock.advance(minutes=11)
    assert tickets.forget_tickets(site) == "1 removed"
