"""Bytes flip between two runs: damage is counted, everything that is intact is salvaged, the start never fails."""

import asyncio
import logging
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from relay.core.clock import SystemClock
from relay.core.model import Binding, event_id_of
from relay.spool.sqlite.file.opening import PAGE_BYTES
from relay.spool.sqlite.recovery.pages import cells
from relay.spool.sqlite.recovery.wal import views
from relay.spool.sqlite.spool import SqliteSpool
from tests.faults.arena import arena
from tests.faults.driver import Habits
from tests.spool.leases import whole
from tests.support.records import SESSION, new_record, new_records

pytestmark = pytest.mark.timeout(180)

MAX_BYTES = 100_000_000
RECORD_COLUMNS = 10
EVENT_ID = re.compile(rb'"eventId":"[^"]+"')
EVENTS = 600


class Flip(NamedTuple):
    """One bit of one file."""

    suffix: str
    at: int
    bit: int

    @classmethod
    def in_the_wal(cls, rng: random.Random, spool: Path) -> "Flip":
        """Anywhere."""
        size = spool.with_name(spool.name + "-wal").stat().st_size
        return cls("-wal", rng.randrange(size), rng.randrange(8))

    @classmethod
    def in_a_record(cls, rng: random.Random, spool: Path) -> "Flip":
        """In the event of a record in the data file."""
        data = spool.read_bytes()
        found = [at for at in range(len(data)) if data.startswith(b'{"eventType"', at)]
        return cls("", rng.choice(found) + rng.randrange(60), rng.randrange(8))

    def apply(self, spool: Path) -> None:
        with spool.with_name(spool.name + self.suffix).open("r+b") as file:
            file.seek(self.at)
            byte = file.read(1)[0]
            file.seek(self.at)
            file.write(bytes([byte ^ 1 << self.bit]))


async def make_crashed_spool(folder: Path) -> Path:
    """600 events in 70 sessions: half in the data file, half in the WAL of a process that was killed."""
    path = folder / "spool.db"
    for half in (range(60), range(60, 120)):
        async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
            for number in half:
                await spool.append(new_records(5, f"session-{number % 70:016}", start=number * 5))
            if half[0]:
                copy = folder / "crashed"
                copy.mkdir()
                for file in (path, path.with_name("spool.db-wal"), path.with_name("spool.db.lock")):
                    shutil.copy(file, copy)
    return folder / "crashed" / "spool.db"


async def salvage(path: Path) -> tuple[list[str], int]:
    """Deliver all there is; the event ids, and how many records are reported as damaged."""
    delivered: list[str] = []
    async with SqliteSpool(path, clock=SystemClock(), max_bytes=MAX_BYTES) as spool:
        async with asyncio.timeout(60):  # a missing record is looked for twice, a second apart, one after the other
            while spool.stats().pending:
                for lease in await spool.lease(max_sessions=1000):
                    delivered += [event_id_of(record.body) for record in lease.records]
                    spool.settle(lease, delivered=whole(lease))
        stats = spool.stats()
        assert stats.accepted == EVENTS
        assert await spool.append([new_record("fresh")]) == frozenset(), "it takes events again"
    return delivered, stats.buried.get("corrupt", 0)


