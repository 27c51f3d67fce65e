"""`tracker` and `setup` as a user runs them: output, exit codes, and one line for each thing that goes wrong."""

from pathlib import Path

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize.connection import Connection
from tests.personalize.command_line import command
from tests.support.emulator import RunningEmulator

pytestmark = pytest.mark.process

INTERACTIONS = (
    '{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","version":"1.0","fields":['
    '{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},'
    '{"name":"EVENT_TYPE","type":"string"},{"name":"DEVICE","type":["null","string"]}]}'
)
USERS = (
    '{"type":"record","name":"Users","namespace":"com.amazonaws.personalize.schema","version":"1.0","fields":['
    '{"name":"USER_ID","type":"string"},{"name":"TIER","type":["null","string"],"categorical":true}]}'
)


async def test_setup_goes_from_nothing_to_a_running_tracker_and_its_deletion(emulator: RunningEmulator) -> None:
    env = emulator.env
    dry = await command("setup", "--name", "shop", "--domain", "e-commerce", "--items", "ready", "--dry-run", env=env)
    assert dry.code == 0
    assert "dataset group shop: missing" in dry.err
    assert "Nothing was made" in dry.err
    assert emulator.bodies("CreateDatasetGroup") == []

    made = await command("setup", "--name", "shop", "--domain", "e-commerce", "--items", "ready", env=env)
    assert made.code == 0, made.err
    settings = dict(line.split("=", 1) for line in made.out.splitlines() if not line.startswith("#"))
    assert settings["AWS_REGION"] == "us-east-1"
    assert emulator.bodies("CreateDatasetGroup") == [{"name": "shop", "domain": "ECOMMERCE"}]
    assert [body["domain"] for body in emulator.bodies("CreateSchema")] == ["ECOMMERCE", "ECOMMERCE"]

    listed = await command("tracker", "list", "--json", env=env)
    trackers = {tracker["name"]: tracker for tracker in listed.json}
    assert trackers["shop"]["trackingId"] == settings["RELAY_TRACKING_ID"]
    assert trackers["shop"]["status"] == "ACTIVE"

    again = await command("setup", "--name", "shop", "--domain", "e-commerce", "--items", "ready", "--json", env=env)
    assert again.code == 3, again.err
    assert again.json["eventTracker"]["trackingId"] == settings["RELAY_TRACKING_ID"]
    assert set(again.json["datasetArns"]) == {"Interactions", "Items"}

    arn = trackers["shop"]["eventTrackerArn"]
    gone = await command("tracker", "delete", arn, "--wait", "--json", env=env)
    assert gone.code == 0
    assert gone.json == {"eventTrackerArn": arn, "status": "GONE"}
    assert (await command("tracker", "describe", arn, env=env)).code == 1

    rest = await command("setup", "--name", "shop", "--domain", "e-commerce", env=env)
    assert rest.code == 0
    assert "dataset group shop: there already" in rest.err
    assert "event tracker shop: being made" in rest.err


async def test_setup_takes_schemas_from_files_and_refuses_other_columns_under_the_same_name(
    emulator: RunningEmulator, connection: Connection, tmp_path: Path
) -> None:
    (tmp_path / "i.avsc").write_text(INTERACTIONS)
    (tmp_path / "u.avsc").write_text(USERS)
    made = await command(
        "setup", "--name", "own", "--schema", "i.avsc", "--users", "u.avsc", "--json", env=emulator.env, cwd=tmp_path
    )
    assert made.code == 0, made.err
    assert set(made.json["datasetArns"]) == {"Interactions", "Users"}
    assert {body["datasetType"].lower() for body in emulator.bodies("CreateDataset")} == {"interactions", "users"}
    other = await command("setup", "--name", "own", "--domain", "video", env=emulator.env)
    assert other.code == 2
    assert "exists and is custom" in other.err

    await connection.control.create_schema(name="left-interactions", schema=INTERACTIONS)
    left = await command("setup", "--name", "left", env=emulator.env)
    assert left.code == 2
    assert "schema left-interactions exists with other columns" in left.err

    (tmp_path / "bad.avsc").write_text(INTERACTIONS.replace("TIMESTAMP", "WHEN"))
    bad = await command("setup", "--name", "bad", "--schema", "bad.avsc", env=emulator.env, cwd=tmp_path)
    assert (bad.code, bad.lines) == (2, [line for line in bad.lines if "no TIMESTAMP" in line])


