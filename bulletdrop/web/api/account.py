"""The account: what a person says of themselves, what they use, taking everything along, leaving."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, cast

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import BaseHTTPResponse, HTTPResponse

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.drops import avatars
from bulletdrop.core.models import User
from bulletdrop.core.names import preferences
from bulletdrop.core.names.slugs import Style
from bulletdrop.core.names.urls import public_base
from bulletdrop.core.people import departures, profile, usage
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.proof import check_proof
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.export import export
from bulletdrop.errors import BadPicture, Conflict, Forbidden, Invalid, NotFound, TooBig, TooMany, UnknownType
from bulletdrop.web.api.schemas import milliseconds, milliseconds_or_none
from bulletdrop.web.archives import send_archive
from bulletdrop.web.auth import address_of, clear_session_cookies, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.context import web_of
from bulletdrop.web.guesses import guess
from bulletdrop.web.receive import received
from bulletdrop.web.routes import PERSON, Route
from bulletdrop.web.threads import in_hash_thread, in_picture_thread, in_thread

_Text = Annotated[str, msgspec.Meta(max_length=4000)]
_Host = Annotated[str, msgspec.Meta(max_length=1000)]
Hotlink = Literal["off", "list", "own"]


class LimitsOut(Struct):
    """What the account may use; null is no limit. Sizes in bytes, days and months in UTC."""

    uploads_per_day: int | None
    requests_per_hour: int | None
    storage: int | None
    bandwidth_per_month: int | None
    max_file_size: int | None


class UsageOut(Struct):
    """What the account uses now."""

    storage_used: int
    uploads_today: int
    bandwidth_this_month: int


class AccountOut(Struct):
    """A person's own account. `slug_style` is how short names of new drops are made, `link_ending` whether links lead
    to the file itself; `hotlink` says whose pages may show its pictures, `embed_color` is shown beside previews.
    `names_arrivals`: whether the page of a link whose file is still on its way says whose it is."""

    id: str
    username: str
    email: str
    display_name: str
    first_name: str
    last_name: str
    bio: str
    avatar_url: str | None
    is_admin: bool
    is_verified: bool
    slug_style: Style
    link_ending: bool
    hotlink: Hotlink
    hotlink_hosts: list[str]
    embed_color: str
    names_arrivals: bool
    plan: str
    limits: LimitsOut
    usage: UsageOut
    created_at: datetime
    delete_scheduled_for: datetime | None


class AccountIn(Struct, forbid_unknown_fields=True):
    """Changes to a profile and to how links look; what is left out stays."""

    display_name: _Text | msgspec.UnsetType = msgspec.UNSET
    first_name: _Text | msgspec.UnsetType = msgspec.UNSET
    last_name: _Text | msgspec.UnsetType = msgspec.UNSET
    bio: _Text | msgspec.UnsetType = msgspec.UNSET
    slug_style: Style | msgspec.UnsetType = msgspec.UNSET
    link_ending: bool | msgspec.UnsetType = msgspec.UNSET
    hotlink: Hotlink | msgspec.UnsetType = msgspec.UNSET
    hotlink_hosts: Annotated[list[_Host], msgspec.Meta(max_length=1000)] | msgspec.UnsetType = msgspec.UNSET
    embed_color: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    names_arrivals: bool | msgspec.UnsetType = msgspec.UNSET


class ProofIn(Struct, forbid_unknown_fields=True):
    """That it is really you: your password, or a code of your second factor where there is no password."""

    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=100)] | None = None


class AccountLeavingOut(Struct):
    """When the account will be gone, unless its owner signs in before."""

    delete_scheduled_for: datetime


async def get_account(request: Request) -> HTTPResponse:
    """Your account: profile, plan, limits, and what you use of them."""
    caller = await required_caller(request)
    return json_answer(await in_thread(request, _account, caller.user_id))


async def change_account(request: Request) -> HTTPResponse:
    """Change your profile; fields that are left out stay as they are."""
    caller = await required_caller(request)
    wanted = json_of(request, AccountIn)
    changes = {name: value for name, value in msgspec.structs.asdict(wanted).items() if value is not msgspec.UNSET}
    return json_answer(await in_thread(request, _change, caller.user_id, changes))


async def put_avatar(request: Request) -> HTTPResponse:
    """Send a picture of yourself as the body; a small square of it is kept, without what it tells of place and time."""
    caller = await required_caller(request)
    async with received(request, filename="avatar") as body:
        if body.files[0].size > avatars.MOST_BYTES:
            raise TooBig("An avatar has at most 20 MB.", field="file")
        (incoming,) = body.take()
        await in_picture_thread(request, avatars.set_avatar, caller.user_id, incoming)
    return json_answer(await in_thread(request, _account, caller.user_id))


async def delete_avatar(request: Request) -> HTTPResponse:
    """Go without a picture of yourself."""
    caller = await required_caller(request)
    await in_thread(request, avatars.remove_avatar, caller.user_id)
    return nothing()


async def export_account(request: Request) -> BaseHTTPResponse | None:
    """Everything of yours as one zip, with a manifest of every file's SHA-256. It is written while you read it."""
    caller = await required_caller(request)
    site = web_of(request).site
    await in_thread(request, _note_export, caller.user_id, address_of(request))
    name = f"bulletdrop-{caller.username}-{site.clock.now():%Y-%m-%d}.zip"
    return await send_archive(request, export(site, caller.user_id), name=name)


