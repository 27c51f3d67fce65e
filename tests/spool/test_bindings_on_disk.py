"""Bindings in the file: those that have ended do not gather while the relay runs."""

import sqlite3
from pathlib import Path

from relay.model import Binding
from relay.spool.sqlite import SqliteSpool
from tests.support.clock import FakeClock


def rows(path: Path) -> int:
    with sqlite3.connect(path) as sql:
        count: int = sql.execute("SELECT count(*) FROM bindings").fetchone()[0]
    sql.close()
    return count


async def test_each_login_makes_room_by_two_that_have_ended(tmp_path: Path) -> None:
    path, clock = tmp_path / "spool.db", FakeClock()

    def binding(number: int) -> Binding:
        return Binding("shop", f"session-{number:016}", "u1", clock.now_ms() + 60_000, "tracker")

    async with SqliteSpool(path, clock=clock, max_bytes=1 << 24) as spool:
        for number in range(40):
            await spool.append([], binding(number))
        assert rows(path) == 40
        clock.advance(60)
        for number in range(40, 60):
            await spool.append([], binding(number))
        assert rows(path) == 20
        assert {one.session_id for one in await spool.bindings()} == {binding(n).session_id for n in range(40, 60)}
