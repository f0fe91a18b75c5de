"""Invites: codes with which people may make an account; made, listed, revoked."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Invite
from bulletdrop.core.people import invites
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.directory import names_of
from bulletdrop.core.site import Site
from bulletdrop.errors import Invalid, NotFound
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.api.schemas import Moment, milliseconds, milliseconds_or_none
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class InviteIn(Struct, forbid_unknown_fields=True):
    """A new invite. With an address it makes one account, with that address, and is mailed there."""

    uses: int = 1
    expires_at: Moment | None = None
    email: Annotated[str, msgspec.Meta(max_length=300)] = ""
    plan: Annotated[str, msgspec.Meta(max_length=20)] | None = None
    note: Annotated[str, msgspec.Meta(max_length=1000)] = ""


class InviteOut(Struct):
    """An invite. Whoever has the link may use it while it is open."""

    id: str
    link: str
    note: str
    email: str
    plan: str | None
    uses: int
    uses_left: int
    is_open: bool
    created_by: str | None
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None


class InvitesOut(Struct):
    """All invites, the newest first."""

    items: list[InviteOut]
    next: str | None = None


async def list_invites(request: Request) -> HTTPResponse:
    """Every invite, open or not."""
    return json_answer(InvitesOut(await in_thread(request, shown_invites)))


async def create_invite(request: Request) -> HTTPResponse:
    """Make an invite."""
    caller = await required_caller(request)
    wanted = json_of(request, InviteIn)
    return json_answer(await in_thread(request, make_invite, by(request, caller), wanted), status=201)


async def revoke_invite(request: Request, invite_id: str) -> HTTPResponse:
    """Make an invite worthless; accounts that were made with it stay."""
    caller = await required_caller(request)
    await in_thread(request, end_invite, by(request, caller), invite_id)
    return nothing()


def shown_invites(site: Site) -> list[InviteOut]:
    """Every invite as the API and the page show it."""
    rows = invites.list_invites(site)
    names = names_of(site, {row.created_by_id for row in rows if row.created_by_id})
    return [_out(site, row, names) for row in rows]


def make_invite(site: Site, by: By, wanted: InviteIn) -> InviteOut:
    """Make an invite. Raises Invalid with the field."""
    try:
        row = invites.create_invite(site, actor=by.actor, address=by.address, **msgspec.structs.asdict(wanted))
    except NotFound as error:
        raise Invalid(error.message, field="plan") from error
    return _out(site, row, names_of(site, {by.actor} if by.actor else set()))


def end_invite(site: Site, by: By, invite_id: str) -> None:
    """Revoke an invite. Raises NotFound."""
    invites.revoke_invite(site, invite_id.replace("\0", ""), actor=by.actor, address=by.address)


def _out(site: Site, row: Invite, names: dict[str, str]) -> InviteOut:
    return InviteOut(
        id=row.id,
        link=invites.invite_link(site, row),
        note=row.note,
        email=row.email,
        plan=row.plan,
        uses=row.uses,
        uses_left=row.uses_left,
        is_open=invites.is_open(site, row),
        created_by=names.get(row.created_by_id or ""),
        created_at=milliseconds(row.created_at),
        expires_at=milliseconds_or_none(row.expires_at),
        revoked_at=milliseconds_or_none(row.revoked_at),
    )


ROUTES = (
    Route(
        method="GET",
        path="/admin/invites",
        handler=list_invites,
        summary="List invites",
        who=ADMIN,
        answers={200: InvitesOut},
        noun="admin",
    ),
    Route(
        method="POST",
        path="/admin/invites",
        handler=create_invite,
        summary="Make an invite",
        who=ADMIN,
        body=InviteIn,
        answers={201: InviteOut},
        noun="admin",
        errors=(Invalid,),
    ),
    Route(
        method="DELETE",
        path="/admin/invites/<invite_id>",
        handler=revoke_invite,
        summary="Revoke an invite",
        who=ADMIN,
        answers={204: None},
        noun="admin",
        errors=(NotFound,),
    ),
)
