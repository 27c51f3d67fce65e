"""Good visitors at a constant rate, each from an address of its own; how long they wait, and what is refused.

Run as `python -m tests.attack.visitors URL TOKEN SINK FORWARDED RATE SECONDS…`: one round for each SECONDS, without a
pause between; a line of JSON behind each. A beacon counts from the moment it is due, and an event as late when the sink
has not answered for it five seconds after the page was told `202`.
"""

import asyncio
import json
import secrets
import sys
import time
from collections import Counter
from urllib.parse import urlsplit

import msgspec
import uvloop

from tests.attack.hostile import ORIGIN

VISITORS = 100
BEACONS_A_CONNECTION = 4
LATE_S = 5.0
GIVEN_UP_S = 10.0


class Visits(msgspec.Struct):
    """Of one round."""

    waits_s: list[float] = []
    """From due to answered, sorted."""
    refused: dict[str, int] = {}
    """Beacons that were not taken, by status or by what happened."""
    late: int = 0
    """Beacons that were taken, and not delivered within five seconds."""

    def quantile_ms(self, part: float) -> float:
        """Milliseconds that this part waits at most."""
        return self.waits_s[min(len(self.waits_s) - 1, int(part * len(self.waits_s)))] * 1000 if self.waits_s else 0.0


class Visitor:
    """One person's browser: a connection for some beacons, then the next."""

    def __init__(self, host: str, port: int, address: str, *, forwarded: bool) -> None:
        self._host, self._port = host, port
        self._local = None if forwarded else (address, 0)
        said = f"X-Forwarded-For: {address}\r\n" if forwarded else ""
        self._head = f"POST /r/e HTTP/1.1\r\nHost: x\r\nOrigin: {ORIGIN}\r\n{said}Content-Length: "
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._sent = 0
        self._turn = asyncio.Lock()

    async def send(self, body: str) -> str:
        """The status, or why there is none."""
        async with self._turn:
            try:
                async with asyncio.timeout(GIVEN_UP_S):
                    return await self._send(f"{self._head}{len(body)}\r\n\r\n{body}".encode())
            except TimeoutError:
                self.close()
                return "no answer"

    async def _send(self, data: bytes) -> str:
        if self._sent >= BEACONS_A_CONNECTION:
            self.close()
        for _ in range(2):  # as a browser does: what an old connection does not take goes out on a new one
            try:
                if self._streams is None:
                    self._streams = await asyncio.open_connection(self._host, self._port, local_addr=self._local)
                reader, writer = self._streams
                self._sent += 1
                writer.write(data)
                head = await reader.readuntil(b"\r\n\r\n")
                length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
                await reader.readexactly(int(length))
                return head[9:12].decode()
            except (OSError, EOFError):
                first = self._sent == 1
                self.close()
                if first:
                    return "reset"
        return "reset"

    def close(self) -> None:
        """Leave."""
        if self._streams is not None:
            self._streams[1].close()
        self._streams = None
        self._sent = 0


async def visit(visitors: list[Visitor], token: str, rate: float, seconds: float) -> tuple[Visits, dict[str, float]]:
    """One round, and when which session was answered."""
    waits: list[float] = []
    refused: Counter[str] = Counter()
    taken_s: dict[str, float] = {}

    async def one(number: int, due_s: float) -> None:
        session = f"good-{secrets.token_hex(12)}"
        events = [{"eventType": "View", "itemId": f"p{n}"} for n in range(2)]
        said = await visitors[number % len(visitors)].send(
            json.dumps({"v": 1, "token": token, "sessionId": session, "eventList": events})
        )
        now_s = time.monotonic()
        waits.append(now_s - due_s)
        if said == "202":
            taken_s[session] = now_s
        else:
            refused[said] += 1

    began_s = time.monotonic()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due_s = began_s + number / rate
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))  # visitors come at a rate
            tasks.create_task(one(number, due_s))
    return Visits(sorted(waits), dict(refused)), taken_s


async def delivered_s(sink: str) -> dict[str, float]:
    """Session → when the sink answered for it."""
    parts = urlsplit(sink)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port, limit=1 << 26)
    writer.write(b"GET / HTTP/1.1\r\n\r\n")
    found: dict[str, float] = json.loads(await reader.readline())
    writer.close()
    return found


async def main(url: str, token: str, sink: str, *, forwarded: bool, rate: float, rounds: list[float]) -> None:
    """Every round, and what came of it."""
    parts = urlsplit(url)
    visitors = [
        Visitor(parts.hostname or "", parts.port or 80, f"127.1.0.{n + 1}", forwarded=forwarded)
        for n in range(VISITORS)
    ]
    for seconds in rounds:
        visits, taken_s = await visit(visitors, token, rate, seconds)
        if seconds == rounds[-1]:
            await asyncio.sleep(LATE_S)  # what arrives after this counts as late
        else:
            taken_s = {session: at_s for session, at_s in taken_s.items() if at_s < time.monotonic() - LATE_S}
        found_s = await delivered_s(sink)
        visits.late = sum(found_s.get(session, float("inf")) - at_s > LATE_S for session, at_s in taken_s.items())
        print(msgspec.json.encode(visits).decode(), flush=True)  # noqa: T201 - the result


if __name__ == "__main__":
    to, token, sink, forwarded, rate, *rounds = sys.argv[1:]
    uvloop.run(
        main(to, token, sink, forwarded=forwarded == "1", rate=float(rate), rounds=[float(one) for one in rounds])
    )
