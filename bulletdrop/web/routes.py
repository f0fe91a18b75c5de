"""The table of the API: each row is a route, its authorization, and its line in the OpenAPI document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bulletdrop.errors import BulletDropError
from bulletdrop.web.auth import Handler, needs
from bulletdrop.web.context import App

PREFIX = "/api/v1"

# Who may call a route, beside a scope: everybody, anybody with a key or a session, people but not keys.
ANYBODY, CALLER, PERSON = "anybody", "caller", "person"


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One parameter in the query or the headers."""

    name: str
    about: str
    where: str = "query"
    schema: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Route:
    """One row.

    Args:
        path: after `/api/v1`, with parameters as `<name>`.
        who: ANYBODY, CALLER, PERSON or a scope.
        body: the struct of the JSON that goes in; for other bodies `media`: content type → schema.
        answers: the struct that comes out, by status; a media type for bytes; None for no body.
        errors: the errors of its own that it can answer.
        stream: the handler reads the body itself.
        csrf_in_body: the handler checks the CSRF token of a form itself.
    """

    method: str
    path: str
    handler: Handler
    summary: str
    who: str
    answers: dict[int, Any]
    noun: str
    body: Any = None
    media: dict[str, Any] | None = None
    parameters: tuple[Parameter, ...] = ()
    errors: tuple[type[BulletDropError], ...] = ()
    stream: bool = False
    csrf_in_body: bool = False

    @property
    def name(self) -> str:
        """A name of its own, such as `post_uploads`."""
        words = self.path.strip("/").replace("<", "").replace(">", "").replace("/", "_")
        return f"{self.method.lower()}_{words}".replace("-", "_").replace(".", "_")


def attach_routes(app: App, routes: tuple[Route, ...]) -> None:
    """Register the rows, each behind the authorization that its row asks for."""
    for route in routes:
        handler = guarded(route)
        app.add_route(handler, PREFIX + route.path, methods=[route.method], stream=route.stream, name=route.name)


def guarded(route: Route) -> Handler:
    """A row's handler behind its authorization."""
    if route.who == ANYBODY:
        return route.handler
    scope = None if route.who in (CALLER, PERSON) else route.who
    return needs(scope, person=route.who == PERSON, csrf_in_body=route.csrf_in_body)(route.handler)


def attach_heads(app: App) -> None:
    """Answer HEAD wherever GET is answered; the connection leaves the body away."""
    have = {route.path for route in app.router.routes if "HEAD" in route.methods}
    for route in list(app.router.routes):
        if "GET" in route.methods and route.path not in have:
            name = f"head_{route.name.rpartition('.')[2]}"
            app.add_route(route.handler, f"/{route.path}", methods=["HEAD"], name=name)
