"""A running dispatcher between a spool in memory and a scripted sink, in time that costs nothing."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from relay.core.model import event_id_of
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.sink.memory import Answer, MemorySink
from relay.spool.memory import MemorySpool
from tests.support.clock import LoopClock, run_in_virtual_time


@dataclass
class Stage:
    spool: MemorySpool
    sink: MemorySink
    dispatcher: Dispatcher
    metrics: Metrics

    def events(self) -> list[str]:
        """Event ids in order of delivery."""
        return [event_id_of(entry) for batch in self.sink.delivered for entry in batch.entries()]

    def calls(self, outcome: str) -> float:
        return self.metrics.registry.get_sample_value("relay_put_events_calls_total", {"outcome": outcome}) or 0

    async def settled(self, seconds: float = 3600) -> None:
        """Wait until nothing is pending."""
        async with asyncio.timeout(seconds):
            while self.spool.stats().pending:  # noqa: ASYNC110  in virtual time this is how to let it pass
                await asyncio.sleep(0.01)


def play(
    story: Callable[[Stage], Awaitable[None]],
    *script: Answer,
    refuse: tuple[str, ...] = (),
    delay_s: float = 0.01,
    **options: object,
) -> None:
    """Run a story in virtual time with a running dispatcher."""

    async def main() -> None:
        clock, metrics = LoopClock(), Metrics()
        sink = MemorySink(script, refuse=refuse, delay_s=delay_s)
        async with MemorySpool(clock=clock, max_bytes=100_000_000) as spool:
            dispatcher = Dispatcher(
                spool,
                sink,
                clock=clock,
                metrics=metrics,
                random=random.Random(1),
                **options,  # type: ignore[arg-type]
            )
            async with dispatcher:
                await story(Stage(spool, sink, dispatcher, metrics))

    run_in_virtual_time(main)


def now_s() -> float:
    return asyncio.get_running_loop().time()
