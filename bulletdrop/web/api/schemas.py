"""What goes in and out of the API, as msgspec structs: the same that the OpenAPI document is made of."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal, cast

import msgspec
from msgspec import Struct

from bulletdrop.core.models import ApiKey, Upload, User
from bulletdrop.core.names import urls
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.site import Site
from bulletdrop.web.agents import system_of

# A time of day without its offset is nobody's time.
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
_Scope = Annotated[str, msgspec.Meta(max_length=50)]


class UserOut(Struct):
    """A person."""

    id: str
    username: str
    email: str
    is_admin: bool
    created_at: datetime


class MeOut(UserOut, kw_only=True):
    """Who is asking. `scopes` is null for a signed-in person, who may do everything that is theirs."""

    scopes: list[str] | None


class SetupIn(Struct, forbid_unknown_fields=True):
    """The first admin."""

    code: Annotated[str, msgspec.Meta(max_length=100)]
    username: Annotated[str, msgspec.Meta(max_length=300)]
    email: Annotated[str, msgspec.Meta(max_length=300)]
    password: Annotated[str, msgspec.Meta(max_length=4096)]


class LoginIn(Struct, forbid_unknown_fields=True):
    """A sign-in; `identifier` is a username or an email address."""

    identifier: Annotated[str, msgspec.Meta(max_length=1000)]
    password: Annotated[str, msgspec.Meta(max_length=4096)]


class RefreshIn(Struct, forbid_unknown_fields=True):
    """A refresh; without a token, the browser's cookie counts."""

    refresh_token: str | None = None


class TokensOut(Struct):
    """A sign-in that worked. `refresh_token` is null when another tab has just been given the new one."""

    access_token: str
    token_type: Literal["Bearer"]
    expires_in: int
    refresh_token: str | None
    user: UserOut


class KeyIn(Struct, forbid_unknown_fields=True):
    """A new API key. One with the scope `admin` asks for the password again, or for a code without one."""

    name: Annotated[str, msgspec.Meta(max_length=100)]
    scopes: Annotated[list[_Scope], msgspec.Meta(max_length=100)]
    expires_at: Moment | None = None
    rate_limit_per_hour: int | None = None
    password: Annotated[str, msgspec.Meta(max_length=4096)] | None = None
    code: Annotated[str, msgspec.Meta(max_length=200)] | None = None


class KeyPatch(Struct, forbid_unknown_fields=True):
    """Changes to a key: its name and its limit, never its scopes."""

    name: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    rate_limit_per_hour: int | msgspec.UnsetType | None = msgspec.UNSET


class KeyOut(Struct):
    """An API key, without the key itself. `system` is what a device said that it runs on, such as `Linux`, or empty."""

    id: str
    name: str
    prefix: str
    device_name: str | None
    system: str
    scopes: list[str]
    rate_limit_per_hour: int | None
    request_count: int
    created_at: datetime
    last_used_at: datetime | None
    last_address: str
    expires_at: datetime | None


class NewKeyOut(KeyOut, kw_only=True):
    """A key that was just made: the only time that the key itself is shown."""

    key: str


class KeysOut(Struct):
    """All keys of a person."""

    items: list[KeyOut]
    next: str | None = None


class DeviceIn(Struct, forbid_unknown_fields=True):
    """A tray on the server's own machine, which can read `run/server.json`."""

    secret: Annotated[str, msgspec.Meta(max_length=200)]
    device_name: Annotated[str, msgspec.Meta(max_length=1000)]


class DeviceOut(Struct):
    """The tray's key, and whose it is."""

    key: str
    user: UserOut


class UploadOut(Struct):
    """A drop. `link` is what its owner's links look like: the page's address, or with an ending the file's; `domain`
    the host that its links are built with, null for the main address. `views` is counted where `max_views` is set.
    `deletion_url` is null for keys without `uploads:delete`, but in the answer that made the drop; of a
    team's drop it is for whoever brought it alone. `team` is the team's slug; `sender` who brought it there."""

    id: str
    slug: str
    url: str
    direct_url: str
    link: str
    thumbnail_url: str
    embed_url: str
    deletion_url: str | None
    filename: str
    original_filename: str
    title: str
    description: str
    language: str
    custom_name: str | None
    domain: str | None
    mime_type: str
    size: int
    sha256: str
    width: int | None
    height: int | None
    frames: int
    state: Literal["new", "ready", "broken"]
    problem: str | None
    placeholder: str | None
    is_public: bool
    has_password: bool
    max_views: int | None
    views: int
    expires_at: datetime | None
    tags: list[str]
    source: str
    team: str | None
    sender: str | None
    may_change: bool
    created_at: datetime
    trashed_at: datetime | None


class UploadsOut(Struct):
    """A part of a list of drops; `next` is the cursor of the following part."""

    items: list[UploadOut]
    next: str | None = None


