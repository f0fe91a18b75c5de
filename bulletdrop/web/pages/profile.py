"""The profile: names, a few lines, a picture."""

from __future__ import annotations

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.drops import avatars
from bulletdrop.core.models import User
from bulletdrop.core.people import profile
from bulletdrop.core.site import Site
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, Invalid, Rejected, TooBig, UnknownType
from bulletdrop.web.api.account import avatar_url
from bulletdrop.web.auth import check_csrf, check_origin, form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.posted import go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.receive import received
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_picture_thread, in_thread

PATH, AVATAR = "/account", "/account/avatar"
_SAID = {"saved": "Saved.", "picture": "Your picture is set.", "no-picture": "Your picture is removed."}


@signed_in
async def show(request: Request) -> HTTPResponse:
    """Your profile."""
    return await _page(request)


@signed_in
async def change(request: Request) -> HTTPResponse:
    """Change names and lines; or show the page again with what is wrong."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    changes = {name: form[name] for name in profile.LONGEST if name in form}
    try:
        await in_thread(request, profile.change_profile, caller.user_id, changes)
    except (Rejected, Busy) as error:
        return await _page(request, error=error, form=form)
    return go_on(PATH, "saved")


@signed_in
async def set_avatar(request: Request) -> HTTPResponse:
    """Take a picture from the form."""
    caller = await required_caller(request)
    caller.needs_person()
    check_origin(request, null_counts=False)
    try:
        async with received(request, filename=None) as body:
            check_csrf(request, caller, request.headers.get("x-csrf-token") or body.fields.get("csrf", [""])[-1])
            (incoming,) = body.take()[:1] or (None,)
            if incoming is None:
                raise Invalid("Choose a picture first.", field="file")
            if incoming.size > avatars.MOST_BYTES:
                incoming.path.unlink(missing_ok=True)
                raise TooBig("A picture of yourself has at most 20 MB.", field="file")
            await in_picture_thread(request, avatars.set_avatar, caller.user_id, incoming)
    except BadCsrf:
        raise
    except UnknownType:
        # What the server takes as a drop is beside the point here.
        return await _page(
            request, error=UnknownType("This is no picture. Take a PNG, JPEG, WebP or HEIC.", field="file")
        )
    except (Rejected, Busy) as error:
        return await _page(request, error=error)
    return go_on(PATH, "picture")


@signed_in
async def remove_avatar(request: Request) -> HTTPResponse:
    """Go without a picture."""
    caller = await required_caller(request)
    caller.needs_person()
    await form_of(request)
    await in_thread(request, avatars.remove_avatar, caller.user_id)
    return go_on(PATH, "no-picture")


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_profile")
    app.add_route(change, PATH, methods=["POST"], name="page_profile_post")
    app.add_route(remove_avatar, f"{AVATAR}/remove", methods=["POST"], name="page_profile_no_avatar")
    app.add_route(set_avatar, AVATAR, methods=["POST"], stream=True, name="page_profile_avatar")


async def _page(
    request: Request, *, error: BulletDropError | None = None, form: dict[str, str] | None = None
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    user: User = await in_thread(request, _user, caller.user_id)
    site = web_of(request).site
    return render(
        request,
        "profile.html",
        status=status_of(error) if error else 200,
        user=user,
        values={name: (form or {}).get(name, getattr(user, name)) for name in profile.LONGEST},
        longest=profile.LONGEST,
        picture=avatar_url(site, user),
        wrong={error.field or "": error.message} if error else {},
        said=said_of(request, _SAID),
    )


def _user(site: Site, user_id: str) -> User:
    return profile.get_user(site, user_id)
