# SPDX-License-Identifier: Apache-2.0
"""The OpenAPI document: it is one, it is whole, and what the gateway answers is as it says."""
import copy
import json
import pathlib

import jsonschema
import openapi_spec_validator
import pytest

import harness

RELEASED = pathlib.Path(__file__).resolve().parent.parent.parent / "api/proto/released.wire"


@pytest.fixture(scope="module")
def document(gateway):
    code, headers, data = gateway.ask("GET", "/openapi.json")
    assert (code, headers["Content-Type"]) == (200, "application/json")
    return json.loads(data)


def test_it_is_valid(document):
    openapi_spec_validator.OpenAPIV31SpecValidator(document).validate()


def test_every_method_that_is_served_is_in_it(document):
    methods = [line.split() for line in RELEASED.read_text(encoding="utf-8").splitlines() if line.startswith("method cleat.v1.")]
    served = {f"/{path}" for _, path, shape, *_ in methods if shape in ("unary", "server-stream")}
    assert served <= set(document["paths"])
    assert not {f"/{path}" for _, path, shape, *_ in methods} - served & set(document["paths"])


def strict(document):
    """Its components, so that a field they do not name is an error."""
    components = copy.deepcopy(document["components"])
    for schema in components["schemas"].values():
        if schema["type"] == "object":
            schema["additionalProperties"] = False
    return components


@pytest.mark.parametrize("method,request_body", [
    ("System/Version", {}), ("System/Info", {}), ("System/DiskUsage", {}), ("Containers/List", {"all": True}),
    ("Containers/Inspect", {"container": "described"}), ("Images/List", {}), ("Images/Inspect", {"image": "busybox"}),
    ("Networks/List", {}), ("Volumes/List", {}), ("Containers/Inspect", {"container": "none"}),
])
def test_answers_are_as_it_says(gateway, document, method, request_body):
    path = document["paths"][f"/cleat.v1.{method}"]["post"]
    made = gateway.ask("POST", "/containers/create?name=described", {
        "Image": "busybox", "Labels": {"a": "b"}, "HostConfig": {"Memory": 8 << 20, "Binds": ["vol:/v"]}})[0]
    assert made in (201, 409)
    code, _, data = gateway.ask("POST", f"/cleat.v1.{method}", request_body)
    response = path["responses"]["200" if code == 200 else "default"]
    schema = {**response["content"]["application/json"]["schema"], "components": strict(document)}
    jsonschema.Draft202012Validator(schema).validate(json.loads(data))
    assert json.loads(data)


def test_it_is_the_one_that_was_built(document):
    built = harness.BIN.parent / "api/proto/openapi/openapi.json"
    assert document == json.loads(built.read_text(encoding="utf-8"))
