"""A spool of an older version is brought up to the present one with everything that is in it."""

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from relay.core.errors import SpoolError, SpoolVersionError
from relay.core.model import Binding, event_id_of
from relay.spool.schedule.erased_users import fingerprint_of
from relay.spool.schedule.fingerprint import fingerprint
from relay.spool.sqlite.admin.buried import list_buried
from relay.spool.sqlite.admin.control_channel import Replay
from relay.spool.sqlite.admin.inspection import users_of_sessions
from relay.spool.sqlite.file import upgrade as upgrade_module
from relay.spool.sqlite.file.former_places import slot_of
from relay.spool.sqlite.file.opening import APPLICATION_ID, VERSION
from relay.spool.sqlite.file.rows import crc_of, statement
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
    expected = [Binding("tracker-1", f"session-{n:016}", f"u{n}", clock.now_ms() + 60_000) for n in range(3)]
    with pytest.raises(SpoolVersionError, match="brings it up"):
        users_of_sessions(path, "tracker-1", clock.now_ms())
    async with open_sqlite() as spool:
        assert sorted(await spool.bindings(), key=lambda one: one.session_id) == expected
        stats = spool.stats()
        assert (stats.accepted, stats.pending, stats.buried) == (3, 2, {"HTTP413": 1})
        assert await deliver_all(spool) == ["e1", "e3"]
        await spool.append([], Binding("tracker-1", "session-new-00000000", "u9", clock.now_ms() + 60_000))
    assert sql(path, "PRAGMA user_version") == [(VERSION,)]
    assert users_of_sessions(path, "tracker-1", clock.now_ms()) == {
        **{one.session_id: one.user_id for one in expected},
        "session-new-00000000": "u9",
    }
    assert sql(path, "SELECT name FROM sqlite_schema WHERE name GLOB '*_[12]'") == []


async def test_what_it_becomes_looks_like_a_new_spool(path: Path, clock: FakeClock, open_sqlite: OpenSqlite) -> None:
    make_version_1(path, clock)
    async with open_sqlite():
        pass
    fresh = path.with_name("fresh.db")
    async with SqliteSpool(fresh, clock=clock, max_bytes=1 << 24):
        pass
    look = "SELECT type, name, sql FROM sqlite_schema ORDER BY name"
    assert sql(path, look) == sql(fresh, look)


async def test_an_upgrade_that_cannot_write_changes_nothing(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    make_version_1(path, clock)
    whole = shutil.copytree(path.parent, path.parent.with_name("whole"))
    with sqlite3.connect(path) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(SpoolError):
            async with open_sqlite():
                raise AssertionError("it cannot be brought up while somebody writes")
    other.close()
    assert sql(path, "PRAGMA user_version") == [(1,)]
    look = "SELECT hex(session_id), user_id FROM bindings"
    assert sql(path, look) == sql(whole / path.name, look)


def make_version_2(path: Path, clock: FakeClock, *, records: int) -> None:
    """Records that wait, some that are buried, bindings, and somebody who was erased, as version 2 wrote them."""
    with sqlite3.connect(path) as old:
        old.executescript(
            f"PRAGMA auto_vacuum = 2; PRAGMA journal_mode = WAL; {statement('schema_2')}"
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 2;"
        )
        old.execute("INSERT INTO salt VALUES (?)", (_SALT,))
        for table in ("flows", "flows_copy"):
            flow = (1, "PutEvents", "tracker-1")
            old.execute(f"INSERT INTO {table} VALUES (?, ?, ?, ?)", (1, crc_of(*flow), *flow[1:]))  # noqa: S608
        for seq in range(1, records + 1):
            name = key(f"session-{seq % 50:016}")
            body = new_record(f"e{seq}").body
            row = (seq, fingerprint(name, _SALT), 1, clock.now_ms(), name.session_id, None, f"e{seq}", body)
            columns = (*row[:4], checksum_2(*row), *row[4:])
            table, more = ("buried", ("HTTP413", "large", 5)) if seq % 10 == 0 else ("records", ())
            marks = ", ".join("?" * (len(columns) + len(more)))
            old.execute(f"INSERT INTO {table} VALUES ({marks})", (*columns, *more))  # noqa: S608
        buried = records // 10
        old.executemany("INSERT INTO ledger VALUES (?, ?)", [("accepted", records), ("buried:HTTP413", buried)])
        until_ms = clock.now_ms() + 60_000
        for site, session, user, target in (("shop", SESSION, "u1", "tracker-1"), ("~erased", GONE, "~", None)):
            slot = slot_of(site, session, salt=_SALT)
            kept = (site, session, user, target, until_ms)
            old.execute("INSERT INTO bindings VALUES (?, ?, ?, ?, ?, ?, ?)", (slot, crc_of(slot, *kept), *kept))
    old.close()


GONE = fingerprint_of("gone")


async def test_all_of_version_2_is_kept_and_every_number_with_it(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite
) -> None:
    make_version_2(path, clock, records=300)
    async with open_sqlite() as spool:
        stats = spool.stats()
        assert (stats.accepted, stats.pending, stats.buried) == (300, 270, {"HTTP413": 30})
        assert await spool.bindings() == [Binding("tracker-1", SESSION, "u1", clock.now_ms() + 60_000)]
        assert "gone" in spool.erased
        assert (await spool.append([new_record("e7", f"session-{7:016}")])) == {(0, 0)}
        delivered = await deliver_all(spool)
        assert sorted(delivered) == sorted(f"e{n}" for n in range(1, 301) if n % 10)
        (one,) = list_buried(sqlite3.connect(path), after=0, limit=1)
        assert (one.number, one.event_id, one.reason) == (10, "e10", "HTTP413")
        assert (await spool.commands.execute(Replay(None))).count == 30


async def test_an_upgrade_goes_on_where_a_crash_ended_it(
    path: Path, clock: FakeClock, open_sqlite: OpenSqlite, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_version_2(path, clock, records=300)
    monkeypatch.setattr(upgrade_module, "_AT_ONCE", 40)
    steps = 0

    def crash(*given: object, **named: object) -> bool:
        nonlocal steps
        steps += 1
        if steps % 3 == 0:
            raise sqlite3.OperationalError("as if the process had ended here")
        more: bool = step(*given, **named)
        return more

    step: Any = upgrade_module._step
    monkeypatch.setattr(upgrade_module, "_step", crash)
    starts = 0
    while True:
        starts += 1
        try:
            async with open_sqlite() as spool:
                assert spool.stats().accepted == 300
                assert len(await deliver_all(spool)) == 270
            break
        except SpoolError:
            continue
    assert starts > 2
    assert sql(path, "SELECT count(*) FROM buried") == [(30,)]
