"""Admission: whether a visitor may look at something that has a password or a number of views, and what it costs them.

The rule is written down in `core/sharing/limits`. Whoever asks here has found the row alive and visible before.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Governed
from bulletdrop.core.sharing import limits, passes
from bulletdrop.core.sharing.limits import Locked
from bulletdrop.errors import Forbidden, NeedsPassword, UsedUp
from bulletdrop.web.context import web_of
from bulletdrop.web.cookies import cookie_name, is_https, read_cookie
from bulletdrop.web.guesses import guess
from bulletdrop.web.robots import is_prefetch, is_robot
from bulletdrop.web.threads import in_hash_thread, in_thread

PASSWORD_HEADER = "x-share-password"
_PASS, _OPEN = "bd_pass_", "bd_open_"
# A browser sends all of its passes with each request, and a request's head has an end (8 KB): the oldest go first.
_MOST_KEPT = 40
_USED_UP = "This link has been opened as often as its owner allowed."


class Look(Enum):
    """What is asked for: a whole thing, or what belongs to one that was opened before."""

    PAGE = "page"
    BYTES = "bytes"
    PART = "part"


@dataclass(frozen=True)
class Admitted:
    """How somebody came in.

    free: without a password or a limit, or their own: nothing special holds.
    preview_only: a robot: it is told what there is without being given it. Pages alone.
    head: only the head of an answer was asked for: no digest, no ETag, nothing that stands for the content.
    """

    free: bool = False
    preview_only: bool = False
    head: bool = False


async def admit(
    request: Request, row: Governed, *, theirs: bool, look: Look = Look.PAGE, counts: bool = False
) -> Admitted:
    """Let somebody in, and count it where it counts.

    Args:
        row: a drop, album, share link or short link, alive.
        theirs: the asker is its owner or in its team: nothing is asked and nothing counted.
        look: what is asked for.
        counts: views are counted also where there is no limit.
    Raises: NeedsPassword, UsedUp, TooMany for too many wrong passwords, Forbidden for robots that ask for bytes.
    """
    guarded = limits.is_guarded(row)
    if theirs or not (guarded or counts):
        return Admitted(free=True)
    robot = is_robot(request) or is_prefetch(request)
    if robot and guarded:
        if look is not Look.PAGE:
            raise Forbidden("Robots are not shown what has a password or may be seen only so often.")
        return Admitted(preview_only=True)
    await unlock(request, row)
    site = web_of(request).site
    seconds = passes.PARTS if look is Look.PART or "range" in request.headers else passes.SAME_AGAIN
    value = read_cookie(request, pass_name(row))
    if value is not None and passes.pass_is_good(site, row, value, seconds=seconds):
        return Admitted()
    if request.method == "HEAD" or robot:
        if limits.is_used_up(row):
            raise UsedUp(_USED_UP)
        return Admitted(head=guarded)
    if not await in_thread(request, limits.take_view, row):
        raise UsedUp(_USED_UP)
    give_cookie(request, pass_name(row), passes.make_pass(site, row), passes.PARTS)
    return Admitted()


async def unlock(request: Request, row: Locked) -> None:
    """Let somebody in who knows the password. Raises NeedsPassword, and TooMany for too many wrong ones."""
    if row.password_hash is None:
        return
    site = web_of(request).site
    value = read_cookie(request, unlocked_name(row))
    if value is not None and passes.is_unlocked(site, row, value):
        return
    given = request.headers.get(PASSWORD_HEADER)
    if given is None:
        raise NeedsPassword("This is protected by a password.", subject=subject_of(row))
    await try_password(request, row, given)


async def try_password(request: Request, row: Locked, password: str) -> None:
    """Check a password, behind the brake on guessing, and remember it for this browser when it is right.

    Raises: NeedsPassword for a wrong one, TooMany.
    """
    async with guess(request, f"share {row.id}"):
        if not await in_hash_thread(request, limits.fits, row, password):
            raise NeedsPassword("This password is wrong. Try again.", field="password", subject=subject_of(row))
    give_cookie(request, unlocked_name(row), passes.make_unlocked(web_of(request).site, row), passes.UNLOCKED)


def subject_of(row: Locked) -> str:
    """What a password is asked for, for the form that asks: the kind of thing and its id."""
    return f"{type(row).__name__.lower()}:{row.id}"


def pass_name(row: Locked) -> str:
    """The cookie in which a browser keeps its pass."""
    return f"{_PASS}{row.id}"


def unlocked_name(row: Locked) -> str:
    """The cookie in which a browser keeps that it knew the password."""
    return f"{_OPEN}{row.id}"


def give_cookie(request: Request, name: str, value: str, seconds: int) -> None:
    """Put a cookie onto the answer of this request, whatever it will be."""
    kept = _kept(request)
    for oldest in sorted(kept, key=kept.__getitem__)[: max(0, len(kept) - _MOST_KEPT + 1)]:
        request.ctx.given_cookies.append((oldest, "", 0))
    request.ctx.given_cookies.append((name, value, seconds))


def _kept(request: Request) -> dict[str, str]:
    """When each of the browser's passes was made, by its name; they are signed, but here their order is all."""
    if "cookie" not in request.headers:
        return {}
    start = len(cookie_name(web_of(request), ""))
    names = {name[start:]: name for name in request.cookies if name[start:].startswith((_PASS, _OPEN))}
    return {name: str(request.cookies.get(sent)).partition(".")[0].rjust(12) for name, sent in names.items()}


def add_given_cookies(request: Request, response: HTTPResponse) -> None:
    """Put onto an answer the cookies that letting its visitor in has made."""
    web = web_of(request)
    for name, value, seconds in request.ctx.given_cookies:
        response.add_cookie(
            cookie_name(web, name),
            value,
            path="/",
            max_age=seconds,
            httponly=True,
            samesite="Lax",
            secure=is_https(web),
        )
