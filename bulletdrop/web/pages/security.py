"""One's own security: password, authenticator app, recovery codes, passkeys. Only new passkeys need a script."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse, redirect

from bulletdrop.core.models import Passkey, Totp, User
from bulletdrop.core.people import passkeys, recovery, second_factor, totp
from bulletdrop.core.people.callers import Caller
from bulletdrop.core.people.password_change import change_password
from bulletdrop.core.people.totp import Setup
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, NotFound, Rejected
from bulletdrop.web.api.proofs import prove
from bulletdrop.web.auth import address_of, form_of, required_caller, set_session_cookies, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.entrance import agent_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_hash_thread, in_thread

_HERE = "/account/security"
# What has just been done, by the word in the address.
_SAID = {
    "password": "The password was changed. Everywhere else you are signed out.",
    "off": "The authenticator app is switched off.",
    "renamed": "The name was changed.",
    "removed": "The passkey was removed.",
    "added": "The passkey was added.",
}


@dataclass(frozen=True)
class State:
    """How somebody signs in, as the page shows it."""

    has_password: bool
    since: datetime | None
    codes_left: int
    passkeys: list[Passkey]

    @property
    def is_on(self) -> bool:
        """True when there is any second step, for which recovery codes stand in."""
        return self.since is not None or bool(self.passkeys)


@dataclass(frozen=True)
class Wrong:
    """What is wrong with one of the page's forms."""

    form: str
    field: str
    words: str
    status: int


Act = Callable[[Request, Caller, dict[str, str]], Awaitable[HTTPResponse]]


@signed_in
async def show(request: Request) -> HTTPResponse:
    """The page."""
    caller = await required_caller(request)
    caller.needs_person()
    return await _page(request, caller)


def _posted(name: str, act: Act) -> Any:
    """A handler of one form: what is wrong is said in the form, on the page."""

    @signed_in
    async def handler(request: Request, passkey_id: str = "") -> HTTPResponse:
        caller = await required_caller(request)
        caller.needs_person()
        form = await form_of(request)
        if passkey_id:
            form["passkey_id"] = passkey_id
        try:
            return await act(request, caller, form)
        except (BadCsrf, NotFound):
            raise
        except (Rejected, Busy) as error:
            return await _again(request, caller, form, f"{name}/{passkey_id}" if passkey_id else name, error)

    return handler


async def _change_password(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    user = await _proved(request, caller, form)
    tokens = await in_hash_thread(
        request,
        change_password,
        user,
        form.get("new_password", ""),
        session_id=str(caller.session_id),
        revoke_keys="revoke_keys" in form,
        address=address_of(request),
        user_agent=agent_of(request),
    )
    response = _done("password")
    set_session_cookies(response, tokens)
    return response


async def _begin_totp(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    setup = await in_thread(request, totp.begin, await _proved(request, caller, form))
    return await _page(request, caller, setup=setup)


async def _confirm_totp(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    code, agent, address = form.get("code", ""), agent_of(request), address_of(request)
    codes = await in_thread(request, second_factor.turn_on, caller.user_id, code, address=address, user_agent=agent)
    return await _page(request, caller, codes=codes, said="The authenticator app is switched on.")


async def _turn_totp_off(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    user, address = await _proved(request, caller, form), address_of(request)
    await in_thread(request, second_factor.turn_off, user, actor=user.id, address=address, user_agent=agent_of(request))
    return _done("off")


async def _new_codes(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    user, address = await _proved(request, caller, form), address_of(request)
    codes = await in_thread(request, second_factor.new_codes, user, address=address, user_agent=agent_of(request))
    return await _page(request, caller, codes=codes, said="New recovery codes are made; the old ones are worthless.")


async def _change_passkey(request: Request, caller: Caller, form: dict[str, str]) -> HTTPResponse:
    if form.get("act") == "rename":
        await in_thread(request, passkeys.rename, caller.user_id, form["passkey_id"], form.get("name", ""))
        return _done("renamed")
    user, address = await _proved(request, caller, form), address_of(request)
    await in_thread(request, passkeys.remove, user, form["passkey_id"], address=address, user_agent=agent_of(request))
    return _done("removed")


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, _HERE, methods=["GET"], name="page_security")
    acts: dict[str, Act] = {
        "password": _change_password,
        "totp": _begin_totp,
        "totp/confirm": _confirm_totp,
        "totp/off": _turn_totp_off,
        "codes": _new_codes,
    }
    for path, act in acts.items():
        name = f"page_security_{path.replace('/', '_')}"
        app.add_route(_posted(path, act), f"{_HERE}/{path}", methods=["POST"], name=name)
    changed = _posted("passkeys", _change_passkey)
    app.add_route(changed, f"{_HERE}/passkeys/<passkey_id:str>", methods=["POST"], name="page_security_passkey")


async def _proved(request: Request, caller: Caller, form: dict[str, str]) -> User:
    return await prove(request, caller, form.get("password"), form.get("code"))


def _done(word: str) -> HTTPResponse:
    return redirect(f"{_HERE}?said={word}", status=303)


async def _again(
    request: Request, caller: Caller, form: dict[str, str], name: str, error: BulletDropError
) -> HTTPResponse:
    wrong = Wrong(name, error.field or "", error.message, status_of(error))
    setup = None
    if name == "totp/confirm":
        setup = await in_thread(request, _pending, caller.user_id, form.get("secret", ""))
    return await _page(request, caller, wrong=wrong, setup=setup)


def _pending(site: Site, user_id: str, secret: str) -> Setup | None:
    return totp.pending(site, User.get_by_id(user_id), secret)


async def _page(
    request: Request,
    caller: Caller,
    *,
    setup: Setup | None = None,
    codes: list[str] | None = None,
    wrong: Wrong | None = None,
    said: str = "",
) -> HTTPResponse:
    secret = setup.secret if setup else ""
    return render(
        request,
        "security.html",
        status=wrong.status if wrong else 200,
        state=await in_thread(request, _state, caller.user_id),
        setup=setup,
        groups=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        qr=_qr(setup.uri) if setup else "",
        codes=codes or [],
        few=recovery.FEW,
        place=passkeys.place(web_of(request).config),
        wrong=wrong,
        said=said or _SAID.get(request.args.get("said", ""), ""),
    )


def _state(site: Site, user_id: str) -> State:
    user: User = User.get_by_id(user_id)
    row = Totp.get_or_none((Totp.user == user) & Totp.confirmed_at.is_null(False))
    return State(
        bool(user.password_hash),
        row.confirmed_at if row else None,
        recovery.left(site, user_id),
        passkeys.list_passkeys(site, user_id),
    )


def _qr(text: str) -> str:
    """A QR code as an inline drawing: our policy lets pages show those, and no style attribute is in it."""
    import segno

    drawn: str = segno.make(text, error="m", micro=False).svg_inline(
        omitsize=True, border=4, light="#fff", svgclass="qr", lineclass=None, title="QR code of the key below"
    )
    return drawn
