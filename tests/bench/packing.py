"""Packing against the least possible: a real click stream, sped up until it asks for ten times the quota.

Everything but the clock and the service is real: `Dispatcher`, `Pace`, `Linger` and the index of both spools, in
simulated time. Beacons are made as the snippet would have made them. Then either the whole stream is played that much
faster, the gaps inside sessions too (`faster`), or its sessions begin that much closer to each other and each takes the
time it took (`more visitors`; with a hundredth of the quota, for there are not visitors enough in the file). The relay
has its default settings: an event may be held back for 30 s.

The bound. A call holds at most ten events of one session and user. With W the longest an event may wait, and without
any quota, the least number of calls is found for each session by itself: when its oldest waiting event has waited W,
send it, and with it the oldest others that have arrived, up to ten. No plan needs fewer calls:

1. Take any plan, and in it the first call. It can be made to hold the oldest event: if it holds a later one j in place
   of the oldest i, swap them. i has arrived (before j) and is sent earlier than before; j is sent when i was, which is
   later than j's arrival and no later than i's deadline, which is before j's.
2. Put that call off until the oldest event has waited W. None of its events is late, for none of them is older. Now
   every event that arrived until then may be in it; by the same swap it can be made to hold the oldest ten of these,
   and if it has room, moving one more into it takes nothing from any other call but work.
3. What is left is the same task with fewer events, and fewer events never need more calls. So by induction the number
   of calls is the least. (A quota can only add to it.)

So the relay is compared twice: with W as allowed, and at equal waiting time, with W as long as the longest wait the
relay really caused. Where the quota is exceeded tenfold, waits may be longer than 30 s because nobody can deliver
faster. `more visitors` is such a case: hours of waiting would be needed for the least calls, and the relay spends calls
on visitors who are there now (`relay.spool.schedule.fair_queue`) instead of letting them wait behind all others.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec

from relay.core.limits import MAX_EVENTS_PER_CALL
from relay.core.model import Batch, NewRecord, SessionKey
from relay.core.telemetry import Metrics
from relay.delivery.dispatcher import Dispatcher
from relay.demo.offer import click_stream
from relay.demo.replay.packing import DueBeacon, pack
from relay.demo.replay.streams import Stream, read_stream
from relay.sink.base import Delivered, Outcome, awaited
from relay.spool.memory import MemorySpool
from tests.bench.ratios import Figure
from tests.support.clock import START_MS, LoopClock, run_in_virtual_time
from tests.support.records import key

OVERLOAD: Final = 10
QUOTA_PER_S: Final = 1000.0
"""The service's, calls a second."""
SMALL_QUOTA_PER_S: Final = 10.0
ALLOWED_S: Final = 30.0
CALL_S: Final = 0.02

Arrival = tuple[float, str, int]
"""Seconds since the start, session and user, events in the beacon."""


class Played(msgspec.Struct, frozen=True):
    """What the relay made of the stream."""

    calls: int
    waits_s: list[float]
    """Of each event, from accepted until its call was made; sorted."""
    most_per_s: int
    """Calls in the fullest second."""


def least_calls(arrivals: Iterable[Arrival], wait_s: float) -> int:
    """The fewest calls in which no event waits longer than `wait_s`; see the top of this file.

    Args:
        arrivals: In order of time.
        wait_s: Seconds; 0 leaves together only what came together.
    """
    by_session: dict[str, list[float]] = defaultdict(list)
    for at_s, session, count in arrivals:
        by_session[session] += [at_s] * count
    return sum([_least_calls(times, wait_s) for times in by_session.values()])


def _least_calls(times_s: Sequence[float], wait_s: float) -> int:
    calls = start = 0
    while start < len(times_s):
        until_s = times_s[start] + wait_s
        end = start + 1
        while end < len(times_s) and end - start < MAX_EVENTS_PER_CALL and times_s[end] <= until_s:
            end += 1
        start = end
        calls += 1
    return calls


def faster(stream: Stream, events_per_s: float) -> list[Arrival]:
    """The stream's beacons, all of it sped up to so many events a second."""
    first_ms, speed, beacons = _sped_up(stream, events_per_s)
    return [((beacon.due_ms - first_ms) / 1000 / speed, _who(beacon), len(beacon.events)) for beacon in beacons]


def more_visitors(stream: Stream, events_per_s: float) -> list[Arrival]:
    """The same, but only between the beginnings of sessions; each takes the time it took."""
    first_ms, speed, beacons = _sped_up(stream, events_per_s)
    begun_ms: dict[str, int] = {}
    arrivals: list[Arrival] = []
    for beacon in beacons:
        begin_ms = begun_ms.setdefault(_who(beacon), beacon.due_ms)
        at_s = (begin_ms - first_ms) / 1000 / speed + (beacon.due_ms - begin_ms) / 1000
        arrivals.append((at_s, _who(beacon), len(beacon.events)))
    return sorted(arrivals, key=lambda arrival: arrival[0])


