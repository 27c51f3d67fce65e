"""`POST {prefix}/e`: one beacon in, one answer out. Pure ASGI: this is the path every event takes."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from typing import Final, NamedTuple, cast

from starlette.types import Receive, Scope, Send

from relay.core.errors import SpoolError
from relay.intake.from_browser import Begun
from relay.spool.receipt import Receipt
from relay.web.routes.answer import JSON, Headers, Refusal, encode, send_bytes
from relay.web.routes.beacon_rules import allowed_origin, begin, judge, not_stored
from relay.web.routes.edge import Edge, edge_of
from relay.web.routes.request_body import ClientGoneError, check_plain_json, read_body

MAX_WAITING: Final = 2000
"""Beacons being worked on at once; past it 503, before memory grows. 2000 of 64 KiB are 128 MB."""

_BUSY_RETRY_S: Final = 1
_VARY: Final = (b"vary", b"Origin")
_CREDENTIALS: Final = (b"access-control-allow-credentials", b"true")
_EXPOSE: Final = (b"access-control-expose-headers", b"Retry-After")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
)


class Answered(NamedTuple):
    """What a beacon is told."""

    status: int
    body: bytes
    """JSON, or nothing."""
    headers: Headers
    """Beside those that every answer has."""


class BeaconEndpoint:
    """Answers beacons: as the ASGI application behind `{prefix}/e`, and for `relay.web.fast_path`."""

    def __init__(self) -> None:
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        edge = edge_of(scope)
        headers: dict[bytes, bytes] = dict(scope["headers"])
        client = cast("tuple[str, int] | None", scope.get("client"))
        answered = await self._answer(
            edge,
            scope["method"],
            headers,
            client[0] if client else None,
            lambda: read_body(receive, headers, max_bytes=edge.max_body_bytes),
        )
        if answered is not None:
            kind: Headers = (JSON,) if answered.body else ()
            await send_bytes(send, answered.status, answered.body, kind + answered.headers)

    async def _answer(
        self,
        edge: Edge,
        method: str,
        headers: Mapping[bytes, bytes],
        peer: str | None,
        read: Callable[[], Awaitable[bytes]],
    ) -> Answered | None:
        """What to tell, or None if the client is gone."""
        allowing: Headers = (_VARY,)
        self._waiting += 1
        try:
            origin = allowed_origin(edge, headers)
            allowing = _allowing(origin)
            if method == "OPTIONS":
                return Answered(204, b"", allowing + _PREFLIGHT)
            if method != "POST":
                raise Refusal(405, "method_not_allowed", "send a POST", headers=((b"allow", b"POST, OPTIONS"),))
            self._check(headers)
            judged = judge(edge, headers, peer, origin, await read())
            if edge.jwt_identity is not None and judged.identity_token is not None:
                wait_s = await edge.jwt_identity.prepare(judged.identity_token)
                if wait_s > 0:  # said now, a page would forget a good token as invalid
                    raise Refusal(
                        503, "key_unread", "the token's key has to be looked for", retry_after_s=math.ceil(wait_s)
                    )
            begun = begin(edge, judged)
            try:
                answered = _taken(edge, begun, await begun.stored, allowing)
            except SpoolError as error:
                raise not_stored(edge, error) from None
        except Refusal as refusal:
            answered = _refused(refusal, allowing)
        except ClientGoneError:
            return None
        except asyncio.CancelledError:
            if not edge.readiness.draining:
                raise
            answered = draining(allowing)
        finally:
            self._waiting -= 1
        if method == "POST":
            edge.metrics.beacons[answered.status] += 1
        return answered

    def answer_soon(
        self,
        edge: Edge,
        headers: Mapping[bytes, bytes],
        peer: str | None,
        body: bytes,
        tell: Callable[[Answered | Exception], None],
    ) -> None:
        """The same for a POST that is whole, without a task: `tell` is called once, now or when all is on disk.

        Args:
            edge: The relay, which takes no JWTs: looking for their keys needs a task.
            headers: By lower-case name.
            peer: The address at the other end of the connection.
            body: Within `max_body_bytes`.
            tell: Gets the answer, or what nobody foresaw.
        """
        allowing: Headers = (_VARY,)
        self._waiting += 1

        def told(answered: Answered | Exception) -> None:
            self._waiting -= 1
            if isinstance(answered, Answered):
                edge.metrics.beacons[answered.status] += 1
            tell(answered)

        def stored(end: Receipt) -> None:
            try:
                told(_taken(edge, begun, end.result(), allowing))
            except SpoolError as error:
                told(_refused(not_stored(edge, error), allowing))
            except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's and no other's
                told(error)

        try:
            origin = allowed_origin(edge, headers)
            allowing = _allowing(origin)
            self._check(headers)
            begun = begin(edge, judge(edge, headers, peer, origin, body))
        except Refusal as refusal:
            told(_refused(refusal, allowing))
        except Exception as error:  # noqa: BLE001 - as above
            told(error)
        else:
            begun.stored.when_done(stored)

    def _check(self, headers: Mapping[bytes, bytes]) -> None:
        if self._waiting > MAX_WAITING:
            raise Refusal(503, "busy", "too many beacons at once", retry_after_s=_BUSY_RETRY_S)
        check_plain_json(headers)


def draining(allowing: Headers = ()) -> Answered:
    """The relay is going down and this was too slow: it may be tried again, and repeats of events are known."""
    return _refused(Refusal(503, "draining", "the relay is shutting down", retry_after_s=_BUSY_RETRY_S), allowing)


def _taken(edge: Edge, begun: Begun, repeated: frozenset[int], allowing: Headers) -> Answered:
    return Answered(202, encode(edge.intake.finish(begun, repeated)), allowing)


def _refused(refusal: Refusal, allowing: Headers) -> Answered:
    return Answered(refusal.status, encode(refusal.problem), allowing + refusal.headers)


@lru_cache(maxsize=1024)
def _allowing(origin: str | None) -> Headers:
    if origin is None:
        return (_VARY,)
    return (_VARY, (b"access-control-allow-origin", origin.encode("latin-1")), _CREDENTIALS, _EXPOSE)
