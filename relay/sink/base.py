"""The seam to where batches go. One attempt a call: the only retry in the relay is the spool's."""

import asyncio
from collections.abc import Callable
from typing import Literal, Protocol

import msgspec

from relay.core.model import Batch


class Delivered(msgspec.Struct, frozen=True, tag=True):
    """The service took the whole batch and said so with a request id."""

    request_id: str


class Throttled(msgspec.Struct, frozen=True, tag=True):
    """The service asks us to slow down; try later, slower."""

    code: str
    message: str = ""


class Unreachable(msgspec.Struct, frozen=True, tag=True):
    """No verdict on these events: try again, the events are not to blame.

    `cause` says whether trying soon is any use: `network` and `service` come and go by themselves,
    `credentials` and `target` (tracker, region, permission) wait for a person.
    """

    code: str
    message: str = ""
    cause: Literal["network", "service", "credentials", "target"] = "network"


class Refused(msgspec.Struct, frozen=True, tag=True):
    """The service will never take this batch as it is: at least one of its records is at fault."""

    code: str
    message: str = ""


Outcome = Delivered | Throttled | Unreachable | Refused


class AwaitedSink(Protocol):
    """Where batches go, for those who make one call after the other."""

    async def deliver(self, batch: Batch) -> Outcome:
        """Send one batch, once, within a hard deadline. Never raises for anything the far side does."""
        ...


class Sink(AwaitedSink, Protocol):
    """Where batches go."""

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """The same without a task: `done` is told once how it went, at once or later, and must not raise."""
        ...


async def awaited(send: Callable[[Batch, Callable[[Outcome], None]], None], batch: Batch) -> Outcome:
    """A call of `Sink.send`, for those who await it."""
    outcome: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

    def done(came: Outcome) -> None:
        if not outcome.done():  # who asked may have gone
            outcome.set_result(came)

    send(batch, done)
    return await outcome
