"""The loop from spool to sink: lease → send → settle. One task for all of it; a call is a callback that comes back.

Rules:

1. At once while the quota is far: a session's events go as soon as no call of that session is in flight, and what comes
   meanwhile goes in the next. Held back to fill calls only when calls come near the quota (`Linger`).
2. At most `max_in_flight` calls; paced to the quota of each target; slower when the service throttles. Half of both at
   most is for calls that look for bad events.
3. One session that fails waits longer each time. A target that fails is left alone but for a probe (`Circuit`); what
   waits for it waits no longer than it does.
4. Whatever ends a delivery (answer, fault, the end of the relay), its lease is settled with what is known by then.
5. Of whom is erased, and with what is another relay's by now, no further call is made.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import TracebackType
from typing import Final, Self

from relay.core.backoff import CAP_S, full_jitter
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Batch, Binding, Operation, Piece
from relay.core.telemetry import Metrics
from relay.delivery.bisecting import Sending
from relay.delivery.carried import NO_ROOM, Carried, Looking
from relay.delivery.routes import Route, Routes
from relay.sink.base import Delivered, Outcome, Refused, Sink, Throttled, Unreachable
from relay.spool.contract import Lease, Spool

READ_AGAIN_S: Final = 1.0
"""How long to wait when the spool cannot be read."""
LOG_EVERY_S: Final = 60.0
THROTTLED_CAP_S: Final = 10.0
"""A throttled session waits no longer than this: the pace has already slowed."""
_OUTCOMES: Final[dict[type[Outcome], str]] = {
    Delivered: "delivered",
    Throttled: "throttled",
    Unreachable: "unreachable",
    Refused: "refused",
}
_logger = logging.getLogger(__name__)


class Dispatcher:
    """Delivers what the spool holds, from entering to leaving."""

    def __init__(
        self,
        spool: Spool,
        sink: Sink,
        *,
        clock: Clock,
        metrics: Metrics,
        random: random.Random,
        max_in_flight: int = 32,
        calls_per_s: float = 1000.0,
        linger_s: float = 0.0,
        lingers: Mapping[str, float] | None = None,
        max_linger_s: float = 30.0,
        trusts_who_took: bool = False,
        on_delivered: Sequence[Callable[[Batch], None]] = (),
        on_called: Callable[[Batch, Outcome], None] = lambda _batch, _outcome: None,
    ) -> None:
        """Take what it works with.

        Args:
            spool: Where events wait; open.
            sink: Where they go; open.
            clock: What time it is.
            metrics: What to count with.
            random: For jitter.
            max_in_flight: Calls at once.
            calls_per_s: The quota of each tracker.
            linger_s: Least time an event waits for company.
            lingers: The same for single targets, instead.
            max_linger_s: Most an event is held back near the quota.
            trusts_who_took: Whether refusals are believed, however many, once anything was delivered from this spool:
                for a spool with an end, whose last events may well be those that nobody takes.
            on_delivered: Each is told of each batch the service took, before it is settled. Must not raise.
            on_called: Is told of each call and what came of it. Must not raise.
        """
        self._spool = spool
        self._sink = sink
        self._clock = clock
        self._random = random
        self._max_in_flight = max_in_flight
        self._routes = Routes(
            clock=clock,
            chance=random,
            calls_per_s=calls_per_s,
            linger_s=linger_s,
            lingers=dict(lingers or {}),
            max_linger_s=max_linger_s,
            share=spool.share,
        )
        self._carried: set[Carried] = set()
        self._looking = Looking(max_in_flight)
        self._freed = asyncio.Event()
        self._stopped = False
        self._draining = False
        self._patience: asyncio.Timeout | None = None
        self._loop_task: asyncio.Task[None] | None = None
        self._group = asyncio.TaskGroup()
        self._trusts_who_took = trusts_who_took
        self._batch_size = metrics.put_events_batch_size.observe
        self._on_delivered = on_delivered
        self._on_called = on_called
        self._delivery_seconds = metrics.delivery_seconds.observe
        self._calls = metrics.put_events_calls
        self._calls.update(dict.fromkeys(_OUTCOMES.values(), 0))
        spool.watch(self)

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._loop_task = self._group.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        if self._loop_task is not None:
            self._loop_task.cancel()
        if isinstance(error, asyncio.CancelledError):
            await self._group.__aexit__(kind, error, trace)
        else:  # what went wrong in the block stays what it is, and is no group of one
            await self._group.__aexit__(None, None, None)
        for carried in list(self._carried):
            self._settle(carried)

    async def drain(self, deadline_s: float) -> int:
        """Deliver what only this process can, without lingering, for at most `deadline_s` seconds; how many are left.

        Ends early when every target is out of reach. Afterwards nothing more is leased. What another process can
        deliver is left to it, but for calls in flight, whose answers are waited for.
        """
        self._draining = True
        self._look_again()
        try:
            async with asyncio.timeout(deadline_s):
                while self._spool.stranded() and (self._carried or not self._routes.are_out_of_reach()):
                    self._freed.clear()
                    await self._freed.wait()
                self._stopped = True
                self._look_again()
                while self._carried:
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            pass
        self._stopped = True
        self._look_again()
        return self._spool.stranded()

    def problems(self) -> list[str]:
        """What keeps events from being delivered, one line each."""
        return self._routes.problems()

    def bound(self, binding: Binding) -> None:
        """See `SessionWatcher.bound`: a lease says whose it is."""

    def forget(self, *, user_id: str | None = None, session_id: str | None = None) -> None:
        """See `SessionWatcher.forget`: the call that is under way is the last."""
        for carried in self._carried:
            key, first = carried.lease.key, carried.lease.records[0]
            if session_id is not None:
                is_theirs = session_id in (key.session_id, first.came and first.came.page_session)
            else:
                is_theirs = first.user_id == user_id or key.operation is Operation.PUT_USERS
            carried.is_erased = carried.is_erased or is_theirs

    # ── leasing ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while not self._stopped:
            while (free := self._max_in_flight - len(self._carried)) <= 0:
                self._freed.clear()
                await self._freed.wait()
            plan = self._routes.plan(free, draining=self._draining)
            try:
                async with asyncio.timeout(plan.wait_s) as self._patience:
                    leases = await self._spool.lease(
                        max_sessions=plan.sessions, linger_s=plan.least_s, holds=plan.holds
                    )
            except TimeoutError:
                continue
            except SpoolError as error:
                _logger.error("cannot lease from the spool: %s", error)
                await asyncio.sleep(READ_AGAIN_S)
                continue
            finally:
                self._patience = None
            self._start(leases)

    def _look_again(self) -> None:
        """Plan anew at once."""
        self._freed.set()
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _start(self, leases: Iterable[Lease]) -> None:
        """Send what may be sent. Of those that would probe a target one does, whichever; the others wait on."""
        probes: dict[str, list[Lease]] = {}
        for lease in leases:
            if self._routes.of(lease.key).circuit.is_open:
                probes.setdefault(lease.key.target, []).append(lease)
            else:
                self._send(lease, self._routes.of(lease.key))
        for candidates in probes.values():
            route = self._routes.of(candidates[0].key)
            if route.circuit.probe_wait_s(self._clock.monotonic_s()) == 0.0:
                chosen = candidates.pop(self._random.randrange(len(candidates)))
                route.circuit.probe()
                self._send(chosen, route)
            for lease in candidates:
                self._spool.settle(lease)

    # ── delivering ──────────────────────────────────────────────────────────────────────────────────────────

    def _send(self, lease: Lease, route: Route) -> None:
        def doubt(refused: Refused, piece: Piece) -> Unreachable | None:
            if self._trusts_who_took and self._spool.stats().delivered:
                return None
            return route.circuit.may_bury(refused, _source_of(piece), self._clock.monotonic_s())

        carried = Carried(lease, route, Sending(lease.records, doubt=doubt))
        self._carried.add(carried)
        self._go_on(carried, self._call_next)

    def _go_on(self, carried: Carried, step: Callable[..., None], *with_what: object) -> None:
        """A step of a delivery, which ends it if it fails: no fault keeps its lease out, or its place in flight."""
        try:
            step(carried, *with_what)
        except Exception as error:
            _logger.exception("a delivery fails by a fault of the relay's own, and is tried again later")
            if carried in self._carried:
                carried.sending.stopped = Unreachable(type(error).__name__, cause="service")
                self._settle(carried)

    def _call_next(self, carried: Carried) -> None:
        """The lease's next call; its end, if there is none."""
        batch = carried.sending.next()
        if batch is None:
            self._settle(carried)
        elif not carried.calls:  # the first was waited for in the plan
            self._call(carried, batch)
        elif (wait_s := self._looking.wait_s(carried)) is None:
            carried.sending.stopped = NO_ROOM
            self._settle(carried)
        elif wait_s <= 0:
            self._call(carried, batch)
        else:
            asyncio.get_running_loop().call_later(wait_s, self._go_on, carried, self._call, batch)

    def _call(self, carried: Carried, batch: Batch) -> None:
        if carried not in self._carried:
            return  # it was given up
        if carried.is_erased or (carried.calls and not self._spool.is_ours(carried.lease)):
            self._settle(carried)
            return
        carried.take()
        came = partial(self._go_on, carried, self._came, batch)
        try:
            self._sink.send(batch, came)
        except Exception as error:  # a sink does not raise; if one does, its events must not pay for it
            _logger.exception("the sink failed")
            came(Unreachable(type(error).__name__, cause="service"))

    def _came(self, carried: Carried, batch: Batch, outcome: Outcome) -> None:
        """A call has its end."""
        try:
            self._note(outcome, batch, carried.route)
        finally:
            if carried in self._carried:
                carried.sending.came(outcome)
        if carried in self._carried:
            self._call_next(carried)

    def _note(self, outcome: Outcome, batch: Batch, route: Route) -> None:
        """Count a call, and let pace and circuit learn from it."""
        self._on_called(batch, outcome)
        if batch.key.operation is Operation.PUT_EVENTS:
            self._calls[_OUTCOMES[type(outcome)]] += 1
            self._batch_size(batch.size)
        if isinstance(outcome, Delivered):
            now_ms = self._clock.now_ms()
            for record, places in batch.pieces:
                waited_ms = now_ms - record.accepted_at_ms
                self._delivery_seconds(waited_ms / 1000 if waited_ms > 0 else 0.0, places.bit_count())
            for tell in self._on_delivered:
                tell(batch)
        elif isinstance(outcome, Throttled):
            route.pace.slow()
        circuit = route.circuit
        was_at_rest = circuit.is_at_rest
        circuit.learn(outcome, self._clock.monotonic_s())
        if not (was_at_rest and circuit.is_at_rest):
            self._report(route)

    def _settle(self, carried: Carried) -> None:
        """End a delivery with what is known."""
        self._carried.discard(carried)
        self._looking.end(carried)
        self._spool.settle(
            carried.lease,
            delivered=carried.sending.delivered,
            buried=carried.sending.buried,
            retry_after_s=self._retry_after_s(carried),
        )
        carried.route.circuit.end_probe()
        self._freed.set()

    def _retry_after_s(self, carried: Carried) -> float:
        stopped = carried.sending.stopped
        if stopped is None or carried.route.circuit.is_open:
            return 0.0  # what is the target's fault waits for the target only
        cap_s = THROTTLED_CAP_S if isinstance(stopped, Throttled) else CAP_S
        return full_jitter(carried.lease.attempt, self._random, cap_s=cap_s)

    def _report(self, route: Route) -> None:
        """Say what is wrong, once a minute, and when it is over."""
        now_s = self._clock.monotonic_s()
        problem = route.circuit.problem(now_s)
        if problem is None:
            route.logged_s = -math.inf
            _logger.warning("delivery to %s works again", route.circuit.target)
            self._look_again()
        elif now_s - route.logged_s >= LOG_EVERY_S:
            route.logged_s = now_s
            _logger.warning("%s", problem)


def _source_of(piece: Piece) -> int:
    """Who sent it: the network it came from, where that is known, else the session."""
    came = piece.record.came
    return came.source if came is not None and came.source else hash(piece.record.key)
