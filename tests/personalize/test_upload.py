"""The loop of `put`: the quota, the order, one bad record alone, and nothing skipped wherever it is cut."""

import asyncio
import contextlib
import io
import itertools
import random
import resource
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relay.core.model import Batch
from relay.personalize.errors import AccessDeniedError, InvalidInputError, UnreachableError
from relay.personalize.put.catalog import ITEMS, CatalogRows
from relay.personalize.put.chunks import Chunk, ChunkReader
from relay.personalize.put.journal import Journal, Progress, load
from relay.personalize.put.rows import RowReader
from relay.personalize.put.upload import Uploader
from relay.personalize.schema.columns import parse_schema
from relay.sink.base import Delivered, Outcome, Refused, Throttled, Unreachable
from relay.sink.wire import body_of
from tests.support.clock import VirtualTimeLoop

SCHEMA = parse_schema(
    '{"type":"record","fields":[{"name":"ITEM_ID","type":"string"},{"name":"N","type":["null","int"]}]}'
)
ARN = "arn:aws:personalize:eu-west-1:1:dataset/demo/ITEMS"
FRESH = Progress(operation="PutItems", target="arn")


Result = TypeVar("Result")


class SimulatedTime(VirtualTimeLoop):
    """An event loop in which waiting takes no time, as a clock."""

    def monotonic_s(self) -> float:
        return self.time()

    def now_ms(self) -> int:
        return int(self.time() * 1000)


def run_simulated(loop: SimulatedTime, work: Coroutine[Any, Any, Result]) -> Result:
    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(work)


class Service:
    """Takes records as the service does: at most so many calls in any second, a call as a whole or not at all."""

    def __init__(self, loop: SimulatedTime, *, latency_s: float = 0.08, calls_per_s: float = 10) -> None:
        self.loop = loop
        self.latency_s = latency_s
        self.calls_per_s = calls_per_s
        self.tokens = calls_per_s
        self.since_s = loop.time()
        self.calls = 0
        self.throttled = 0
        self.bad: set[str] = set()
        self.records: dict[str, str] = {}
        self.sent = 0
        self.answer: Callable[[int], Outcome | None] = lambda _: None

    async def deliver(self, batch: Batch) -> Outcome:
        body = msgspec.json.decode(body_of(batch))
        assert body["datasetArn"] == ARN
        items = {item["itemId"]: item.get("properties", "{}") for item in body["items"]}
        assert 1 <= len(items) == len(body["items"]) <= 10
        self.calls += 1
        number = self.calls
        now_s = self.loop.time()
        self.tokens = min(self.calls_per_s, self.tokens + (now_s - self.since_s) * self.calls_per_s)
        self.since_s = now_s
        await asyncio.sleep(self.latency_s * (1 + (number % 7) / 3))
        if self.tokens < 1:
            self.throttled += 1
            return Throttled("ThrottlingException", "Rate exceeded")
        self.tokens -= 1
        if (outcome := self.answer(number)) is not None:
            return outcome
        if not self.bad.isdisjoint(items):
            return Refused("InvalidInputException", "Invalid input")
        self.sent += len(items)
        self.records.update(items)
        return Delivered("r")


def uploader(service: Service, loop: SimulatedTime) -> Uploader:
    return Uploader(
        sink=service,
        kind=ITEMS,
        dataset_arn=ARN,
        clock=loop,
        chance=random.Random(1),
        calls_per_s=service.calls_per_s,
    )


class Run:
    """One run of the uploader over a file in memory."""

    def __init__(self, loop: SimulatedTime, service: Service, folder: Path) -> None:
        self.loop = loop
        self.service = service
        self.state = folder / "items.csv.put.json"
        self.rejected = folder / "items.csv.rejected.jsonl"
        self.uploader = uploader(service, loop)

    async def __call__(self, data: bytes, *, cut_after: int | None = None) -> bool:
        before = load(self.state, operation="PutItems", target="arn", restart=False)
        reader = RowReader(io.BytesIO(data), "csv")
        reader.start()
        assert not before.rows or reader.skip_to(before.offset, before.rows, before.sha256)
        chunks = ChunkReader(reader.rows(), CatalogRows(ITEMS, SCHEMA), "csv")
        count = itertools.count()

        async def read() -> Chunk | None:
            if next(count) == cut_after:
                raise ConnectionAbortedError
            return chunks.next()

        with Journal(state_path=self.state, rejected_path=self.rejected, start=before) as journal:
            return await self.uploader.run(read, journal)

    def reasons(self) -> dict[int, str]:
        if not self.rejected.exists():
            return {}
        lines = [msgspec.json.decode(line) for line in self.rejected.read_bytes().splitlines()]
        assert len({line["row"] for line in lines}) == len(lines)
        return {line["row"]: line["reason"] for line in lines}

    def progress(self) -> Progress:
        return msgspec.json.decode(self.state.read_bytes(), type=Progress)


