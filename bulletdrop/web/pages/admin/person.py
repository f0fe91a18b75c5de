"""One person's page: who they are, what they use, what they have, what was done; and every act of an admin."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import moderation
from bulletdrop.core.models import Plan, Upload
from bulletdrop.core.people import administration, directory, plans, trail, usage
from bulletdrop.core.people.administration import By
from bulletdrop.core.people.directory import Dossier, states_of
from bulletdrop.core.people.trail import Entry, Filter
from bulletdrop.core.people.usage import Summary
from bulletdrop.core.site import Site
from bulletdrop.core.upkeep.dismissal import dismiss
from bulletdrop.errors import NotFound
from bulletdrop.web.context import App
from bulletdrop.web.pages.admin.entry import (
    Act,
    Notice,
    Refused,
    add_routes,
    by_of,
    done,
    page_of_acts,
    posted,
    try_act,
)
from bulletdrop.web.pages.admin.figures import LABELS, own_limits, plan_limits, read_limits
from bulletdrop.web.pages.posted import ask_first
from bulletdrop.web.pages.shown import Shown, shown
from bulletdrop.web.threads import in_thread


@dataclass(frozen=True)
class Seen:
    """All that the page shows."""

    about: Dossier
    states: tuple[str, ...]
    usage: Summary
    own_limits: dict[str, str]
    plan_limits: dict[str, str]
    plans: list[Plan]
    drops: list[Shown]
    trail: list[Entry]


def _set(field: str, value: Any) -> Act:
    """An act that changes one thing."""

    def act(site: Site, by: By, user_id: str, form: dict[str, str]) -> object:
        return administration.change_user(site, by, user_id, {field: value}, reason=form.get("reason", ""))

    return act


def _plan(site: Site, by: By, user_id: str, form: dict[str, str]) -> object:
    return administration.set_plan(site, by, user_id, form.get("plan", ""))


def _limits(site: Site, by: By, user_id: str, form: dict[str, str]) -> object:
    return administration.set_limits(site, by, user_id, read_limits(form))


def _delete(site: Site, by: By, user_id: str, form: dict[str, str]) -> object:
    at_once = form.get("at_once") == "yes"
    return dismiss(site, by, user_id, at_once=at_once, confirm=form.get("word", ""))


def _plainly(use_case: Callable[[Site, By, str], object]) -> Act:
    """An act that needs nothing from its form."""

    def act(site: Site, by: By, user_id: str, form: dict[str, str]) -> object:
        return use_case(site, by, user_id)

    return act


# The last part of the address → what it does.
ACTS: dict[str, Act] = {
    "block": _set("is_active", False),
    "unblock": _set("is_active", True),
    "promote": _set("is_admin", True),
    "demote": _set("is_admin", False),
    "verify": _set("is_verified", True),
    "plan": _plan,
    "limits": _limits,
    "reset": _plainly(administration.reset_link),
    "sign-out": _plainly(administration.sign_out_everywhere),
    "revoke-keys": _plainly(administration.revoke_all_keys),
    "second-factor": _plainly(administration.drop_second_factor),
    "delete": _delete,
    "keep": _plainly(administration.keep),
}
NOTICES = {
    "block": Notice("Blocked: signed out everywhere, keys refused.", "unblock"),
    "unblock": Notice("Let in again.", "block"),
    "promote": Notice("An admin now.", "demote"),
    "demote": Notice("No longer an admin.", "promote"),
    "verify": Notice("The address counts as confirmed."),
    "plan": Notice("The plan was changed."),
    "limits": Notice("The limits were changed."),
    "sign-out": Notice("Signed out everywhere."),
    "revoke-keys": Notice("All keys and devices are revoked."),
    "second-factor": Notice("The second factor is off. Its owner is told by mail."),
    "delete": Notice("Will be deleted in seven days. Nobody gets in meanwhile.", "keep"),
    "keep": Notice("The account stays.", "delete"),
}


async def show(request: Request, user_id: str) -> HTTPResponse:
    """The page of one person."""
    return await _page(request, user_id)


async def act(request: Request, user_id: str, act: str) -> HTTPResponse:
    """Do something to an account, then show it again; a link to hand over is shown once, in the answer itself."""
    if act not in ACTS:
        raise NotFound("There is nothing at this address.")
    form = await posted(request)
    asking = await _ask(request, user_id, act, form)
    if asking is not None:
        return asking
    result = await try_act(request, ACTS, act, user_id, form)
    if isinstance(result, Refused):
        return await _page(request, user_id, refused=result)
    if act == "reset":
        return await _page(request, user_id, link=str(result))
    if act == "delete" and result is None:
        return done("/admin/users", "deleted")
    return done(f"/admin/users/{user_id}", act)


def attach(app: App) -> None:
    """Add the addresses."""
    add_routes(
        app,
        (
            ("GET", "/admin/users/<user_id:str>", show, "person"),
            ("POST", "/admin/users/<user_id:str>/<act:str>", act, "person_act"),
        ),
    )


async def _page(
    request: Request,
    user_id: str,
    *,
    refused: Refused | None = None,
    link: str = "",
) -> HTTPResponse:
    seen = await in_thread(request, _seen, user_id)
    by = await by_of(request)
    context = {
        "seen": seen,
        "user": seen.about.user,
        "is_self": seen.about.user.id == by.actor,
        "labels": LABELS,
        "plans": [(plan.name, plan.title) for plan in seen.plans],
        "has_factor": seen.about.factors.has_totp or seen.about.factors.passkeys > 0,
        "ways": _ways(seen.about),
        "link": link,
    }
    return page_of_acts(request, "admin-person.html", "/admin/users", user_id, NOTICES, refused, **context)


async def _ask(request: Request, user_id: str, act: str, form: dict[str, str]) -> HTTPResponse | None:
    """The question before an act that nothing brings back; None where there is nothing to ask, or it was answered."""
    name = (await in_thread(request, directory.get_user, user_id)).username
    word = ""
    if act == "second-factor":
        title, label = f"Turn off the second factor of {name}?", "Turn it off"
        text = "App, recovery codes and passkeys are removed. Make sure that it is really them who asks."
    elif act == "revoke-keys":
        title, label = f"Revoke all keys of {name}?", "Revoke"
        text = "Programs and paired devices stop at once. New keys have to be made."
    elif act == "delete" and form.get("at_once") == "yes":
        title, label, word = f"Delete {name} for good?", "Delete for good", name
        text = "Drops, keys, everything. Nothing brings it back."
    else:
        return None
    return ask_first(request, form, title=title, text=text, label=label, back=f"/admin/users/{user_id}", word=word)


def _ways(about: Dossier) -> str:
    """How somebody signs in, in words."""
    ways = ["a password"] if about.user.password_hash else []
    if about.factors.has_totp:
        ways.append("an authenticator app")
    if about.factors.passkeys:
        ways.append(f"{about.factors.passkeys} passkey{'' if about.factors.passkeys == 1 else 's'}")
    ways += [one.provider.capitalize() for one in about.identities]
    return f"Signs in with {', '.join(ways)}." if ways else "Has no way to sign in yet."


def _seen(site: Site, user_id: str) -> Seen:
    about = directory.dossier(site, user_id)
    user = about.user
    mine = moderation.Filter(owner=user.id)
    return Seen(
        about=about,
        states=states_of(user),
        usage=usage.summary(site, user),
        own_limits=own_limits(user),
        plan_limits=plan_limits(user),
        plans=plans.list_plans(site),
        drops=[_shown(site, one) for one in moderation.list_everybodys(site, mine, limit=8).items],
        trail=trail.read_trail(site, Filter(about=(user.id, user.username)), limit=10).items,
    )


def _shown(site: Site, upload: Upload) -> Shown:
    return shown(site, upload)
