"""A sink that writes calls to a file, one JSON line each: to look at, to keep, or to load elsewhere."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from relay.core.errors import RelayError
from relay.core.model import Batch
from relay.sink.base import Delivered, Outcome, Unreachable, awaited
from relay.sink.wire import body_of


class JsonlSink:
    """Appends `{"operation": …, "body": <the call>}` and syncs before it says `Delivered`; one sync for all that wait.

    A full or broken disk is `Unreachable`: the events stay in the spool. A line cut short by that is closed with a
    line end before the next one.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1
        self._torn = False
        self._waiting: list[tuple[bytes, Callable[[Outcome], None]]] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="relay-jsonl")
        self._writing: asyncio.Task[None] | None = None
        self._lines = 0

    async def __aenter__(self) -> Self:
        try:
            self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise RelayError(f"cannot write to {self._path}: {error.strerror}") from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._writing is not None:
            await self._writing
        self._writer.shutdown(wait=True)
        os.close(self._fd)

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`."""
        return await awaited(self.send, batch)

    def send(self, batch: Batch, done: Callable[[Outcome], None]) -> None:
        """See `Sink.send`."""
        line = b'{"operation":"%s","body":%s}\n' % (batch.key.operation.encode(), body_of(batch))
        self._waiting.append((line, done))
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())

    async def _write_all(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            group, self._waiting = self._waiting, []
            failure = await loop.run_in_executor(self._writer, self._write, b"".join([line for line, _ in group]))
            for _, done in group:
                self._lines += 1
                done(failure or Delivered(f"{self._path.name}:{self._lines}"))
        self._writing = None

    def _write(self, data: bytes) -> Unreachable | None:
        try:
            view = memoryview(b"\n" + data if self._torn else data)
            self._torn = True
            while view:
                view = view[os.write(self._fd, view) :]
            self._torn = False
            os.fdatasync(self._fd)
        except OSError as error:
            return Unreachable(type(error).__name__, error.strerror or "", "service")
        return None
