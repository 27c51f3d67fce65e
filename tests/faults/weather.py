"""How the service and the way to it misbehave: every kind of fault, alone and mixed, changing all the time."""

import asyncio
import random
from typing import Any, Final

from tests.faults.service import Service

SPELLS: Final[dict[str, dict[str, Any]]] = {
    "fair": {},
    "throttling": {"throttling": 0.7},
    "500": {"server_error": 0.5},
    "503": {"server_error": {"rate": 0.5, "status": 503}},
    "reset before taken": {"reset": 0.4},
    "reset after taken": {"reset": {"rate": 0.4, "taken": True}},
    "hang": {"hang": {"rate": 0.05, "seconds": 0.4}},
    "hang after taken": {"hang": {"rate": 0.05, "seconds": 0.4, "taken": True}},
    "html": {"html": 0.4},
    "redirect": {"redirect": {"rate": 0.2, "limit": 3}},
    "slow body": {"slow_body": {"rate": 0.1, "seconds": 0.4, "taken": True}},
    "slow": {"delay_ms": 60},
    "expired token": {"error": {"rate": 0.3, "limit": 3, "code": "ExpiredTokenException"}},
    "500 after taken": {"server_error": {"rate": 0.3, "taken": True}},
    "everything": {
        "throttling": 0.05, "server_error": 0.05, "reset": 0.05, "html": 0.02, "delay_ms": 10,
        "hang": {"rate": 0.02, "seconds": 0.3, "taken": True},
        "slow_body": {"rate": 0.05, "seconds": 0.3, "taken": True},
    },
}  # fmt: skip
"""By name, the faults in force for a while. Redirects and credentials close the circuit for long: only a few."""


async def change(service: Service, rng: random.Random, *, longest_s: float = 1.5) -> None:
    """Change the weather again and again, until cancelled; half of the time it is fair."""
    while True:
        name = "fair" if rng.random() < 0.5 else rng.choice(list(SPELLS))
        await service.misbehave(**SPELLS[name], seed=rng.getrandbits(32))
        await asyncio.sleep(rng.uniform(0.1, longest_s))
