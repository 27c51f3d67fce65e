"""Two relays that must answer alike: one takes beacons the straight way, one runs them as ASGI. Real sockets."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from relay.core.model import Batch, Operation, Piece
from relay.delivery.batching import batches
from relay.emulator.data.events import (
    check_action_interactions,
    check_events,
    decode_put_action_interactions,
    decode_put_events,
)
from relay.emulator.data.records import decode_put_actions, decode_put_items, decode_put_users
from relay.sink.wire import body_of
from tests.fuzz.inputs import Input
from tests.support.clock import FakeClock
from tests.support.relay import RunningEdge, running_edge

HANG_S = 20.0
_ACCEPTED = re.compile(rb'"accepted":(\d+)')
_ERASED = re.compile(rb'"erased":(\d+)')
_CHECKS: Final[Mapping[Operation, Callable[[bytes], object]]] = {
    Operation.PUT_EVENTS: lambda body: check_events(decode_put_events(body)),
    Operation.PUT_ACTION_INTERACTIONS: lambda body: check_action_interactions(decode_put_action_interactions(body)),
    Operation.PUT_USERS: decode_put_users,
    Operation.PUT_ITEMS: decode_put_items,
    Operation.PUT_ACTIONS: decode_put_actions,
}
"""By operation: what raises where the service would refuse a call."""


@dataclass
class Pair:
    """The relays, and what was found wrong beside their answers."""

    clock: FakeClock
    straight: RunningEdge
    through_asgi: RunningEdge
    faults: list[str] = field(default_factory=list[str])
    accepted: int = 0
    """Events, both ways."""
    _acknowledged: list[int] = field(default_factory=lambda: [0, 0])

    async def answers(self, made: Input) -> tuple[bytes, bytes]:
        """What both say; empty for a hang."""
        first, second = await asyncio.gather(said(self.straight, made.pieces), said(self.through_asgi, made.pieces))
        for way, raw in enumerate((first, second)):
            self._acknowledged[way] += sum(int(count) for count in _ACCEPTED.findall(raw))
            self._acknowledged[way] -= sum(int(count) for count in _ERASED.findall(raw))
        return first, second

    def reached_intake(self) -> int:
        """Beacons that got so far, on the straight way."""
        return sum(self.straight.edge.metrics.identities.values())

    async def empty(self) -> None:
        """Take all out of both spools: each call must be one the service takes, nothing acknowledged may be missing."""
        for way, relay in enumerate((self.straight, self.through_asgi)):
            count = 0
            while relay.spool.stats().pending:
                for lease in await relay.spool.lease(max_sessions=1000):
                    for batch in batches(lease.records):
                        self._check(batch)
                        count += batch.size
                    relay.spool.settle(lease, delivered=[Piece(record, record.waiting) for record in lease.records])
                await asyncio.sleep(0)
            if count < self._acknowledged[way]:
                self.faults.append(f"{self._acknowledged[way]} events were acknowledged, and {count} are there")
            self._acknowledged[way] = 0
            self.accepted += count

    def _check(self, batch: Batch) -> None:
        body = body_of(batch)
        try:
            _CHECKS[batch.key.operation](body)
        except Exception as error:  # noqa: BLE001 - whatever it is, the service would refuse it
            self.faults.append(f"accepted what the service refuses: {error!r}: {body[:2000]!r}")


@asynccontextmanager
async def pair_of_relays() -> AsyncGenerator[Pair]:
    """Two relays with one clock, which stands still unless it is moved; what they log as an error is a fault."""
    clock = FakeClock()
    async with AsyncExitStack() as stack:
        straight, through_asgi = [
            await stack.enter_async_context(
                running_edge(
                    clock=clock, straight=way, identity_cookie="id", bots="drop", gpc="off", max_body_bytes="16384"
                )
            )
            for way in (True, False)
        ]
        pair = Pair(clock, straight, through_asgi)
        handler = _Faults(pair.faults)
        for name in ("relay", "asyncio"):
            logging.getLogger(name).addHandler(handler)
            stack.callback(logging.getLogger(name).removeHandler, handler)
        yield pair


class _Faults(logging.Handler):
    def __init__(self, faults: list[str]) -> None:
        super().__init__(logging.ERROR)
        self._faults = faults

    def emit(self, record: logging.LogRecord) -> None:
        self._faults.append(f"logged: {self.format(record)}")


async def said(relay: RunningEdge, pieces: Sequence[bytes]) -> bytes:
    """Everything a relay answers to these bytes on a connection of their own, until it closes; empty for a hang."""
    host, _, port = relay.url.removeprefix("http://").partition(":")
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(HANG_S):
            transport, saying = await loop.create_connection(_Saying, host, int(port))
            try:
                for number, piece in enumerate(pieces):
                    if number:
                        await asyncio.sleep(0)
                    transport.write(piece)
                if not transport.is_closing():
                    transport.write_eof()
                return await saying.all
            finally:
                transport.abort()
    except TimeoutError:
        return b""
    except OSError:
        return b"closed"


class _Saying(asyncio.Protocol):
    """Gathers what is answered."""

    def __init__(self) -> None:
        self.all: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._parts: list[bytes] = []

    def data_received(self, data: bytes) -> None:
        self._parts.append(data)

    def eof_received(self) -> bool:
        self.connection_lost(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.all.done():
            self.all.set_result(b"".join(self._parts) or b"closed")
