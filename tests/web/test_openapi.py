"""The document describes the API as it is: every route, every struct, and real answers fit it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from bulletdrop.config import load_config
from bulletdrop.web.api import ROUTES
from bulletdrop.web.app import create_app
from bulletdrop.web.openapi import ROUTES as OWN
from bulletdrop.web.openapi import document
from bulletdrop.web.routes import PREFIX
from tests.support.server import Server
from tests.web.kit import form, png, post_form, upload


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return document(ROUTES + OWN)


def test_the_server_gives_the_document(shared: Server, described: dict[str, Any]) -> None:
    answer = shared.anonymous.get("/api/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == described
    assert described["openapi"] == "3.1.0"


def test_every_api_route_of_the_server_is_in_it(described: dict[str, Any]) -> None:
    app = create_app(load_config({"data": "/nonexistent"}, environ={}))
    for route in app.router.routes:
        path = "/" + route.path
        if not path.startswith(PREFIX):
            continue
        written = re.sub(r"<(\w+)(?::\w+)?>", r"{\1}", path)
        for method in set(route.methods) - {"HEAD", "OPTIONS"}:
            assert method.lower() in described["paths"][written], (method, path)


def test_every_reference_leads_somewhere(described: dict[str, Any]) -> None:
    found = re.findall(r"'\$ref': '#/components/schemas/(\w+)'", str(described))
    assert found
    assert set(found) <= set(described["components"]["schemas"])


def test_every_operation_is_named_once_and_says_what_can_go_wrong(described: dict[str, Any]) -> None:
    names = []
    for path in described["paths"].values():
        for operation in path.values():
            names.append(operation["operationId"])
            assert operation["summary"]
            assert "default" in operation["responses"]
            for status, response in operation["responses"].items():
                if status == "default" or int(status) >= 400:
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Problem"}
    assert len(names) == len(set(names))


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """A small validator for the JSON Schema that msgspec writes."""
    if "$ref" in schema:
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return any(fits(value, each, schemas) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    kinds = {"string": str, "integer": int, "boolean": bool, "null": type(None), "array": list, "object": dict}
    if not isinstance(value, kinds[schema["type"]]):
        return False
    if isinstance(value, list):
        return all(fits(each, schema.get("items", {}), schemas) for each in value)
    if isinstance(value, dict):
        known = schema.get("properties", {})
        assert set(schema.get("required", ())) <= set(value)
        return all(name in known and fits(each, known[name], schemas) for name, each in value.items())
    return True


def test_real_answers_fit_their_schemas(shared: Server, described: dict[str, Any]) -> None:
    schemas = described["components"]["schemas"]
    assert fits(upload(shared.alice, tags="a,b"), schemas["UploadOut"], schemas)
    assert fits(shared.alice.get("/api/v1/uploads").json(), schemas["UploadsOut"], schemas)
    assert fits(shared.alice.get("/api/v1/auth/me").json(), schemas["MeOut"], schemas)
    assert fits(shared.alice.get("/api/v1/uploads/none").json(), schemas["Problem"], schemas)
    assert fits(post_form(shared.alice, form(png(), filename="..")).json(), schemas["Problem"], schemas)


def test_everything_that_the_document_refers_to_is_in_it(described: dict[str, Any]) -> None:
    # Two structs of one name would be left out both.
    named = set(re.findall(r"#/components/schemas/(\w+)", json.dumps(described)))
    assert named <= set(described["components"]["schemas"])
