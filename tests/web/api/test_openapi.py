"""The document at /api/v1/openapi.json against a running relay."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator, validate

from tests.support.relay import SESSION, running_edge
from tests.web.api.test_server_api import ACTIONS_ID, ITEMS_ARN, USERS_ARN, call

EXAMPLES: dict[str, dict[str, Any]] = {
    "events": {"sessionId": "s", "userId": 42, "eventList": [{"eventType": "View", "itemId": "p1"}]},
    "users": {"datasetArn": USERS_ARN, "users": [{"userId": "u1", "properties": {"age": 5}}]},
    "items": {"datasetArn": ITEMS_ARN, "items": [{"itemId": "p1"}]},
    "actions": {"datasetArn": ITEMS_ARN, "actions": [{"actionId": "a1"}]},
    "action-interactions": {
        "trackingId": ACTIONS_ID,
        "actionInteractions": [{"actionId": "a", "sessionId": "s", "eventType": "Taken", "timestamp": 1764100000}],
    },
    "identity": {"userId": "u1", "sessionId": SESSION, "ttl": 60},
    "erase": {"userId": "u1"},
    "allow": {"userId": "u1"},
}


async def test_the_document_is_valid_openapi() -> None:
    async with running_edge() as edge:
        validate((await edge.http.get(f"{edge.url}/api/v1/openapi.json")).json(), cls=OpenAPIV31SpecValidator)
        validate((await edge.http.get(f"{edge.url}/api/v1/openapi.json")).json())


async def test_every_path_of_the_document_answers_as_it_says() -> None:
    async with running_edge() as edge:
        document = (await edge.http.get(f"{edge.url}/api/v1/openapi.json")).json()
        schemas = document["components"]["schemas"]
        for name in re.findall(r"#/components/schemas/(\w+)", str(document)):
            assert name in schemas
        assert set(document["paths"]) == {f"/api/v1/{name}" for name in EXAMPLES} | {"/r/e", "/api/v1/openapi.json"}
        for name, body in EXAMPLES.items():
            operation = document["paths"][f"/api/v1/{name}"]["post"]
            shape = schemas[reference(operation["requestBody"])]
            assert set(shape["required"]) <= set(body) <= set(shape["properties"])
            answer = await call(edge, name, body)
            said = schemas[reference(operation["responses"][str(answer.status_code)])]
            assert answer.status_code in (200, 202)
            assert set(said["required"]) <= set(answer.json()) <= set(said["properties"])
            (scope,) = operation["security"][0]["serverToken"]
            assert (await call(edge, name, {}, scope)).status_code == 400
            refused = await call(edge, name, {})
            problem = schemas[reference(operation["responses"]["400"])]
            assert set(problem["required"]) <= set(refused.json()) <= set(problem["properties"])
        beacon = document["paths"]["/r/e"]["post"]
        assert set(edge.beacon()) <= set(schemas[reference(beacon["requestBody"])]["properties"])
        assert set(await edge.send()) <= set(schemas[reference(beacon["responses"]["202"])]["properties"])


@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_the_document_is_only_read(method: str) -> None:
    async with running_edge() as edge:
        assert (await edge.http.request(method, f"{edge.url}/api/v1/openapi.json")).status_code == 405


def reference(part: dict[str, Any]) -> str:
    """The name of the schema a request or an answer has."""
    named: str = part["content"]["application/json"]["schema"]["$ref"]
    return named.rpartition("/")[2]
