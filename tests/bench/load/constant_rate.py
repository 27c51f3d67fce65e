"""Beacons at a constant rate, and the sink they come out at, in one process: both ends of a delivery have one clock.

Run as `python -m tests.bench.load.constant_rate URL RATE SECONDS SHAPE TOKEN SINK_PORT`; prints `Latencies` as JSON. A
beacon counts from the moment it is due, whether or not it could be sent then: a server that stalls cannot slow its own
load.
"""

import asyncio
import secrets
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import cast
from urllib.parse import urlsplit

import msgspec
import uvloop

from tests.bench.load.cheap_sink import CheapSink

CONNECTIONS = 64
DEADLINE_S = 20.0
EVENT = (
    '{{"eventId":"{}-{}","eventType":"Click","itemId":"product-{}","sentAt":{},'
    '"recommendationId":"RID-0d2c5b9e-4a31-4c9f-8a55","impression":["product-1","product-2","product-3","product-4"],'
    '"properties":{{"price":19.9}}}}'
)


class Latencies(msgspec.Struct, frozen=True):
    """Of one round, in milliseconds."""

    answers: int
    refused: int
    answer_p50_ms: float
    answer_p99_ms: float
    delivered: int
    delivered_p50_ms: float
    """From the answer to the beacon until the sink has answered PutEvents."""
    delivered_p99_ms: float
    delivered_max_ms: float


class NotingSink(CheapSink):
    """Notes when it answered for which session."""

    answered_s: dict[bytes, float]

    def noted(self, body: bytes) -> None:
        """See `CheapSink.noted`."""
        at = body.find(b'"sessionId":"') + 13
        self.answered_s.setdefault(body[at : body.find(b'"', at)], time.monotonic())


class Connection(asyncio.Protocol):
    """One keep-alive connection: a request, its answer, the next."""

    def __init__(self, load: "Load") -> None:
        self._load = load
        self._said = b""
        self._beacon = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._load.free.append(self)

    def send(self, number: int, data: bytes) -> None:
        """Make a request."""
        self._beacon = number
        self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        self._said += data
        end = self._said.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._said[:end].lower()
        at = head.find(b"content-length:")
        length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._said) >= end + 4 + length:
            self._said = b""
            self._load.answered(self, self._beacon, head.startswith((b"http/1.1 202", b"http/1.1 204")))


class Load:
    """Sends on time and takes notes."""

    def __init__(self, url: str, shape: str, token: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 80
        kind = "application/json" if shape == "peer" else "text/plain;charset=UTF-8"
        self._head = (
            f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: {kind}\r\n"
            "Origin: https://shop.example\r\nContent-Length: "
        )
        self._token = token
        self._salt = secrets.token_hex(8)
        self.free: deque[Connection] = deque()
        self._queue: deque[int] = deque()
        self._due_s: list[float] = []
        self.answer_s: dict[int, float] = {}
        self.latency_s: list[float] = []
        self.refused = 0

    def session(self, number: int) -> str:
        """Every beacon is another session."""
        return f"{self._salt}-{number:012d}"

    async def run(self, rate: float, seconds: float) -> None:
        """Send for some seconds, wait for the last answers."""
        loop = asyncio.get_running_loop()
        for _ in range(CONNECTIONS):
            await loop.create_connection(lambda: Connection(self), self.host, self.port)
        started_s = time.monotonic()
        for number in range(int(rate * seconds)):
            due_s = started_s + number / rate
            while time.monotonic() < due_s:  # noqa: ASYNC110  time is what is waited for
                await asyncio.sleep(0)  # a timer would be a millisecond late
            self._due_s.append(due_s)
            self._queue.append(number)
            self._send()
        await until(lambda: len(self.latency_s) == len(self._due_s))

    def _send(self) -> None:
        while self._queue and self.free:
            number = self._queue.popleft()
            body = self._body(number)
            self.free.popleft().send(number, f"{self._head}{len(body)}\r\n\r\n{body}".encode())

    def _body(self, number: int) -> str:
        now_ms = time.time_ns() // 1_000_000
        events = ",".join([EVENT.format(self._salt, f"{number}-{n}", number % 2000, now_ms) for n in range(3)])
        return (
            f'{{"v":1,"token":"{self._token}","sessionId":"{self.session(number)}","sentAt":{now_ms},'
            f'"seq":{number},"eventList":[{events}]}}'
        )

    def answered(self, connection: Connection, number: int, is_taken: bool) -> None:
        """A connection is free again."""
        now_s = time.monotonic()
        self.latency_s.append(now_s - self._due_s[number])
        self.answer_s[number] = now_s
        self.refused += not is_taken
        self.free.append(connection)
        self._send()


async def until(condition: Callable[[], bool]) -> None:
    """Wait for it, up to the deadline."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not condition() and time.monotonic() < deadline_s:  # noqa: ASYNC110  nothing says so by itself
        await asyncio.sleep(0.02)


def quantile_ms(values_s: list[float], part: float) -> float:
    """Milliseconds; 0 without values."""
    return sorted(values_s)[min(len(values_s) - 1, int(part * len(values_s)))] * 1e3 if values_s else 0.0


async def main(url: str, *, rate: float, seconds: float, shape: str, token: str, sink_port: int) -> Latencies:
    """One round."""
    load = Load(url, shape, token)
    answered_s: dict[bytes, float] = {}

    def make_sink() -> NotingSink:
        sink = NotingSink()
        sink.answered_s = answered_s
        return sink

    async with await asyncio.get_running_loop().create_server(make_sink, "127.0.0.1", sink_port):
        await load.run(rate, seconds)
        await until(lambda: shape == "peer" or len(answered_s) >= len(load.answer_s))
    delivery_s = [
        max(0.0, answered_s[session] - at_s)
        for number, at_s in load.answer_s.items()
        if (session := load.session(number).encode()) in answered_s
    ]
    return Latencies(
        answers=len(load.latency_s),
        refused=load.refused,
        answer_p50_ms=quantile_ms(load.latency_s, 0.5),
        answer_p99_ms=quantile_ms(load.latency_s, 0.99),
        delivered=len(delivery_s),
        delivered_p50_ms=quantile_ms(delivery_s, 0.5),
        delivered_p99_ms=quantile_ms(delivery_s, 0.99),
        delivered_max_ms=quantile_ms(delivery_s, 1.0),
    )


if __name__ == "__main__":
    to, rate, seconds, shape, token, port = sys.argv[1:]
    round_ = main(to, rate=float(rate), seconds=float(seconds), shape=shape, token=token, sink_port=int(port))
    result = uvloop.run(round_)
    print(msgspec.json.encode(result).decode())  # noqa: T201 - the result
