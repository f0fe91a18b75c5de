"""What the tests of signing in share: somebody at the door, an app's codes, and many who come at once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pyotp

from bulletdrop.clock import ManualClock
from bulletdrop.core.database import using
from bulletdrop.core.models import User
from bulletdrop.core.people import second_factor, signing_in, totp
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import BulletDropError

PASSWORD = "correct horse battery"
AGENT, ADDRESS = "Firefox/140.0 (X11; Linux)", "192.0.2.7"


def with_app(site: Site, user: User, clock: ManualClock) -> pyotp.TOTP:
    """Set an authenticator app up; a minute later."""
    made = pyotp.TOTP(totp.begin(site, user).secret)
    second_factor.turn_on(site, user.id, code_of(made, clock))
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
