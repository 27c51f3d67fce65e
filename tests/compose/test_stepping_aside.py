"""Two whole relays on one database, and one of them ends while its last call is still out."""

import asyncio
import json
from contextlib import AsyncExitStack
from functools import partial
from typing import Final

import pytest

from relay.compose import relay as composed
from relay.core.model import Operation, SessionKey
from relay.spool.postgres.rows import SHARDS, shard_of
from relay.spool.postgres.spool import PostgresSpool
from tests.support.emulator import REGION, TRACKING_ID
from tests.support.raw_server import http_answer, raw_server
from tests.support.relay import RunningRelay, running_relay
from tests.support.relay import until as until_soon

pytestmark = pytest.mark.timeout(120)
SESSIONS: Final = [f"session-{number:016}" for number in range(400)]
LONG_S: Final = 3600
until = partial(until_soon, deadline_s=60)  # however busy the machine is


def spool(relay: RunningRelay) -> PostgresSpool:
    found = relay.relay.edge.spool
    assert isinstance(found, PostgresSpool)
    return found


async def test_what_is_quiet_is_delivered_by_the_other_relay_before_the_last_call_is_answered(
    database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(composed, "CALL_DEADLINE_S", LONG_S)
    sent: list[str] = []
    held: set[str] = set()
    release = asyncio.Event()

    async def service(writer: asyncio.StreamWriter) -> None:
        sent.append(json.loads(server.requests[-1].partition(b"\r\n\r\n")[2])["sessionId"])
        if sent[-1] in held:
            await release.wait()
        writer.write(http_answer("200 OK", "{}"))
        await writer.drain()

    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(raw_server(service))
        opened = partial(running_relay, spool_url=database, drain_s=str(LONG_S))
        for name, value in (
            ("REGION", REGION), ("ACCESS_KEY_ID", "AKIDTEST"), ("SECRET_ACCESS_KEY", "secret"),
            ("ENDPOINT_URL_PERSONALIZE_EVENTS", server.url),
        ):  # fmt: skip
            monkeypatch.setenv(f"AWS_{name}", value)
        leaving = await stack.enter_async_context(AsyncExitStack())
        first = await leaving.enter_async_context(opened())
        second = await stack.enter_async_context(opened())
        ours, theirs = spool(first), spool(second)
        await until(lambda: len(ours.shards) == len(theirs.shards) == SHARDS // 2)

        def shard(session: str) -> int:
            return shard_of(ours.fingerprint(SessionKey(Operation.PUT_EVENTS, TRACKING_ID, session)))

        out, *rest = [session for session in SESSIONS if shard(session) in ours.shards]
        quiet = [session for session in rest if shard(session) != shard(out)]
        beside = next(session for session in rest if shard(session) == shard(out))
        held.add(out)
        await first.send(session=out)
        await until(lambda: sent == [out])
        ending = asyncio.create_task(leaving.aclose())
        await until(lambda: list(ours.shards) == [shard(out)])
        for session in [beside, *quiet[:20]]:
            await second.send(session=session)
        await until(lambda: set(sent) == {out, *quiet[:20]})
        assert not ending.done()
        release.set()
        await ending
        await until(lambda: beside in sent)
        await second.delivered()
        assert len(theirs.shards) == SHARDS
        assert len(sent) == len(set(sent)), "nothing went twice"
