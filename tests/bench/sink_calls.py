"""One contestant of the sink bench: make calls, print CPU microseconds a call. Warm-up calls are not counted."""

import asyncio
import datetime
import hashlib
import hmac
import json
import sys
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from typing import Any

import aioboto3
import aiohttp
import boto3
import msgspec
import uvloop

from relay.core.model import Batch, Operation, Piece, Record, SessionKey
from relay.sink.base import Delivered
from relay.sink.personalize.events_client import events_client
from relay.sink.personalize.sink import PersonalizeSink

WARM_UP = 200
CONCURRENCY = 32
EVENTS: list[dict[str, Any]] = [
    {
        "eventId": f"0b6e7f0a-3d7e-4c38-9a6e-{n:012d}",
        "eventType": "Click",
        "itemId": f"product-{n}",
        "sentAt": 1795312345,
        "recommendationId": "RID-0d2c5b9e-4a31-4c9f-8a55",
        "impression": ["product-1", "product-2", "product-3", "product-4"],
        "properties": '{"price":19.9}',
    }
    for n in range(10)
]
CALL: dict[str, Any] = {"trackingId": "bench", "sessionId": "0b6e7f0a3d7e4c389a6e", "eventList": EVENTS}


async def measure(call: Callable[[], Awaitable[object]], calls: int) -> float:
    """CPU microseconds a call, with that many calls in flight."""

    async def some(left: list[int]) -> None:
        while left[0] > 0:
            left[0] -= 1
            await call()

    async def batch(count: int) -> None:
        left = [count]
        await asyncio.gather(*(some(left) for _ in range(CONCURRENCY)))

    await batch(WARM_UP)
    before = time.process_time()
    await batch(calls)
    return (time.process_time() - before) / calls * 1e6


async def with_aioboto3(url: str, calls: int) -> float:
    async with aioboto3.Session().client("personalize-events") as client:
        return await measure(lambda: client.put_events(**CALL), calls)


async def with_boto3(url: str, calls: int) -> float:
    client = boto3.client("personalize-events")
    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(16) as pool:
        return await measure(lambda: loop.run_in_executor(pool, lambda: client.put_events(**CALL)), calls)


async def with_relay(url: str, calls: int) -> float:
    key = SessionKey(Operation.PUT_EVENTS, "bench", CALL["sessionId"])
    entries = [msgspec.json.encode(event) for event in EVENTS]
    ends = tuple(accumulate([len(entries[0]), *[1 + len(entry) for entry in entries[1:]]]))
    waiting = (1 << len(entries)) - 1
    record = Record(1, key, None, b",".join(entries), ends, 0, waiting)
    batch = Batch(key, None, (Piece(record, waiting),))
    async with PersonalizeSink(max_in_flight=CONCURRENCY) as sink:

        async def call() -> None:
            outcome = await sink.deliver(batch)
            assert isinstance(outcome, Delivered), outcome

        return await measure(call, calls)


async def with_client(url: str, calls: int) -> float:
    async with events_client(max_connections=CONCURRENCY) as client:
        return await measure(lambda: client.put_events(**CALL), calls)


async def with_floor(url: str, calls: int) -> float:
    """The least that is still a signed call: SigV4 by hand, json by hand, a bare aiohttp session."""
    secret, region = "emulator", "eu-west-1"
    host = url.removeprefix("http://")

    def sign(key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENCY)) as session:

        async def call() -> None:
            now = datetime.datetime.now(datetime.UTC)
            stamp, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
            body = json.dumps(CALL).encode()
            names = "content-type;host;x-amz-date"
            canonical = (
                f"POST\n/events\n\ncontent-type:application/json\nhost:{host}\nx-amz-date:{stamp}\n\n{names}\n"
                + hashlib.sha256(body).hexdigest()
            )
            scope = f"{day}/{region}/personalize/aws4_request"
            digest = hashlib.sha256(canonical.encode()).hexdigest()
            key = sign(sign(sign(sign(f"AWS4{secret}".encode(), day), region), "personalize"), "aws4_request")
            signature = sign(key, f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{digest}").hex()
            headers = {
                "Content-Type": "application/json",
                "X-Amz-Date": stamp,
                "Authorization": f"AWS4-HMAC-SHA256 Credential=bench/{scope}, SignedHeaders={names}, "
                f"Signature={signature}",
            }
            async with session.post(f"{url}/events", data=body, headers=headers) as answer:
                assert answer.status == 200
                await answer.read()

        return await measure(call, calls)


CONTESTANTS = {
    "aioboto3": with_aioboto3,
    "boto3": with_boto3,
    "relay": with_relay,
    "client": with_client,
    "floor": with_floor,
}

if __name__ == "__main__":
    who, url, calls = sys.argv[1:]
    print(f"{uvloop.run(CONTESTANTS[who](url, int(calls))):.2f}")  # noqa: T201 - the result
