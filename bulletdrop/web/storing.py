"""From received files to drops: each step in the threads that it fits, so that slow pictures hold up nobody's list."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from functools import partial
from typing import ParamSpec, TypeVar

from sanic import Request

from bulletdrop.core.drops.batch import discard_all, keep_all, prepare_all, prepare_quickly
from bulletdrop.core.drops.intake import Incoming, Kept, Prepared, Wishes
from bulletdrop.core.people.callers import Caller
from bulletdrop.web.context import web_of
from bulletdrop.web.threads import in_thread

P = ParamSpec("P")
T = TypeVar("T")


async def stored(request: Request, caller: Caller, files: Sequence[Incoming], wishes: Wishes) -> list[Kept]:
    """Keep the files of a request, which are gone from the temporary folder afterwards.

    When the client leaves meanwhile, they are kept all the same.
    Raises: what `batch.prepare_all` and `batch.keep_all` raise.
    """
    task = asyncio.ensure_future(_store(request, caller, files, wishes))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        task.add_done_callback(_forget)
        raise


async def _store(request: Request, caller: Caller, files: Sequence[Incoming], wishes: Wishes) -> list[Kept]:
    pools, site = web_of(request).pools, web_of(request).site
    held: Sequence[Prepared | Incoming] = files
    try:
        # Without a decoding child it is a walk over the file. What needs one may wait long: not among those.
        held = await _call(pools.receiving, prepare_quickly, site, files, wishes)
        prepared = [one for one in held if isinstance(one, Prepared)]
        if len(prepared) < len(held):
            held = prepared = await _call(pools.pictures, prepare_all, site, held, wishes)
        return await in_thread(request, keep_all, caller, prepared, wishes)
    except BaseException:
        discard_all(held)
        raise


async def _call(pool: Executor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Run without a database connection: nobody waits for one that only waits for a picture."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(pool, partial(context.run, function, *args, **kwargs))


def _forget(task: asyncio.Future[list[Kept]]) -> None:
    if not task.cancelled():
        task.exception()
