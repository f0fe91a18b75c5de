"""Administration: what an admin does to accounts. Each act is a row of the audit log, in the act's own transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bulletdrop.core.audit import record
from bulletdrop.core.database import transaction
from bulletdrop.core.mail import post
from bulletdrop.core.models import Passkey, Plan, RecoveryCode, Session, Totp, User
from bulletdrop.core.origin import public_base
from bulletdrop.core.people import accounts, departures, keys, plans, proof, registration, usage
from bulletdrop.core.people.directory import get_user
from bulletdrop.core.people.tickets import drop_tickets
from bulletdrop.core.site import Site
from bulletdrop.core.text import is_visible
from bulletdrop.errors import Conflict, Invalid

LONGEST_REASON = 500


@dataclass(frozen=True)
class By:
    """Who does it: an admin's id and where the request came from. Both empty for the command line."""

    actor: str | None = None
    address: str = ""


def change_user(site: Site, by: By, user_id: str, changes: Mapping[str, Any], *, reason: str = "") -> User:
    """Change several things about an account, all or none.

    Args:
        changes: `is_active`, `is_admin`, `is_verified`, `plan` and `limits`; what is left out stays as it is.
        reason: why somebody is blocked or let in, for the audit log.
    Raises: Invalid with the field, Conflict where it would leave the server without an admin, NotFound.
    """
    for field in changes:
        if field not in _CHANGES:
            raise Invalid(f"“{field}” cannot be changed.", field=field)
    with transaction(site.db):
        for field, change in _CHANGES.items():
            if field in changes:
                change(site, by, user_id, changes[field], reason)
    return get_user(site, user_id)


def set_active(site: Site, by: By, user_id: str, is_active: bool, reason: str = "") -> User:
    """Block somebody, or let them in again: what they have is refused within a second. Nobody blocks themselves."""
    user = get_user(site, user_id)
    reason = check_reason(reason)
    if user.id == by.actor and not is_active:
        raise Conflict("You cannot block yourself. Another admin can.", field="is_active")
    if user.is_active != is_active:
        accounts.disable(site, user.username, is_active=is_active, actor=by.actor, address=by.address, reason=reason)
    return get_user(site, user_id)


def set_admin(site: Site, by: By, user_id: str, is_admin: bool, reason: str = "") -> User:
    """Make somebody an admin, or no longer. The last admin stays one."""
    user = get_user(site, user_id)
    if user.is_admin != is_admin:
        accounts.promote(site, user.username, is_admin=is_admin, actor=by.actor, address=by.address)
    return get_user(site, user_id)


def set_verified(site: Site, by: By, user_id: str, is_verified: bool, reason: str = "") -> User:
    """Vouch for somebody's email address by hand. It cannot be taken back: people would be locked out by it."""
    user = get_user(site, user_id)
    if not is_verified and user.is_verified:
        raise Invalid("An address that is confirmed stays so. Block the account instead.", field="is_verified")
    if not user.is_verified:
        with transaction(site.db):
            _change(site, user, is_verified=True)
            drop_tickets(site, user.id, "verify")
            _record(site, by, "user.verify", user, user.email)
    return get_user(site, user_id)


def set_plan(site: Site, by: By, user_id: str, plan: str, reason: str = "") -> User:
    """Put somebody on another plan. Raises Invalid for one that does not exist."""
    user = get_user(site, user_id)
    if "\0" in plan or not Plan.select().where(Plan.name == plan).exists():
        raise Invalid(f"There is no plan “{plan[:20]}”.", field="plan")
    if user.plan != plan:
        with transaction(site.db):
            _change(site, user, plan=plan)
            usage.judge(site, [user.id])
            _record(site, by, "user.plan", user, f"{user.plan} → {plan}")
    return get_user(site, user_id)


def set_limits(site: Site, by: By, user_id: str, figures: Mapping[str, Any], reason: str = "") -> User:
    """Give somebody limits of their own over the plan's.

    Args:
        figures: by name; None goes back to the plan's, -1 is no limit, what is left out stays.
    Raises: Invalid with the field.
    """
    checked = plans.check_figures(dict(figures), unlimited=plans.UNLIMITED)
    with transaction(site.db):
        user = get_user(site, user_id)
        limits = {name: value for name, value in {**user.limits, **checked}.items() if value is not None}
        if limits != user.limits:
            _change(site, user, limits=limits)
            usage.judge(site, [user.id])
            said = ", ".join(f"{name} {value}" for name, value in sorted(limits.items())) or "the plan's"
            _record(site, by, "user.limits", user, said)
    return get_user(site, user_id)


def sign_out_everywhere(site: Site, by: By, user_id: str) -> None:
    """End all sessions of somebody; their keys go on."""
    user = get_user(site, user_id)
    with transaction(site.db):
        ended = Session.update(revoked_at=site.clock.now()).where((Session.user == user) & Session.revoked_at.is_null())
        count = ended.execute()
        _change(site, user, epoch=User.epoch + 1)
        drop_tickets(site, user.id, "half")
        _record(site, by, "user.sign-out", user, f"{count} sessions")


def revoke_all_keys(site: Site, by: By, user_id: str) -> int:
    """Revoke all keys and devices of somebody. Returns how many there were."""
    user = get_user(site, user_id)
    with transaction(site.db):
        count = keys.end_keys(site, user.id)
        _record(site, by, "user.revoke-keys", user, f"{count} keys", security=True)
    return count


