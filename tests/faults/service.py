"""The service: the emulator in a process of its own, never killed in a run; its faults are switched over HTTP."""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import httpx2
import msgspec

from relay.emulator import SECRET
from tests.faults.oracle import Oracle
from tests.faults.visits import REFUSED_ITEMS
from tests.support.emulator import REGION, TRACKING_ID
from tests.support.relay import ROOT

POLL_S: Final = 0.05
_decode: Final = msgspec.json.Decoder().decode


class Service:
    """An emulator that takes calls at `url`, and what of it the oracle was told."""

    def __init__(self, url: str, http: httpx2.AsyncClient, oracle: Oracle) -> None:
        self.url = url
        self._http = http
        self._oracle = oracle
        self._read = 0
        self._reading = asyncio.Lock()
        self.struck: Counter[str] = Counter()
        """Calls spoiled, by kind of fault; `refused` are calls with an item the service does not like."""
        self.calls = 0
        self.spoiled: list[tuple[int, str]] = []
        """Time in ms and fault of every spoiled call that the service had acted on."""

    @property
    def env(self) -> dict[str, str]:
        """AWS variables for a relay that is to call it."""
        return {
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "AKIDTEST",
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_ENDPOINT_URL_PERSONALIZE_EVENTS": self.url,
        }

    async def misbehave(self, **faults: Any) -> None:
        """Set the faults, as in the body of `PUT /_emulator/faults`; none at all: behave."""
        answer = await self._http.put(f"{self.url}/_emulator/faults", json={"refuse_items": REFUSED_ITEMS, **faults})
        assert answer.status_code < 300, answer.text

    async def catch_up(self) -> None:
        """Tell the oracle of every call so far."""
        async with self._reading:
            answer = await self._http.get(f"{self.url}/_emulator/calls", params={"after": self._read})
            for line in answer.content.splitlines():
                call = _decode(line)
                assert call["n"] == self._read + 1, "the emulator has forgotten calls"
                self._read = call["n"]
                self._tell(call)

    def _tell(self, call: dict[str, Any]) -> None:
        self.calls += 1
        fault, time_ms = call.get("fault"), round(datetime.fromisoformat(call["time"]).timestamp() * 1000)
        if fault is not None:
            self.struck[fault] += 1
        elif call.get("error") == "InvalidInputException":
            self.struck["refused"] += 1
        elif call.get("error") is not None:
            self.struck[call["error"]] += 1
        if call["taken"] and call["operation"] == "PutEvents":
            self._oracle.took(call, time_ms)
        if fault in {"hang", "slow_body"}:
            self.spoiled.append((time_ms, fault))

    async def keep_up(self) -> None:
        """Tell the oracle of calls as they come, until cancelled."""
        while True:
            await self.catch_up()
            await asyncio.sleep(POLL_S)


@asynccontextmanager
async def running_service(folder: Path, oracle: Oracle) -> AsyncGenerator[Service]:
    """An emulator with an ACTIVE event tracker, behaving."""
    with (folder / "emulator.log").open("ab") as log:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "relay", "emulator", "--port", "0", "--tracking-id", TRACKING_ID),
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdout=asyncio.subprocess.PIPE,
            stderr=log,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(30):
            banner = (await process.stdout.readline()).decode()
        assert banner.startswith("Emulator ready: "), (banner, (folder / "emulator.log").read_text())
        # No connection is used twice: the emulator may be closing it that very moment.
        once = httpx2.Limits(max_keepalive_connections=0)
        async with httpx2.AsyncClient(timeout=30, limits=once) as http:
            service = Service(banner.split()[-1], http, oracle)
            await service.misbehave()
            yield service
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()
