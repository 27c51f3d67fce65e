"""`GET /api/v1/openapi.json`: the server API and the beacon, made from the types that read and answer them."""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final, get_type_hints

import msgspec
from starlette.types import Receive, Scope, Send

from relay.intake.from_browser import Taken
from relay.web.api.api_call import ApiCall
from relay.web.routes.answer import JSON, Problem, Refusal, encode, send_bytes, send_json
from relay.wire.beacon import WireBeacon

_PROBLEMS: Final = {
    "400": "Not a request of this shape; `field` says where.",
    "401": "The token is missing, forged, of another kind or revoked.",
    "403": "The token has not the scope, the origin is not allowed, or the user was erased.",
    "413": "The body is too large.",
    "415": "Not JSON, or compressed.",
    "429": "Too many; `Retry-After` says when to try again.",
    "503": "Cannot be stored now; `Retry-After` says when to try again.",
}


class OpenApiEndpoint:
    """Serves the document; it is made at the first request and holds nothing of a site."""

    def __init__(self, calls: Sequence[ApiCall], *, prefix: str) -> None:
        self._calls = tuple(calls)
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["method"] not in ("GET", "HEAD"):
            refusal = Refusal(405, "method_not_allowed", "send a GET", headers=((b"allow", b"GET"),))
            await send_json(send, refusal.status, refusal.problem, refusal.headers)
            return
        body = encode(document(self._calls, self._prefix))
        await send_bytes(send, 200, body if scope["method"] == "GET" else b"", (JSON,))


@cache
def document(calls: tuple[ApiCall, ...], prefix: str) -> dict[str, Any]:
    """The document, OpenAPI 3.1."""
    answers = {call.path: get_type_hints(call.run)["return"] for call in calls}
    types = [WireBeacon, Taken, Problem, *(call.shape for call in calls), *answers.values()]
    _, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    for schema in schemas.values():
        for member in schema.get("properties", {}).values():
            if member.get("default") == "" and member.get("minLength"):
                del member["default"]  # empty is how a text that is not there is held; nobody may send it
    paths: dict[str, Any] = {
        call.path: {
            "post": _operation(
                call.path.rpartition("/")[2], str(call.shape.__doc__), call.shape, call.status, answers[call.path]
            )
            | {"security": [{"serverToken": [call.scopes[0]]}]}
        }
        for call in calls
    }
    beacon = _operation("beacon", "One beacon of a page. Times are browser milliseconds.", WireBeacon, 202, Taken)
    paths[f"{prefix}/e"] = {"post": beacon | {"security": []}}
    paths["/api/v1/openapi.json"] = {
        "get": {
            "operationId": "openapi",
            "summary": "This document.",
            "security": [],
            "responses": {"200": {"description": "OpenAPI 3.1.", "content": {"application/json": {"schema": {}}}}},
        }
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "Personalize Relay", "version": "1", "license": {"name": "MIT", "identifier": "MIT"}},
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "serverToken": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A server token: `personalize-relay token server`.",
                }
            },
        },
    }


def _operation(name: str, summary: str, sent: type, status: int, answer: type) -> dict[str, Any]:
    problems = {code: {"description": text, "content": _content(Problem)} for code, text in _PROBLEMS.items()}
    return {
        "operationId": name,
        "summary": summary.partition("\n")[0],
        "requestBody": {"required": True, "content": _content(sent)},
        "responses": {str(status): {"description": "Done.", "content": _content(answer)}, **problems},
    }


def _content(kind: type) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": f"#/components/schemas/{kind.__name__}"}}}
