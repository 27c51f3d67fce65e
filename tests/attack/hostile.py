"""What a hostile connection does: one function a kind. Each goes on until it is closed, and then connects again.

Run as `python -m tests.attack.hostile URL TOKEN COUNT FORWARDED KIND…`; so many connections of each kind, each from an
address of its own (127.66.0.0/16), until killed. With FORWARDED `1` all come from 127.0.0.1 and say their address in
`X-Forwarded-For`, as one proxy in front would.
"""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from typing import Final
from urllib.parse import urlsplit

import uvloop

REFUSED_ITEM: Final = "the-service-refuses-this"
ORIGIN: Final = "https://shop.example"
_SLOW_S: Final = 0.5
_PIECE: Final = 64 * 1024


@dataclass(frozen=True)
class Relay:
    """Whom to attack."""

    host: str
    port: int
    token: str


@dataclass(frozen=True)
class Hostile:
    """One attacker on a connection."""

    relay: Relay
    address: str
    forwarded: bool
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    number: int

    def head(self, line: str, *headers: str) -> bytes:
        """A head without its end."""
        said = [f"X-Forwarded-For: {self.address}"] if self.forwarded else []
        return "".join(f"{one}\r\n" for one in (line, "Host: x", *said, *headers)).encode()

    def get(self, path: str) -> bytes:
        """A request without a body."""
        return self.head(f"GET {path} HTTP/1.1") + b"\r\n"

    def post(self, body: bytes) -> bytes:
        """A beacon."""
        return self.head("POST /r/e HTTP/1.1", f"Origin: {ORIGIN}", f"Content-Length: {len(body)}") + b"\r\n" + body

    def beacon(self, *events: object, token: str | None = None) -> bytes:
        """The body of one."""
        session = f"{self.address.replace('.', '-')}-{self.number:016}"
        return json.dumps(
            {"v": 1, "token": token or self.relay.token, "sessionId": session, "eventList": events}
        ).encode()

    async def say(self, data: bytes) -> None:
        """Send, as fast as it is taken."""
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> int:
        """Read one answer; its status."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        await self.reader.readexactly(int(length or 0))
        return int(head[9:12])


async def pipelines_unread(one: Hostile) -> None:
    while True:
        await one.say(one.get("/healthz") * 500)


async def pipelines_read(one: Hostile) -> None:
    async def read() -> None:
        while await one.reader.read(_PIECE):
            pass

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        while not reading.done():
            await one.say(one.get("/healthz") * 500)


async def trailers(one: Hostile) -> None:
    body = one.beacon({"eventType": "View", "itemId": "p1"})
    head = one.head("POST /r/e HTTP/1.1", f"Origin: {ORIGIN}", "Transfer-Encoding: chunked")
    await one.say(head + b"\r\n%x\r\n%b\r\n0\r\nX: " % (len(body), body))
    while True:
        await one.say(b"y" * _PIECE)


async def slow_heads(one: Hostile) -> None:
    await one.say(one.head("POST /r/e HTTP/1.1"))
    while not one.reader.at_eof():
        await one.say(b"X: y\r\n")
        await _a_while(one)


async def slow_bodies(one: Hostile) -> None:
    await one.say(one.head("POST /r/e HTTP/1.1", f"Origin: {ORIGIN}", "Content-Length: 60000") + b'\r\n{"v":1')
    while not one.reader.at_eof():
        await one.say(b" ")
        await _a_while(one)


async def _a_while(one: Hostile) -> None:
    """Wait, unless it is closed before."""
    try:
        async with asyncio.timeout(_SLOW_S):
            await one.reader.read()
    except TimeoutError:
        pass


async def unread_answers(one: Hostile) -> None:
    while True:
        await one.say(one.get("/r/s.js") * 500)


async def nested_text(one: Hostile) -> None:
    deep = "[" * 31_000 + "]" * 31_000
    while True:
        await one.say(one.post(one.beacon({"eventType": "View", "itemId": "p1", "properties": deep})))
        await one.answer()


async def refused_events(one: Hostile) -> None:
    """As many as the limits let through."""
    event = {"eventType": "View", "itemId": REFUSED_ITEM}
    while True:
        await one.say(one.post(one.beacon(*[event] * 4)))
        if await one.answer() == 429:
            await asyncio.sleep(_SLOW_S)  # it was told to wait, and a hostile one hardly does


async def refused_bodies(one: Hostile) -> None:
    await one.say(one.head("POST /r/e HTTP/1.1", f"Origin: {ORIGIN}", "Content-Length: 99999999") + b"\r\n")
    while True:
        await one.say(b" " * _PIECE)


async def forged_tokens(one: Hostile) -> None:
    body = one.beacon({"eventType": "View", "itemId": "p1"}, token=one.relay.token[:-4] + "AAAA")
    while True:
        await one.say(one.post(body))
        await one.answer()


KINDS: Final[dict[str, Callable[[Hostile], Awaitable[None]]]] = {
    one.__name__.replace("_", " "): one
    for one in (
        pipelines_unread,
        pipelines_read,
        trailers,
        slow_heads,
        slow_bodies,
        unread_answers,
        nested_text,
        refused_events,
        refused_bodies,
        forged_tokens,
    )
}


async def attack(relay: Relay, kind: str, address: str, *, forwarded: bool = False) -> None:
    """One attacker, for ever."""
    for number in count():
        try:
            async with _connected(relay, None if forwarded else address, small=kind.startswith("unread")) as streams:
                await KINDS[kind](Hostile(relay, address, forwarded, *streams, number))
        except* (OSError, EOFError):  # it was closed, or not let in
            pass
        await asyncio.sleep(0.001)  # between two connections: the attackers share a core with the visitors


@asynccontextmanager
async def _connected(
    relay: Relay, address: str | None, *, small: bool
) -> AsyncGenerator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    raw = socket.socket()
    raw.setblocking(False)
    if small:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    try:
        if address is not None:
            raw.bind((address, 0))
        await asyncio.get_running_loop().sock_connect(raw, (relay.host, relay.port))
        reader, writer = await asyncio.open_connection(sock=raw)
    except BaseException:  # cancelled, too
        raw.close()
        raise
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


def addresses(at: int, many: int) -> list[str]:
    """Addresses of attackers, no two the same for other `at`."""
    return [f"127.66.{at + n // 250}.{n % 250 + 1}" for n in range(many)]


async def main(url: str, token: str, many: int, *, forwarded: bool, kinds: list[str]) -> None:
    """All of them."""
    parts = urlsplit(url)
    relay = Relay(parts.hostname or "", parts.port or 80, token)
    async with asyncio.TaskGroup() as tasks:
        for at, kind in enumerate(kinds):
            for address in addresses(at, many):
                tasks.create_task(attack(relay, kind, address, forwarded=forwarded))


if __name__ == "__main__":
    to, token, many, forwarded, *kinds = sys.argv[1:]
    uvloop.run(main(to, token, int(many), forwarded=forwarded == "1", kinds=kinds))
