"""What can be told of the database before a relay is started on it: each finding with its cause and what to do."""

from collections.abc import Iterator, Sequence
from typing import Final

import asyncpg

from relay.core.clock import Clock
from relay.core.errors import SpoolError, SpoolVersionError
from relay.spool.administration import SpoolFindings
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.migrate import VERSION, version_of
from relay.spool.postgres.migrate import check as check_version
from relay.spool.postgres.statements import statement

OLDEST: Final = 140_000
"""Version 14, as the server has it."""
CLOCK_MS: Final = 2_000
"""How far the clocks may be apart."""


async def look_at(link: DatabaseLink, clock: Clock) -> SpoolFindings:
    """Ask the server. Never raises `SpoolError`: that is a finding."""
    try:
        await link.open()
        before_ms = clock.now_ms()
        (server,) = await link.fetch(statement("server"))
        ahead_ms = server["now_ms"] - (before_ms + clock.now_ms()) // 2
        problems = list(_of_the_server(server))
        if not problems:
            problems = [*_of_the_schema(server), *await _of_its_version(link, server)]
        standbys = await link.fetch(statement("standbys"))
    except SpoolError as error:
        what = f"RELAY_SPOOL_URL: {error}; look at host, port, role, sslmode, and PGPASSWORD or the password file"
        return SpoolFindings(problems=[what])
    seen, warnings = _standbys(server, standbys)
    return SpoolFindings(
        facts=[f"PostgreSQL {server['version']}, role {server['role']}, database {server['database']}", seen],
        warnings=[*warnings, *_clock(ahead_ms)],
        problems=problems,
    )


def _of_the_server(server: asyncpg.Record) -> Iterator[str]:
    if server["number"] < OLDEST:
        yield f"the database is PostgreSQL {server['version']}; 14 or newer is needed: upgrade it"
    if server["is_standby"]:
        yield "the database is a standby and takes nothing; name the primary in RELAY_SPOOL_URL"
    if server["synchronous_commit"] == "off":
        yield (
            f"synchronous_commit is off, so that what was acknowledged may be lost;"
            f" ALTER ROLE {server['role']} SET synchronous_commit = on"
        )
    if server["fsync"] == "off":
        yield "fsync is off, so that a power cut loses the whole database; set fsync = on in postgresql.conf"


def _of_the_schema(server: asyncpg.Record) -> Iterator[str]:
    role = server["role"]
    if not server["has_schema"] and not server["may_make"]:
        yield f"the role {role} may not make the schema relay; CREATE SCHEMA relay AUTHORIZATION {role}"
    if server["has_schema"] and not server["may_use"]:
        yield f"the role {role} may not use the schema relay; ALTER SCHEMA relay OWNER TO {role}, or GRANT USAGE on it"


async def _of_its_version(link: DatabaseLink, server: asyncpg.Record) -> list[str]:
    if not server["may_use"]:
        return []
    role = server["role"]
    not_allowed = [row["name"] for row in await link.fetch(statement("not_allowed"))]
    if not_allowed:
        some = ", ".join(not_allowed[:3]) + (", …" if len(not_allowed) > 3 else "")
        return [
            f"the role {role} may not read, write and empty {some}; GRANT ALL ON ALL TABLES IN SCHEMA relay TO {role}"
        ]
    version = await version_of(link)
    try:
        check_version(version)
    except SpoolVersionError as error:
        return [f"{error}; install a newer relay"]
    if version < VERSION and not server["may_change"]:
        line = (
            f"the schema relay is of version {version}, this relay's is {VERSION}, and the role {role} may not upgrade"
            " it; run `personalize-relay spool migrate` as its owner"
        )
        return [line]
    return []


def _standbys(server: asyncpg.Record, standbys: Sequence[asyncpg.Record]) -> tuple[str, list[str]]:
    """What is to be seen of them, and what is odd about it."""
    names = server["standby_names"]
    hidden = "not to be seen by this role: GRANT pg_monitor"
    shown = [f"{row['name']} ({row['sync_state'] or hidden})" for row in standbys]
    seen = f"standbys that are seen: {', '.join(shown) or 'none'}; synchronous_standby_names is {names or 'empty'}"
    if server["is_managed"]:
        return f"{seen}; a managed service replicates below what is seen here", []
    if not names:
        line = (
            "no synchronous standby is to be seen, so that a failover may lose what was acknowledged in its last"
            " moment; set synchronous_standby_names, unless the disk itself is replicated"
        )
        return seen, [line]
    if all(row["sync_state"] in ("async", "potential") for row in standbys):
        return seen, [
            f"none of synchronous_standby_names ({names}) is connected, so that every commit waits; start the standby"
        ]
    return seen, []


def _clock(ahead_ms: int) -> list[str]:
    if abs(ahead_ms) <= CLOCK_MS:
        return []
    word = "ahead of" if ahead_ms > 0 else "behind"
    line = (
        f"the database's clock is {abs(ahead_ms) / 1000:.0f} s {word} this machine's, so that times of events and the"
        " end of bindings are not the same at every relay; let both follow NTP"
    )
    return [line]
