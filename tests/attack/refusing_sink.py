"""A PutEvents that refuses one item, and tells which sessions it answered for when. Costs next to nothing.

Run as `python -m tests.attack.refusing_sink PORT`; `GET /` gives a line of JSON, session → monotonic seconds.
"""

import asyncio
import json
import sys
import time
from typing import Final

import uvloop

from tests.attack.hostile import REFUSED_ITEM
from tests.bench.load.cheap_sink import CheapSink

_REFUSED: Final = b'{"__type":"InvalidInputException","message":"refused"}'
_REFUSAL: Final = (
    b"HTTP/1.1 400 Bad Request\r\nx-amzn-RequestId: 00000000-0000-0000-0000-000000000000\r\n"
    b"x-amzn-ErrorType: InvalidInputException\r\nContent-Type: application/json\r\n"
    b"Content-Length: %d\r\n\r\n%b" % (len(_REFUSED), _REFUSED)
)


class RefusingSink(CheapSink):
    """Notes good sessions only."""

    answered_s: dict[str, float]

    def data_received(self, data: bytes) -> None:
        """A call; or a question of ours."""
        if data.startswith(b"GET / HTTP/1.1\r\n\r\n"):
            self._transport.write(json.dumps(self.answered_s).encode() + b"\n")
            return
        super().data_received(data)

    def answer(self, body: bytes) -> bytes:
        """See `CheapSink.answer`."""
        return _REFUSAL if REFUSED_ITEM.encode() in body else super().answer(body)

    def noted(self, body: bytes) -> None:
        """See `CheapSink.noted`."""
        at = body.find(b'"sessionId":"good-') + 13
        if at > 13:
            self.answered_s.setdefault(body[at : body.find(b'"', at)].decode(), time.monotonic())


async def main(port: int) -> None:
    """Serve until killed."""
    answered_s: dict[str, float] = {}

    def make() -> RefusingSink:
        sink = RefusingSink()
        sink.answered_s = answered_s
        return sink

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", port)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1])))