@pytest.mark.parametrize("place", [Flip.in_the_wal, Flip.in_a_record])
async def test_where_a_bit_flips_what_is_lost_is_what_is_reported(
    tmp_path: Path, seed: int, place: Callable[[random.Random, Path], Flip], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    crashed = await make_crashed_spool(tmp_path)
    rng = random.Random(seed)
    issued = {f"e{number}" for number in range(EVENTS)}
    lossy = salvaged = 0
    for number in range(30):
        flip = place(rng, crashed)
        path = shutil.copytree(crashed.parent, tmp_path / str(number)) / crashed.name
        flip.apply(path)
        try:
            delivered, damaged = await salvage(path)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {flip} on page {flip.at // PAGE_BYTES}: {error!r}") from error
        assert set(delivered) <= issued, flip
        assert len(set(delivered)) == len(delivered), flip
        assert len(issued) - len(delivered) == damaged, flip
        lossy += damaged > 0
        assert damaged <= 1, flip
        salvaged += path.with_name(path.name + ".damaged").exists()
        shutil.rmtree(path.parent)
    assert lossy or salvaged, "no flip hit anything"


@pytest.mark.parametrize("byte", [0, 3], ids=["kind of page", "number of cells"])
async def test_a_page_that_lost_its_way_costs_no_record_of_another_page(
    tmp_path: Path, byte: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL)
    crashed = await make_crashed_spool(tmp_path)
    data = crashed.read_bytes()
    page = data.index(b'{"eventType"') // PAGE_BYTES
    Flip("", page * PAGE_BYTES + byte, 5).apply(crashed)
    delivered, damaged = await salvage(crashed)
    assert len(delivered) + damaged == EVENTS
    assert damaged < 100


async def test_a_damaged_binding_is_forgotten_and_never_names_somebody_else(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path, clock = tmp_path / "spool.db", SystemClock()
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        binding = Binding("tracker-1", SESSION, "user-1000", clock.now_ms() + 3_600_000)
        await spool.append([new_record("e1")], binding)
    row = b"tracker-1" + SESSION.encode() + b"user-1000"
    at = path.read_bytes().index(row)
    for number, bit in enumerate(range(0, len(row) * 8, 5)):
        copy = (
            shutil.copytree(path.parent, tmp_path / f"copy-{number}", ignore=shutil.ignore_patterns("copy*"))
            / path.name
        )
        Flip("", at + bit // 8, bit % 8).apply(copy)
        caplog.clear()
        async with SqliteSpool(copy, clock=clock, max_bytes=MAX_BYTES) as spool:
            assert await spool.bindings() == []
            assert spool.stats().damaged_bindings == 1
            assert await spool.bindings() == []
            assert spool.stats().damaged_bindings == 1
        assert caplog.text.count("1 bindings do not match their checksum") == 1


def ids_in_the_wal(spool: Path) -> list[tuple[str, int]]:
    """Where the id of an event that waits begins, if that is in the WAL and nowhere else.

    An older version of a page hurts nobody, and neither does what is left of a record that was buried.
    """
    (view,) = views(spool)
    pages = {number: view.page(number) for number in range(2, view.count + 1)}
    waiting = [cell.values[-1] for cell in cells(view) if len(cell.values) == RECORD_COLUMNS]
    found = []
    for event_id in {match for body in waiting if isinstance(body, bytes) for match in EVENT_ID.findall(body)}:
        hits = [(*view.place(number), page.index(event_id)) for number, page in pages.items() if event_id in page]
        found += [(suffix, start + at) for suffix, start, at in hits if suffix and len(hits) == 1]
    return found


@pytest.mark.parametrize("number", range(2))
async def test_a_relay_whose_spool_was_damaged_delivers_the_rest_and_says_how_much_is_gone(
    tmp_path: Path, seed: int, number: int
) -> None:
    rng = random.Random(seed + number)
    habits = Habits(goes_early=0, erases=False, most_undelivered=100_000)
    async with arena(tmp_path, seed=seed + number, habits=habits) as run:
        await run.service.misbehave(server_error=1.0)
        await run.relay.start()
        run.driver.come()
        await run.obligations(800)
        await run.driver.stay_away(deadline_s=20)
        await run.relay.kill()
        suffix, at = rng.choice(sorted(ids_in_the_wal(run.relay.spool)))
        Flip(suffix, at + rng.randrange(20), rng.randrange(8)).apply(run.relay.spool)
        await run.relay.start()
        verdict = await run.quiet(damaged=True)
        run.judge(verdict)
        assert verdict.damaged > 0
        assert "spool damaged" in run.relay.last_words()
