"""Everybody's accounts: looking them up, adding, changing, deleting."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Struct, UnsetType
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import ApiKey, Identity, Session, Team, User
from bulletdrop.core.people import accounts, administration, directory, plans
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.directory import Dossier
from bulletdrop.core.site import Site
from bulletdrop.errors import Conflict, Invalid, NameReserved, NameTaken, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, PAGES, USUAL, by
from bulletdrop.web.api.queries import cursor_of, limit_of, parameter, text
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import given, json_answer, json_of
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_hash_thread, in_thread

_Short = Annotated[str, msgspec.Meta(max_length=300)]


class PersonOut(Struct):
    """An account as an admin sees it. `limits` are its own, over the plan's; -1 is no limit."""

    id: str
    username: str
    email: str
    display_name: str
    is_admin: bool
    is_active: bool
    is_verified: bool
    plan: str
    limits: dict[str, int]
    storage_used: int
    created_at: datetime
    last_seen_at: datetime | None
    delete_scheduled_for: datetime | None


class PeopleOut(Struct):
    """A part of the list of accounts."""

    items: list[PersonOut]
    next: str | None = None


class SessionOfOut(Struct):
    """A session of somebody's. Its tokens are kept by nobody but its browser."""

    id: str
    method: str
    user_agent: str
    address: str
    created_at: datetime
    last_used_at: datetime


class KeyOfOut(Struct):
    """A key of somebody's, without the key itself, which is kept by nobody."""

    id: str
    name: str
    device_name: str | None
    prefix: str
    scopes: list[str]
    request_count: int
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None


class TeamOfOut(Struct):
    """A team that somebody is in, and as what."""

    id: str
    name: str
    slug: str
    role: str


class IdentityOfOut(Struct):
    """A login of somebody's at another provider."""

    provider: str
    email: str
    created_at: datetime


class DossierOut(PersonOut, kw_only=True):
    """All about one account but its secrets."""

    uploads: int
    trashed: int
    has_totp: bool
    passkeys: int
    recovery_codes: int
    sessions: list[SessionOfOut]
    keys: list[KeyOfOut]
    teams: list[TeamOfOut]
    identities: list[IdentityOfOut]
    allowed: dict[str, int | None]


class NewPersonIn(Struct, forbid_unknown_fields=True):
    """A new account. Without a password the answer has a link with which its owner chooses one."""

    username: _Short
    email: _Short
    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    is_admin: bool = False
    plan: _Short | None = None


class NewPersonOut(PersonOut, kw_only=True):
    """An account that was just made; `link` is to be handed to its owner."""

    link: str | None


class PersonPatch(Struct, forbid_unknown_fields=True):
    """Changes to an account: fields that are left out stay. In `limits`, null is the plan's and -1 no limit."""

    is_active: bool | UnsetType = UNSET
    is_admin: bool | UnsetType = UNSET
    is_verified: bool | UnsetType = UNSET
    plan: _Short | UnsetType = UNSET
    limits: dict[str, int | None] | UnsetType = UNSET
    reason: Annotated[str, msgspec.Meta(max_length=2000)] = ""


async def list_people(request: Request) -> HTTPResponse:
    """Everybody with an account, filtered and in order."""
    wanted = {name: text(request, name) for name in ("state", "plan", "role")}
    page = await in_thread(
        request,
        directory.search_users,
        text=text(request, "q"),
        sort=text(request, "sort") or "name",
        cursor=cursor_of(request),
        limit=limit_of(request, USUAL),
        **wanted,
    )
    return json_answer(PeopleOut([person_out(one.user, one.last_seen) for one in page.items], page.next))


async def get_person(request: Request, user_id: str) -> HTTPResponse:
    """All about one account but its secrets."""
    return json_answer(await in_thread(request, _dossier, user_id))


async def add_person(request: Request) -> HTTPResponse:
    """Make an account."""
    caller = await required_caller(request)
    wanted = json_of(request, NewPersonIn)
    if wanted.is_admin:
        # A key never makes a stronger key: whoever signs in as an admin can make any.
        caller.needs_person()
    made = await in_hash_thread(request, add, by(request, caller), msgspec.structs.asdict(wanted))
    return json_answer(made, status=201)


async def change_person(request: Request, user_id: str) -> HTTPResponse:
    """Change an account: block, promote, confirm its address, plan, limits."""
    caller = await required_caller(request)
    wanted = json_of(request, PersonPatch)
    changes = given(wanted)
    reason = changes.pop("reason")
    if changes.get("is_admin"):
        caller.needs_person()
    return json_answer(await in_thread(request, _change, by(request, caller), user_id, changes, reason))


