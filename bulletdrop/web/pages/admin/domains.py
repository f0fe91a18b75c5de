"""Domains: all of them, a form for a new one, and a page for each with what it is and its removal."""

from __future__ import annotations

from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.names import domain_list
from bulletdrop.core.names.urls import public_base
from bulletdrop.errors import BulletDropError, NotFound, Rejected
from bulletdrop.web.api.admin.domains import AdminDomainOut, shown_domains
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.admin.entry import (
    Notice,
    add_routes,
    by_of,
    done,
    notice_of,
    page,
    posted,
    read_size,
    write_size,
)
from bulletdrop.web.pages.posted import ask_first
from bulletdrop.web.problems import status_of
from bulletdrop.web.threads import in_thread

PATH = "/admin/domains"
NOTICES = {
    "added": Notice("Added. It is answered under its name now; its DNS and your proxy have to lead here."),
    "changed": Notice("Changed. It holds at once."),
    "removed": Notice("Removed. What was shared with it is found at the main address."),
}
_FLAGS = ("is_available", "is_premium", "is_wildcard")


async def show(request: Request) -> HTTPResponse:
    """The list."""
    return await _list(request)


async def add(request: Request) -> HTTPResponse:
    """Add one."""
    form = await posted(request)
    try:
        await in_thread(request, domain_list.add_domain, await by_of(request), _values(form))
    except Rejected as error:
        return await _list(request, error=error, form=form)
    return done(PATH, "added")


async def show_one(request: Request, domain_id: str) -> HTTPResponse:
    """One domain."""
    return await _one(request, domain_id)


async def act(request: Request, domain_id: str, act: str) -> HTTPResponse:
    """Change one, or remove it."""
    form = await posted(request)
    by = await by_of(request)
    if act == "remove":
        if asking := ask_first(
            request,
            form,
            title="Remove this domain?",
            text="Links with its name stop. What was shared with it is found at the main address.",
            label="Remove",
            back=f"{PATH}/{domain_id}",
        ):
            return asking
        await in_thread(request, domain_list.remove_domain, by, domain_id)
        return done(PATH, "removed")
    if act != "change":
        raise NotFound("There is nothing at this address.")
    try:
        await in_thread(request, domain_list.change_domain, by, domain_id, _values(form))
    except NotFound:
        raise
    except Rejected as error:
        return await _one(request, domain_id, error=error, form=form)
    return done(f"{PATH}/{domain_id}", "changed")


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", PATH, show, "domains"),
            ("POST", PATH, add, "domain_add"),
            ("GET", f"{PATH}/<domain_id:str>", show_one, "domain"),
            ("POST", f"{PATH}/<domain_id:str>/<act:str>", act, "domain_act"),
        ),
    )


def _values(form: dict[str, str]) -> dict[str, Any]:
    """What a form says of a domain. A box that is not ticked is not sent."""
    size = form.get("max_file_size", "").strip()
    texts = {name: form.get(name, "") for name in ("name", "display_name", "description")}
    # A browser sends the end of a line as two signs.
    texts["description"] = texts["description"].replace("\r\n", "\n")
    flags = {name: name in form for name in _FLAGS}
    return {**texts, **flags, "max_file_size": read_size(size, "max_file_size") if size else None}


async def _list(
    request: Request, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    context = {
        "domains": await in_thread(request, shown_domains),
        "values": form if form is not None else {"is_available": "yes"},
        "error": error,
        "did": notice_of(request, NOTICES),
        "content_url": web_of(request).config.content_url,
        "base": public_base(web_of(request).config),
    }
    return page(request, "admin-domains.html", PATH, status=status_of(error) if error else 200, **context)


async def _one(
    request: Request, domain_id: str, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    found = next((one for one in await in_thread(request, shown_domains) if one.id == domain_id), None)
    if found is None:
        raise NotFound("There is no such domain.")
    context = {
        "domain": found,
        "values": form if form is not None else _as_form(found),
        "error": error,
        "did": notice_of(request, NOTICES) if request.method == "GET" else None,
        "base": public_base(web_of(request).config),
    }
    return page(request, "admin-domain.html", PATH, status=status_of(error) if error else 200, **context)


def _as_form(domain: AdminDomainOut) -> dict[str, str]:
    texts = {"name": domain.shown_name, "display_name": domain.display_name, "description": domain.description}
    ticked = {name: "yes" for name in _FLAGS if getattr(domain, name)}
    size = "" if domain.max_file_size is None else write_size(domain.max_file_size)
    return {**texts, **ticked, "max_file_size": size}
