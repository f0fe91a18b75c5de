"""The OpenAPI 3.1 document, made from the table of routes and the structs that go in and out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, get_args

import msgspec
from sanic import Request
from sanic.response import HTTPResponse

from bulletdrop import __version__
from bulletdrop.errors import BadCsrf, MissingScope, NotSignedIn, TooMany
from bulletdrop.web.api.schemas import Problem
from bulletdrop.web.bodies import json_answer
from bulletdrop.web.problems import STATUS
from bulletdrop.web.routes import ANYBODY, PERSON, PREFIX, Route

_REF = "#/components/schemas/{name}"
_PROBLEM = {"application/json": {"schema": {"$ref": _REF.format(name="Problem")}}}
_SECURITY: dict[str, Any] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An API key (bd_…) or an access token."},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
    "cookie": {
        "type": "apiKey",
        "in": "cookie",
        "name": "bd_access",
        "description": "The browser's own. Changes need the header X-CSRF-Token with the value of the cookie bd_csrf.",
    },
}


async def openapi(request: Request) -> HTTPResponse:
    """This document."""
    response = json_answer(request.app.ctx.openapi)
    response.headers["cache-control"] = "public, max-age=300"
    return response


ROUTES = (
    Route(
        method="GET",
        path="/openapi.json",
        handler=openapi,
        summary="This document",
        who=ANYBODY,
        answers={200: dict[str, Any]},
        noun="upkeep",
    ),
)


def document(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole document for a table of routes."""
    structs = _structs(routes)
    _, schemas = msgspec.json.schema_components(structs, ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        path = PREFIX + re.sub(r"<(\w+)(?::\w+)?>", r"{\1}", route.path)
        paths.setdefault(path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "BulletDrop", "version": __version__},
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {"schemas": schemas, "securitySchemes": _SECURITY},
        "tags": [{"name": noun} for noun in dict.fromkeys(route.noun for route in routes)],
    }


def _structs(routes: Sequence[Route]) -> list[Any]:
    kinds: list[Any] = [Problem]
    for route in routes:
        for kind in (route.body, *route.answers.values()):
            kinds += [each for each in (get_args(kind) or (kind,)) if _is_struct(each)]
    return list(dict.fromkeys(kinds))


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": (route.handler.__doc__ or route.summary).strip(),
        "tags": [route.noun],
        "responses": _responses(route),
        "security": _security(route),
    }
    parameters = _parameters(route)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": _schema(route.body)}}}
    elif route.media is not None:
        content = {kind: {"schema": schema} for kind, schema in route.media.items()}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _parameters(route: Route) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"<(\w+)", route.path)
    ]
    return found + [
        {"name": each.name, "in": each.where, "description": each.about, "schema": each.schema}
        for each in route.parameters
    ]


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {}
    for status, kind in route.answers.items():
        responses[str(status)] = {"description": route.summary}
        if isinstance(kind, str):
            # Bytes of a media type, not a struct.
            file = {"schema": {"type": "string", "format": "binary"}}
            responses[str(status)]["content"] = {kind: file}
        elif kind is not None:
            responses[str(status)]["content"] = {"application/json": {"schema": _schema(kind)}}
    errors = list(route.errors)
    if route.who != ANYBODY:
        errors += [NotSignedIn, MissingScope, TooMany] + ([BadCsrf] if route.method != "GET" else [])
    for error in errors:
        responses.setdefault(str(STATUS[error]), {"description": error.title, "content": _PROBLEM})
    responses["default"] = {"description": "Any other error, in the same shape.", "content": _PROBLEM}
    return responses


def _security(route: Route) -> list[dict[str, list[str]]]:
    if route.who == ANYBODY:
        return []
    schemes = ["bearer", "cookie"] if route.who == PERSON else ["bearer", "api_key", "cookie"]
    return [{scheme: []} for scheme in schemes]


def _schema(kind: Any) -> dict[str, Any]:
    several = [each for each in get_args(kind) if _is_struct(each)]
    if several:
        return {"oneOf": [_schema(each) for each in several]}
    if _is_struct(kind):
        return {"$ref": _REF.format(name=kind.__name__)}
    return {"type": "object"}
