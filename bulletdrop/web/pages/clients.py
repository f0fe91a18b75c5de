"""Clients: files for other people's screenshot tools, what to do with them, and the keys that they hold."""

from __future__ import annotations

import contextlib

from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop.core.origin import only_here, public_base
from bulletdrop.core.people import clients, keys
from bulletdrop.core.people.clients import ClientFile
from bulletdrop.errors import BadCsrf, BulletDropError, Busy, NotFound, Rejected
from bulletdrop.web.api.clients import as_download, make_file
from bulletdrop.web.auth import form_of, required_caller, signed_in
from bulletdrop.web.context import App, web_of
from bulletdrop.web.pages.keys import MEANINGS
from bulletdrop.web.pages.posted import ask_first, go_on, said_of
from bulletdrop.web.problems import status_of
from bulletdrop.web.render import render
from bulletdrop.web.threads import in_thread

PATH = "/account/clients"
_SAID = {"revoked": "Revoked: the file with it is refused from now on."}
_GONE = "The file that holds it is refused from now on. This cannot be undone, but a new file is quickly made."


@signed_in
async def show(request: Request) -> HTTPResponse:
    """The clients, and the files that were made."""
    return await _page(request)


@signed_in
async def act(request: Request) -> HTTPResponse:
    """Make a file, which is the answer; or revoke the key of one. What is wrong is said on the page."""
    caller = await required_caller(request)
    caller.needs_person()
    form = await form_of(request)
    try:
        if gone := form.get("revoke"):
            if asking := ask_first(request, form, title="Revoke it?", text=_GONE, label="Revoke", back=PATH):
                return asking
            # It is gone already, which is what was asked for.
            with contextlib.suppress(NotFound):
                await in_thread(request, keys.revoke_key, caller.user_id, gone)
            return go_on(PATH, "revoked")
        file = await in_thread(request, make_file, caller, form.get("kind", ""), form.get("name", ""))
    except BadCsrf:
        raise
    except (Rejected, Busy) as error:
        return await _page(request, error=error, form=form)
    return await _page(request, recipe=file) if file.kind.is_recipe else as_download(file)


def attach(app: App) -> None:
    """Add the addresses."""
    app.add_route(show, PATH, methods=["GET"], name="page_clients")
    app.add_route(act, PATH, methods=["POST"], name="page_clients_post")


async def _page(
    request: Request,
    *,
    error: BulletDropError | None = None,
    form: dict[str, str] | None = None,
    recipe: ClientFile | None = None,
) -> HTTPResponse:
    caller = await required_caller(request)
    caller.needs_person()
    rows = await in_thread(request, clients.list_client_keys, caller.user_id)
    return render(
        request,
        "clients.html",
        status=status_of(error) if error else 200,
        kinds=list(clients.KINDS.values()),
        keys=rows,
        meanings=MEANINGS,
        wrong={error.field or "": error.message} if error else {},
        values=form or {},
        recipe=recipe,
        foreign=web_of(request).config.foreign_clients == "on",
        base=public_base(web_of(request).config),
        only_here=only_here(web_of(request).config),
        said=said_of(request, _SAID),
    )
