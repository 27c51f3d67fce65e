"""A spool in memory that fails or waits when told to."""

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from relay.core.model import Binding, NewRecord
from relay.spool.memory import MemorySpool
from relay.spool.receipt import Receipt


class MoodySpool(MemorySpool):
    """Fails or waits when told to."""

    fault: Exception | None = None
    hold: asyncio.Event | None = None
    held = 0
    appending: ClassVar[set[asyncio.Task[None]]] = set()

    def append(self, records: Sequence[NewRecord], binding: Binding | None = None) -> Receipt:
        stored = Receipt()
        appending = asyncio.get_running_loop().create_task(self._append(records, binding, stored))
        self.appending.add(appending)
        appending.add_done_callback(self.appending.discard)
        return stored

    async def _append(self, records: Sequence[NewRecord], binding: Binding | None, stored: Receipt) -> None:
        if self.hold is not None:
            self.held += 1
            await self.hold.wait()
        if self.fault is None:
            stored.succeed(await super().append(records, binding))
        else:
            stored.fail(self.fault)
