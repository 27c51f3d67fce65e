"""Whether what the relay accepted is what Personalize got: read from the relay's metrics and the emulator's calls."""

import asyncio
from typing import Any, Final

import aiohttp
import msgspec
from prometheus_client.parser import text_string_to_metric_families

from relay.core.clock import Clock
from relay.core.limits import MAX_EVENTS_PER_CALL

STALLED_S: Final = 60.0
"""Nothing delivered for this long: the rest stays pending."""
_POLL_S: Final = 0.2
_MAX_LINE_BYTES: Final = 8 * 1024 * 1024


class Totals(msgspec.Struct, frozen=True):
    """The relay's own ledger, since its spool was made."""

    accepted: int
    delivered: int
    buried: int
    erased: int
    pending: int

    @property
    def holds(self) -> bool:
        """`accepted = delivered + buried + erased + pending`."""
        return self.accepted == self.delivered + self.buried + self.erased + self.pending


class Arrived(msgspec.Struct):
    """What the emulator got of these events."""

    calls: int = 0
    events: int = 0
    """With repeats."""
    largest_call: int = 0
    event_ids: set[str] = set()
    users: dict[str, set[str]] = {}
    """Session id → users its events came with."""
    mixed: int = 0
    """Calls with events of another session than the one they name."""

    @property
    def sessions_with_two_users(self) -> int:
        """Must be none."""
        return sum(len(users) > 1 for users in self.users.values())


async def totals(http: aiohttp.ClientSession, admin_url: str) -> Totals:
    """The relay's ledger, now."""
    async with http.get(f"{admin_url}/metrics") as response:
        text = await response.text()
    sums: dict[str, int] = {}
    for family in text_string_to_metric_families(text):
        if family.name.startswith("relay_events_"):
            sums[family.name.removeprefix("relay_events_")] = int(
                sum(sample.value for sample in family.samples if not sample.name.endswith("_created"))
            )
    return Totals(**{name: sums.get(name, 0) for name in Totals.__struct_fields__})


async def until_delivered(http: aiohttp.ClientSession, admin_url: str, clock: Clock) -> Totals:
    """Wait until the relay has nothing pending, or nothing moved for a minute."""
    latest = await totals(http, admin_url)
    moved_s = clock.monotonic_s()
    while latest.pending and clock.monotonic_s() - moved_s < STALLED_S:
        await asyncio.sleep(_POLL_S)
        before, latest = latest, await totals(http, admin_url)
        if latest.pending != before.pending:
            moved_s = clock.monotonic_s()
    return latest


async def last_call(http: aiohttp.ClientSession, emulator_url: str) -> int:
    """Number of the newest call the emulator got."""
    async with http.get(f"{emulator_url}/_emulator/stats") as response:
        return int((await response.json())["last_call"])


async def arrived(http: aiohttp.ClientSession, emulator_url: str, *, after: int, accepted: dict[str, str]) -> Arrived:
    """Read the emulator's calls since `after`, and look at those with events among `accepted` (event id → session)."""
    found = Arrived()
    decode = msgspec.json.Decoder().decode
    query = {"operation": "PutEvents", "after": str(after)}
    async with http.get(f"{emulator_url}/_emulator/calls", params=query, read_bufsize=_MAX_LINE_BYTES) as response:
        async for line in response.content:
            call = decode(line)
            if call["taken"]:
                _note(found, call["body"], accepted)
    return found


def _note(found: Arrived, body: dict[str, Any], accepted: dict[str, str]) -> None:
    ours = [event["eventId"] for event in body["eventList"] if event["eventId"] in accepted]
    if not ours:
        return
    session_id = body["sessionId"]
    found.calls += 1
    found.events += len(ours)
    found.largest_call = max(found.largest_call, len(body["eventList"]))
    found.event_ids.update(ours)
    users = found.users.setdefault(session_id, set())
    if user_id := body.get("userId"):
        users.add(user_id)
    found.mixed += len(ours) != len(body["eventList"]) or any(accepted[one] != session_id for one in ours)


def broken_promises(accepted: dict[str, str], found: Arrived, after: Totals) -> list[str]:
    """What does not hold, one line each; empty when everything does."""
    promises = {
        f"{len(accepted):,} events accepted, {len(found.event_ids):,} arrived": (len(accepted) == len(found.event_ids)),
        f"{after.pending:,} events still pending": after.pending == 0,
        f"the relay's ledger does not add up: {after}": after.holds,
        f"a call of {found.largest_call} events": found.largest_call <= MAX_EVENTS_PER_CALL,
        f"{found.mixed:,} calls mix sessions": found.mixed == 0,
        f"{found.sessions_with_two_users:,} sessions have two users": found.sessions_with_two_users == 0,
    }
    return [line for line, is_kept in promises.items() if not is_kept]
