"""Domains in the administration: which there are, for whom, and how large a file may be on each."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.names import domain_list
from bulletdrop.core.names.domain_list import Listed
from bulletdrop.core.names.spelling import shown_name
from bulletdrop.core.names.urls import base_of
from bulletdrop.core.people.administration import By
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NameTaken, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.api.schemas import milliseconds
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread

_Name = Annotated[str, msgspec.Meta(max_length=300)]
_Text = Annotated[str, msgspec.Meta(max_length=4000)]


class AdminDomainOut(Struct):
    """A domain. `claims` are people who have it, `links` the drops and short links that are built with it."""

    id: str
    name: str
    shown_name: str
    url: str
    display_name: str
    description: str
    is_available: bool
    is_premium: bool
    is_wildcard: bool
    max_file_size: int | None
    claims: int
    links: int
    created_at: datetime


class AdminDomainsOut(Struct):
    """Every domain, by name."""

    items: list[AdminDomainOut]
    next: str | None = None


class AdminDomainIn(Struct, forbid_unknown_fields=True):
    """A new domain. Letters beyond ASCII are kept as IDNA 2008 writes them."""

    name: _Name
    display_name: _Name = ""
    description: _Text = ""
    is_available: bool = True
    is_premium: bool = False
    is_wildcard: bool = False
    max_file_size: int | None = None


class AdminDomainPatch(Struct, forbid_unknown_fields=True):
    """Changes to a domain: what is left out stays; a size of null is no limit of its own."""

    name: _Name | UnsetType = UNSET
    display_name: _Name | UnsetType = UNSET
    description: _Text | UnsetType = UNSET
    is_available: bool | UnsetType = UNSET
    is_premium: bool | UnsetType = UNSET
    is_wildcard: bool | UnsetType = UNSET
    max_file_size: int | UnsetType | None = UNSET


async def list_domains(request: Request) -> HTTPResponse:
    """Every domain."""
    return json_answer(AdminDomainsOut(await in_thread(request, shown_domains)))


async def add_domain(request: Request) -> HTTPResponse:
    """Add a domain. It is answered under its name from then on; the way there, DNS and the proxy, is yours."""
    caller = await required_caller(request)
    wanted = json_of(request, AdminDomainIn)
    return json_answer(await in_thread(request, _add, by(request, caller), wanted), status=201)


async def change_domain(request: Request, domain_id: str) -> HTTPResponse:
    """Change a domain. Links follow a new name; those with the old one lead nowhere from then on."""
    caller = await required_caller(request)
    wanted = json_of(request, AdminDomainPatch)
    return json_answer(await in_thread(request, _change, by(request, caller), domain_id, wanted))


async def remove_domain(request: Request, domain_id: str) -> HTTPResponse:
    """Remove a domain: what was shared with it is found at the main address."""
    caller = await required_caller(request)
    await in_thread(request, domain_list.remove_domain, by(request, caller), domain_id)
    return nothing()


def shown_domains(site: Site) -> list[AdminDomainOut]:
    """Every domain as the API and the page show it."""
    return [_out(site, one) for one in domain_list.list_domains(site)]


def _add(site: Site, by: By, wanted: AdminDomainIn) -> AdminDomainOut:
    row = domain_list.add_domain(site, by, msgspec.structs.asdict(wanted))
    return _out(site, Listed(row, 0, 0))


def _change(site: Site, by: By, domain_id: str, wanted: AdminDomainPatch) -> AdminDomainOut:
    changes = given(wanted)
    changed = domain_list.change_domain(site, by, domain_id, changes)
    return next(one for one in shown_domains(site) if one.id == changed.id)


def _out(site: Site, one: Listed) -> AdminDomainOut:
    row = one.domain
    return AdminDomainOut(
        id=row.id,
        name=row.name,
        shown_name=shown_name(row.name),
        url=base_of(site, row.name),
        display_name=row.display_name,
        description=row.description,
        is_available=row.is_available,
        is_premium=row.is_premium,
        is_wildcard=row.is_wildcard,
        max_file_size=row.max_file_size,
        claims=one.claims,
        links=one.links,
        created_at=milliseconds(row.created_at),
    )


ROUTES = (
    Route(
        method="GET",
        path="/admin/domains",
        handler=list_domains,
        summary="List domains",
        who=ADMIN,
        answers={200: AdminDomainsOut},
        noun="admin",
    ),
    Route(
        method="POST",
        path="/admin/domains",
        handler=add_domain,
        summary="Add a domain",
        who=ADMIN,
        body=AdminDomainIn,
        answers={201: AdminDomainOut},
        noun="admin",
        errors=(Invalid, NameTaken),
    ),
    Route(
        method="PATCH",
        path="/admin/domains/<domain_id>",
        handler=change_domain,
        summary="Change a domain",
        who=ADMIN,
        body=AdminDomainPatch,
        answers={200: AdminDomainOut},
        noun="admin",
        errors=(Invalid, NameTaken, NotFound),
    ),
    Route(
        method="DELETE",
        path="/admin/domains/<domain_id>",
        handler=remove_domain,
        summary="Remove a domain",
        who=ADMIN,
        answers={204: None},
        noun="admin",
        errors=(NotFound,),
    ),
)