async def test_a_tracker_is_made_waited_for_described_and_not_made_twice(emulator: RunningEmulator) -> None:
    env = emulator.env
    made = await command("setup", "--name", "shop", "--json", env=env)
    group = made.json["datasetGroupArn"]
    await command("tracker", "delete", made.json["eventTracker"]["eventTrackerArn"], "--wait", env=env)

    create = ("tracker", "create", "--name", "web", "--dataset-group-arn", group)
    first = await command(*create, "--tag", "team=shop", "--tag", "a=b=c", "--json", env=env)
    assert first.code == 0, first.err
    assert emulator.bodies("CreateEventTracker")[-1]["tags"] == [
        {"tagKey": "team", "tagValue": "shop"},
        {"tagKey": "a", "tagValue": "b=c"},
    ]
    waited = await command("tracker", "wait", first.json["eventTrackerArn"], env=env)
    assert waited.code == 0
    assert first.json["trackingId"] in waited.out
    assert "ACTIVE" in waited.out
    described = await command("tracker", "describe", first.json["eventTrackerArn"], "--json", env=env)
    assert described.json["status"] == "ACTIVE"
    assert described.json["datasetGroupArn"] == group

    second = await command(*create, "--wait", env=env)
    assert second.code == 3
    assert len(second.lines) == 1
    assert first.json["trackingId"] in second.err
    assert "'web'" in second.err
    as_json = await command(*create, "--json", env=env)
    assert as_json.code == 3
    assert as_json.json["trackingId"] == first.json["trackingId"]

    plain = await command("tracker", "list", "--dataset-group-arn", group, env=env)
    assert len(plain.out.splitlines()) == 2
    assert first.json["trackingId"] in plain.out


@pytest.mark.parametrize(
    ("name", "code", "hint"),
    [
        ("InvalidInputException", 2, "Check names"),
        ("LimitExceededException", 1, "Service Quotas"),
        ("ResourceAlreadyExistsException", 3, "another name"),
        ("ResourceInUseException", 1, "Wait until"),
        ("ResourceNotFoundException", 1, "AWS_REGION"),
        ("TooManyTagsException", 2, "fewer --tag"),
        ("AccessDeniedException", 1, "personalize:CreateEventTracker"),
        ("UnrecognizedClientException", 2, "AWS_PROFILE"),
    ],
)
async def test_each_error_of_the_service_is_one_helpful_line_and_its_exit_code(
    emulator: RunningEmulator, name: str, code: int, hint: str
) -> None:
    group = emulator.emulator.arn("dataset-group/other")
    emulator.emulator.faults.apply(FaultSpec(error=Rule(code=name, operations=["CreateEventTracker"], status=400)))
    ended = await command("tracker", "create", "--name", "web", "--dataset-group-arn", group, env=emulator.env)
    assert ended.code == code
    assert len(ended.lines) == 1
    assert hint in ended.err
    assert ended.out == ""


async def test_wrong_use_makes_no_call(emulator: RunningEmulator) -> None:
    env = emulator.env
    group = emulator.emulator.arn("dataset-group/demo")
    for arguments in (
        ("create", "--name", "web"),
        ("create", "--name", "web", "--dataset-group-arn", group, "--tag", "none"),
        ("create", "--name", "web", "--dataset-group-arn", group, "--tag", "a=1", "--tag", "a=2"),
        ("create", "--name", "-", "--dataset-group-arn", group),
        ("describe", emulator.tracking_id),
    ):
        assert (await command("tracker", *arguments, env=env)).code == 2
    assert emulator.emulator.calls.last_n == 0


async def test_without_credentials_or_region_a_line_says_what_to_set() -> None:
    nothing = await command("tracker", "list", env={})
    assert (nothing.code, len(nothing.lines)) == (2, 1)
    assert "AWS_REGION" in nothing.err
    no_credentials = await command("tracker", "list", env={"AWS_REGION": "eu-west-1"})
    assert (no_credentials.code, len(no_credentials.lines)) == (2, 1)
    assert "AWS_PROFILE" in no_credentials.err


async def test_help_and_json_are_stable(emulator: RunningEmulator) -> None:
    described = await command(
        "tracker", "describe", emulator.emulator.arn("event-tracker/demo"), "--json", env=emulator.env
    )
    assert set(msgspec.json.decode(described.out)) == {
        "name", "eventTrackerArn", "trackingId", "datasetGroupArn", "status", "accountId",
        "creationDateTime", "lastUpdatedDateTime",
    }  # fmt: skip
