"""The loop from spool to sink: lease → send → settle.

Rules:

1. At once while the quota is far: a session's events go as soon as no call of that session is in flight, and what comes
   meanwhile goes in the next. Held back to fill calls only when calls come near the quota (`Linger`).
2. At most `max_in_flight` calls; paced to the quota of each target; slower when the service throttles.
3. One session that fails waits longer each time. A target that fails is left alone but for a probe (`Circuit`).
4. Whatever ends a delivery (answer, fault, cancellation), its lease is settled with what is known by then.
"""

import asyncio
import logging
import math
import random
from collections.abc import Callable, Coroutine, Mapping, Sequence
from types import TracebackType
from typing import Final, Self

from relay.core.backoff import CAP_S, full_jitter
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.limits import PUT_RECORDS_CALLS_PER_S
from relay.core.model import Batch, Operation, SessionKey
from relay.core.telemetry import Metrics
from relay.delivery.circuit import Circuit
from relay.delivery.linger import Linger
from relay.delivery.send_lease import Progress, send_all
from relay.delivery.token_bucket import Pace
from relay.sink.base import Delivered, Outcome, Refused, Sink, Throttled, Unreachable
from relay.spool.contract import Lease, Spool

TICK_S: Final = 0.5
"""How often linger and circuits are looked at while nothing comes."""
PROBE_BESIDE_S: Final = 0.5
"""How long a session waits that was leased while another one probes its target."""
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
_EVENTS: Final = (Operation.PUT_EVENTS, Operation.PUT_ACTION_INTERACTIONS)
_logger = logging.getLogger(__name__)


