"""The only place where async meets sync: a use case runs in a thread, with a database connection of its own."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from sanic import Request

from bulletdrop.core.database import using
from bulletdrop.core.site import Site
from bulletdrop.web.context import web_of

P = ParamSpec("P")
T = TypeVar("T")


async def in_thread(
    request: Request, use_case: Callable[Concatenate[Site, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """Run `use_case(site, *args, **kwargs)` in the database pool and return what it returns.

    When the client leaves meanwhile, the use case still runs to its end; its result is dropped.
    Raises: what the use case raises; Unavailable when the database cannot be reached.
    """
    web = web_of(request)
    return await _run(web.pools.database, web.site, use_case, args, kwargs)


async def in_hash_thread(
    request: Request, use_case: Callable[Concatenate[Site, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """As `in_thread`, for use cases that hash a password: two at a time, so that logins cannot starve the rest."""
    web = web_of(request)
    return await _run(web.pools.hashing, web.site, use_case, args, kwargs)


async def in_picture_thread(
    request: Request, use_case: Callable[Concatenate[Site, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """As `in_thread`, for use cases that wait for a picture to be decoded."""
    web = web_of(request)
    return await _run(web.pools.pictures, web.site, use_case, args, kwargs)


async def in_remote_thread(
    request: Request, use_case: Callable[Concatenate[Site, P], T], *args: P.args, **kwargs: P.kwargs
) -> T:
    """As `in_thread`, for use cases that ask another server."""
    web = web_of(request)
    return await _run(web.pools.remote, web.site, use_case, args, kwargs)


async def _run(
    pool: Executor, site: Site, use_case: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]
) -> T:
    context = contextvars.copy_context()
    work = partial(context.run, _with_connection, site, use_case, args, kwargs)
    future = asyncio.get_running_loop().run_in_executor(pool, work)
    # Shielded: cancelling a queued use case would be as if the request had never come, after it was accepted.
    try:
        return await asyncio.shield(future)
    except asyncio.CancelledError:
        future.add_done_callback(_forget)
        raise


def _with_connection(site: Site, use_case: Callable[..., T], args: tuple[object, ...], kwargs: dict[str, object]) -> T:
    with using(site.db):
        return use_case(site, *args, **kwargs)


def _forget(future: asyncio.Future[T]) -> None:
    """Take the outcome that nobody waits for, so that asyncio does not report it as lost."""
    if not future.cancelled():
        future.exception()
