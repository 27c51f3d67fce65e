"""What waits is read in long steps, beside the look whether the file is sound; only of a sound file it counts."""

import asyncio
from contextlib import closing
from pathlib import Path

from relay.spool.sqlite.file.connection import connect
from relay.spool.sqlite.write.preload import ReadAhead, read_waiting
from tests.spool.conftest import OpenSqlite
from tests.spool.histories import places, varint
from tests.spool.leases import balances, deliver_all
from tests.spool.sqlite.files import sql
from tests.support.records import new_record, new_records


async def test_many_steps_find_every_record_in_its_session_and_in_order(open_sqlite: OpenSqlite, path: Path) -> None:
    async with open_sqlite() as spool:
        for start in range(0, 20_000, 2000):
            await spool.append([new_record(f"e{n}", f"session-{n % 30:016}") for n in range(start, start + 2000)])
    sql(path, "DELETE FROM records WHERE seq % 7 = 0 OR seq BETWEEN 5000 AND 8000")
    ahead = ReadAhead(path, now_s=100.0, now_ms=1_000_000)
    ahead.read()
    loaded = ahead.found
    assert loaded is not None
    found = {
        session: [loaded.chains.seq[node] for node in loaded.chains.nodes(loaded.head[at])]
        for session, at in loaded.position.items()
    }
    there: dict[object, list[object]] = {}
    for session, seq in sql(path, "SELECT session, seq FROM records ORDER BY seq"):
        there.setdefault(session, []).append(seq)
    assert found == there
    with closing(connect(path)) as opened:
        assert read_waiting(opened, now_s=100.0, now_ms=1_000_000).position == loaded.position


def renumber(path: Path, seq: int, to: int) -> None:
    """Change where a record's row says which it is; both numbers take one byte."""
    ((cell, *_),) = [spans for row, spans in places(path).items() if row == ("records", seq)]
    page = path.read_bytes()
    _, at = varint(page, cell.start)
    assert page[at] == seq
    path.write_bytes(page[:at] + bytes([to]) + page[at + 1 :])


async def test_a_record_that_lies_about_its_number_does_not_send_the_reading_in_circles(
    open_sqlite: OpenSqlite, path: Path
) -> None:
    async with open_sqlite() as spool:
        await spool.append(new_records(9))
    renumber(path, 9, 1)
    async with asyncio.timeout(20), open_sqlite() as spool:
        assert spool.stats().buried == {"corrupt": 1}
        assert balances(spool)
        assert await deliver_all(spool) == [f"e{n}" for n in range(8)]
