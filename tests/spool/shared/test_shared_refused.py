"""An append that PostgreSQL refuses for its data fails alone, and the log has the database's words."""

import logging

import pytest

from relay.core.errors import SpoolError
from relay.spool.postgres.link import DataRefusedError, Server
from relay.spool.receipt import Receipt
from tests.spool.conftest import OpenPostgres
from tests.spool.leases import deliver_all
from tests.support.postgres import Cluster
from tests.support.records import new_record

WORDS = 'CheckViolationError: new row for relation "records_0" violates check constraint "not_this"'


async def test_what_the_database_refuses_for_its_data_fails_alone(
    open_postgres: OpenPostgres, cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    async with open_postgres() as spool:
        for number in range(4):
            cluster.sql(
                f"ALTER TABLE relay.records_{number} ADD CONSTRAINT not_this CHECK (session_id <> 'session-of-bad')"
            )
        names = ["e1", "bad", "e2", "e3"]
        receipts = [spool.append([new_record(name, f"session-of-{name}")]) for name in names]
        outcomes = [await _outcome(receipt) for receipt in receipts]
        assert outcomes[1] == f"the database refused: {WORDS}"
        assert outcomes[0] == outcomes[2] == outcomes[3] == ""
        assert spool.stats().accepted == 3
        assert sorted(await deliver_all(spool)) == ["e1", "e2", "e3"]
    assert caplog.text.count("spool: 1 appends refused: the database refused: " + WORDS) == 1
    assert "session-of-bad" not in caplog.text, "the row is nobody's to read in a log"


async def _outcome(receipt: Receipt) -> str:
    try:
        assert not await receipt
    except SpoolError as error:
        return str(error)
    return ""


async def test_what_the_driver_refuses_costs_no_connection(database: str) -> None:
    link = Server(database).connection("test")
    with pytest.raises(DataRefusedError, match="refused: DataError: the driver cannot encode it"):
        await link.fetch("SELECT $1::integer", 1 << 40)
    assert (await link.fetch("SELECT 1 AS one"))[0]["one"] == 1
    assert link.lost == 0
    await link.close()
