"""A spool of version 1 is brought up to the present one with everything that is in it."""

import shutil
import sqlite3
from pathlib import Path

from relay.core.errors import SpoolError
from relay.core.model import Binding, event_id_of
from relay.spool.sqlite.admin.inspection import users_of_sessions
from relay.spool.sqlite.file.opening import APPLICATION_ID, VERSION
from relay.spool.sqlite.file.rows import fingerprint, statement
from relay.spool.sqlite.file.rows_2 import checksum_2
from relay.spool.sqlite.spool import SqliteSpool
from tests.spool.conftest import OpenSqlite
from tests.spool.leases import deliver_all
from tests.spool.sqlite.files import sql
from tests.support.clock import FakeClock
from tests.support.records import SESSION, key, new_record

_SALT = b"0123456789abcdef"


def make_version_1(path: Path, clock: FakeClock) -> None:
    """Two records that wait, one that is buried, and bindings, as the first version wrote them."""
    with sqlite3.connect(path) as old:
        old.executescript(
            f"PRAGMA auto_vacuum = 2; PRAGMA journal_mode = WAL; {statement('schema_1')}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1;"
        )
        old.execute("INSERT INTO salt VALUES (?)", (_SALT,))
        old.execute("INSERT INTO flows VALUES (1, 'PutEvents', 'tracker-1')")
        session = fingerprint(key(), _SALT)
        for seq in (1, 2, 3):
            record = new_record(f"e{seq}")
            head = (seq, session, 1, clock.now_ms())
            texts = (SESSION, None, event_id_of(record.body), record.body)
            row = (*head, checksum_2(*head, *texts), *texts)
            if seq == 2:
                bury = "INSERT INTO buried VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                old.execute(bury, (*row, "HTTP413", "large", 5))
            else:
                old.execute("INSERT INTO records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", row)
        old.executemany("INSERT INTO ledger VALUES (?, ?)", [("accepted", 3), ("buried:HTTP413", 1)])
        for number in range(3):
            row_of = ("shop", f"session-{number:016}", f"u{number}", "tracker-1", clock.now_ms() + 60_000)
            old.execute("INSERT INTO bindings VALUES (?, ?, ?, ?, ?)", row_of)
        old.execute("INSERT INTO bindings VALUES ('shop', 'session-ended', 'u', NULL, ?)", (clock.now_ms() - 1,))
        old.execute("INSERT INTO bindings VALUES ('shop', CAST(x'ff0102' AS TEXT), 'u', NULL, ?)", (1 << 50,))
    old.close()


async def test_records_bindings_and_figures_of_version_1_are_kept(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    make_version_1(path, clock)
    expected = [Binding("shop", f"session-{n:016}", f"u{n}", clock.now_ms() + 60_000, "tracker-1") for n in range(3)]
    before = users_of_sessions(path, "tracker-1", clock.now_ms())
    async with open_sqlite() as spool:
        assert sorted(await spool.bindings(), key=lambda one: one.session_id) == expected
        stats = spool.stats()
        assert (stats.accepted, stats.pending, stats.buried) == (3, 2, {"HTTP413": 1})
        assert await deliver_all(spool) == ["e1", "e3"]
        await spool.append([], Binding("shop", "session-new-00000000", "u9", clock.now_ms() + 60_000, "tracker-1"))
    assert sql(path, "PRAGMA user_version") == [(VERSION,)]
    assert users_of_sessions(path, "tracker-1", clock.now_ms()) == {**before, "session-new-00000000": "u9"}
    assert sql(path, "SELECT name FROM sqlite_schema WHERE name LIKE '%\\_1' ESCAPE '\\'") == []


async def test_what_it_becomes_looks_like_a_new_spool(path: Path, clock: FakeClock, open_sqlite: OpenSqlite) -> None:
    make_version_1(path, clock)
    async with open_sqlite():
        pass
    fresh = path.with_name("fresh.db")
    async with SqliteSpool(fresh, clock=clock, max_bytes=1 << 24):
        pass
    look = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert sql(path, look) == sql(fresh, look)


async def test_a_crash_in_the_middle_leaves_version_1(path: Path, clock: FakeClock, open_sqlite: OpenSqlite) -> None:
    make_version_1(path, clock)
    whole = shutil.copytree(path.parent, path.parent.with_name("whole"))
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        try:
            async with open_sqlite():
                raise AssertionError("it cannot be brought up while somebody writes")
        except SpoolError:
            pass
    other.close()
    assert sql(path, "PRAGMA user_version") == [(1,)]
    look = "SELECT hex(session_id), user_id FROM bindings"
    assert sql(path, look) == sql(whole / path.name, look)
