"""A PutEvents that costs next to nothing: takes any POST, answers 200 with a request id. Not the emulator on purpose.

Run as `python -m tests.bench.load.cheap_sink PORT`.
"""

import asyncio
import sys
from typing import cast

import uvloop

_ANSWER = (
    b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
    b"Content-Type: application/json\r\nContent-Length: 0\r\n\r\n"
)
_LENGTH = b"content-length:"


class CheapSink(asyncio.Protocol):
    """Finds the end of each request by its content-length and answers it."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._buffer = b""

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while (end := self._buffer.find(b"\r\n\r\n")) >= 0:
            head = self._buffer[:end].lower()
            at = head.find(_LENGTH)
            length = int(head[at + len(_LENGTH) :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(self._buffer) < end + 4 + length:
                if b"100-continue" in head:
                    self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
                return
            body, self._buffer = self._buffer[end + 4 : end + 4 + length], self._buffer[end + 4 + length :]
            self._transport.write(self.answer(body))
            self.noted(body)

    def answer(self, _body: bytes) -> bytes:
        """What a call is told."""
        return _ANSWER

    def noted(self, body: bytes) -> None:
        """A call was answered; for who wants to know more."""


async def main(port: int) -> None:
    """Serve until killed."""
    server = await asyncio.get_running_loop().create_server(CheapSink, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
