"""Who did what is for the relay's user only, and no file beside the spool leads elsewhere."""

import os
from pathlib import Path

import pytest

from relay.core.errors import SpoolError
from tests.spool.conftest import OpenSqlite
from tests.support.records import new_record


async def test_every_file_is_for_the_relays_user_only(open_sqlite: OpenSqlite, path: Path) -> None:
    umask = os.umask(0o022)
    try:
        os.close(os.open(path, os.O_CREAT, 0o644))
        async with open_sqlite() as spool:
            await spool.append([new_record("e1")])
            modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir() if file.is_file()}
    finally:
        os.umask(umask)
    assert modes == dict.fromkeys(modes, 0o600)
    assert {"spool.db", "spool.db-wal", "spool.db.lock"} <= modes.keys()


async def test_a_lock_that_is_a_link_is_refused(open_sqlite: OpenSqlite, path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_text("somebody else's")
    path.with_name(path.name + ".lock").symlink_to(elsewhere)
    with pytest.raises(SpoolError, match="lock"):
        async with open_sqlite():
            raise AssertionError("it opened")
    assert elsewhere.read_text() == "somebody else's"


async def test_a_reserve_that_is_a_link_is_not_followed(open_sqlite: OpenSqlite, path: Path) -> None:
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_text("somebody else's")
    path.with_name(path.name + ".reserve").symlink_to(elsewhere)
    async with open_sqlite() as spool:
        await spool.append([new_record("e1")])
    assert elsewhere.read_text() == "somebody else's"
