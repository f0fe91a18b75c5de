"""Passkeys: signing in with one, and a person's own."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import Passkey, User
from bulletdrop.core.people import passkeys, second_factor, signing_in
from bulletdrop.core.people.sessions import Tokens
from bulletdrop.core.people.signing_in import Half
from bulletdrop.core.site import Site
from bulletdrop.errors import BadTicket, Conflict, Forbidden, Invalid, NotFound, NotSignedIn, TooMany, Unavailable
from bulletdrop.web.api.auth import answer_to, ticket_of
from bulletdrop.web.api.proofs import OwnerProofIn, prove
from bulletdrop.web.api.schemas import TokensOut
from bulletdrop.web.auth import address_of, check_origin, required_caller
from bulletdrop.web.bodies import json_answer, json_of, nothing
from bulletdrop.web.guesses import guess
from bulletdrop.web.limits import limit_by_address
from bulletdrop.web.routes import ANYBODY, PERSON, Route
from bulletdrop.web.threads import in_thread

_Name = Annotated[str, msgspec.Meta(max_length=200)]
_Ticket = Annotated[str, msgspec.Meta(max_length=200)]


class PasskeyOptionsIn(Struct, forbid_unknown_fields=True):
    """What the options are for: to sign in, or as the second step of a sign-in (`ticket`, or the browser's cookie)."""

    second: bool = False
    ticket: _Ticket | None = None


class PasskeyOptionsOut(Struct):
    """The options in WebAuthn's own JSON shape, for `navigator.credentials`."""

    options: dict[str, Any]


class PasskeySignInIn(PasskeyOptionsIn, forbid_unknown_fields=True, kw_only=True):
    """What the browser signed, in WebAuthn's own JSON shape."""

    credential: dict[str, Any]


class PasskeyIn(Struct, forbid_unknown_fields=True):
    """What the browser signed or made, in WebAuthn's own JSON shape."""

    credential: dict[str, Any]
    name: _Name = ""


class PasskeyNameIn(Struct, forbid_unknown_fields=True):
    """Another name."""

    name: _Name


class PasskeyOut(Struct):
    """A passkey. `is_backed_up`: its maker keeps a copy, so that a lost phone does not lose it."""

    id: str
    name: str
    is_backed_up: bool
    created_at: datetime
    last_used_at: datetime | None


class NewPasskeyOut(PasskeyOut, kw_only=True):
    """A passkey that was just made, and recovery codes where it is the first second factor; shown this once."""

    recovery_codes: list[str]


class PasskeysOut(Struct):
    """A person's passkeys, newest first."""

    items: list[PasskeyOut]
    next: str | None = None


class PasskeyProofOut(Struct):
    """A proof to send along as `code`, once, within five minutes."""

    code: str


async def sign_in_options(request: Request) -> HTTPResponse:
    """What a browser needs to sign somebody in with a passkey."""
    check_origin(request)
    wanted = json_of(request, PasskeyOptionsIn)
    await limit_by_address(request, "passkey-options", most=120, window=60)
    if not wanted.second:
        return json_answer(PasskeyOptionsOut(await in_thread(request, passkeys.options, passkeys.SIGN_IN)))
    _, user = await in_thread(request, second_factor.look, ticket_of(request, wanted.ticket))
    return json_answer(PasskeyOptionsOut(await in_thread(request, passkeys.options, passkeys.SECOND, user)))


async def sign_in(request: Request) -> HTTPResponse:
    """Sign in with a passkey: alone, as it is two factors in one, or as the second step after a password."""
    check_origin(request)
    wanted = json_of(request, PasskeySignInIn)
    ticket = ticket_of(request, wanted.ticket) if wanted.second else None
    agent, address = request.headers.get("user-agent", ""), address_of(request)
    async with guess(request):
        entered = await in_thread(request, _sign_in, wanted.credential, ticket, agent, address)
    return answer_to(entered)


def _sign_in(site: Site, credential: dict[str, Any], ticket: str | None, agent: str, address: str) -> Tokens | Half:
    if ticket is None:
        row = passkeys.use(site, credential, passkeys.SIGN_IN, address=address, user_agent=agent)
        return signing_in.enter(site, row.user, method="passkey", user_agent=agent, address=address)
    _, user = second_factor.look(site, ticket)
    row = passkeys.use(site, credential, passkeys.SECOND, user, address=address, user_agent=agent)
    return signing_in.finish_with_passkey(site, ticket, row, user_agent=agent, address=address)


async def list_passkeys(request: Request) -> HTTPResponse:
    """Your passkeys."""
    caller = await required_caller(request)
    rows = await in_thread(request, passkeys.list_passkeys, caller.user_id)
    return json_answer(PasskeysOut([passkey_out(row) for row in rows]))


async def register_options(request: Request) -> HTTPResponse:
    """What a browser needs to make a passkey; asks for a proof."""
    caller = await required_caller(request)
    wanted = json_of(request, OwnerProofIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    return json_answer(PasskeyOptionsOut(await in_thread(request, passkeys.registration_options, user)))


async def register(request: Request) -> HTTPResponse:
    """Keep a passkey that the browser has made."""
    caller = await required_caller(request)
    wanted = json_of(request, PasskeyIn)
    row, codes = await in_thread(request, _register, caller.user_id, wanted, _agent(request), address_of(request))
    out = passkey_out(row)
    return json_answer(NewPasskeyOut(**msgspec.structs.asdict(out), recovery_codes=codes), status=201)


def _register(site: Site, user_id: str, wanted: PasskeyIn, agent: str, address: str) -> tuple[Passkey, list[str]]:
    user = User.get_by_id(user_id)
    return passkeys.register(site, user, wanted.credential, name=wanted.name, address=address, user_agent=agent)


async def rename(request: Request, passkey_id: str) -> HTTPResponse:
    """Give a passkey another name."""
    caller = await required_caller(request)
    wanted = json_of(request, PasskeyNameIn)
    row = await in_thread(request, passkeys.rename, caller.user_id, passkey_id, wanted.name)
    return json_answer(passkey_out(row))


async def remove(request: Request, passkey_id: str) -> HTTPResponse:
    """Take a passkey away; asks for a proof. Never the last way in."""
    caller = await required_caller(request)
    wanted = json_of(request, OwnerProofIn)
    user = await prove(request, caller, wanted.password, wanted.code)
    agent, address = _agent(request), address_of(request)
    await in_thread(request, passkeys.remove, user, passkey_id, address=address, user_agent=agent)
    return nothing()


async def proof_options(request: Request) -> HTTPResponse:
    """What a browser needs to prove with a passkey that its owner is there."""
    caller = await required_caller(request)
    return json_answer(PasskeyOptionsOut(await in_thread(request, _proof_options, caller.user_id)))


def _proof_options(site: Site, user_id: str) -> dict[str, Any]:
    return passkeys.options(site, passkeys.PROVE, User.get_by_id(user_id))


async def prove_it(request: Request) -> HTTPResponse:
    """Prove with a passkey that you are there: for people without a password, who are asked for a `code`."""
    caller = await required_caller(request)
    wanted = json_of(request, PasskeyIn)
    async with guess(request, f"proof {caller.user_id}"):
        code = await in_thread(request, _prove, caller.user_id, wanted.credential)
    return json_answer(PasskeyProofOut(code))


def _prove(site: Site, user_id: str, credential: dict[str, Any]) -> str:
    return passkeys.prove(site, User.get_by_id(user_id), credential)


def passkey_out(row: Passkey) -> PasskeyOut:
    """A passkey as the API shows it."""
    return PasskeyOut(row.id, row.name, row.is_backed_up, row.created_at, row.last_used_at)


def _agent(request: Request) -> str:
    return str(request.headers.get("user-agent", ""))


def _row(method: str, path: str, handler: Any, summary: str, answers: dict[int, Any], **options: Any) -> Route:
    return Route(
        method=method, path=path, handler=handler, summary=summary, answers=answers, noun="passkeys", **options
    )


_SIGN_IN = {"who": ANYBODY, "errors": (NotSignedIn, BadTicket, TooMany, Unavailable)}
_PROVED = {"who": PERSON, "body": OwnerProofIn}

ROUTES = (
    _row(
        "POST",
        "/auth/passkeys/options",
        sign_in_options,
        "Begin a sign-in with a passkey",
        {200: PasskeyOptionsOut},
        body=PasskeyOptionsIn,
        **_SIGN_IN,
    ),
    _row(
        "POST", "/auth/passkeys", sign_in, "Sign in with a passkey", {200: TokensOut}, body=PasskeySignInIn, **_SIGN_IN
    ),
    _row("GET", "/account/passkeys", list_passkeys, "List your passkeys", {200: PasskeysOut}, who=PERSON),
    _row(
        "POST",
        "/account/passkeys/options",
        register_options,
        "Begin to make a passkey",
        {200: PasskeyOptionsOut},
        errors=(Forbidden, Conflict, TooMany, Unavailable),
        **_PROVED,
    ),
    _row(
        "POST",
        "/account/passkeys",
        register,
        "Keep a new passkey",
        {201: NewPasskeyOut},
        who=PERSON,
        body=PasskeyIn,
        errors=(Invalid, Conflict, BadTicket, Unavailable),
    ),
    _row(
        "PATCH",
        "/account/passkeys/<passkey_id>",
        rename,
        "Rename a passkey",
        {200: PasskeyOut},
        who=PERSON,
        body=PasskeyNameIn,
        errors=(Invalid, NotFound),
    ),
    _row(
        "DELETE",
        "/account/passkeys/<passkey_id>",
        remove,
        "Remove a passkey",
        {204: None},
        errors=(Forbidden, NotFound, Conflict, TooMany),
        **_PROVED,
    ),
    _row(
        "POST",
        "/account/passkeys/proof-options",
        proof_options,
        "Begin a proof with a passkey",
        {200: PasskeyOptionsOut},
        who=PERSON,
        errors=(Unavailable,),
    ),
    _row(
        "POST",
        "/account/passkeys/proof",
        prove_it,
        "Prove with a passkey that you are there",
        {200: PasskeyProofOut},
        who=PERSON,
        body=PasskeyIn,
        errors=(Forbidden, TooMany, Unavailable),
    ),
)
