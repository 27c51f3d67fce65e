"""One sender process: `python -m relay.sink.workers.sender`, with the socket to its relay as standard input.

It runs an ordinary `PersonalizeSink`. It ends when the socket does, which is when the relay ends, however that comes
about. Signals are for the relay: it may still be draining when the whole group gets one.
"""

import asyncio
import signal
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, Final, cast

import msgspec

from relay.core.errors import RelayError
from relay.core.event_loop import new_loop
from relay.core.logs import configure_logs
from relay.sink.base import Outcome
from relay.sink.workers.frames import Call, CallEnded, Failed, Frames, Ready, Setup, frame

if TYPE_CHECKING:
    from relay.sink.personalize.sink import PersonalizeSink

_decode_setup: Final = msgspec.msgpack.Decoder(Setup).decode
_decode_call: Final = msgspec.msgpack.Decoder(Call).decode


class _Sender(asyncio.Protocol):
    """Takes a setup, then calls; answers each when it is done, in any order."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._sink: PersonalizeSink | None = None
        self.setup: asyncio.Future[Setup] = asyncio.get_running_loop().create_future()
        self.ended = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.setup.cancel()
        self.ended.set()

    def data_received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            if self._sink is None:
                self.setup.set_result(_decode_setup(message))
                continue
            call = _decode_call(message)
            self._sink.call(call.operation, call.target, call.body, partial(self._answer, call.number))

    def serve(self, sink: "PersonalizeSink") -> None:
        """From now on there may be calls."""
        self._sink = sink
        self._transport.write(frame(Ready()))

    def fail(self, message: str) -> None:
        """There will be none."""
        self._transport.write(frame(Failed(message)))
        self._transport.close()

    def _answer(self, number: int, outcome: Outcome) -> None:
        self._transport.write(frame(CallEnded(number, outcome)))


async def _run() -> None:
    pair = socket.socket(fileno=sys.stdin.fileno())
    pair.setblocking(False)
    _, sender = await asyncio.get_running_loop().create_unix_connection(_Sender, sock=pair)
    try:
        setup = await sender.setup
    except asyncio.CancelledError:
        return  # the relay is gone already
    from relay.sink.personalize.sink import PersonalizeSink  # noqa: PLC0415 - a third of a second, with signals ignored

    sink = PersonalizeSink(regions=setup.regions, max_in_flight=setup.max_in_flight, deadline_s=setup.deadline_s)
    try:
        async with sink:
            sender.serve(sink)
            await sender.ended.wait()
    except RelayError as error:
        sender.fail(str(error))
        await sender.ended.wait()


def main() -> None:
    """Send until the relay is gone."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    configure_logs()
    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(_run())


if __name__ == "__main__":
    main()