def drop_second_factor(site: Site, by: By, user_id: str) -> None:
    """Turn off a second factor that was lost: app, recovery codes and passkeys. Its owner is told by mail.

    Raises: Conflict for somebody without one.
    """
    user = get_user(site, user_id)
    with transaction(site.db):
        gone = sum(model.delete().where(model.user == user).execute() for model in (Totp, RecoveryCode, Passkey))
        if not gone:
            raise Conflict(f"{user.username} has no second factor.")
        drop_tickets(site, user.id, "half", proof.PASSKEY)
        _record(site, by, "user.second-factor-off", user, "app, recovery codes and passkeys", security=True)
        what = "an admin turned the second factor off, because it was lost; passkeys are gone with it"
        link = f"{public_base(site.config)}/account/security"
        post(site, "security-changed", to=user.email, user=user, link=link, lives=timedelta(days=7), what=what)


def reset_link(site: Site, by: By, user_id: str) -> str:
    """A link with which somebody chooses a new password, to be handed over; it goes to them by mail besides."""
    user = get_user(site, user_id)
    with transaction(site.db):
        link = registration.send_reset(site, user, by_admin=True)
        _record(site, by, "user.reset", user)
    return link


def schedule_deletion(site: Site, by: By, user_id: str, *, at_once: bool = False) -> datetime:
    """Delete an account in seven days, or with the next run of the job; meanwhile nobody gets in, nothing is shown.

    Returns: when it will be deleted.
    Raises: Conflict for oneself, for the only admin, and for an account that is leaving already; NotFound.
    """
    user = get_user(site, user_id)
    if user.id == by.actor:
        raise Conflict("You cannot delete yourself here. Delete your account on its own page.")
    now = site.clock.now()
    days = 0 if at_once else departures.GRACE.days
    with transaction(site.db):
        accounts.hold_admins(site)
        if at_once and user.delete_scheduled_for is not None:
            _change(site, user, delete_scheduled_for=now)
            due = now
        else:
            link = f"{public_base(site.config)}/signin"
            due = departures.request_deletion(site, user.id, link=link, actor=by.actor, address=by.address, days=days)
        _record(site, by, "user.delete", user, "at once" if at_once else f"in {days} days")
    return due


def keep(site: Site, by: By, user_id: str) -> User:
    """Take a deletion back, whoever asked for it. Raises Conflict for an account that stays anyway."""
    user = get_user(site, user_id)
    leaving = (User.id == user.id) & (User.delete_scheduled_for > site.clock.now())
    with transaction(site.db):
        if not User.update(delete_scheduled_for=None, updated_at=site.clock.now()).where(leaving).execute():
            raise Conflict(f"{user.username} is not about to be deleted.")
        _record(site, by, "user.keep", user)
    return get_user(site, user_id)


def change_plan(site: Site, by: By, name: str, changes: Mapping[str, Any]) -> Plan:
    """Change a plan's title or figures: they hold at once for everybody on it. None is no limit.

    Plans are neither made nor removed: accounts and the setting `default_plan` name them.

    Raises: Invalid with the field, NotFound.
    """
    plan = plans.get_plan(site, name.replace("\0", ""))
    values: dict[str, Any] = dict(plans.check_figures({k: v for k, v in changes.items() if k != "title"}))
    if "title" in changes:
        values["title"] = str(changes["title"]).strip()
        if not 1 <= len(values["title"]) <= 50 or not is_visible(values["title"]):
            raise Invalid("A title has 1 to 50 characters, all of them visible.", field="title")
    changed = {field: value for field, value in values.items() if value != getattr(plan, field)}
    if changed:
        with transaction(site.db):
            Plan.update(changed).where(Plan.name == plan.name).execute()
            site.plans.pop(plan.name, None)
            usage.end_silences(site)
            said = ", ".join(f"{field} {getattr(plan, field)} → {value}" for field, value in changed.items())
            record(
                site,
                "plan.change",
                actor=by.actor,
                subject=plan.name,
                address=by.address,
                category="admin",
                detail=said,
            )
    return plans.get_plan(site, plan.name)


def check_reason(reason: str) -> str:
    """A reason in the form to keep. Raises Invalid for one that is too long."""
    reason = " ".join(reason.replace("\0", " ").split())
    if len(reason) > LONGEST_REASON:
        raise Invalid(f"A reason has at most {LONGEST_REASON} characters.", field="reason")
    return reason


def _change(site: Site, user: User, **values: object) -> None:
    User.update({**values, "updated_at": site.clock.now()}).where(User.id == user.id).execute()


def _record(site: Site, by: By, action: str, user: User, detail: str = "", *, security: bool = False) -> None:
    """One row of what an admin did; what somebody should look at is a security event besides."""
    for category in ("admin", "security") if security else ("admin",):
        record(
            site,
            action,
            actor=by.actor,
            subject=user.username,
            address=by.address,
            category=category,
            detail=detail,
        )


# In this order, so that of several changes in one request the refused one is always the same.
_CHANGES: dict[str, Callable[[Site, By, str, Any, str], User]] = {
    "is_verified": set_verified,
    "plan": set_plan,
    "limits": set_limits,
    "is_admin": set_admin,
    "is_active": set_active,
}
