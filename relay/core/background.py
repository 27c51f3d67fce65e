"""Work that goes on beside the rest for as long as somebody has it entered."""

import asyncio
import logging
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Final, Self

_logger: Final = logging.getLogger(__name__)


class Background(ABC):
    """Runs `_run` from entering to leaving; once left, it has been cancelled and has ended."""

    _task: asyncio.Task[None] | None = None

    @abstractmethod
    async def _run(self) -> None:
        """The work; endless."""

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def until_ended(self) -> str:
        """Wait until the work has ended by itself, of a fault in it; why. For ever, if it is left in order."""
        if self._task is not None:
            await asyncio.wait([self._task])
            if not self._task.cancelled():
                error = self._task.exception()
                _logger.error("%s has ended", type(self).__name__, exc_info=error)
                return f"{type(self).__name__} has ended: {error!r}"
        await asyncio.get_running_loop().create_future()
        return ""  # not reached: nobody fulfils it
