"""Domains: which there are for links, claiming one, new links with it; and the question of proxies about names."""

from __future__ import annotations

from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.names import domains
from bulletdrop.core.names.domains import Offer
from bulletdrop.core.names.spelling import is_address, shown_name
from bulletdrop.core.names.urls import base_of
from bulletdrop.core.site import Site
from bulletdrop.errors import Forbidden, Invalid, NotFound, TooMany
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.hosts import named_host
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import ANYBODY, Parameter, Route
from bulletdrop.web.threads import in_thread

# A proxy asks once for each name that it has no certificate for, and remembers; more is somebody trying names out.
_MOST_QUESTIONS, _WINDOW = 300, 60.0


class DomainOut(Struct):
    """A domain that links can be built with. Where `refusal` says something, it cannot be claimed."""

    id: str
    name: str
    # As people read it: `bücher.example` where `name` is `xn--bcher-kva.example`.
    shown_name: str
    display_name: str
    description: str
    # What links begin with: with the own host where that is chosen.
    url: str
    is_premium: bool
    is_wildcard: bool
    max_file_size: int | None
    is_claimed: bool
    is_primary: bool
    # Whether links are built with `own_host`, which is empty where there can be none.
    is_own_host: bool
    own_host: str
    refusal: str


class DomainsOut(Struct):
    """The domains that you have or could have, by name."""

    items: list[DomainOut]
    next: str | None = None


class DomainClaim(Struct, forbid_unknown_fields=True):
    """How links are built with a domain. Without `own_host` that stays as it is."""

    own_host: bool | None = None


async def list_domains(request: Request) -> HTTPResponse:
    """The domains that you have or could have."""
    caller = await required_caller(request)
    return json_answer(DomainsOut(await in_thread(request, _offers, caller.user_id)))


async def claim(request: Request, domain_id: str) -> HTTPResponse:
    """Claim a domain, or change how links are built with it."""
    caller = await required_caller(request)
    wanted = json_of(request, DomainClaim)
    return json_answer(await in_thread(request, _claim, caller.user_id, domain_id, wanted.own_host))


async def unclaim(request: Request, domain_id: str) -> HTTPResponse:
    """Give a domain up: links that are there go on, but for those of the own host."""
    caller = await required_caller(request)
    await in_thread(request, domains.unclaim, caller.user_id, domain_id)
    return nothing()


async def make_primary(request: Request, domain_id: str) -> HTTPResponse:
    """Build new links with one of your domains."""
    caller = await required_caller(request)
    await in_thread(request, domains.make_primary, caller.user_id, domain_id)
    return nothing()


async def drop_primary(request: Request, domain_id: str) -> HTTPResponse:
    """Build new links with the main address again."""
    caller = await required_caller(request)
    await in_thread(request, domains.drop_primary, caller.user_id, domain_id)
    return nothing()


async def ask(request: Request) -> HTTPResponse:
    """Whether this server answers under a name: 200, or 404. For proxies that fetch certificates on demand."""
    await limit_by_address(request, "ask", most=_MOST_QUESTIONS, window=_WINDOW)
    found = await named_host(request, str(request.args.get("domain") or ""))
    # Without a public_url the main address may be one in numbers, which no certificate is fetched for.
    if found is None or found.kind == "own" or is_address(str(request.args.get("domain"))):
        raise NotFound("This server is not known by this name.")
    return HTTPResponse("yes\n", content_type="text/plain; charset=utf-8")


def _offers(site: Site, user_id: str) -> list[DomainOut]:
    return [_out(site, offer) for offer in domains.offers(site, user_id)]


def _claim(site: Site, user_id: str, domain_id: str, own_host: bool | None) -> DomainOut:
    return _out(site, domains.claim(site, user_id, domain_id, own_host=own_host))


def _out(site: Site, offer: Offer) -> DomainOut:
    domain = offer.domain
    return DomainOut(
        id=domain.id,
        name=domain.name,
        shown_name=shown_name(domain.name),
        display_name=domain.display_name,
        description=domain.description,
        url=base_of(site, offer.own_host if offer.is_own_host else domain.name),
        is_premium=domain.is_premium,
        is_wildcard=domain.is_wildcard,
        max_file_size=domain.max_file_size,
        is_claimed=offer.is_claimed,
        is_primary=offer.is_primary,
        is_own_host=offer.is_own_host,
        own_host=offer.own_host,
        refusal=offer.refusal,
    )


ROUTES = (
    Route(
        method="GET",
        path="/domains",
        handler=list_domains,
        summary="List the domains that you have or could have",
        who="links:read",
        answers={200: DomainsOut},
        noun="domains",
        errors=(NotFound,),
    ),
    Route(
        method="GET",
        path="/domains/ask",
        handler=ask,
        summary="Ask whether this server answers under a name",
        who=ANYBODY,
        answers={200: None},
        noun="domains",
        parameters=(Parameter(name="domain", about="The name.", schema={"type": "string"}),),
        errors=(NotFound, TooMany),
    ),
    Route(
        method="POST",
        path="/domains/<domain_id>/claim",
        handler=claim,
        summary="Claim a domain",
        who="links:write",
        body=DomainClaim,
        answers={200: DomainOut},
        noun="domains",
        errors=(Invalid, Forbidden, NotFound),
    ),
    Route(
        method="DELETE",
        path="/domains/<domain_id>/claim",
        handler=unclaim,
        summary="Give a domain up",
        who="links:write",
        answers={204: None},
        noun="domains",
        errors=(NotFound,),
    ),
    Route(
        method="PUT",
        path="/domains/<domain_id>/primary",
        handler=make_primary,
        summary="Build new links with a domain",
        who="links:write",
        answers={204: None},
        noun="domains",
        errors=(Forbidden, NotFound),
    ),
    Route(
        method="DELETE",
        path="/domains/<domain_id>/primary",
        handler=drop_primary,
        summary="Build new links with the main address",
        who="links:write",
        answers={204: None},
        noun="domains",
        errors=(NotFound,),
    ),
)
