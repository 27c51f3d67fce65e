"""Posts the beacons of a stream to a relay, at the stream's own pace or faster; a session's in order, one at a time."""

import asyncio
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Final

import aiohttp
import msgspec

from relay.core.clock import Clock
from relay.core.errors import RelayError
from relay.demo.replay.packing import DueBeacon
from relay.demo.replay.streams import Stream

LANES: Final = 32
"""Beacons in flight. A session always takes the same lane, which keeps its order."""
_LANE_LENGTH: Final = 8
GIVE_UP_S: Final = 120.0
"""How long one beacon is tried."""
_MAX_WAIT_S: Final = 10.0
_TIMEOUT: Final = aiohttp.ClientTimeout(total=30)
_TRY_AGAIN: Final = frozenset({408, 429, 502, 503, 504})


class SendError(RelayError):
    """The relay takes nothing any more."""


class Target(msgspec.Struct, frozen=True):
    """The relay, as a page of its site knows it."""

    endpoint: str
    """Where beacons go."""
    origin: str
    """An allowed one."""
    site_token: str
    identity_token: Callable[[str, str], str]
    """User id and session id to an identity token, as the site's backend would make it."""


class Sent(msgspec.Struct):
    """What the relay answered."""

    beacons: int = 0
    events: int = 0
    accepted: dict[str, str] = {}
    """Event id → session id of every event taken."""
    rejected: Counter[str] = msgspec.field(default_factory=Counter[str])
    """Events not taken, by reason; whole beacons as `http STATUS`."""
    retries: int = 0
    seconds: float = 0.0


class _Rejected(msgspec.Struct):
    index: int
    reason: str


class _Answer(msgspec.Struct):
    rejected: list[_Rejected] = []


_decode_answer: Final = msgspec.json.Decoder(_Answer).decode
_encode: Final = msgspec.json.Encoder().encode


async def send(
    stream: Stream,
    beacons: Iterable[DueBeacon],
    target: Target,
    *,
    clock: Clock,
    speed: float | None,
    on_progress: Callable[[int], None],
    give_up_s: float = GIVE_UP_S,
) -> Sent:
    """Post every beacon, and again after `Retry-After` where the relay asks for it.

    Args:
        stream: Where the beacons come from. Its times are shifted so that its last event happens now.
        beacons: Of that stream, in order of `due_ms`.
        target: Where they go.
        clock: Of this machine.
        speed: How many times faster than it happened; None for as fast as the relay takes it.
        on_progress: Told how many more events were answered.
        give_up_s: How long one beacon is tried.

    Raises:
        SendError: the relay could not be reached, or put off, for that long.
    """
    sent = Sent()
    started_s = clock.monotonic_s()
    sender = _Sender(
        target,
        sent,
        clock,
        shift_ms=clock.now_ms() - stream.events[-1].at_ms,
        give_up_s=give_up_s,
        on_progress=on_progress,
    )
    lanes: list[asyncio.Queue[DueBeacon | None]] = [asyncio.Queue(_LANE_LENGTH) for _ in range(LANES)]
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT, connector=aiohttp.TCPConnector(limit=LANES)) as http,
            asyncio.TaskGroup() as group,
        ):
            for lane in lanes:
                group.create_task(sender.run(http, lane))
            for beacon in beacons:
                if speed is not None:
                    due_s = started_s + (beacon.due_ms - stream.events[0].at_ms) / 1000 / speed
                    await asyncio.sleep(max(0.0, due_s - clock.monotonic_s()))
                await lanes[zlib.crc32(beacon.session_id.encode()) % LANES].put(beacon)
            for lane in lanes:
                await lane.put(None)
    except* SendError as errors:
        raise errors.exceptions[0] from None
    sent.seconds = clock.monotonic_s() - started_s
    return sent


class _Sender:
    def __init__(
        self,
        target: Target,
        sent: Sent,
        clock: Clock,
        *,
        shift_ms: int,
        give_up_s: float,
        on_progress: Callable[[int], None],
    ) -> None:
        self._target = target
        self._sent = sent
        self._clock = clock
        self._shift_ms = shift_ms
        self._give_up_s = give_up_s
        self._on_progress = on_progress
        self._identities: dict[tuple[str, str], str] = {}

    async def run(self, http: aiohttp.ClientSession, lane: asyncio.Queue[DueBeacon | None]) -> None:
        while (beacon := await lane.get()) is not None:
            status, body = await self._post(http, beacon)
            self._note(beacon, status, body)
            self._on_progress(len(beacon.events))

    async def _post(self, http: aiohttp.ClientSession, beacon: DueBeacon) -> tuple[int, bytes]:
        give_up_s = self._clock.monotonic_s() + self._give_up_s
        headers = {"origin": self._target.origin, "content-type": "text/plain;charset=UTF-8"}
        wait_s = 0.1
        while True:
            try:
                async with http.post(self._target.endpoint, data=self._body(beacon), headers=headers) as response:
                    body = await response.read()
                    if response.status not in _TRY_AGAIN:
                        return response.status, body
                    problem = f"answers {response.status}"
                    wait_s = _seconds(response.headers.get("retry-after")) or wait_s
            except (aiohttp.ClientError, TimeoutError) as error:
                problem = f"cannot be reached: {error!r}"
            if self._clock.monotonic_s() + wait_s > give_up_s:
                raise SendError(f"{self._target.endpoint} {problem}")
            self._sent.retries += 1
            await asyncio.sleep(wait_s)
            wait_s = min(wait_s * 2, _MAX_WAIT_S)

    def _body(self, beacon: DueBeacon) -> bytes:
        body = {
            "v": 1,
            "token": self._target.site_token,
            "sessionId": beacon.session_id,
            "sentAt": self._clock.now_ms(),
            "eventList": [{**event.fields, "sentAt": event.at_ms + self._shift_ms} for event in beacon.events],
        }
        if beacon.user_id is not None:
            body["identity"] = self._identity(beacon.user_id, beacon.session_id)
        return _encode(body)

    def _identity(self, user_id: str, session_id: str) -> str:
        known = self._identities.get((user_id, session_id))
        if known is None:
            known = self._identities[user_id, session_id] = self._target.identity_token(user_id, session_id)
        return known

    def _note(self, beacon: DueBeacon, status: int, body: bytes) -> None:
        sent = self._sent
        sent.beacons += 1
        sent.events += len(beacon.events)
        if status != 202:
            sent.rejected[f"http {status}"] += len(beacon.events)
            return
        refused = {one.index: one.reason for one in _decode_answer(body).rejected}
        sent.rejected.update(refused.values())
        for index, event in enumerate(beacon.events):
            if index not in refused:
                sent.accepted[event.fields["eventId"]] = beacon.session_id


def _seconds(retry_after: str | None) -> float | None:
    return min(float(retry_after), _MAX_WAIT_S) if retry_after and retry_after.isdecimal() else None