class UploadPatch(Struct, forbid_unknown_fields=True):
    """Changes to a drop: fields that are left out stay as they are.

    `keep_old_name` goes with a new `custom_name` or `domain`: for such a span as `30d`, or until such a time, the name
    that the drop had leads on to it. Without it, that is free for others at once. `end_old_names` ends those that lead
    on now.
    """

    title: Annotated[str, msgspec.Meta(max_length=1000)] | msgspec.UnsetType = msgspec.UNSET
    custom_name: Annotated[str, msgspec.Meta(max_length=1000)] | msgspec.UnsetType | None = msgspec.UNSET
    keep_old_name: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType | None = msgspec.UNSET
    end_old_names: bool | msgspec.UnsetType = msgspec.UNSET
    domain: Annotated[str, msgspec.Meta(max_length=1000)] | msgspec.UnsetType | None = msgspec.UNSET
    description: Annotated[str, msgspec.Meta(max_length=20000)] | msgspec.UnsetType = msgspec.UNSET
    language: Annotated[str, msgspec.Meta(max_length=100)] | msgspec.UnsetType = msgspec.UNSET
    is_public: bool | msgspec.UnsetType = msgspec.UNSET
    password: Annotated[str, msgspec.Meta(max_length=4096)] | msgspec.UnsetType | None = msgspec.UNSET
    max_views: int | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: Moment | msgspec.UnsetType | None = msgspec.UNSET
    tags: Annotated[list[str], msgspec.Meta(max_length=200)] | msgspec.UnsetType = msgspec.UNSET
    team: Annotated[str, msgspec.Meta(max_length=300)] | msgspec.UnsetType | None = msgspec.UNSET


class ProblemDetail(Struct):
    """What went wrong: a code for programs, a message for people, the field at fault."""

    code: str
    message: str
    field: str | None
    request_id: str | None


class Problem(Struct):
    """The shape of every error."""

    error: ProblemDetail


def user_out(user: User) -> UserOut:
    """A person as the API shows them to themselves."""
    return UserOut(user.id, user.username, user.email, user.is_admin, milliseconds(user.created_at))


def me_out(user: User, caller: Caller) -> MeOut:
    """A person with what their key may do."""
    known = user_out(user)
    scopes = None if caller.scopes is None else sorted(caller.scopes)
    return MeOut(known.id, known.username, known.email, known.is_admin, known.created_at, scopes=scopes)


def tokens_out(tokens: Tokens) -> TokensOut:
    """A sign-in as the API answers it."""
    return TokensOut(tokens.access_token, "Bearer", tokens.expires_in, tokens.refresh_token, user_out(tokens.user))


def key_out(key: ApiKey) -> KeyOut:
    """A key as lists show it."""
    return KeyOut(
        id=key.id,
        name=key.name,
        prefix=key.prefix,
        device_name=key.device_name,
        system=system_of(key.user_agent),
        scopes=list(key.scopes),
        rate_limit_per_hour=key.rate_limit_per_hour,
        request_count=key.request_count,
        created_at=milliseconds(key.created_at),
        last_used_at=milliseconds_or_none(key.last_used_at),
        last_address=key.last_address,
        expires_at=milliseconds_or_none(key.expires_at),
    )


def new_key_out(key: ApiKey, plain: str) -> NewKeyOut:
    """A key right after it was made."""
    return NewKeyOut(**msgspec.structs.asdict(key_out(key)), key=plain)


def upload_out(site: Site, upload: Upload, caller: Caller, *, made: bool = False) -> UploadOut:
    """A drop as its owner sees it, or its team. Needs its blob, tags and team loaded; asks the database nothing.

    Args:
        caller: who asks: the deletion link is itself the right to delete.
        made: this is the answer that made the drop. It tells nothing of what somebody else's same bytes have become.
    """
    blob, mine = upload.blob, upload.owner_id == caller.user_id
    may_delete = upload.may_change and caller.may("uploads:delete") and (mine or upload.team_id is None)
    state = blob.state if not made else "new" if blob.mime.startswith("image/") else "ready"
    return UploadOut(
        id=upload.id,
        slug=upload.slug,
        url=urls.page_url(site, upload),
        direct_url=urls.direct_url(site, upload),
        link=urls.copied_url(site, upload),
        thumbnail_url=urls.thumbnail_url(site, upload),
        embed_url=urls.embed_url(site, upload),
        deletion_url=urls.deletion_url(site, upload) if made or may_delete else None,
        filename=upload.filename,
        original_filename=upload.original_filename,
        title=upload.title,
        description=upload.description,
        language=upload.language,
        custom_name=upload.custom_name,
        domain=upload.domain.name if upload.domain is not None else None,
        mime_type=blob.mime,
        size=blob.size,
        sha256=blob.sha256,
        width=blob.width,
        height=blob.height,
        frames=blob.frames,
        state=cast(Literal["new", "ready", "broken"], state),
        problem=None if made else blob.problem,
        placeholder=None if made else blob.placeholder,
        is_public=upload.is_public,
        has_password=upload.password_hash is not None,
        max_views=upload.max_views,
        views=upload.views,
        expires_at=milliseconds_or_none(upload.expires_at),
        tags=list(upload.tag_names),
        source=upload.source,
        team=None if upload.team is None else upload.team.slug,
        sender=None if upload.team is None else caller.username if mine else upload.owner.username,
        may_change=upload.may_change,
        created_at=milliseconds(upload.created_at),
        trashed_at=milliseconds_or_none(upload.trashed_at),
    )


def milliseconds(moment: datetime) -> datetime:
    """A time without the part that nobody reads."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def milliseconds_or_none(moment: datetime | None) -> datetime | None:
    """As `milliseconds`, for times that may be missing."""
    return None if moment is None else milliseconds(moment)