def file_of(rows: Iterator[str]) -> bytes:
    return ("ITEM_ID,N\n" + "".join(f"{row}\n" for row in rows)).encode()


def simulate(folder: Path, data: bytes, prepare: Callable[[Service], None] | None = None) -> tuple[Run, float]:
    loop = SimulatedTime()
    service = Service(loop)
    if prepare is not None:
        prepare(service)
    run = Run(loop, service, folder)
    started_s = loop.time()
    assert run_simulated(loop, run(data))
    return run, loop.time() - started_s


def test_calls_come_at_nearly_the_quota_and_are_never_throttled(tmp_path: Path) -> None:
    run, took_s = simulate(tmp_path, file_of(f"p{n},{n}" for n in range(20_000)))
    assert run.service.calls == 2000
    assert run.service.throttled == 0
    assert 0.95 * 10 <= run.service.calls / took_s <= 10
    assert run.progress().done


def resident_kb() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * resource.getpagesize() // 1024


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads its memory as Linux tells it")
@pytest.mark.long
@pytest.mark.timeout(240)
def test_a_million_rows_hold_the_rate_in_flat_memory(tmp_path: Path) -> None:
    rows = 1_000_000

    class Generated(io.RawIOBase):
        """A file that is made while it is read."""

        def __init__(self) -> None:
            self._lines = itertools.chain([b"ITEM_ID,N\n"], (b"p%d,%d\n" % (n, n) for n in range(rows)))
            self._rest = b""

        def readable(self) -> bool:
            return True

        def readinto(self, buffer: Any, /) -> int:
            view = memoryview(buffer)
            while len(self._rest) < len(view) and (line := next(self._lines, b"")):
                self._rest += line
            taken, self._rest = self._rest[: len(view)], self._rest[len(view) :]
            view[: len(taken)] = taken
            return len(taken)

    class Forgetful(Service):
        async def deliver(self, batch: Batch) -> Outcome:
            outcome = await super().deliver(batch)
            self.records.clear()
            return outcome

    loop = SimulatedTime()
    service = Forgetful(loop)
    sending = uploader(service, loop)
    reader = RowReader(io.BufferedReader(Generated()), "csv")
    reader.start()
    chunks = ChunkReader(reader.rows(), CatalogRows(ITEMS, SCHEMA), "csv")
    held_kb: list[int] = []

    async def read() -> Chunk | None:
        chunk = chunks.next()
        if chunk is not None and chunk.last.number % 100_000 == 0:
            held_kb.append(resident_kb())
        return chunk

    async def work() -> float:
        started_s = loop.time()
        with Journal(state_path=None, rejected_path=tmp_path / "rejected.jsonl", start=FRESH) as journal:
            assert await sending.run(read, journal)
            assert journal.progress.sent == rows
        return loop.time() - started_s

    took_s = run_simulated(loop, work())
    assert service.calls / took_s >= 0.95 * 10
    assert service.throttled == 0
    assert held_kb[-1] - held_kb[0] < 4096, held_kb


def test_a_refused_record_is_found_and_its_neighbours_are_sent(tmp_path: Path) -> None:
    bad = {f"p{n}" for n in (3, 14, 15, 92, 199)}
    run, _ = simulate(tmp_path, file_of(f"p{n},{n}" for n in range(200)), lambda s: s.bad.update(bad))
    assert set(run.service.records) == {f"p{n}" for n in range(200)} - bad
    assert run.reasons() == {int(name[1:]) + 1: "InvalidInputException" for name in bad}
    assert run.service.sent == 195


def test_of_two_rows_with_one_id_the_later_wins(tmp_path: Path) -> None:
    run, _ = simulate(tmp_path, file_of(f"p{n % 7},{n}" for n in range(500)))
    assert {name: msgspec.json.decode(p)["n"] for name, p in run.service.records.items()} == {
        f"p{n % 7}": n for n in range(493, 500)
    }


