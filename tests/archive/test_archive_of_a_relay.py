"""RELAY_ARCHIVE_BYTES through the commands: kept, exported, forgotten."""

import csv
from pathlib import Path

import pytest

from tests.cli.filled_spool import as_json, spool
from tests.support.emulator import running_emulator
from tests.support.relay import make_settings, served_relay, until

pytestmark = pytest.mark.process


async def exported(path: Path, *options: str) -> list[list[str]]:
    code, out, err = await spool("export", "--csv", "--ids", *options, path=path)
    assert code in (0, 3), err
    return [[row[0], row[1]] for row in csv.reader(out.splitlines()[1:])]


async def test_delivered_events_are_exported_with_those_that_wait_and_forgotten_when_asked(tmp_path: Path) -> None:
    path = tmp_path / "spool.db"
    async with running_emulator() as emulator:
        async with served_relay(tmp_path, env=emulator.env, archive_bytes=str(1 << 20)) as relay:
            await relay.send({"eventType": "View", "itemId": "before-login"})
            await relay.send({"eventType": "View", "itemId": "after"}, identity=relay.login("anna"))
            await relay.send({"eventType": "View", "itemId": "other"}, session="another-session-01", seq=1)
            await until(lambda: len(emulator.events()) == 3)
            relay.process.terminate()
            assert await relay.ended() == 0
        assert sorted(await exported(path)) == [["", "other"], ["anna", "after"], ["anna", "before-login"]]
        assert await exported(path, "--no-archive") == []
        async with served_relay(tmp_path, env=emulator.env, archive_bytes=str(1 << 20)) as relay:
            assert await as_json("erase", "--user", "anna", path=path) == {"erased": 2}
            assert await exported(path) == [["", "other"]]
            relay.process.terminate()
            assert await relay.ended() == 0
        assert await as_json("erase", "--session", "another-session-01", path=path) == {"erased": 1}
        assert await exported(path) == []


async def test_without_the_setting_nothing_is_kept(tmp_path: Path) -> None:
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        await relay.send()
        await until(lambda: len(emulator.events()) == 1)
        relay.process.terminate()
        assert await relay.ended() == 0
    assert not (tmp_path / "spool.db.archive").exists()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"archive_bytes": "1000", "spool_url": "sqlite:///x.db"}, "too small"),
        ({"archive_bytes": "2000000", "spool_url": "memory:"}, "on disk"),
    ],
)
def test_an_archive_needs_room_and_a_spool_on_disk(changes: dict[str, str], told: str) -> None:
    with pytest.raises(Exception, match=told):
        make_settings(**changes)
