"""Says that this relay is alive, and keeps its shards; waits for nothing else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from relay.core.background import Background
from relay.core.errors import SpoolError
from relay.spool.postgres.owner.shards import BEAT_S, Shards

_SOON_S: Final = 0.1
"""Where something is about to change hands."""
_AGAIN_S: Final = 0.2
_logger = logging.getLogger(__name__)


class Heartbeat(Background):
    """Beats each two seconds, and when it is told to."""

    def __init__(
        self, shards: Shards, *, erased_seen: Callable[[], int], changed: Callable[[], Awaitable[object]]
    ) -> None:
        """Take what it works with.

        Args:
            shards: What is kept.
            erased_seen: Up to which erasure this relay has dropped what it remembers.
            changed: Told when shards were taken or given back.
        """
        self._shards = shards
        self._erased_seen = erased_seen
        self._changed = changed
        self._bell = asyncio.Event()
        self.fault: str | None = None
        """Why it cannot be told that this relay is alive."""

    def wake(self) -> None:
        """Beat at once."""
        self._bell.set()

    async def beat(self) -> None:
        """Once.

        Raises:
            SpoolError: not now.
        """
        before = dict(self._shards.mine)
        await self._shards.beat(erased_seen=self._erased_seen())
        if self._shards.mine != before:
            await self._changed()

    async def _run(self) -> None:
        while True:
            self._bell.clear()
            try:
                await self.beat()
            except SpoolError as error:
                if self.fault is None:
                    _logger.warning("%s", error)
                self.fault = str(error)
                wait_s = _AGAIN_S
            else:
                self.fault = None
                wait_s = _SOON_S if self._shards.is_anything_leaving else BEAT_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._bell.wait()
            except TimeoutError:
                pass
