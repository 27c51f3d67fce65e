"""A sink in memory whose answers are written beforehand: for tests, and to see what a dispatcher does."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable

from relay.core.model import Batch, event_id_of
from relay.sink.base import Delivered, Outcome, Refused

Answer = Outcome | Exception | Callable[[Batch], Outcome | Awaitable[Outcome]]


class MemorySink:
    """Answers each call with the next of its script, and with `Delivered` when that is at its end.

    Args:
        script: One entry a call: an outcome, an exception to raise, or a function of the batch.
        refuse: Event ids the sink will never take: every batch with one of them is refused.
        delay_s: Seconds each call takes.
    """

    def __init__(self, script: Iterable[Answer] = (), *, refuse: Iterable[str] = (), delay_s: float = 0.0) -> None:
        self.script: deque[Answer] = deque(script)
        self.refuse = set(refuse)
        self.delay_s = delay_s
        self.calls: list[Batch] = []
        """Every batch, in order of arrival, whatever the answer was."""
        self.delivered: list[Batch] = []
        """Batches answered with `Delivered`, in order of the answers."""
        self.in_flight = 0
        self.most_in_flight = 0

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`; raises what the script says."""
        self.calls.append(batch)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.delay_s)
            outcome = await self._answer(batch)
        finally:
            self.in_flight -= 1
        if isinstance(outcome, Delivered):
            self.delivered.append(batch)
        return outcome

    async def _answer(self, batch: Batch) -> Outcome:
        if self.script:
            answer = self.script.popleft()
            if isinstance(answer, Exception):
                raise answer
            if not callable(answer):
                return answer
            given = answer(batch)
            return given if isinstance(given, Outcome) else await given
        if self.refuse and any(event_id_of(entry) in self.refuse for entry in batch.entries()):
            return Refused("InvalidInputException", "one of these is refused")
        return Delivered(f"memory-{len(self.calls)}")
