"""`POST {prefix}/e`: one beacon in, one answer out. This is the path every event takes."""

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import lru_cache
from typing import Final, cast

import msgspec
from starlette.types import Receive, Scope, Send

from relay.core.errors import SpoolError
from relay.identity.decision import ANONYMOUS, Decision
from relay.insight.told import RefusedBeacon
from relay.intake.from_browser import Begun
from relay.spool.receipt import Receipt
from relay.web.routes.answer import JSON, Answered, Headers, Refusal, encode, send_bytes
from relay.web.routes.beacon_rules import Admitted, admit, allowed_origin, begin, decide, not_stored
from relay.web.routes.edge import Edge, edge_of
from relay.web.routes.header_fields import fields_of
from relay.web.routes.request_body import ClientGoneError, check_length, check_plain_json, read_body, too_large

MAX_WAITING: Final = 2000
"""Whole beacons being worked on at once; past it 503, before memory grows. 2000 of 64 KiB are 128 MB."""

_BUSY_RETRY_S: Final = 1
_VARY: Final = (b"vary", b"Origin")
_CREDENTIALS: Final = (b"access-control-allow-credentials", b"true")
_EXPOSE: Final = (b"access-control-expose-headers", b"Retry-After")
_PREFLIGHT: Final = (
    (b"access-control-allow-methods", b"POST"),
    (b"access-control-allow-headers", b"Content-Type"),
    (b"access-control-max-age", b"86400"),
)
_log = logging.getLogger("relay")


class Ignored(msgspec.Struct, frozen=True):
    """The body of the 202 to a beacon that is not wanted."""

    ignored: int
    """Its events."""
    accepted: int = 0
    rejected: tuple[()] = ()
    identity: str = "none"


class BeaconEndpoint:
    """Answers beacons as the ASGI application behind `{prefix}/e`; knows how many are being worked on."""

    def __init__(self) -> None:
        self.waiting = 0
        self.preparing: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        edge = edge_of(scope)
        fields = fields_of(scope["headers"])
        client = cast("tuple[str, int] | None", scope.get("client"))
        told: asyncio.Future[Answered] = asyncio.get_running_loop().create_future()
        answer = BeaconAnswer(self, edge, fields, client[0] if client else None, told.set_result)
        try:
            if answer.wants_body(scope["method"]):
                try:
                    body = await read_body(receive, fields, max_bytes=edge.max_body_bytes)
                except Refusal as refusal:
                    answer.fail(refusal)
                else:
                    answer.take(body)
            answered = await told
        except ClientGoneError:
            answer.abandon()
            return
        except asyncio.CancelledError:
            if not edge.readiness.draining:
                answer.abandon()
                raise
            answer.give_up()
            answered = told.result()
        kind: Headers = (JSON,) if answered.body else ()
        await send_bytes(send, answered.status, answered.body, kind + answered.headers)


