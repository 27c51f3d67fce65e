"""The least Python can do with a beacon it understands: decode, check, encode, and forget. Answers 202 at once.

No token, no origin, no duplicates, no index, no disk. Run as `python -m tests.bench.peers.lean_floor PORT`.
"""

import asyncio
import sys
import time
from typing import cast

import httptools
import uvloop

from relay.wire.beacon import decode
from relay.wire.event import BeaconEvent, entry

ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
FAILED = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"
MAX_AGE_MS = 30 * 86_400_000.0


class LeanFloor(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._parser = httptools.HttpRequestParser(self)
        self._body = b""

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        body, self._body = self._body, b""
        self._transport.write(ANSWER if not body or is_taken(body) else FAILED)


def is_taken(body: bytes) -> bool:
    """Whether every event of a beacon would be taken."""
    now_ms = time.time_ns() // 1_000_000
    return all(
        isinstance(event, BeaconEvent)
        and isinstance(entry(event, event_id="", skew_ms=0.0, now_ms=now_ms, max_age_ms=MAX_AGE_MS, dropped=[]), bytes)
        for event in decode(body).events
    )


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(LeanFloor, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
