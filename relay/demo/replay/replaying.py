"""A whole replay: send, wait until it is delivered, and look at what arrived."""

from collections.abc import Callable

import aiohttp
import msgspec

from relay.core.clock import Clock
from relay.demo.replay.ledger import Arrived, Totals, arrived, broken_promises, last_call, until_delivered
from relay.demo.replay.packing import pack
from relay.demo.replay.sender import Sent, Target, send
from relay.demo.replay.streams import Stream

_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=60)


class Replayed(msgspec.Struct, frozen=True):
    """The figures of a replay."""

    stream: Stream
    sent: Sent
    arrived: Arrived
    totals: Totals
    """The relay's own ledger afterwards, with whatever else it took since its spool was made."""
    seconds: float
    """Until everything was delivered."""
    broken: list[str]
    """What was promised and does not hold, a line each."""


async def replay(
    stream: Stream,
    target: Target,
    *,
    admin_url: str,
    emulator_url: str,
    clock: Clock,
    speed: float | None,
    on_progress: Callable[[int], None],
) -> Replayed:
    """Send a stream through a relay that delivers to an emulator.

    Args:
        stream: The events.
        target: The relay's front door.
        admin_url: The same relay's admin listener.
        emulator_url: Where that relay delivers.
        clock: Of this machine.
        speed: How many times faster than it happened; None for as fast as the relay takes it.
        on_progress: Told how many more events were answered.

    Raises:
        SendError: the relay takes nothing any more.
        aiohttp.ClientError: metrics or calls could not be read.
    """
    started_s = clock.monotonic_s()
    async with aiohttp.ClientSession(timeout=_TIMEOUT, raise_for_status=True) as http:
        before = await last_call(http, emulator_url)
        sent = await send(stream, pack(stream.events), target, clock=clock, speed=speed, on_progress=on_progress)
        totals = await until_delivered(http, admin_url, clock)
        seconds = clock.monotonic_s() - started_s
        found = await arrived(http, emulator_url, after=before, accepted=sent.accepted)
    return Replayed(stream, sent, found, totals, seconds, broken_promises(sent.accepted, found, totals))