class BeaconAnswer:
    """One beacon from its headers to its answer, whichever way it came. `tell` is called once, or never if abandoned.

    First `wants_body`, then `take`. Every failure on the way goes through `fail`.
    """

    __slots__ = ("_allowing", "_begun", "_counted", "_edge", "_endpoint", "_fields", "_origin", "_peer", "_tell")

    def __init__(
        self,
        endpoint: BeaconEndpoint,
        edge: Edge,
        fields: Mapping[bytes, bytes],
        peer: str | None,
        tell: Callable[[Answered], None],
    ) -> None:
        """Take what there is before the body.

        Args:
            endpoint: Which counts it.
            edge: The relay it is for.
            fields: Its headers, by lower-case name.
            peer: The address at the other end of the connection.
            tell: Gets the answer, now or when all is on disk.
        """
        self._endpoint = endpoint
        self._edge = edge
        self._fields = fields
        self._peer = peer
        self._tell: Callable[[Answered], None] | None = tell
        self._allowing: Headers = (_VARY,)
        self._origin: str | None = None
        self._begun: Begun | None = None
        self._counted = False

    def wants_body(self, method: str) -> bool:
        """Whether `take` is to be called; if not, all is told."""
        try:
            self._origin = origin = allowed_origin(self._edge, self._fields)
            self._allowing = _allowing(origin)
            if self._edge.proxy_secret is not None:
                self._edge.proxy_secret.check(self._fields)
            if method == "OPTIONS":
                self._end(Answered(204, b"", self._allowing + _PREFLIGHT))
                return False
            if method != "POST":
                raise Refusal(405, "method_not_allowed", "send a POST", headers=((b"allow", b"POST, OPTIONS"),))
            check_plain_json(self._fields)
            check_length(self._fields, max_bytes=self._edge.max_body_bytes)
        except Exception as error:  # noqa: BLE001 - `fail` knows them all
            self.fail(error, is_beacon=method == "POST")
            return False
        return True

    def has_room_for(self, size: int) -> bool:
        """Whether a body may have so many bytes; if not, that is told."""
        if size <= self._edge.max_body_bytes:
            return True
        self.fail(too_large(self._edge.max_body_bytes))
        return False

    def take(self, body: bytes) -> None:
        """The whole body; what is told may have to wait for the disk."""
        edge, endpoint = self._edge, self._endpoint
        endpoint.waiting += 1
        self._counted = True
        try:
            if endpoint.waiting > MAX_WAITING:
                raise Refusal(503, "busy", "too many beacons at once", retry_after_s=_BUSY_RETRY_S)
            if len(body) > edge.max_body_bytes:
                raise too_large(edge.max_body_bytes)
            admitted = admit(edge, self._fields, self._peer, self._origin, body)
            if admitted.ignored is not None:
                self._ignore(admitted.ignored, admitted)
            elif edge.jwt_identity is not None and admitted.identity_token not in (None, ANONYMOUS):
                self._later(self._prepare(admitted))
            else:
                self._store(admitted)
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error)

    def _ignore(self, cause: str, admitted: Admitted) -> None:
        """It is a beacon, and nobody wants it: the page is to keep nothing."""
        self._edge.metrics.beacons_ignored[cause] += 1
        self._edge.insight.refused(
            RefusedBeacon("ignored", 202, cause, "", admitted.origin, admitted.site.destination.site, "", trusted=True)
        )
        self._end(Answered(202, encode(Ignored(len(admitted.beacon.events))), self._allowing))

    def _later(self, rest: Coroutine[None, None, None]) -> None:
        """What cannot be done at once goes on in a task of its own."""
        task = asyncio.get_running_loop().create_task(rest)
        self._endpoint.preparing.add(task)
        task.add_done_callback(self._endpoint.preparing.discard)

    async def _prepare(self, admitted: Admitted) -> None:
        """The keys of a JWT may have to be fetched."""
        edge = self._edge
        try:
            if edge.jwt_identity is not None:
                wait_s = await edge.jwt_identity.prepare(admitted.identity_token)
                if wait_s > 0:  # said now, a page would forget a good token as invalid
                    raise Refusal(
                        503, "key_unread", "the token's key has to be looked for", retry_after_s=math.ceil(wait_s)
                    )
            if self._tell is not None:
                self._store(admitted)
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error)

    def _store(self, admitted: Admitted) -> None:
        decision = decide(self._edge, admitted)
        if isinstance(decision, Decision):
            self._begin(admitted, decision)
        else:
            self._later(self._store_when(admitted, decision))

    async def _store_when(self, admitted: Admitted, decision: Awaitable[Decision]) -> None:
        """Other relays have to be asked whose the session is."""
        try:
            decided = await decision
            if self._tell is not None:
                self._begin(admitted, decided)
        except Exception as error:  # noqa: BLE001 - as above
            self.fail(error)

    def _begin(self, admitted: Admitted, decision: Decision) -> None:
        self._begun = begun = begin(self._edge, admitted, decision)
        begun.stored.when_done(self._stored)

    def _stored(self, end: Receipt) -> None:
        if self._begun is None:
            return
        try:
            taken = self._edge.intake.finish(self._begun, end.result())
            self._end(Answered(202, encode(taken), self._allowing))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is this request's and no other's
            self.fail(error)

    def give_up(self) -> None:
        """The relay goes down and this was too slow: it may be tried again, and repeats of events are known."""
        self.fail(Refusal(503, "draining", "the relay is shutting down", retry_after_s=_BUSY_RETRY_S))

    def abandon(self) -> None:
        """Nobody is there to be told; what is on its way to the disk gets there, and is counted."""
        if self._tell is not None:
            self._tell = _to_nobody

    def fail(self, error: Exception, *, is_beacon: bool = True) -> None:
        """Tell what an error means: the one place that says so."""
        if isinstance(error, SpoolError):
            error = not_stored(self._edge, error)
        if not isinstance(error, Refusal):
            _log.error("a beacon could not be answered", exc_info=error)
            error = Refusal(500, "internal", "the relay failed", headers=((b"connection", b"close"),))
        if is_beacon and self._tell is not None:
            self._edge.insight.refused(self._refused(error))
        self._end(
            Answered(error.status, encode(error.problem), self._allowing + error.headers, error.problem.error),
            is_beacon=is_beacon,
        )

    def _refused(self, refusal: Refusal) -> RefusedBeacon:
        problem = refusal.problem
        origin = self._fields.get(b"origin", b"").decode("latin-1")
        trusted = self._origin is not None and problem.field != "token"
        return RefusedBeacon("beacon", refusal.status, problem.error, problem.field or "", origin, "", "", trusted)

    def _end(self, answered: Answered, *, is_beacon: bool = True) -> None:
        tell, self._tell = self._tell, None
        if self._counted:
            self._counted = False
            self._endpoint.waiting -= 1
        if tell is None:
            return
        if is_beacon and answered.status != 204:
            self._edge.metrics.beacons[answered.status, answered.error] += 1
        tell(answered)


def _to_nobody(_answered: Answered) -> None:
    """The client is gone."""


@lru_cache(maxsize=1024)
def _allowing(origin: str | None) -> Headers:
    if origin is None:
        return (_VARY,)
    return (_VARY, (b"access-control-allow-origin", origin.encode("latin-1")), _CREDENTIALS, _EXPOSE)