class _Route:
    """What is known about calls to one target."""

    def __init__(self, pace: Pace, circuit: Circuit, linger: Linger) -> None:
        self.pace = pace
        self.circuit = circuit
        self.linger = linger
        self.logged_s = -math.inf


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
        on_delivered: Sequence[Callable[[Batch], None]] = (),
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
            on_delivered: Each is told of each batch the service took, before it is settled. Must not raise.
        """
        self._spool = spool
        self._sink = sink
        self._clock = clock
        self._random = random
        self._max_in_flight = max_in_flight
        self._calls_per_s = calls_per_s
        self._linger_s = linger_s
        self._lingers = dict(lingers or {})
        self._max_linger_s = max_linger_s
        self._routes: dict[str, _Route] = {}
        self._in_flight = 0
        self._freed = asyncio.Event()
        self._stopped = False
        self._draining = False
        self._patience: asyncio.Timeout | None = None
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()
        self._batch_size = metrics.put_events_batch_size.observe
        self._on_delivered = on_delivered
        self._delivery_seconds = metrics.delivery_seconds.observe
        self._calls = metrics.put_events_calls
        self._calls.update(dict.fromkeys(_OUTCOMES.values(), 0))

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._spawn(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped = True
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(kind, error, trace)

    async def drain(self, deadline_s: float) -> int:
        """Deliver what is pending without lingering, for at most `deadline_s` seconds; how many still are.

        Ends early when every target is out of reach. Afterwards nothing more is leased.
        """
        self._draining = True
        self._look_again()
        try:
            async with asyncio.timeout(deadline_s):
                while self._spool.stats().pending and not self._is_hopeless():
                    self._freed.clear()
                    await self._freed.wait()
        except TimeoutError:
            pass
        self._stopped = True
        self._look_again()
        return self._spool.stats().pending

    def problems(self) -> list[str]:
        """What keeps events from being delivered, one line each."""
        now_s = self._clock.monotonic_s()
        return [line for route in self._routes.values() if (line := route.circuit.problem(now_s)) is not None]

    # ── leasing ─────────────────────────────────────────────────────────────────────────────────────────────

    async def _run(self) -> None:
        while not self._stopped:
            while self._in_flight >= self._max_in_flight:
                self._freed.clear()
                await self._freed.wait()
            most, holds, wait_s = self._plan()
            try:
                async with asyncio.timeout(wait_s) as self._patience:
                    leases = await self._spool.lease(max_sessions=most, linger_s=self._least_s(), holds=holds)
            except TimeoutError:
                continue
            except SpoolError as error:
                _logger.error("cannot lease from the spool: %s", error)
                await asyncio.sleep(READ_AGAIN_S)
                continue
            finally:
                self._patience = None
            for lease in leases:
                self._start(lease)

    def _plan(self) -> tuple[int, dict[str, float], float]:
        """How many sessions to lease now, which targets to hold and for how long, and when to plan anew."""
        now_s = self._clock.monotonic_s()
        most = self._max_in_flight - self._in_flight
        wait_s = TICK_S
        holds = {} if self._draining else dict(self._lingers)
        for target, route in self._routes.items():
            if route.circuit.is_open:
                probe_s = route.circuit.probe_wait_s(now_s)
                if probe_s == 0.0:
                    most = 1
                else:
                    holds[target] = math.inf
                    wait_s = min(wait_s, probe_s or TICK_S)
            elif (pace_s := route.pace.wait_s()) > 0:
                holds[target] = math.inf
                wait_s = min(wait_s, pace_s)
            else:
                most = min(most, route.pace.available())
                holds[target] = 0.0 if self._draining else route.linger.now(now_s)
        return most, holds, wait_s

    def _least_s(self) -> float:
        """What every target waits at least; those that wait longer are held back."""
        return 0.0 if self._draining else min([self._linger_s, *self._lingers.values()])

    def _look_again(self) -> None:
        """Plan anew at once."""
        self._freed.set()
        if self._patience is not None and not self._patience.expired():
            self._patience.reschedule(asyncio.get_running_loop().time())

    def _is_hopeless(self) -> bool:
        routes = self._routes.values()
        return bool(routes) and self._in_flight == 0 and all(route.circuit.is_open for route in routes)

    def _start(self, lease: Lease) -> None:
        route = self._route(lease.key)
        if route.circuit.is_open:
            if route.circuit.probe_wait_s(self._clock.monotonic_s()) != 0.0:
                self._spool.settle(lease, retry_after_s=PROBE_BESIDE_S)
                return
            route.circuit.probe()
        self._in_flight += 1
        route.pace.take()
        self._spawn(self._carry(lease, route))

    def _route(self, key: SessionKey) -> _Route:
        route = self._routes.get(key.target)
        if route is None:
            rate = self._calls_per_s if key.operation in _EVENTS else float(PUT_RECORDS_CALLS_PER_S)
            pace = Pace(rate, clock=self._clock)
            least_s = self._lingers.get(key.target, self._linger_s)
            linger = Linger(pace, least_s=least_s, most_s=self._max_linger_s)
            route = self._routes[key.target] = _Route(pace, Circuit(key.target, self._random), linger)
        return route

    def _spawn(self, work: Coroutine[object, object, None]) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # ── delivering ──────────────────────────────────────────────────────────────────────────────────────────

    async def _carry(self, lease: Lease, route: _Route) -> None:
        """Deliver one lease and settle it; its first call is already counted in the pace."""
        progress = Progress()
        calls = 0

        async def send(batch: Batch) -> Outcome:
            nonlocal calls
            calls += 1
            if calls > 1:
                await route.pace.turn()
            return await self._send(batch, route)

        try:
            await send_all(
                lease.records,
                send,
                progress,
                doubt=lambda refused: route.circuit.may_bury(refused, self._clock.monotonic_s()),
            )
        finally:
            self._spool.settle(
                lease,
                delivered=progress.delivered,
                buried=progress.buried,
                retry_after_s=self._retry_after_s(progress.stopped, lease.attempt),
            )
            route.circuit.end_probe()
            self._in_flight -= 1
            self._freed.set()

    async def _send(self, batch: Batch, route: _Route) -> Outcome:
        try:
            outcome = await self._sink.deliver(batch)
        except Exception as error:  # a sink does not raise; if one does, its events must not pay for it
            _logger.exception("the sink failed")
            outcome = Unreachable(type(error).__name__, cause="service")
        now_s = self._clock.monotonic_s()
        if batch.key.operation is Operation.PUT_EVENTS:
            self._calls[_OUTCOMES[type(outcome)]] += 1
            self._batch_size(batch.size)
        if isinstance(outcome, Delivered):
            now_ms = self._clock.now_ms()
            for record, places in batch.pieces:
                waited_s = max(0, now_ms - record.accepted_at_ms) / 1000
                for _ in range(places.bit_count()):
                    self._delivery_seconds(waited_s)
            for tell in self._on_delivered:
                tell(batch)
        elif isinstance(outcome, Throttled):
            route.pace.slow()
        was_open = route.circuit.is_open
        route.circuit.learn(outcome, now_s)
        if was_open or route.circuit.is_open:
            self._report(route, was_open=was_open, now_s=now_s)
        return outcome

    def _report(self, route: _Route, *, was_open: bool, now_s: float) -> None:
        """Say what is wrong, once a minute, and when it is over."""
        problem = route.circuit.problem(now_s)
        if problem is not None and now_s - route.logged_s >= LOG_EVERY_S:
            route.logged_s = now_s
            _logger.warning("%s", problem)
        elif problem is None and was_open:
            route.logged_s = -math.inf
            _logger.warning("delivery to %s works again", route.circuit.target)
            self._look_again()

    def _retry_after_s(self, stopped: Throttled | Unreachable | None, attempt: int) -> float:
        if stopped is None:
            return 0.0
        cap_s = THROTTLED_CAP_S if isinstance(stopped, Throttled) else CAP_S
        return full_jitter(attempt, self._random, cap_s=cap_s)