def _sped_up(stream: Stream, events_per_s: float) -> tuple[int, float, list[DueBeacon]]:
    """When it begins, how much faster it has to be, and its beacons."""
    beacons = list(pack(stream.events))
    length_s = max(1, beacons[-1].due_ms - beacons[0].due_ms) / 1000
    return beacons[0].due_ms, events_per_s * length_s / len(stream.events), beacons


def _who(beacon: DueBeacon) -> str:
    return f"{beacon.session_id}/{beacon.user_id}"


def play(arrivals: Sequence[Arrival], calls_per_s: float) -> Played:
    """Let a relay deliver it, in simulated time."""
    return run_in_virtual_time(lambda: _play(arrivals, calls_per_s))


async def _play(arrivals: Sequence[Arrival], calls_per_s: float) -> Played:
    loop = asyncio.get_running_loop()
    waits_s: list[float] = []
    calls: dict[int, int] = defaultdict(int)
    total = sum(count for _, _, count in arrivals)
    done = asyncio.Event()

    class Service:
        async def deliver(self, batch: Batch) -> Outcome:
            return await awaited(self.send, batch)

        def send(self, batch: Batch, came: Callable[[Outcome], None]) -> None:
            now_s = loop.time()
            calls[int(now_s)] += 1
            for record, places in batch.pieces:
                waited_s = now_s - (record.accepted_at_ms - START_MS) / 1000
                waits_s.extend([waited_s] * places.bit_count())
            if len(waits_s) == total:
                done.set()
            loop.call_later(CALL_S, came, Delivered("r"))

    number = 0
    async with (
        MemorySpool(clock=LoopClock(), max_bytes=10**12) as spool,
        Dispatcher(
            spool,
            Service(),
            clock=LoopClock(),
            metrics=Metrics(),
            random=random.Random(1),
            calls_per_s=calls_per_s,
            max_linger_s=ALLOWED_S,
        ),
    ):
        for at_s, session, count in arrivals:
            if at_s > loop.time():
                await asyncio.sleep(at_s - loop.time())
            name = key(session)
            await spool.append([_record(name, range(n, min(n + 10, count)), number) for n in range(0, count, 10)])
            number += count
        await done.wait()
    return Played(sum(calls.values()), sorted(waits_s), max(calls.values()))


def _record(name: SessionKey, places: range, number: int) -> NewRecord:
    """A beacon's events, or ten of them, as they wait together."""
    ids = tuple([str(number + place) for place in places])
    ends = tuple([2 + 3 * n for n in range(len(ids))])
    return NewRecord(name, None, ids, b",".join([b"{}"] * len(ids)), ends)


def run(*, rounds: int, seconds: float, stream: Path | None = None) -> list[Figure]:
    """Calls for 1,000 events, the relay's and the least; nothing is timed.

    Args:
        rounds: Not used: simulated time has no spread.
        seconds: Not used.
        stream: A click stream that `make replay` reads; without it the one at hand, as there.
    """
    del rounds, seconds
    file = stream or click_stream(Path.cwd())
    if file is None:
        raise FileNotFoundError("no click stream at hand; --stream names one")
    found = read_stream(file)
    rows: list[Figure] = []
    for name, speed_up, quota in (("faster", faster, QUOTA_PER_S), ("more visitors", more_visitors, SMALL_QUOTA_PER_S)):
        arrivals = speed_up(found, OVERLOAD * quota)
        rows += _figures(f"{name}, {quota:g} calls/s", arrivals, len(found.events), play(arrivals, quota))
    return rows


def _figures(name: str, arrivals: Sequence[Arrival], events: int, played: Played) -> list[Figure]:
    longest_s = played.waits_s[-1]

    def calls(who: str, count: int, *, of: int | None = None) -> Figure:
        ratio = None if of is None else count / of
        return Figure(f"calls for 1,000 events, {name}", who, "calls", count / events * 1000, ratio, ratio, ratio)

    def wait(who: str, seconds: float) -> Figure:
        return Figure(f"wait, {name}", who, "s", seconds, None, None, None)

    allowed, used = least_calls(arrivals, ALLOWED_S), least_calls(arrivals, longest_s)
    return [
        calls("one call a beacon", len(arrivals)),
        calls(f"least possible, waiting {ALLOWED_S:.0f} s", allowed),
        calls(f"least possible, waiting {longest_s:.0f} s as the relay did", used),
        calls("relay, to the least in as long", played.calls, of=used),
        calls("relay, to the least in the time allowed", played.calls, of=allowed),
        wait("relay, median", played.waits_s[len(played.waits_s) // 2]),
        wait("relay, longest", longest_s),
        Figure(f"calls in the fullest second, {name}", "relay", "calls", played.most_per_s, None, None, None),
    ]
