"""A list as a sink: keeps what it got and answers as it is told. For tests."""

from collections.abc import Callable

from relay.model import Batch
from relay.sink.base import Delivered, Outcome


class MemorySink:
    """Keeps every batch, in order of arrival, refused ones too.

    Args:
        answer: Judges each batch; without it every batch is delivered.
    """

    def __init__(self, answer: Callable[[Batch], Outcome] | None = None) -> None:
        self.batches: list[Batch] = []
        self.outcomes: list[Outcome] = []
        self._answer = answer

    async def deliver(self, batch: Batch) -> Outcome:
        """Keep the batch, and judge it."""
        outcome = self._answer(batch) if self._answer else Delivered(str(len(self.batches) + 1))
        self.batches.append(batch)
        self.outcomes.append(outcome)
        return outcome
