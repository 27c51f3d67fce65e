"""A sink in memory whose answers are written beforehand: for tests, and to see what a dispatcher does."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable

from relay.core.model import Batch, event_id_of
from relay.sink.base import Delivered, Outcome, Refused, Unreachable, awaited

Answer = Outcome | Exception | Callable[[Batch], Outcome]


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
        return await awaited(self.send, batch)

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """See `Sink.send`; raises what the script says."""
        self.calls.append(batch)
        if self.script and isinstance(first := self.script[0], Exception):
            self.script.popleft()
            raise first
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        asyncio.get_running_loop().call_later(self.delay_s, self._answer, batch, done)

    def _answer(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        outcome = self._outcome(batch)
        self.in_flight -= 1
        if isinstance(outcome, Delivered):
            self.delivered.append(batch)
        done(outcome)

    def _outcome(self, batch: Batch) -> Outcome:
        if self.script:
            answer = self.script.popleft()
            if isinstance(answer, Exception):
                return Unreachable(type(answer).__name__, str(answer), "service")
            return answer(batch) if callable(answer) else answer
        if self.refuse and any(event_id_of(entry) in self.refuse for entry in batch.entries()):
            return Refused("InvalidInputException", "one of these is refused")
        return Delivered(f"memory-{len(self.calls)}")
