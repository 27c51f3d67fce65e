"""A ten-minute outage in simulated time: how fast its backlog drains, and how long visitors of that moment wait.

    python -m tests.bench.outage [--scale 0.1] [--traffic spa|pages|both]

Everything but the clock and the service is real: `Dispatcher`, `Pace`, `Linger` and the index of both spools. Visits
are those of a shop: 10.6 events with log-normal gaps (median 8 s), sent every five seconds as one beacon (`spa`), or
half of them at once because the page hides (`pages`). `scale` shrinks traffic and quota alike.
"""

import argparse
import asyncio
import heapq
import logging
import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final, Literal

from relay.core.model import Batch
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.sink.base import Delivered, Outcome, Unreachable, awaited
from relay.spool.memory import MemorySpool
from tests.support.clock import START_MS, LoopClock, run_in_virtual_time
from tests.support.records import key, single

Traffic = Literal["spa", "pages"]
EVENTS_PER_S: Final = 1000
CALLS_PER_S: Final = 1000
OUTAGE_S: Final = 600.0
WARM_UP_S: Final = 300.0
"""Before the outage, so that as many visits end as begin."""
FLUSH_S: Final = 5.0
AFTER_S: Final = 60.0
"""Watched this much longer, for live events still under way."""
CALL_S: Final = 0.02
EVENTS_PER_VISIT: Final = 10.6
PARTS: Final = (0.5, 0.95, 0.99, 0.999, 1)


@dataclass
class Recovery:
    """What came of it."""

    beacons_per_event: float
    drain_s: float = 0.0
    """From the end of the outage until all that was accepted before is delivered."""
    one_call_a_beacon_s: float = 0.0
    calls: int = 0
    live_s: list[float] = field(default_factory=list[float])
    """Waits of events that came while it drained, sorted."""

    @property
    def ratio(self) -> float:
        """How many times faster than one call a beacon."""
        return self.one_call_a_beacon_s / self.drain_s

    def live_quantile_s(self, part: float) -> float:
        """So long waits this part of the live events at most."""
        return self.live_s[min(len(self.live_s) - 1, int(len(self.live_s) * part))]


def visits(traffic: Traffic, events_per_s: float, rng: random.Random) -> Iterator[tuple[float, int, int]]:
    """Beacons for ever, in order: when, number of the visit, how many events."""
    coming: list[tuple[float, int, int]] = []
    start_s = 0.0
    for visit in range(10**9):
        start_s += rng.expovariate(events_per_s / EVENTS_PER_VISIT)
        while coming and coming[0][0] <= start_s:
            yield heapq.heappop(coming)
        for at_s, count in _beacons(traffic, start_s, rng):
            heapq.heappush(coming, (at_s, visit, count))


def _beacons(traffic: Traffic, start_s: float, rng: random.Random) -> Iterator[tuple[float, int]]:
    at_s, held, flush_s = start_s, 0, 0.0
    left = 1
    while rng.random() > 1 / EVENTS_PER_VISIT:  # geometric: most visits are short, few are long
        left += 1
    for _ in range(left):
        if held and at_s >= flush_s:
            yield flush_s, held
            held = 0
        if not held:
            flush_s = at_s + FLUSH_S
        held += 1
        if held == 10 or (traffic == "pages" and rng.random() < 0.5):
            yield at_s, held
            held = 0
        at_s += rng.lognormvariate(2.0794, 1.0)
    if held:
        yield flush_s, held


def recover(traffic: Traffic, *, scale: float = 0.1, seed: int = 1, outage_s: float = OUTAGE_S) -> Recovery:
    """Live through it."""
    return run_in_virtual_time(lambda: _recover(traffic, scale, seed, outage_s))


async def _recover(traffic: Traffic, scale: float, seed: int, outage_s: float) -> Recovery:
    clock, loop, rng = LoopClock(), asyncio.get_running_loop(), random.Random(seed)
    down_s, up_s = WARM_UP_S, WARM_UP_S + outage_s
    beacons: list[tuple[float, int]] = []
    old_left = 0
    found = Recovery(0.0)
    drained_s: float | None = None

    class Service:
        async def deliver(self, batch: Batch) -> Outcome:
            return await awaited(self.send, batch)

        def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
            loop.call_later(CALL_S, lambda: done(self._outcome(batch)))

        def _outcome(self, batch: Batch) -> Outcome:
            nonlocal old_left, drained_s
            now_s = loop.time()
            if down_s <= now_s < up_s:
                return Unreachable("ServiceUnavailable", cause="service")
            if now_s >= up_s:
                found.calls += 1
                for record, _ in batch.pieces:
                    accepted_s = (record.accepted_at_ms - START_MS) / 1000
                    if accepted_s < up_s:
                        old_left -= 1
                    elif drained_s is None or accepted_s <= drained_s:
                        found.live_s.append(now_s - accepted_s)
                if old_left == 0 and drained_s is None:
                    drained_s = now_s
            return Delivered("r")

    async with MemorySpool(clock=clock, max_bytes=10**12) as spool:
        dispatcher = Dispatcher(
            spool, Service(), clock=clock, metrics=Metrics(), random=rng, calls_per_s=CALLS_PER_S * scale
        )
        async with dispatcher:
            number, is_up = 0, False
            for at_s, visit, count in visits(traffic, EVENTS_PER_S * scale, rng):
                if not is_up and at_s >= up_s:
                    is_up, old_left = True, spool.stats().pending
                if drained_s is not None and at_s > drained_s + AFTER_S:
                    break
                if at_s > loop.time():
                    await asyncio.sleep(at_s - loop.time())
                name = key(f"visit-{visit:016}")
                events = [single(name, None, f"e{number + n}", b"{}") for n in range(count)]
                number += count
                await spool.append(events)
                beacons.append((at_s, count))
    found.beacons_per_event = len(beacons) / number
    found.drain_s = (drained_s or 0.0) - up_s
    rate = EVENTS_PER_S * found.beacons_per_event
    found.one_call_a_beacon_s = outage_s * rate / (CALLS_PER_S - rate)
    found.live_s.sort()
    return found


def main() -> None:
    """Print it."""
    options = argparse.ArgumentParser()
    options.add_argument("--scale", type=float, default=0.1)
    options.add_argument("--traffic", choices=("spa", "pages", "both"), default="both")
    chosen = options.parse_args()
    logging.disable()
    for traffic in ("spa", "pages") if chosen.traffic == "both" else (chosen.traffic,):
        found = recover(traffic, scale=chosen.scale)
        quantiles = ", ".join(f"p{part * 100:g} {found.live_quantile_s(part):.1f} s" for part in PARTS)
        line = (
            f"{traffic}: {found.beacons_per_event * 1000:.0f} beacons per 1000 events; drained in {found.drain_s:.0f} s"
            f", one call a beacon {found.one_call_a_beacon_s:.0f} s: {found.ratio:.1f}; live {quantiles}"
        )
        print(line)  # noqa: T201  it is for this


if __name__ == "__main__":
    main()
