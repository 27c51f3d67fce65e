"""Deadlines are looked at in sweeps, and no sweep is one long step."""

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from relay.web.listener import bounds, server
from tests.support.clock import run_in_virtual_time

CONNECTIONS = 500


@dataclass
class Serving:
    """Connections that are always the same, and remember when they were looked at."""

    seen: list[tuple[float, int]] = field(default_factory=list[tuple[float, int]])

    def __post_init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.turns = self.connections = self

    def tick(self) -> None:
        """A moment has passed."""

    def forget(self) -> None:
        """As of `turns`."""

    def all(self) -> list[Any]:
        """As of `connections`."""
        return [_One(self, number) for number in range(CONNECTIONS)]


@dataclass
class _One:
    serving: Serving
    number: int

    def check(self, now_s: float) -> None:
        self.serving.seen.append((now_s, self.number))


def test_every_connection_is_looked_at_once_in_a_sweep_and_few_of_them_at_once() -> None:
    async def main() -> None:
        serving: Any = Serving()
        sweeping = asyncio.create_task(server._sweep(serving))  # pyright: ignore[reportPrivateUsage]
        await asyncio.sleep(2.5 * bounds.SWEEP_S)
        sweeping.cancel()
        first = [(at_s, number) for at_s, number in serving.seen if at_s < 1.01 * bounds.SWEEP_S]
        assert sorted(number for _, number in first) == list(range(CONNECTIONS))
        assert max(Counter(at_s for at_s, _ in first).values()) <= CONNECTIONS / bounds.SWEEP_PARTS
        assert len(serving.seen) >= 2 * CONNECTIONS

    run_in_virtual_time(main)