@pytest.mark.parametrize(
    "outcome",
    [
        Throttled("ThrottlingException"),
        Unreachable("ConnectionResetError"),
        Unreachable("InternalFailure", "", "service"),
        Unreachable("ResourceInUseException", "an import is running", "target"),
    ],
    ids=lambda outcome: outcome.code,
)
def test_what_passes_is_waited_out_and_nothing_is_lost(tmp_path: Path, outcome: Outcome) -> None:
    def prepare(service: Service) -> None:
        service.answer = lambda number: outcome if number % 5 == 0 else None

    run, _ = simulate(tmp_path, file_of(f"p{n},{n}" for n in range(1000)), prepare)
    assert len(run.service.records) == 1000
    assert run.service.sent == 1000
    assert run.uploader.counts.retried > 20


def test_a_service_that_stays_away_ends_it_after_a_while(tmp_path: Path) -> None:
    loop = SimulatedTime()
    service = Service(loop)
    service.answer = lambda number: Unreachable("Timeout", "no answer") if number > 5 else None
    run = Run(loop, service, tmp_path)
    started_s = loop.time()
    with pytest.raises(UnreachableError):
        run_simulated(loop, run(file_of(f"p{n},{n}" for n in range(1000))))
    assert 300 < loop.time() - started_s < 400
    assert run.progress().rows == 50


def test_a_fault_that_lies_in_no_row_ends_it_at_once_and_the_rest_can_follow(tmp_path: Path) -> None:
    data = file_of(f"p{n},{n}" for n in range(300))
    loop = SimulatedTime()
    service = Service(loop)
    service.answer = lambda number: Unreachable("AccessDeniedException", "no", "target") if number > 10 else None
    run = Run(loop, service, tmp_path)
    with pytest.raises(AccessDeniedError):
        run_simulated(loop, run(data))
    assert run.progress().rows == 100
    again, _ = simulate(tmp_path, data)
    assert set(again.service.records) == {f"p{n}" for n in range(100, 300)}
    assert again.progress().sent == 300


def test_when_every_row_is_refused_it_gives_up_early(tmp_path: Path) -> None:
    loop = SimulatedTime()
    service = Service(loop)
    service.answer = lambda _: Refused("InvalidInputException", "The dataset is of another type")
    run = Run(loop, service, tmp_path)
    with pytest.raises(InvalidInputError, match="every row so far"):
        run_simulated(loop, run(file_of(f"p{n},{n}" for n in range(10_000))))
    assert service.calls < 500


def test_a_stop_settles_what_is_in_flight(tmp_path: Path) -> None:
    data = file_of(f"p{n},{n}" for n in range(1000))
    loop = SimulatedTime()
    service = Service(loop)
    run = Run(loop, service, tmp_path)

    async def work() -> bool:
        loop.call_later(3, run.uploader.stop)
        return await run(data)

    assert run_simulated(loop, work()) is False
    assert run.progress().sent == service.sent == len(service.records) < 1000
    assert not run.progress().done


@settings(max_examples=50)
@given(
    rows=st.lists(st.sampled_from(["p1,1", "p2,2", "p3,x", "p4,4", "bad,5", ",6", "p7"]), max_size=60),
    cuts=st.lists(st.integers(min_value=0, max_value=6), max_size=4),
)
def test_wherever_it_is_cut_every_row_is_settled_once(
    tmp_path_factory: pytest.TempPathFactory, rows: list[str], cuts: list[int]
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    numbered = [row.replace("p1", f"a{n}").replace("p2", f"b{n}") for n, row in enumerate(rows)]
    data = file_of(iter(numbered))
    records: dict[str, str] = {}
    for cut in [*cuts, None]:
        loop = SimulatedTime()
        service = Service(loop)
        service.bad = {"bad"}
        service.records = records
        run = Run(loop, service, folder)
        if cut is None:
            run_simulated(loop, run(data))
        else:
            with contextlib.suppress(ConnectionAbortedError):
                run_simulated(loop, run(data, cut_after=cut))
    expected_ids = {row.split(",")[0] for row in numbered if row.split(",")[0] not in {"", "bad", "p3", "p7"}}
    assert set(records) == expected_ids
    refused = {n for n, row in enumerate(numbered, 1) if row in {"p3,x", "bad,5", ",6", "p7"}}
    assert set(run.reasons()) == refused
    progress = run.progress() if rows else FRESH
    assert (progress.rows, progress.rejected) == (len(rows), len(refused))