def add(site: Site, by: By, wanted: dict[str, Any]) -> NewPersonOut:
    """Make an account; without a password, with a link to choose one. For the hashing threads."""
    plan, password = wanted.pop("plan"), wanted.pop("password")
    if plan is not None and not any(one.name == plan for one in plans.list_plans(site)):
        raise Invalid(f"There is no plan “{plan[:20]}”.", field="plan")
    user = accounts.create_user(
        site, password=password or secrets.token_urlsafe(32), actor=by.actor, address=by.address, **wanted
    )
    if plan is not None:
        user = administration.set_plan(site, by, user.id, plan)
    link = None if password else administration.reset_link(site, by, user.id)
    return NewPersonOut(**msgspec.structs.asdict(person_out(user, None)), link=link)


def person_out(user: User, last_seen: datetime | None) -> PersonOut:
    """An account as lists show it to an admin."""
    return PersonOut(
        id=user.id,
        username=user.username,
        email=user.email,
        display_name=user.display_name,
        is_admin=user.is_admin,
        is_active=user.is_active,
        is_verified=user.is_verified,
        plan=user.plan,
        limits=dict(user.limits),
        storage_used=user.storage_used,
        created_at=milliseconds(user.created_at),
        last_seen_at=milliseconds_or_none(last_seen),
        delete_scheduled_for=milliseconds_or_none(user.delete_scheduled_for),
    )


def check_key_may(caller: Caller, user: User) -> None:
    """Raise Forbidden for a key that would get into an admin's account: a key never makes a stronger key."""
    if user.is_admin:
        caller.needs_person()


def _change(site: Site, by: By, user_id: str, changes: dict[str, Any], reason: str) -> DossierOut:
    administration.change_user(site, by, user_id, changes, reason=reason)
    return _dossier(site, user_id)


def _dossier(site: Site, user_id: str) -> DossierOut:
    found = directory.dossier(site, user_id)
    known = msgspec.structs.asdict(person_out(found.user, found.last_seen))
    return DossierOut(
        **known,
        uploads=found.uploads,
        trashed=found.trashed,
        has_totp=found.factors.has_totp,
        passkeys=found.factors.passkeys,
        recovery_codes=found.factors.recovery_codes,
        sessions=[_session(one) for one in found.sessions],
        keys=[_key(one) for one in found.keys],
        teams=_teams(found),
        identities=[_identity(one) for one in found.identities],
        allowed=_allowed(site, found.user),
    )


def _allowed(site: Site, account: User | Team) -> dict[str, int | None]:
    limits = plans.limits_of(site, account)
    return {name: getattr(limits, name) for name in plans.NAMES}


def _session(one: Session) -> SessionOfOut:
    made, used = milliseconds(one.created_at), milliseconds(one.last_used_at)
    return SessionOfOut(one.id, one.method, one.user_agent, one.address, made, used)


def _key(one: ApiKey) -> KeyOfOut:
    return KeyOfOut(
        id=one.id,
        name=one.name,
        device_name=one.device_name,
        prefix=one.prefix,
        scopes=list(one.scopes),
        request_count=one.request_count,
        created_at=milliseconds(one.created_at),
        last_used_at=milliseconds_or_none(one.last_used_at),
        expires_at=milliseconds_or_none(one.expires_at),
    )


def _teams(found: Dossier) -> list[TeamOfOut]:
    return [TeamOfOut(team.id, team.name, team.slug, role) for team, role in found.teams]


def _identity(one: Identity) -> IdentityOfOut:
    return IdentityOfOut(one.provider, one.email, milliseconds(one.created_at))


_FILTERS = (
    parameter("q", "Part of a username, an email address or a display name."),
    parameter("state", "The accounts in this state.", type="string", enum=list(directory.STATES)),
    parameter("plan", "The accounts on this plan."),
    parameter("role", "The admins, or everybody else.", type="string", enum=list(directory.ROLES)),
    parameter("sort", "The order.", type="string", enum=list(directory.SORTS), default="name"),
)
ROUTES = (
    Route(
        method="GET",
        path="/admin/users",
        handler=list_people,
        summary="List accounts",
        who=ADMIN,
        answers={200: PeopleOut},
        noun="admin",
        parameters=(*_FILTERS, *PAGES),
        errors=(Invalid,),
    ),
    Route(
        method="POST",
        path="/admin/users",
        handler=add_person,
        summary="Add an account",
        who=ADMIN,
        body=NewPersonIn,
        answers={201: NewPersonOut},
        noun="admin",
        errors=(Invalid, NameTaken, NameReserved),
    ),
    Route(
        method="GET",
        path="/admin/users/<user_id>",
        handler=get_person,
        summary="Look at an account",
        who=ADMIN,
        answers={200: DossierOut},
        noun="admin",
        errors=(NotFound,),
    ),
    Route(
        method="PATCH",
        path="/admin/users/<user_id>",
        handler=change_person,
        summary="Change an account",
        who=ADMIN,
        body=PersonPatch,
        answers={200: DossierOut},
        noun="admin",
        errors=(Invalid, Conflict, NotFound),
    ),
)
