"""What `check` tells of the shared spool, from a real PostgreSQL: each finding with what to do."""

from relay.spool.administration import SpoolFindings
from relay.spool.postgres.administration import PostgresAdministration
from relay.spool.postgres.link import Server
from tests.spool.conftest import OpenPostgres
from tests.support.clock import FakeClock
from tests.support.postgres import Cluster


async def findings(url: str, clock: FakeClock) -> SpoolFindings:
    return await PostgresAdministration(Server(url, pooled=True), clock=clock).check()


async def test_a_database_that_works_has_no_problem_and_its_standbys_and_clock_are_looked_at(
    open_postgres: OpenPostgres, database: str, clock: FakeClock
) -> None:
    assert not (await findings(database, clock)).problems, "serve may make the schema"
    async with open_postgres():
        found = await findings(database, clock)
    assert not found.problems
    assert found.facts[0].startswith("PostgreSQL ")
    assert "synchronous_standby_names is empty" in found.facts[1]
    assert any("synchronous standby" in line for line in found.warnings)
    assert any("clock" in line and "NTP" in line for line in found.warnings), "the test's clock stands in another year"


async def test_a_database_that_is_not_there_and_a_role_that_may_not_are_said(
    open_postgres: OpenPostgres, database: str, cluster: Cluster, clock: FakeClock
) -> None:
    (line,) = (await findings("postgresql://relay@127.0.0.1:1/relay", clock)).problems
    assert "RELAY_SPOOL_URL" in line
    async with open_postgres():
        pass
    cluster.sql("DROP ROLE IF EXISTS stranger")
    cluster.sql("CREATE ROLE stranger LOGIN")
    stranger = cluster.url.replace("relay@", "stranger@")
    (line,) = (await findings(stranger, clock)).problems
    assert "ALTER SCHEMA relay OWNER TO stranger" in line
    cluster.sql("GRANT USAGE ON SCHEMA relay TO stranger")
    (line,) = (await findings(stranger, clock)).problems
    assert "GRANT ALL ON ALL TABLES IN SCHEMA relay TO stranger" in line
