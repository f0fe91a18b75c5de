"""Settings that change while the server runs."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core import settings
from bulletdrop.core.people.administration import By
from bulletdrop.core.settings import Shown
from bulletdrop.core.site import Site
from bulletdrop.errors import BadConfig, Invalid
from bulletdrop.web.api.admin.queries import ADMIN, by
from bulletdrop.web.auth import required_caller
from bulletdrop.web.bodies import json_answer, json_of
from bulletdrop.web.routes import Route
from bulletdrop.web.threads import in_thread


class SettingOut(Struct):
    """A setting. `given_by` names where a fixed one is given: it changes there alone."""

    name: str
    type: str
    value: Any
    default: Any
    help: str
    least: float | None
    most: float | None
    choices: list[str]
    is_changed: bool
    given_by: str | None


class SettingsOut(Struct):
    """All settings that change while the server runs."""

    items: list[SettingOut]
    next: str | None = None


async def list_settings(request: Request) -> HTTPResponse:
    """Every setting that changes while the server runs."""
    return json_answer(await in_thread(request, _settings))


async def change_settings(request: Request) -> HTTPResponse:
    """Change some, all or none; null takes a change back."""
    caller = await required_caller(request)
    wanted = json_of(request, dict[str, Any])
    return json_answer(await in_thread(request, _change, by(request, caller), wanted))


def _settings(site: Site) -> SettingsOut:
    return SettingsOut([_out(one) for one in settings.live_settings(site)])


def _change(site: Site, by: By, values: dict[str, Any]) -> SettingsOut:
    settings.change_settings(site, values, actor=by.actor, address=by.address)
    return _settings(site)


def _out(one: Shown) -> SettingOut:
    row = one.setting
    return SettingOut(
        name=row.name,
        type=row.type,
        value=msgspec.to_builtins(one.value),
        default=msgspec.to_builtins(row.default),
        help=row.help,
        least=row.least,
        most=row.most,
        choices=list(row.of),
        is_changed=one.is_changed,
        given_by=one.given_by,
    )


ROUTES = (
    Route(
        method="GET",
        path="/admin/settings",
        handler=list_settings,
        summary="List the settings that can change",
        who=ADMIN,
        answers={200: SettingsOut},
        noun="admin",
    ),
    Route(
        method="PATCH",
        path="/admin/settings",
        handler=change_settings,
        summary="Change settings",
        who=ADMIN,
        body=dict[str, Any],
        answers={200: SettingsOut},
        noun="admin",
        errors=(Invalid, BadConfig),
    ),
)
