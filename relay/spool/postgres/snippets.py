"""Builds of the snippet that pages may have pinned, for every relay that opens this spool later."""

import logging

from relay.core.errors import SpoolError
from relay.spool.contract import MOST_SNIPPETS
from relay.spool.postgres.link import DatabaseLink
from relay.spool.postgres.statements import statement

_logger = logging.getLogger(__name__)


async def keep_snippet(connection: DatabaseLink, hash_: str, source: bytes) -> dict[str, bytes]:
    """See `Spool.keep_snippet`."""
    try:
        await connection.fetch(statement("keep_snippet"), hash_, source)
        await connection.fetch(statement("forget_snippets"), MOST_SNIPPETS)
        return {row["hash"]: row["source"] for row in await connection.fetch(statement("snippets"))}
    except SpoolError as error:
        _logger.warning("the snippet cannot be kept for later versions: %s", error)
        return {}
