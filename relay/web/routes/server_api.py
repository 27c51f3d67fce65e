"""`POST /api/v1/...`: what the site's backends send, with a server token. Nothing here is for browsers."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Final

from msgspec import UNSET
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from relay.core.errors import SpoolError, SpoolFullError
from relay.core.limits import ARN_PATTERN, MAX_DATASET_ARN_CHARS
from relay.identity.tokens import IdentityClaims, TokenFault
from relay.identity.tokens import Scope as TokenScope
from relay.intake.from_backend import ACTIONS, ITEMS, USERS, EntriesTaken, Kind
from relay.web.routes.answer import Refusal, send_json
from relay.web.routes.edge import Edge, EdgeSite, edge_of
from relay.web.routes.request_body import ClientGoneError, read_body
from relay.wire.beacon import MAX_EVENTS
from relay.wire.fields import RefusedFieldError, optional_number, optional_text, required_text
from relay.wire.lenient_event import salvage
from relay.wire.lenient_json import as_list, as_object, parse
from relay.wire.session_id import is_session_id

MAX_API_BYTES: Final = 8 << 20
"""One body of a backend; a longer list comes in several."""

_PARSE_ASIDE_BYTES: Final = 64 * 1024
"""Larger bodies are parsed on a thread, so that browsers need not wait."""

_RETRY_S: Final = 5

_Fields = dict[str, Any]
_Handler = Callable[[Edge, EdgeSite, _Fields], Awaitable[tuple[int, object]]]


class ApiEndpoint:
    """One path of the server API: checks the token, reads the body, answers."""

    def __init__(self, scope: TokenScope, handler: _Handler) -> None:
        self._scope: TokenScope = scope
        self._handler = handler

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        edge = edge_of(scope)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        try:
            status, body = await self._answer(edge, scope["method"], headers, receive)
            await send_json(send, status, body, ())
        except Refusal as refusal:
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
        fields = await _parsed(await read_body(receive, headers, max_bytes=MAX_API_BYTES))
        try:
            return await self._handler(edge, site, fields)
        except RefusedFieldError as refused:
            raise Refusal(400, refused.reason, "a field is missing or not what it should be") from None
        except SpoolError as error:
            edge.readiness.spool_refused(error)
            name = "spool_full" if isinstance(error, SpoolFullError) else "spool_unwritable"
            raise Refusal(503, name, "cannot be stored now", retry_after_s=_RETRY_S) from None

    def _authorized(self, edge: Edge, headers: dict[bytes, bytes]) -> EdgeSite:
        kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        claims = edge.tokens.server(token.strip() if kind.lower() == "bearer" else None)
        site = None if isinstance(claims, TokenFault) else edge.sites.get(claims.site)
        if isinstance(claims, TokenFault) or site is None:
            name = claims if isinstance(claims, TokenFault) else "unknown_site"
            challenge = ((b"www-authenticate", b"Bearer"),)
            raise Refusal(401, f"token_{name}", "send Authorization: Bearer and a server token", headers=challenge)
        if self._scope not in claims.scope:
            raise Refusal(403, "scope", f"the token does not allow {self._scope}")
        return site


def api_routes() -> list[BaseRoute]:
    """The server API."""
    return [
        Route("/api/v1/events", ApiEndpoint("events", _events)),
        Route("/api/v1/users", ApiEndpoint("users", _catalog(USERS))),
        Route("/api/v1/items", ApiEndpoint("items", _catalog(ITEMS))),
        Route("/api/v1/actions", ApiEndpoint("actions", _catalog(ACTIONS))),
        Route("/api/v1/action-interactions", ApiEndpoint("events", _action_interactions)),
        Route("/api/v1/identity", ApiEndpoint("identity", _identity)),
        Route("/api/v1/erase", ApiEndpoint("erase", _erase)),
    ]


async def _events(edge: Edge, site: EdgeSite, fields: _Fields) -> tuple[int, object]:
    session_id = required_text(fields, "sessionId")
    if not is_session_id(session_id):
        raise Refusal(400, "bad_session_id", "sessionId needs 16 to 256 of A-Z a-z 0-9 . _ ~ - and a real value")
    events = _list(fields, "eventList")
    if not 1 <= len(events) <= MAX_EVENTS:
        raise Refusal(400, "too_many_events" if events else "empty", f"eventList has 1 to {MAX_EVENTS} events")
    user_id = optional_text(fields, "userId") or None
    if user_id in edge.erasures:
        raise Refusal(403, "erased", "this user was erased")
    taken = await edge.intake.take_trusted(
        [salvage(event) for event in events],
        destination=site.destination,
        session_id=session_id,
        sent_at_ms=optional_number(fields, "sentAt") or None,
        user_id=user_id,
    )
    return 202, taken


def _catalog(kind: Kind) -> _Handler:
    async def handle(edge: Edge, _site: EdgeSite, fields: _Fields) -> tuple[int, object]:
        arn = required_text(fields, "datasetArn")
        if not ARN_PATTERN.fullmatch(arn) or len(arn) > MAX_DATASET_ARN_CHARS or ":dataset/" not in arn:
            raise Refusal(400, "bad_arn", "datasetArn is not the ARN of a dataset")
        taken: EntriesTaken = await edge.backend_intake.take(kind, arn, _list(fields, kind.plural))
        return 202, taken

    return handle


async def _action_interactions(edge: Edge, _site: EdgeSite, fields: _Fields) -> tuple[int, object]:
    target = required_text(fields, "trackingId")
    return 202, await edge.backend_intake.take_interactions(target, _list(fields, "actionInteractions"))


async def _identity(edge: Edge, _site: EdgeSite, fields: _Fields) -> tuple[int, object]:
    user_id = required_text(fields, "userId")
    session_id = optional_text(fields, "sessionId") or None
    ttl_s = optional_number(fields, "ttl", most=10 * 365 * 86400)
    if ttl_s is not UNSET and ttl_s < 1:
        raise Refusal(400, "bad_ttl", "ttl is a number of seconds, 1 or more")
    exp = None if ttl_s is UNSET else edge.clock.now_ms() // 1000 + int(ttl_s)
    try:
        token = edge.tokens.mint(IdentityClaims(sub=user_id, sid=session_id, exp=exp))
    except ValueError:
        raise Refusal(400, "bad_user_id", "userId cannot be a user id") from None
    return 200, {"identity": token}


async def _erase(edge: Edge, _site: EdgeSite, fields: _Fields) -> tuple[int, object]:
    return 200, {"erased": await edge.erasures.erase(required_text(fields, "userId"))}


def _list(fields: _Fields, name: str) -> list[object]:
    found = as_list(fields.get(name))
    if found is None:
        raise Refusal(400, "bad_type" if name in fields else "missing_field", f"{name} is not a list")
    return found


async def _parsed(body: bytes) -> _Fields:
    try:
        text = body.decode()
        parsed = parse(text) if len(text) < _PARSE_ASIDE_BYTES else await asyncio.to_thread(parse, text)
    except ValueError:
        raise Refusal(400, "not_json", "the body is not JSON") from None
    fields = as_object(parsed)
    if fields is None:
        raise Refusal(400, "bad_type", "the body is not a JSON object")
    return fields
