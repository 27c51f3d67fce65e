"""Every kind of hostile connection at once against a relay in a process of its own, and good visitors in between."""

import asyncio
import signal
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.attack.hostile import KINDS, Relay, addresses, attack
from tests.attack.visitors import Visitor, visit
from tests.support.relay import served_relay

pytestmark = [pytest.mark.faults, pytest.mark.process]

OF_EACH = 3
VISITS = 200
MOST_MB = 200
"""Far more than such an attack costs, far less than one that queues without a bound."""


def memory_mb(pid: int, name: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


@pytest.mark.parametrize("forwarded", [False, True], ids=["each from its address", "all through one proxy"])
async def test_good_visitors_are_all_taken_while_every_kind_attacks_and_the_relay_ends(
    tmp_path: Path, forwarded: bool
) -> None:
    limits = {"rate_limit_ip": "50/s", "rate_limit_session": "20/s", "drain_s": "2", "sink": f"jsonl:{tmp_path}/out"}
    if forwarded:
        limits |= {"client_ip_header": "X-Forwarded-For", "trusted_proxies": "127.0.0.1/32"}
    async with served_relay(tmp_path, env=None, **limits) as relay:
        parts = urlsplit(relay.url)
        where = Relay(parts.hostname or "", parts.port or 0, relay.site_token)
        visitors = [Visitor(where.host, where.port, f"127.1.0.{n}", forwarded=forwarded) for n in range(1, 21)]
        quiet, _ = await visit(visitors, where.token, rate=50, seconds=0.5)
        assert quiet.refused == {}
        before_mb = memory_mb(relay.process.pid, "VmRSS")
        attackers = [
            asyncio.create_task(attack(where, kind, address, forwarded=forwarded))
            for at, kind in enumerate(KINDS)
            for address in addresses(at, OF_EACH)
        ]
        try:
            attacked, taken = await visit(visitors, where.token, rate=50, seconds=VISITS / 50)
            assert attacked.refused == {}
            assert len(taken) == VISITS
            assert memory_mb(relay.process.pid, "VmHWM") - before_mb < MOST_MB
            relay.process.send_signal(signal.SIGTERM)
            assert await relay.ended() == 0
        finally:
            for one in attackers:
                one.cancel()
            await asyncio.gather(*attackers, return_exceptions=True)
            for visitor in visitors:
                visitor.close()
