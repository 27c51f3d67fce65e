"""Makes and upgrades the schema `relay`, step after step, under a lock: two relays may try at once."""

import secrets
from typing import Final

from relay.core.errors import SpoolVersionError
from relay.spool.postgres.link import DatabaseLink, Raw
from relay.spool.postgres.statements import migrations

VERSION: Final = len(migrations())
"""Of the schema that this version of the relay writes. It also works on the next one: a step only ever adds."""
_FIRST: Final = "INSERT INTO relay.meta (version, salt, records_since_ms, seen_since_ms) VALUES (1, $1, $2, $2)"
_LOCK: Final = 0x72656C6179  # "relay"


async def version_of(connection: DatabaseLink) -> int:
    """The schema's version; 0 where there is none."""
    if (await connection.fetch("SELECT to_regclass('relay.meta')::text AS name"))[0]["name"] is None:
        return 0
    return int((await connection.fetch("SELECT version FROM relay.meta"))[0]["version"])


async def migrate(connection: DatabaseLink, *, now_ms: int) -> list[int]:
    """Bring the schema to `VERSION`; the steps that were taken.

    Raises:
        SpoolError: the database cannot be reached, or this role may not.
        SpoolVersionError: the schema is more than one version newer.
    """
    taken: list[int] = []
    if VERSION <= (version := await version_of(connection)) <= VERSION + 1:
        return taken
    async with connection.transaction() as raw:
        await raw.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        version = await version_of_raw(raw)
        check(version)
        for number, step in enumerate(migrations(), 1):
            if number <= version:
                continue
            await raw.execute(step)
            if number == 1:
                await raw.execute(_FIRST, secrets.token_bytes(16), now_ms)
            await raw.execute("UPDATE relay.meta SET version = $1", number)
            taken.append(number)
    return taken


async def version_of_raw(raw: Raw) -> int:
    """As `version_of`, inside a transaction."""
    if await raw.fetchval("SELECT to_regclass('relay.meta')") is None:
        return 0
    return int(await raw.fetchval("SELECT version FROM relay.meta") or 0)


def check(version: int) -> None:
    """Raise `SpoolVersionError` where the schema is too new for this relay."""
    if version > VERSION + 1:
        raise SpoolVersionError(f"the schema is of version {version}, this relay knows {VERSION} and the next")