async def delete_account(request: Request) -> HTTPResponse:
    """Have your account deleted in seven days. Until then nobody sees it, and signing in takes it back."""
    caller = await required_caller(request)
    wanted = json_of(request, ProofIn)
    async with guess(request, caller.username):
        due = await in_hash_thread(request, leave, caller, wanted, address_of(request))
    request.ctx.new_tokens = None
    response = json_answer(AccountLeavingOut(milliseconds(due)))
    clear_session_cookies(response)
    return response


def leave(site: Site, caller: Caller, proof: ProofIn, address: str) -> datetime:
    """Check the proof and begin the deletion. For the hashing threads."""
    user = profile.get_user(site, caller.user_id)
    check_proof(site, user, password=proof.password, code=proof.code, session_id=caller.session_id)
    link = f"{public_base(site.config)}/signin"
    return departures.request_deletion(site, user.id, link=link, address=address)


def avatar_url(site: Site, user: User) -> str | None:
    """Where a person's avatar is; the address changes with the picture."""
    if user.avatar_key is None:
        return None
    version = user.avatar_key.rpartition("-")[2].removesuffix(".webp")
    return f"{public_base(site.config)}/avatars/{user.id}/{version}"


def _note_export(site: Site, user_id: str, address: str) -> None:
    record(site, "account.export", actor=user_id, subject=user_id, address=address)


def _change(site: Site, user_id: str, changes: dict[str, Any]) -> AccountOut:
    about = {name: changes.pop(name) for name in profile.LONGEST if name in changes}
    with transaction(site.db):
        profile.change_profile(site, user_id, about)
        preferences.change_preferences(site, user_id, changes)
    return _account(site, user_id)


def _account(site: Site, user_id: str) -> AccountOut:
    user = profile.get_user(site, user_id)
    used = usage.summary(site, user)
    return AccountOut(
        id=user.id,
        username=user.username,
        email=user.email,
        display_name=user.display_name,
        first_name=user.first_name,
        last_name=user.last_name,
        bio=user.bio,
        avatar_url=avatar_url(site, user),
        is_admin=user.is_admin,
        is_verified=user.is_verified,
        slug_style=cast(Style, user.slug_style),
        link_ending=user.link_ending,
        hotlink=cast(Hotlink, user.hotlink),
        hotlink_hosts=list(user.hotlink_hosts),
        embed_color=user.embed_color,
        names_arrivals=user.names_arrivals,
        plan=user.plan,
        limits=LimitsOut(**asdict(used.limits)),
        usage=UsageOut(used.storage_used, used.uploads_today, used.bandwidth_this_month),
        created_at=milliseconds(user.created_at),
        delete_scheduled_for=milliseconds_or_none(user.delete_scheduled_for),
    )


ROUTES = (
    Route(
        method="GET",
        path="/account",
        handler=get_account,
        summary="Your account",
        who="account:read",
        answers={200: AccountOut},
        noun="account",
    ),
    Route(
        method="PUT",
        path="/account",
        handler=change_account,
        summary="Change your profile, and how your links look",
        who=PERSON,
        body=AccountIn,
        answers={200: AccountOut},
        noun="account",
        errors=(Invalid,),
    ),
    Route(
        method="PUT",
        path="/account/avatar",
        handler=put_avatar,
        summary="Set your picture",
        who=PERSON,
        media={"image/*": {"type": "string", "format": "binary"}},
        answers={200: AccountOut},
        noun="account",
        errors=(BadPicture, UnknownType, TooBig),
        stream=True,
    ),
    Route(
        method="DELETE",
        path="/account/avatar",
        handler=delete_avatar,
        summary="Remove your picture",
        who=PERSON,
        answers={204: None},
        noun="account",
        errors=(NotFound,),
    ),
    Route(
        method="GET",
        path="/account/export",
        handler=export_account,
        summary="Take everything along",
        who=PERSON,
        answers={200: None},
        noun="account",
    ),
    Route(
        method="POST",
        path="/account/delete-request",
        handler=delete_account,
        summary="Have your account deleted in seven days",
        who=PERSON,
        body=ProofIn,
        answers={200: AccountLeavingOut},
        noun="account",
        errors=(Forbidden, Conflict, TooMany),
    ),
)
