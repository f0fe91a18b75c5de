"""Links: how the account's short names are made, what its links look like, and whose pages may show its pictures."""

from __future__ import annotations

import re
from typing import Any

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.models import User
from bulletdrop.core.names import domains, preferences, urls
from bulletdrop.core.names.slugs import new_slug
from bulletdrop.core.people.profile import get_user
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, Rejected
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App
from bulletdrop.web.pages.posted import go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/links"
_SAID = {
    "names": "Saved. It counts for new drops; links that are there stay as they are.",
    "pages": "Saved. It holds from now on, for all your drops.",
    "arrivals": "Saved. It counts for links that are handed out from now on; switched off, for all.",
    "color": "Saved. Chats show it the next time they look.",
}
# What the file in the examples is called.
_EXAMPLE = "Release plan.png"
_SUGGESTED = "#3b5bdb"


@signed_in
async def show(request: Request) -> HTTPResponse:
    """How your links look."""
    return await _page(request)


@signed_in
async def change(request: Request) -> HTTPResponse:
    """Change one part of it; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    try:
        await in_thread(request, preferences.change_preferences, caller.user_id, _changes(form))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, form=form)
    return go_on(PATH, form.get("do", ""))


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_preferences")
    app.add_route(change, PATH, methods=["POST"], name="page_preferences_post")


def _changes(form: dict[str, str]) -> dict[str, Any]:
    part = form.get("do", "")
    if part == "names":
        return {"slug_style": form.get("slug_style", ""), "link_ending": form.get("link_ending") == "yes"}
    if part == "pages":
        hosts = [one.strip() for one in re.split(r"[\r\n,]+", form.get("hotlink_hosts", "")) if one.strip()]
        return {"hotlink": form.get("hotlink", ""), "hotlink_hosts": hosts}
    if part == "arrivals":
        return {"names_arrivals": form.get("names_arrivals") == "yes"}
    if part == "color":
        return {"embed_color": form.get("embed_color", "") if form.get("own_color") == "yes" else ""}
    raise Invalid("There is nothing of this name to change here.", field="do")


async def _page(
    request: Request, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    user, base, slugs = await in_thread(request, _look, caller.user_id)
    values = {
        "slug_style": user.slug_style,
        "link_ending": "yes" if user.link_ending else "no",
        "names_arrivals": "yes" if user.names_arrivals else "no",
        "hotlink": user.hotlink,
        "hotlink_hosts": "\n".join(user.hotlink_hosts),
        "own_color": "yes" if user.embed_color else "no",
        "embed_color": user.embed_color or _SUGGESTED,
    } | (form or {})
    wrong = {error.field or "": error.message} if error else {}
    return render(
        request,
        "preferences.html",
        status=status_of(error) if error else 200,
        values=values,
        wrong=wrong,
        base=base,
        slugs=slugs,
        most_hosts=preferences.MOST_HOSTS,
        said=said_of(request, _SAID),
    )


def _look(site: Site, user_id: str) -> tuple[User, str, dict[str, str]]:
    """The person, what their links begin with, and a slug of each style as one would come out now."""
    base = urls.base_of(site, urls.host_of(domains.primary_of(site, user_id)))
    slugs = {
        style: new_slug(site, style, filename=_EXAMPLE, plain=True) for style in ("random", "words", "date", "name")
    }
    return get_user(site, user_id), base.partition("://")[2], slugs
