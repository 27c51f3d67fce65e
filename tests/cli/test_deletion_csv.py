"""`spool erase --deletion-csv`: who is erased here is named for the service, too; and every erasure is in the log."""

import csv
import json
import logging
import stat
from pathlib import Path

import pytest

from relay.cli.spool.deletion_csv import add_user
from relay.core.errors import RelayError
from relay.identity.tokens import ServerClaims, Tokens
from tests.cli.test_serve import run
from tests.support.emulator import running_emulator
from tests.support.relay import KEY, running_edge, served_relay


def users(file: Path) -> list[list[str]]:
    with file.open(newline="") as rows:
        return list(csv.reader(rows))


def test_each_user_is_one_line_below_the_column_and_there_once(tmp_path: Path) -> None:
    file = tmp_path / "deletions.csv"
    given = ["anna", 'bo,"b"', "=1+1", "ünal", "line\nbreak"]
    assert all(add_user(file, user_id) for user_id in given)
    assert not any(add_user(file, user_id) for user_id in given)
    assert users(file) == [["USER_ID"], *([one] for one in given)]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_file_of_something_else_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "orders.csv"
    file.write_text("ORDER,USER\n1,anna\n")
    with pytest.raises(RelayError, match="first line"):
        add_user(file, "anna")
    assert file.read_text() == "ORDER,USER\n1,anna\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "link.csv").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RelayError):
        add_user(tmp_path / "link.csv", "anna")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.process
async def test_an_erasure_by_command_writes_the_file_and_a_line_in_the_log_of_the_relay_that_runs(
    tmp_path: Path,
) -> None:
    file = tmp_path / "deletions.csv"
    async with running_emulator() as emulator, served_relay(tmp_path, env=emulator.env) as relay:
        await relay.send(identity=relay.login("anna"))
        here = {"RELAY_SPOOL_URL": f"sqlite:///{tmp_path}/spool.db"}
        code, _, err = await run("spool", "erase", "--user", "anna", "--deletion-csv", str(file), **here)
        assert (code, users(file)) == (0, [["USER_ID"], ["anna"]])
        assert str(file) in err
        code, _, _ = await run("spool", "erase", "--session", "a" * 20, "--deletion-csv", str(file), **here)
        assert code == 2
    said = [json.loads(line) for line in (tmp_path / "stderr").read_text().splitlines() if line.startswith("{")]
    (line,) = [one for one in said if one["message"] == "a user was erased"]
    assert line["by"] == "command"
    assert "anna" not in json.dumps(said)


async def test_an_erasure_by_the_server_api_is_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "relay")
    async with running_edge() as relay:
        await relay.send(identity=relay.login("anna"))
        token = Tokens([KEY], clock=relay.clock).mint(ServerClaims("default", ("erase", "allow")))
        for call in ("erase", "allow"):
            answer = await relay.http.post(
                f"{relay.url}/api/v1/{call}", json={"userId": "anna"}, headers={"authorization": f"Bearer {token}"}
            )
            assert answer.status_code == 200
    said = {record.getMessage(): vars(record) for record in caplog.records}
    assert said["a user was erased"]["events"] == 1
    assert said["an erasure was lifted"]["by"] == "api"
    assert "anna" not in caplog.text
