"""What is refused leaves nothing that only the garbage collector finds: its looks stop everybody.

A stranger's forged tokens once made it look ten times a second, 20 to 50 ms each time.
"""

import gc
import json
import types
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from typing import Any

import pytest

from tests.support.raw_http import connected, request
from tests.support.relay import RunningEdge, running_edge

DEEP = "[" * 30_000 + "]" * 30_000
TIMES = 20


@pytest.fixture
async def relay() -> AsyncGenerator[RunningEdge]:
    async with running_edge() as running:
        yield running


@pytest.fixture
def no_collector() -> Iterator[None]:
    """The collector looks only where the test says so."""
    gc.disable()
    yield
    gc.enable()


def _frames() -> Counter[str]:
    """Of the relay's functions, by name: a cycle of errors keeps those they went through. What others left stays."""
    frames = [one for one in gc.get_objects() if isinstance(one, types.FrameType)]
    return Counter(one.f_code.co_qualname for one in frames if "/relay/" in one.f_code.co_filename)


def forged(token: str) -> str:
    return token[:-4] + "AAAA"


@pytest.mark.parametrize(
    ("status", "fields"),
    [
        (401, {"token": "forged"}),
        (401, {"token": "x.y.z"}),
        (401, {"token": 5}),
        (202, {"identity": "forged"}),
        (202, {"identity": "x.y.z"}),
        (400, {"sessionId": "short"}),
        (400, {"v": 2}),
        (202, {"eventList": [5, {"eventType": ""}, {"eventType": "View", "eventValue": "x", "unknown": 1}]}),
        (202, {"eventList": [{"eventType": "View", "properties": DEEP}]}),
    ],
    ids=["forged", "no token", "no text", "forged login", "no login", "session", "version", "events", "nested"],
)
@pytest.mark.parametrize("target", ["/r/e", "/r/e?asgi"])
async def test_whatever_is_refused_leaves_no_cycle(
    relay: RunningEdge, no_collector: None, target: str, status: int, fields: dict[str, Any]
) -> None:
    made = {name: forged(relay.site_token) if value == "forged" else value for name, value in fields.items()}
    data = request(relay, json.dumps(relay.beacon() | made).encode()).replace(b"/r/e", target.encode(), 1)
    async with connected(relay) as one:

        async def ask() -> None:
            for _ in range(TIMES):
                await one.say(data)
                assert (await one.answer())[0] == status

        await ask()
        gc.collect()
        before = _frames()
        await ask()
        grown = _frames() - before
        assert [name for name, count in grown.items() if count >= TIMES] == []
