"""A sender process as its relay sees it: started, spoken to, ended."""

import asyncio
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable
from contextlib import suppress
from typing import Final, cast

import msgspec

from relay.core.clock import Clock
from relay.core.errors import RelayError
from relay.core.model import Operation
from relay.sink.base import Outcome, Unreachable
from relay.sink.workers.frames import Call, CallEnded, Failed, Frames, Ready, Setup, frame

START_S: Final = 30.0
"""What a start may take; it is half a second where nothing else runs."""
END_S: Final = 2.0
"""What its end may take before it is killed."""
_ENDED: Final = Unreachable("SenderEnded", "a sender process ended with the call in flight", "service")
_decode: Final = msgspec.msgpack.Decoder(Ready | Failed | CallEnded).decode


class _Link(asyncio.Protocol):
    """Our end of the socket."""

    def __init__(self) -> None:
        self._frames = Frames()
        self._unsent: list[bytes] = []
        self._loop = asyncio.get_running_loop()
        self.waiting: dict[int, tuple[float, Callable[[Outcome], None]]] = {}
        """By number, oldest first: since when, and who waits."""
        self.ready: asyncio.Future[None] = self._loop.create_future()
        self.lost = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self.lost.set()
        if not self.ready.done():
            self.ready.set_exception(RelayError("a sender process ended before it was ready; its log says why"))
            self.ready.exception()  # whoever waits is told; if nobody does, that is all
        waiting, self.waiting = self.waiting, {}
        for _, done in waiting.values():
            done(_ENDED)

    def data_received(self, data: bytes) -> None:
        for message in self._frames.feed(data):
            said = _decode(message)
            if isinstance(said, CallEnded):
                _, done = self.waiting.pop(said.number, (0.0, None))
                if done is not None:
                    done(said.outcome)
            elif not self.ready.done():
                if isinstance(said, Ready):
                    self.ready.set_result(None)
                else:
                    self.ready.set_exception(RelayError(said.message))

    def send(self, data: bytes) -> None:
        """Write with whatever else is said in this turn of the loop."""
        if not self._unsent:
            self._loop.call_soon(self._flush)
        self._unsent.append(data)

    def _flush(self) -> None:
        data, self._unsent = b"".join(self._unsent), []
        if not self.lost.is_set():
            self._transport.write(data)

    def close(self) -> None:
        """Hang up, after what is still to be written."""
        self._transport.close()


class SenderProcess:
    """One process, from `start` to `end`."""

    def __init__(self, link: _Link, process: Process, clock: Clock) -> None:
        self._link = link
        self._process = process
        self._clock = clock
        self._number = 0

    @classmethod
    async def start(cls, setup: Setup, clock: Clock) -> "SenderProcess":
        """A process that takes calls.

        Raises:
            RelayError: it cannot take calls (no region, say), or could not be started.
        """
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            with theirs:
                process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-P", "-m", "relay.sink.workers.sender"),
                    stdin=theirs.fileno(),
                    stdout=DEVNULL,
                    start_new_session=True,  # Ctrl-C is for the relay
                )
            _, link = await asyncio.get_running_loop().create_unix_connection(_Link, sock=ours)
        except OSError as error:
            ours.close()
            raise RelayError(f"cannot start a sender process: {error.strerror}") from error
        except BaseException:
            ours.close()  # the process ends with it
            raise
        started = cls(link, process, clock)
        try:
            link.send(frame(setup))
            async with asyncio.timeout(START_S):
                await link.ready
        except TimeoutError:
            await started.end(at_once=True)
            raise RelayError(f"a sender process was not ready within {START_S:.0f} s") from None
        except BaseException:
            await started.end(at_once=True)
            raise
        return started

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid

    @property
    def load(self) -> int:
        """Calls it has not answered."""
        return len(self._link.waiting)

    @property
    def ended(self) -> asyncio.Event:
        """Set when it takes no more calls."""
        return self._link.lost

    def oldest_s(self) -> float:
        """For how long the oldest of its calls has been in flight; 0 when there is none."""
        for since_s, _ in self._link.waiting.values():
            return self._clock.monotonic_s() - since_s
        return 0.0

    def call(self, operation: Operation, target: str, body: bytes, done: Callable[[Outcome], None]) -> None:
        """Have a call made; `done` gets `Unreachable` when the process ends before it answers, or has ended."""
        if self.ended.is_set():
            done(_ENDED)  # there is nobody left to answer, nor to say so
            return
        self._number = number = self._number + 1
        self._link.waiting[number] = (self._clock.monotonic_s(), done)
        self._link.send(frame(Call(number, operation, target, body)))

    async def end(self, *, at_once: bool = False) -> int:
        """Hang up, and kill it if that does not end it in time; its exit code."""
        self._link.close()
        if at_once:
            self._kill()
        try:
            async with asyncio.timeout(END_S):
                return await self._process.wait()
        except TimeoutError:
            self._kill()
            return await self._process.wait()

    def _kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
