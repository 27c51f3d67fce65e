"""Any damage to any spool: what is whole is salvaged, what is not is counted, and nothing comes back that was gone."""

import asyncio
import random
import shutil
import tempfile
from pathlib import Path

import pytest

from relay.core.model import event_id_of
from relay.spool.sqlite.file import opening
from relay.spool.sqlite.file.page_layout import LEAF
from relay.spool.sqlite.file.rows import RecordRow
from relay.spool.sqlite.recovery.integrity import trouble
from relay.spool.sqlite.recovery.pages import cells
from relay.spool.sqlite.recovery.recover import mend
from relay.spool.sqlite.recovery.wal import views
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import MAX_BYTES, OpenSqlite
from tests.spool.histories import TABLES, Kept, Made, Span, content, copy_of, live, page_of, places
from tests.spool.leases import deliver_all
from tests.spool.sqlite.files import flip_byte, offset_of, sql
from tests.spool.sqlite.test_upgrade import make_version_1
from tests.support.clock import FakeClock
from tests.support.records import new_record

_USER_VERSION = range(60, 64)
"""In the file's header: a spool of a newer version is refused, damage or not."""

SEEDS = range(12)


@pytest.fixture(scope="module", params=range(6))
def made(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Every second with pages as 0.1 made them."""
    rng = random.Random(request.param)
    path = tmp_path_factory.mktemp("made") / "spool.db"
    page_bytes = opening.PAGE_SIZES[request.param % 2]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(opening, "PAGE_BYTES", page_bytes)
        path = asyncio.run(live(path, rng, lives=1 + request.param % 3))
    assert views(path)[0].page_bytes == page_bytes
    looked_at = copy_of(path, tmp_path_factory.mktemp("looked-at"))
    spans = places(path)
    kept = content(looked_at)
    assert {name: {number for table, number in spans if table == name} for name in TABLES} == {
        name: set(rows) for name, rows in kept.items()
    }
    mark = int.from_bytes(path.with_name(path.name + ".lock").read_bytes()[8:16], "little")
    return Made(path, kept, spans, mark, page_bytes)


def salvaged(made: Made, damage: list[tuple[Span, bytes]]) -> Kept:
    """What is there after the damage, and after it was mended."""
    with tempfile.TemporaryDirectory() as folder:
        path = copy_of(made.path, Path(folder))
        for span, text in damage:
            with path.with_name(path.name + span.suffix).open("r+b") as file:
                file.seek(span.start)
                file.write(text)
        mend(path, mark=made.mark)
        return content(path)


def lost(made: Made, found: Kept, damage: list[tuple[Span, bytes]]) -> list[tuple[str, int]]:
    """Which rows are; fails if something is there that was not. The end of the WAL may take back what was newest."""
    in_wal = any(span.suffix == "-wal" for span, _ in damage)
    missing: list[tuple[str, int]] = []
    for table in TABLES:
        for number, row in found[table].items():
            was = made.kept[table].get(number)
            if was is None:  # what had been settled is settled again if the end of the WAL is what was damaged
                assert table == "records", (table, number, damage)
                assert in_wal, (number, damage)
            elif not (in_wal and table == "records" and is_earlier(row, was)):
                assert but_session(table, row) == but_session(table, was), (table, number)
        missing += [(table, number) for number in made.kept[table].keys() - found[table].keys()]
    return [row for row in missing if not (in_wal and row[0] == "buried" and row[1] in found["records"])]


def but_session(table: str, row: tuple[object, ...]) -> tuple[object, ...]:
    """Without what changes with the salt, and of buried ones without what was noted then, which has no checksum."""
    return row if table == "bindings" else (row[0], *row[2:4], *row[5 : 10 if table == "buried" else None])


def is_earlier(row: tuple[object, ...], was: tuple[object, ...]) -> bool:
    """Whether it is the record as it was before a login gave it its user, or some of its events had left."""
    one, other = RecordRow(*row), RecordRow(*was)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]  as SQLite gives it
    lasting = (one.user_id in (None, other.user_id), not other.waiting & ~one.waiting)
    return all(lasting) and (*row[2:4], row[6], *row[8:]) == (*was[2:4], was[6], *was[8:])


def hit(made: Made, row: tuple[str, int], damage: list[tuple[Span, bytes]]) -> bool:
    return any(one.meets(span) for one in made.spans[row] for span, _ in damage)


def damage_of(made: Made, rng: random.Random, *, size: int) -> tuple[Span, bytes]:
    sizes = {suffix: path.stat().st_size for suffix in ("", "-wal") if (path := beside(made, suffix)).exists()}
    suffix = rng.choices(list(sizes), weights=list(sizes.values()))[0]
    start = rng.randrange(max(1, sizes[suffix] - size))
    return Span(suffix, start, start + size), rng.choice([rng.randbytes(size), bytes(size), b"\xff" * size])


def beside(made: Made, suffix: str) -> Path:
    return made.path.with_name(made.path.name + suffix)


def told(made: Made, damage: list[tuple[Span, bytes]], seed: int) -> str:
    return f"seed {seed}: {[span for span, _ in damage]} of {made.path}"


def test_of_an_undamaged_spool_every_page_says_what_sqlite_says(made: Made, tmp_path: Path) -> None:
    path = copy_of(made.path, tmp_path)
    assert trouble(path, mark=made.mark) is None
    found = [cell for view in views(path) for cell in cells(view)]
    for table, columns in (("records", 10), ("buried", 13), ("bindings", 8)):
        rowids = [cell.rowid for cell in found if cell.kind == LEAF and len(cell.values) == columns]
        assert sorted(rowids) == sorted(made.kept[table])
    with path.open("ab") as file:  # not a page of it
        file.write(b"x")
    mend(path, mark=made.mark)
    assert not path.with_name(path.name + ".damaged").exists()


def test_one_bit_costs_one_row_at_most(made: Made) -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        span, _ = damage_of(made, rng, size=1)
        if span.suffix == "" and span.start in _USER_VERSION:
            continue
        byte = beside(made, span.suffix).read_bytes()[span.start]
        damage = [(span, bytes([byte ^ 1 << rng.randrange(8)]))]
        assert len(lost(made, salvaged(made, damage), damage)) <= 1, told(made, damage, seed)


def test_a_stain_costs_the_rows_it_is_on(made: Made) -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        damage = [damage_of(made, rng, size=rng.randint(2, 200)) for _ in range(rng.randint(1, 3))]
        if not any(span.suffix == "" and span.start < _USER_VERSION.stop for span, _ in damage):
            for row in lost(made, salvaged(made, damage), damage):
                assert hit(made, row, damage), (row, told(made, damage, seed))


def test_a_page_that_is_gone_costs_the_rows_that_were_on_it(made: Made) -> None:
    for seed in SEEDS:
        rng = random.Random(seed)
        view = views(made.path)[0]
        suffix, start = view.place(rng.randint(2, view.count))
        damage = [
            (
                Span(suffix, start, start + made.page_bytes),
                rng.choice([bytes(made.page_bytes), rng.randbytes(made.page_bytes)]),
            )
        ]
        for row in lost(made, salvaged(made, damage), damage):
            assert hit(made, row, damage), (row, told(made, damage, seed))


def test_the_first_page_costs_no_row(made: Made) -> None:
    for text in (bytes(made.page_bytes), random.Random(1).randbytes(made.page_bytes)):
        suffix, start = views(made.path)[0].place(1)
        damage = [(Span(suffix, start, start + made.page_bytes), text)]
        assert lost(made, salvaged(made, damage), damage) == []


def test_neither_do_the_headers_of_both_files(made: Made) -> None:
    """Nothing says any more how long a page is."""
    damage = [(Span("", 0, 100), bytes(100))]
    if beside(made, "-wal").exists():
        damage.append((Span("-wal", 0, 32), bytes(32)))
    assert lost(made, salvaged(made, damage), damage) == []


@pytest.fixture
def broken(made: Made, tmp_path: Path) -> Path:
    """A copy on which SQLite finds no table."""
    path = copy_of(made.path, tmp_path)
    suffix, start = views(path)[0].place(1)
    with path.with_name(path.name + suffix).open("r+b") as file:
        file.seek(start + 100)
        file.write(b"\xff" * 8)
    return path


async def test_what_is_lost_is_counted_and_the_rest_is_delivered_in_order(made: Made, tmp_path: Path) -> None:
    """A page with records on it is gone: so many are counted as corrupt, and no more."""
    path = copy_of(made.path, tmp_path)
    middle = sorted(made.kept["records"])[len(made.kept["records"]) // 2]
    page = page_of(next(span for span in made.spans["records", middle] if span.end - span.start > 24), made.page_bytes)
    with path.with_name(path.name + page.suffix).open("r+b") as file:
        file.seek(page.start)
        file.write(bytes(made.page_bytes))
    gone = {row for (table, row), spans in made.spans.items() if table == "records" and any(map(page.meets, spans))}

    def events_of_row(seq: int) -> int:
        waiting = made.kept["records"][seq][5]
        assert isinstance(waiting, int)
        return waiting.bit_count()

    async with SqliteSpool(path, clock=FakeClock(), max_bytes=MAX_BYTES) as spool:
        stats = spool.stats()
        assert stats.buried["corrupt"] == sum(map(events_of_row, gone)) > 0
        assert stats.pending == sum(map(events_of_row, made.kept["records"])) - stats.buried["corrupt"]
        assert stats.accepted == stats.delivered + sum(stats.buried.values()) + stats.erased + stats.pending
        delivered = await deliver_all(spool)
        assert len(delivered) == len(set(delivered)) == stats.pending
        assert await spool.append([new_record("fresh")]) == frozenset()


async def test_the_damaged_file_is_kept_until_somebody_is_erased(broken: Path) -> None:
    damaged = broken.with_name(broken.name + ".damaged")
    async with SqliteSpool(broken, clock=FakeClock(), max_bytes=MAX_BYTES) as spool:
        assert damaged.exists()
        await spool.erase(user_id="u1")
        assert list(broken.parent.glob("*.damaged*")) == []


@pytest.mark.parametrize("moved", [(), ("-wal",), ("-wal", "")])
def test_a_crash_while_it_is_salvaged_is_made_good_by_the_next_start(
    made: Made, broken: Path, moved: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> None:
    whole = copy_of(broken, tmp_path_factory.mktemp("whole"))
    mend(whole, mark=made.mark)
    shutil.copy(whole, broken.with_name(broken.name + ".salvaged"))
    broken.with_name(broken.name + ".salvaging").write_bytes(b"half")
    for suffix in moved:
        file = broken.with_name(broken.name + suffix)
        if file.exists():
            file.rename(broken.with_name(broken.name + ".damaged" + suffix))
    mend(broken, mark=made.mark)
    assert content(broken) == content(whole)
    assert not broken.with_name(broken.name + ".salvaged").exists()


def test_what_is_no_spool_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear reader" * 1000)
    mend(path, mark=0)
    assert path.read_bytes() == b"Dear reader" * 1000
    assert [file.name for file in tmp_path.iterdir()] == ["letter.db"]


async def test_a_damaged_spool_of_the_first_version_is_salvaged_but_for_its_bindings(path: Path) -> None:
    clock = FakeClock()
    make_version_1(path, clock)
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 8)
    async with SqliteSpool(path, clock=clock, max_bytes=MAX_BYTES) as spool:
        assert await deliver_all(spool) == ["e1", "e3"]
        assert spool.stats().buried == {"HTTP413": 1}
        assert await spool.bindings() == []


async def test_a_lost_salt_keeps_sessions_in_one_queue(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("e1"), new_record("e2")])
    damage = sql(path, "SELECT salt FROM salt")[0][0]
    assert isinstance(damage, bytes)
    flip_byte(path, offset_of(path, damage))
    async with open_sqlite() as spool:
        await spool.append([new_record("e3")])
        assert [[event_id_of(one.body) for one in lease.records] for lease in await spool.lease(max_sessions=9)] == [
            ["e1", "e2", "e3"]
        ]


@pytest.mark.parametrize("table", ["flows", "flows_copy"])
async def test_a_damaged_flow_sends_nothing_to_somebody_elses_tracker(
    open_sqlite: OpenSqlite, path: Path, table: str
) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("e1")])
    sql(path, f"UPDATE {table} SET target = 'tracker-2'")  # noqa: S608
    async with open_sqlite() as spool:
        (lease,) = await spool.lease(max_sessions=1)
        assert lease.key.target == "tracker-1"


@pytest.mark.parametrize("at", [0, 15, 16, 18, 19, 20, 21, 44, 47, 56, 59, 64, 67, 68, 71])
async def test_one_byte_of_the_header_costs_nothing(open_sqlite: OpenSqlite, path: Path, at: int) -> None:
    async with open_sqlite() as spool:
        await spool.append([new_record("e1"), new_record("e2")])
    flip_byte(path, at)
    async with open_sqlite() as spool:
        assert await deliver_all(spool) == ["e1", "e2"]


@pytest.mark.parametrize("text", [b"bindingsbindings", b"CREATE TABLE bindings", b"expires_at_ms"])
async def test_a_name_of_a_table_that_is_no_text_any_more_costs_nothing(
    open_sqlite: OpenSqlite, path: Path, text: bytes
) -> None:
    """SQLite quotes it when it says what is wrong."""
    async with open_sqlite() as spool:
        await spool.append([new_record("e1"), new_record("e2")])
    for at in range(len(text)):
        with path.open("r+b") as file:
            file.seek(offset_of(path, text) + at)
            file.write(bytes([text[at] ^ 0x80]))
        async with open_sqlite() as spool:
            assert spool.stats().pending == 2, at
    async with open_sqlite() as spool:
        assert await deliver_all(spool) == ["e1", "e2"]
