"""A start after the event was delivered: who knows its id then, and who does not."""

from relay.core.model import event_id_of
from tests.spool.conftest import OpenPostgres, OpenSqlite
from tests.spool.leases import lease_first, whole
from tests.support.records import new_record


async def test_a_new_start_on_a_file_takes_what_was_delivered_before_it_once_more_with_its_id(
    open_sqlite: OpenSqlite,
) -> None:
    """Knowing it would cost every event a keyed digest, for a repeat that the service leaves out by itself."""
    async with open_sqlite() as before:
        await before.append([new_record("e1")])
        lease = await lease_first(before)
        assert before.settle(lease, delivered=whole(lease))
    async with open_sqlite() as spool:
        assert await spool.append([new_record("e1")]) == frozenset()
        (record,) = (await lease_first(spool)).records
        assert event_id_of(record.entry(0)) == "e1"
        assert await spool.append([new_record("e1")]) == {(0, 0)}


async def test_a_new_start_on_a_database_knows_what_was_delivered_before_it(open_postgres: OpenPostgres) -> None:
    async with open_postgres() as before:
        await before.append([new_record("e1")])
        lease = await lease_first(before)
        assert before.settle(lease, delivered=whole(lease))
    async with open_postgres() as spool:
        assert await spool.append([new_record("e1")]) == {(0, 0)}
