"""`POST /api/v1/...`: what the site's backends send, with a server token. Nothing here is for browsers."""

import asyncio
from typing import Final

import msgspec
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.model import Reason
from relay.identity.tokens import TokenFault
from relay.insight.told import RefusedBeacon
from relay.intake.from_backend import ACTIONS, ITEMS, USERS
from relay.web.api import handlers, shapes
from relay.web.api.api_call import ApiCall
from relay.web.api.handlers import ApiRequest
from relay.web.api.openapi import OpenApiEndpoint
from relay.web.routes.answer import Refusal, send_json
from relay.web.routes.edge import Edge, EdgeSite, edge_of
from relay.web.routes.header_fields import fields_of
from relay.web.routes.request_body import ClientGoneError, read_body
from relay.wire.fields import Members, Notes
from relay.wire.lenient_json import parse
from relay.wire.values import RefusedFieldError

MAX_API_BYTES: Final = 8 << 20
"""One body of a backend; a longer list comes in several."""

_PARSE_ASIDE_BYTES: Final = 64 * 1024
"""Larger bodies are parsed on a thread, so that browsers need not wait."""

_RETRY_S: Final = 5

_SAYS: Final = {
    Reason.MISSING_FIELD: "is missing",
    Reason.EMPTY: "is empty, or what a variable without a value turns into",
    Reason.TOO_LONG: "is too long",
    Reason.BAD_TYPE: "is of the wrong kind",
    Reason.BAD_NUMBER: "is not a number that can be used",
    Reason.BAD_UNICODE: "holds NUL or half a character",
}


CALLS: Final = (
    ApiCall("/api/v1/events", ("events",), 202, shapes.EventsRequest, handlers.events),
    ApiCall("/api/v1/users", ("records", "users"), 202, shapes.UsersRequest, handlers.records(USERS)),
    ApiCall("/api/v1/items", ("records", "items"), 202, shapes.ItemsRequest, handlers.records(ITEMS)),
    ApiCall("/api/v1/actions", ("records", "actions"), 202, shapes.ActionsRequest, handlers.records(ACTIONS)),
    ApiCall(
        "/api/v1/action-interactions",
        ("events",),
        202,
        shapes.ActionInteractionsRequest,
        handlers.action_interactions,
    ),
    ApiCall("/api/v1/identity", ("identity",), 200, shapes.IdentityRequest, handlers.identity),
    ApiCall("/api/v1/erase", ("erase",), 200, shapes.UserRequest, handlers.erase),
    ApiCall("/api/v1/allow", ("allow",), 200, shapes.UserRequest, handlers.allow),
)


class ApiEndpoint:
    """Answers one call: checks the token, reads the body, has it done."""

    def __init__(self, call: ApiCall) -> None:
        self._call = call
        self._known = frozenset(field.encode_name for field in msgspec.structs.fields(call.shape))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        edge = edge_of(scope)
        headers = fields_of(scope["headers"])
        try:
            status, body = await self._answer(edge, scope["method"], headers, receive)
            await send_json(send, status, body, ())
        except Refusal as refusal:
            trusted = refusal.status not in (401, 405)
            problem = refusal.problem
            edge.insight.refused(
                RefusedBeacon("api", refusal.status, problem.error, problem.field or "", "", "", "", trusted)
            )
            await send_json(send, refusal.status, refusal.problem, refusal.headers)
        except ClientGoneError:
            return

    async def _answer(
        self, edge: Edge, method: str, headers: dict[bytes, bytes], receive: Receive
    ) -> tuple[int, object]:
        if method != "POST":
            raise Refusal(405, "method_not_allowed", "send a POST", headers=((b"allow", b"POST"),))
        site = self._authorized(edge, headers)
        kind = headers.get(b"content-type", b"application/json").partition(b";")[0].strip().lower()
        if kind != b"application/json" or b"content-encoding" in headers:
            raise Refusal(415, "bad_content_type", "send application/json, not compressed")
        body = await _parsed(await read_body(receive, headers, max_bytes=MAX_API_BYTES))
        notes = Notes()
        try:
            members = Members(body, notes)
            notes.count_unknown(members.names(), self._known)
            answer = await self._call.run(ApiRequest(edge, site, members, notes))
        except RefusedFieldError as refused:
            field = refused.field or "body"
            detail = refused.detail or f"{field} {_SAYS.get(refused.reason, 'cannot be used')}"
            raise Refusal(400, refused.reason, detail, field=field) from None
        except SpoolError as error:
            edge.readiness.spool_refused(error)
            name = "spool_full" if isinstance(error, SpoolFullError) else "spool_unwritable"
            raise Refusal(503, name, "cannot be stored now", retry_after_s=_RETRY_S) from None
        finally:
            edge.metrics.count_fields((), notes.unknown)
        return self._call.status, answer

    def _authorized(self, edge: Edge, headers: dict[bytes, bytes]) -> EdgeSite:
        kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        claims = edge.tokens.server(token.strip() if kind.lower() == "bearer" else None)
        site = None if isinstance(claims, TokenFault) else edge.sites.get(claims.site)
        if isinstance(claims, TokenFault) or site is None:
            name = claims if isinstance(claims, TokenFault) else "unknown_site"
            challenge = ((b"www-authenticate", b"Bearer"),)
            detail = "send Authorization: Bearer and a server token"
            raise Refusal(401, f"token_{name}", detail, field="authorization", headers=challenge)
        if not set(self._call.scopes) & set(claims.scope):
            raise Refusal(403, "scope", f"the token does not allow {self._call.scopes[0]}", field="authorization")
        return site


def api_routes(*, prefix: str) -> list[BaseRoute]:
    """The server API, and the document that describes it and the beacons of `prefix`."""
    document = Route("/api/v1/openapi.json", OpenApiEndpoint(CALLS, prefix=prefix))
    return [*(Route(call.path, ApiEndpoint(call)) for call in CALLS), document]


async def _parsed(body: bytes) -> object:
    try:
        text = body.decode()
        return parse(text) if len(text) < _PARSE_ASIDE_BYTES else await asyncio.to_thread(parse, text)
    except ValueError:
        raise Refusal(400, "not_json", "the body is not JSON", field="body") from None
