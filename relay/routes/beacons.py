"""`POST {prefix}/e`: one beacon in, one answer out. Pure ASGI: this is the path every event takes."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, cast

from starlette.requests import cookie_parser
from starlette.types import Receive, Scope, Send

from relay.beacon import Beacon, NotABeaconError, decode
from relay.errors import SpoolError, SpoolFullError
from relay.intake import Taken
from relay.routes.answer import JSON, Headers, Refusal, encode, send_bytes
from relay.routes.edge import ANY_ORIGIN, Edge, EdgeSite, edge_of
from relay.routes.request_body import ClientGoneError, check_plain_json, read_body
from relay.tokens import TokenFault

MAX_WAITING: Final = 2000
"""Beacons being worked on at once; past it 503, before memory grows. 2000 of 64 KiB are 128 MB."""

_FULL_RETRY_S: Final = 30
_DISK_RETRY_S: Final = 5
_BUSY_RETRY_S: Final = 1
_MAX_COOKIE_BYTES: Final = 16_384

_VARY: Final = (b"vary", b"Origin")
_CREDENTIALS: Final = (b"access-control-allow-credentials", b"true")
_EXPOSE: Final = (b"access-control-expose-headers", b"Retry-After")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
)
_CROSS_SITE: Final = (b"cross-site", b"same-site")


class Answered(NamedTuple):
    """What a beacon is told."""

    status: int
    body: bytes
    """JSON, or nothing."""
    headers: Headers
    """Beside those that every answer has."""


class BeaconEndpoint:
    """Answers beacons: as the ASGI application behind `{prefix}/e`, and for `relay.beacon_protocol`."""

    def __init__(self) -> None:
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        edge = edge_of(scope)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        client = cast("tuple[str, int] | None", scope.get("client"))
        answered = await self.answer(
            edge,
            scope["method"],
            headers,
            client[0] if client else None,
            lambda: read_body(receive, headers, max_bytes=edge.max_body_bytes),
        )
        if answered is not None:
            kind: Headers = (JSON,) if answered.body else ()
            await send_bytes(send, answered.status, answered.body, kind + answered.headers)

    async def answer(
        self,
        edge: Edge,
        method: str,
        headers: Mapping[bytes, bytes],
        peer: str | None,
        body: bytes | Callable[[], Awaitable[bytes]],
    ) -> Answered | None:
        """What to tell, or None if the client is gone.

        Args:
            edge: The relay.
            method: Of the request.
            headers: By lower-case name.
            peer: The address at the other end of the connection.
            body: Within `max_body_bytes`, or how to read it once the headers were found good.
        """
        allowing: Headers = (_VARY,)
        self._waiting += 1
        try:
            origin = _allowed_origin(edge, headers)
            allowing = _allowing(origin)
            if method == "OPTIONS":
                return Answered(204, b"", allowing + _PREFLIGHT)
            if method != "POST":
                raise Refusal(405, "method_not_allowed", "send a POST", headers=((b"allow", b"POST, OPTIONS"),))
            if self._waiting > MAX_WAITING:
                raise Refusal(503, "busy", "too many beacons at once", retry_after_s=_BUSY_RETRY_S)
            check_plain_json(headers)
            if not isinstance(body, bytes):
                body = await body()
            taken = await _take(edge, headers, peer, origin, body)
            answered = Answered(202, encode(taken), allowing)
        except Refusal as refusal:
            answered = _refused(refusal, allowing)
        except ClientGoneError:
            return None
        except asyncio.CancelledError:
            if not edge.readiness.draining:
                raise
            # The relay is going down and this client was too slow; it may try again, nothing of it was taken.
            problem = Refusal(503, "draining", "the relay is shutting down", retry_after_s=_BUSY_RETRY_S)
            answered = _refused(problem, allowing)
        finally:
            self._waiting -= 1
        if method == "POST":
            edge.metrics.beacons_by_status[answered.status].inc()
        return answered


def _refused(refusal: Refusal, allowing: Headers) -> Answered:
    return Answered(refusal.status, encode(refusal.problem), allowing + refusal.headers)


def _allowed_origin(edge: Edge, headers: Mapping[bytes, bytes]) -> str | None:
    """The origin, if it is one of any site's; None when there is none, which says nothing about a browser.

    Every browser sends `Origin` with a POST from a page, so a request without one is no page's. It still needs its
    site token, and cannot use a cookie.
    """
    raw = headers.get(b"origin")
    if raw is None:
        if headers.get(b"sec-fetch-site") in _CROSS_SITE:
            raise Refusal(403, "origin", "a page of another site must say its Origin")
        return None
    origin = raw.decode("latin-1")
    if origin not in edge.origins and (origin == "null" or ANY_ORIGIN not in edge.origins):
        raise Refusal(403, "origin", "this Origin is not in RELAY_ALLOWED_ORIGINS")
    return origin


@lru_cache(maxsize=1024)
def _allowing(origin: str | None) -> Headers:
    if origin is None:
        return (_VARY,)
    return (_VARY, (b"access-control-allow-origin", origin.encode("latin-1")), _CREDENTIALS, _EXPOSE)


async def _take(edge: Edge, headers: Mapping[bytes, bytes], peer: str | None, origin: str | None, body: bytes) -> Taken:
    # `Sec-Purpose: prefetch;prerender` is not looked at. The snippet sends nothing while a page is prerendered, so such
    # a beacon is of a client that knows what it does; and a refusal is final: true events of an outbox would be lost.
    try:
        beacon = decode(body)
    except NotABeaconError as error:
        _limit(edge, peer, headers, events=1)
        raise Refusal(400, error.reason, error.detail) from None
    _limit(edge, peer, headers, events=len(beacon.events) or 1)
    site = _site(edge, beacon)
    if origin is not None and not site.allows(origin):
        raise Refusal(403, "origin", "this Origin is not one of the site's")
    identity_token = beacon.identity
    if identity_token is None and edge.identity_cookie is not None and origin is not None:
        identity_token = _cookie(edge.identity_cookie, headers)
    if not beacon.events and identity_token is None:
        raise Refusal(400, "empty", "eventList is empty and there is no identity")
    if edge.limit_session is not None:
        key = (site.destination.site, beacon.session_id)
        _refuse_if(edge.limit_session.wait_s(key, len(beacon.events) or 1), "session")
    if edge.jwt_identity is not None and identity_token is not None:
        await edge.jwt_identity.prepare(identity_token)
    for reason, count in beacon.lost.items():
        edge.metrics.events_lost.labels(reason).inc(count)
    try:
        return await edge.intake.take(
            beacon.events,
            destination=site.destination,
            session_id=beacon.session_id,
            sent_at_ms=beacon.sent_at_ms,
            identity_token=identity_token,
        )
    except SpoolFullError as error:
        edge.readiness.spool_refused(error)
        raise Refusal(503, "spool_full", "no room for events now", retry_after_s=_FULL_RETRY_S) from None
    except SpoolError as error:
        edge.readiness.spool_refused(error)
        raise Refusal(503, "spool_unwritable", "events cannot be stored now", retry_after_s=_DISK_RETRY_S) from None


def _site(edge: Edge, beacon: Beacon) -> EdgeSite:
    claims = edge.tokens.site(beacon.token)
    if isinstance(claims, TokenFault):
        raise Refusal(401, f"token_{claims}", "the site token is not valid here")
    site = edge.sites.get(claims.site)
    if site is None:
        raise Refusal(401, "token_unknown_site", "the site token is for a site this relay does not serve")
    return site


def _limit(edge: Edge, peer: str | None, headers: Mapping[bytes, bytes], *, events: int) -> None:
    if edge.limit_address is not None:
        _refuse_if(edge.limit_address.wait_s(edge.client_address.key(peer, headers), events), "address")


def _refuse_if(wait_s: int, what: str) -> None:
    if wait_s:
        raise Refusal(429, "too_many", f"too many events from this {what}", retry_after_s=wait_s)


def _cookie(name: str, headers: Mapping[bytes, bytes]) -> str | None:
    raw = headers.get(b"cookie", b"")
    if len(raw) > _MAX_COOKIE_BYTES:
        return None
    return cookie_parser(raw.decode("latin-1")).get(name) or None
