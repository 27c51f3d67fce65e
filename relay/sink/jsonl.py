"""A file as a sink: each call as one line of JSON. For trying the relay without AWS, and for archives."""

import asyncio
from pathlib import Path

from relay.model import Batch
from relay.sink.base import Delivered, Outcome, Unreachable
from relay.sink.request import request_of


class JsonlSink:
    """Appends the request body of each call to a file, with its operation in front."""

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._count = 0

    async def deliver(self, batch: Batch) -> Outcome:
        """Append one line; the file is opened anew each time, so that it may be moved away."""
        line = b'{"operation":"%b","request":%b}\n' % (batch.key.operation.encode(), request_of(batch)[1])
        try:
            await asyncio.to_thread(self._append, line)
        except OSError as error:
            return Unreachable(type(error).__name__, str(error), "service")
        self._count += 1
        return Delivered(str(self._count))

    def _append(self, line: bytes) -> None:
        with self._path.open("ab") as file:
            file.write(line)
