"""What one source makes the service refuse is discarded before what others have buried; over HTTP, from end to end."""

from pathlib import Path

import pytest

from relay.compose.spool import look_into
from relay.spool.sqlite.spool import SqliteSpool
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import RunningRelay, running_relay

REFUSED = "no-such-item"
MAX_BYTES = 6_000
FEW, MANY = 5, 120
FLOODER = 66
IN_A_BEACON = 2
"""So few that by sessions alone whoever makes up many would have least in each."""
PROXY = {"client_ip_header": "X-Real-IP", "trusted_proxies": "127.0.0.0/8"}


def session(address: int, number: int) -> str:
    return f"session-{address:04}-{number:08}"


async def flooded(relay: RunningRelay, emulator: RunningEmulator, *, sessions_of_one: int) -> dict[int, int]:
    """Three visitors have a few events refused, and one has many; who has how many buried behind it."""
    await relay.http.put(f"{emulator.url}/_emulator/faults", json={"refuse_items": [REFUSED]})
    spool = relay.relay.edge.spool
    assert isinstance(spool, SqliteSpool)
    for address, count in ((1, FEW), (2, FEW), (3, FEW), (FLOODER, MANY)):
        for start in range(0, count, IN_A_BEACON):
            events = [{"eventType": "View", "itemId": REFUSED} for _ in range(min(IN_A_BEACON, count - start))]
            number = start // IN_A_BEACON % sessions_of_one if address == FLOODER else 0
            beacon = relay.beacon(*events, session=session(address, number))
            answer = await relay.post(beacon, x_real_ip=f"198.51.100.{address}")
            assert answer.status_code == 202
            good = await relay.post(relay.beacon(session=session(0, 0)), x_real_ip="198.51.100.200")
            assert good.status_code == 202, "others are taken, and delivered, all the time"
            await relay.delivered()
    await spool.buried_watch.look()
    left: dict[int, int] = {}
    looking = look_into(relay.settings.spool_url, relay.clock)
    assert looking is not None
    for one in await looking.buried(limit=1000):
        address = int(one.session_id.split("-")[1])
        left[address] = left.get(address, 0) + 1
    return left


@pytest.mark.parametrize("by", ["address", "session"])
async def test_who_floods_pays_and_what_others_have_buried_stays(tmp_path: Path, by: str) -> None:
    """By address where proxies say it, however many sessions one makes up; else by session."""
    settings = {"spool_url": f"sqlite:///{tmp_path}/spool.db", "buried_max_bytes": str(MAX_BYTES)}
    if by == "address":
        settings |= PROXY
    async with running_emulator() as emulator, running_relay(env=emulator.env, config=None, **settings) as relay:
        left = await flooded(relay, emulator, sessions_of_one=MANY if by == "address" else 1)
        assert {address: left[address] for address in (1, 2, 3)} == {1: FEW, 2: FEW, 3: FEW}
        assert 0 < left[FLOODER] < MANY
        stats = relay.relay.edge.spool.stats()
        assert stats.kept.bytes <= MAX_BYTES
        assert stats.pending == 0
