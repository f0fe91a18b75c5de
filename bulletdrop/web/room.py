"""Room for an upload in its account's quota: taken before the body is read, more as it comes, given back at the end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from sanic import Request

from bulletdrop.core.database import using
from bulletdrop.core.drops.intake import Incoming, Wishes
from bulletdrop.core.models import Domain
from bulletdrop.core.names import domains
from bulletdrop.core.people import quotas
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.quotas import Taken
from bulletdrop.core.site import Site
from bulletdrop.log import get_logger
from bulletdrop.web.body import MB, PLANS, declared_length
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_thread

log = get_logger("quota")

# A body that does not say its length holds what has come of it, counted in steps of this size, in bytes.
STEP = 16 * MB
# What a form has beside its file is mostly less than this. Held is what surely is the file: to hold more than it needs
# would refuse the last one that fits. `charge` counts to the byte.
_FORM_PARTS = 4 * 1024
_ANY = sys.maxsize


class Room:
    """What one upload may take, and holds. Without an account there is any room.

    Args:
        request: the upload.
        taken: what was taken for it before its body.
        slack: bytes of the body that may be something else than the file.
        has_length: the body says its length: all of it is held already.
        domain: the one that the query names for the links.
    """

    def __init__(
        self,
        request: Request | None,
        taken: Taken,
        *,
        slack: int = 0,
        has_length: bool = True,
        domain: Domain | None = None,
    ) -> None:
        self._request = request
        self._domain_takes = _ANY if domain is None or domain.max_file_size is None else domain.max_file_size
        self._domain = "" if domain is None else domain.display_name or domain.name
        self._slack = slack
        self._next = _ANY
        self.taken = taken
        if not has_length:
            self._look_again(0)

    @property
    def largest(self) -> int:
        """The largest file in bytes that the account's plan and the domain take."""
        return min(_ANY if self.taken.largest is None else self.taken.largest, self._domain_takes)

    @property
    def whose(self) -> str:
        """Whose limit that is, as the refusal names it."""
        return self._domain if self._domain_takes == self.largest else PLANS

    async def hold(self, received: int) -> None:
        """So many bytes of the body have come. Raises QuotaFull when there is no room for them."""
        size = received - self._slack
        if size < self._next or self._request is None or self.taken.account is None:
            return
        self.taken = await _taken(self._request, quotas.grow, self.taken.account, self.taken.hold, size)
        self._look_again(size)

    async def settle(self, caller: Caller, files: Sequence[Incoming], wishes: Wishes) -> Wishes:
        """The body has come, and with it the team: hold exactly what its files need.

        With that, storing them is sure to find its room, unless they grow by being converted.
        Returns: the wishes with the hold. Raises: TooBig, TooMany, QuotaFull.
        """
        sizes = [file.size for file in files]
        account, hold = self.taken.account, self.taken.hold
        assert self._request is not None
        if account is None or account.id != (wishes.team_id or caller.user_id):
            _give_back(self._request, hold)
            take = partial(quotas.take, team=wishes.team_id, size=max(sizes), least=sum(sizes))
            self.taken = await _taken(self._request, take, caller.user_id)
            return replace(wishes, hold=self.taken.hold)
        quotas.check_size(account.limits, max(sizes))
        if account.limits.storage is not None and self.taken.held < sum(sizes):
            self.taken = await _taken(self._request, quotas.grow, account, hold, sum(sizes))
        return replace(wishes, hold=self.taken.hold)

    def _look_again(self, size: int) -> None:
        self._next = _ANY if self.taken.room is None else size + min(STEP, self.taken.room + 1)


ANY_ROOM = Room(None, Taken(None))


@contextlib.asynccontextmanager
async def room_for(request: Request, caller: Caller, *, is_form: bool) -> AsyncIterator[Room]:
    """Room for an upload, before its body is read. What is not settled is given back after the block.

    Raises: TooBig, TooMany, QuotaFull; NotFound, Forbidden, Conflict for a team that the caller may not upload to;
        Invalid for a domain that is not theirs.
    """
    declared = declared_length(request)
    slack = _FORM_PARTS if is_form else 0
    named = request.args.get("domain")
    domain = await in_thread(request, domains.claimed, caller.user_id, named) if named else None
    taken = await _taken(
        request,
        quotas.take,
        caller.user_id,
        team=request.args.get("team") or None,
        size=None if is_form else declared,
        least=0 if declared is None else declared - slack,
        maybe_team=is_form,
    )
    room = Room(request, taken, slack=slack, has_length=declared is not None, domain=domain)
    try:
        yield room
    finally:
        # Also when the client left, which raises CancelledError.
        _give_back(request, room.taken.hold)


@contextlib.asynccontextmanager
async def room_of_owner(
    request: Request, owner_id: str, team_id: str | None, *, least: int | None = None
) -> AsyncIterator[Room]:
    """As `room_for`, for the form of a guest: whose drops they become stands fast, whatever the request says.

    Args:
        least: bytes of the body that surely are the file; by default all but what a form has beside it.

    Raises: as `quotas.take`.
    """
    declared = declared_length(request)
    if least is None:
        least = 0 if declared is None else declared - _FORM_PARTS
    taken = await _taken(request, quotas.take, owner_id, team=team_id, size=None, least=least)
    room = Room(request, taken, slack=_FORM_PARTS, has_length=declared is not None)
    try:
        yield room
    finally:
        _give_back(request, room.taken.hold)


async def _taken(request: Request, use_case: Callable[..., Taken], *args: Any, **kwargs: Any) -> Taken:
    """Take room in a thread. When the client leaves meanwhile, it is given back as soon as it was taken."""
    task = asyncio.ensure_future(in_thread(request, use_case, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(partial(_give_back_late, request))
        raise


def _give_back_late(request: Request, task: asyncio.Future[Taken]) -> None:
    if not task.cancelled() and task.exception() is None:
        _give_back(request, task.result().hold)


def _give_back(request: Request, hold: str | None) -> None:
    """Without waiting for it: what stays after all, the sweep removes."""
    web = web_of(request)
    if hold is not None:
        with contextlib.suppress(RuntimeError):  # The pool is closed: the server stops, and its next start removes it.
            web.pools.database.submit(_release, web.site, hold)


def _release(site: Site, hold: str) -> None:
    try:
        with using(site.db):
            quotas.release(site, hold)
    except Exception:
        log.exception("room that was taken for an upload cannot be given back")
