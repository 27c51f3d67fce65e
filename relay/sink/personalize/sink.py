"""Amazon Personalize as a sink: one HTTP request a batch, one attempt a request.

The stored bytes are joined, signed and sent by `relay.sink.personalize.caller`, as those of `EventsClient` are; here is
what an answer means for the events.
"""

import asyncio
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import aioboto3
from botocore.exceptions import BotoCoreError

from relay.core.clock import Clock, SystemClock
from relay.core.errors import RelayError
from relay.core.model import Batch, Operation
from relay.sink.base import Outcome, Unreachable, awaited
from relay.sink.personalize.account import Account, fault
from relay.sink.personalize.caller import Caller
from relay.sink.personalize.connection import HttpError, Response
from relay.sink.personalize.verdict import outcome_of
from relay.sink.wire import body_of


class PersonalizeSink:
    """See `relay.sink.base.Sink`. All five operations; a region for each target.

    Args:
        session: Where region and credentials come from; None for the environment's, read anew after they failed.
        regions: Region by tracking id, where it is not the account's own. A dataset's ARN names its region itself.
        max_in_flight: Connections at most, to each region.
        deadline_s: Seconds a call may take, from name lookup to the answer's last byte.
        clock: For the time in signatures.
        endpoint_url: Instead of the service's own.
    """

    def __init__(
        self,
        *,
        session: aioboto3.Session | None = None,
        regions: Mapping[str, str] | None = None,
        max_in_flight: int = 32,
        deadline_s: float = 10.0,
        clock: Clock | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._account = Account(session, endpoint_url)
        self._regions = dict(regions or {})
        self._max_in_flight = max_in_flight
        self._deadline_s = deadline_s
        self._clock = clock or SystemClock()
        self._callers: dict[str | None, Caller] = {}
        self._resolving = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_open = False

    async def __aenter__(self) -> Self:
        """Find the endpoints: of the regions that are named, else of the account's own.

        Raises:
            RelayError: no region is set, or the profile or an endpoint is not usable.
        """
        self._loop = asyncio.get_running_loop()
        self._is_open = True
        regions: set[str | None] = set(self._regions.values())
        for region in regions or {None}:
            try:
                await self._find(region)
            except (BotoCoreError, ValueError) as error:
                raise RelayError(f"AWS: {error}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for caller in self._callers.values():
            await caller.close()

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`."""
        return await awaited(self.send, batch)

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """See `Sink.send`. Used before it is entered, it raises `RuntimeError`."""
        self.call(batch.key.operation, batch.key.target, body_of(batch), done)

    def call(self, operation: Operation, target: str, body: bytes, done: Callable[[Outcome], None]) -> None:
        """The same, of a call whose body is made already; `target` says the region."""
        if not self._is_open:
            raise RuntimeError("the sink is not open")
        until_s = self._loop.time() + self._deadline_s

        def came_back(came: Response | Exception) -> None:
            done(self._outcome(came))

        region = self._region_of(target)
        caller = self._callers.get(region)
        if caller is not None:
            caller.call(operation, body, came_back, until_s=until_s)
            return
        task = self._loop.create_task(self._call_elsewhere(region, operation, body, came_back, until_s))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _call_elsewhere(
        self,
        region: str | None,
        operation: Operation,
        body: bytes,
        came_back: Callable[[Response | Exception], None],
        until_s: float,
    ) -> None:
        """The first call to a region that is named nowhere."""
        try:
            async with asyncio.timeout_at(until_s):
                caller = await self._find(region)
        except (BotoCoreError, ValueError, TimeoutError) as error:
            came_back(error)
        except asyncio.CancelledError:
            came_back(ConnectionAbortedError("the sink is closed"))
            raise
        else:
            caller.call(operation, body, came_back, until_s=until_s)

    def _outcome(self, came: Response | Exception) -> Outcome:
        outcome: Outcome
        if isinstance(came, Response):
            outcome = outcome_of(came.status, came.headers, came.body)
        elif isinstance(came, TimeoutError):
            return Unreachable("Timeout", f"no answer within {self._deadline_s:g} s", "network")
        elif isinstance(came, (HttpError, OSError)):
            cause = came.__cause__ or came
            return Unreachable(type(cause).__name__, str(cause)[:200], "network")
        else:
            outcome = fault(came)
        if isinstance(outcome, Unreachable) and outcome.cause == "credentials":
            self._account.reload()
        return outcome

    def _region_of(self, target: str) -> str | None:
        if target.startswith("arn:"):
            return (*target.split(":", 4), "", "", "")[3] or None
        return self._regions.get(target)

    async def _find(self, region: str | None) -> Caller:
        async with self._resolving:
            if region not in self._callers:
                place = await self._account.place(region)
                self._callers[region] = Caller(self._account, place, limit=self._max_in_flight, clock=self._clock)
            return self._callers[region]
