"""Every tracker operation through the wire: what it does, and each error the service models for it."""

from collections.abc import AsyncGenerator

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize import errors
from relay.personalize.connection import Connection, connect
from relay.personalize.schema.datasets import describe_dataset_group
from relay.personalize.trackers.event_trackers import (
    TrackerExistsError,
    create_tracker,
    delete_tracker,
    describe_tracker,
    find_tracker,
    list_trackers,
    wait_until_active,
    wait_until_gone,
)
from relay.personalize.trackers.states import (
    BeingDeletedError,
    CreationFailedError,
    TrackerState,
    WaitTimeoutError,
    wait_for_active,
)
from tests.support.emulator import RunningEmulator


def code(name: str, operation: str) -> FaultSpec:
    return FaultSpec(error=Rule(code=name, operations=[operation], status=400))


def fault(kind: str, **rule: object) -> FaultSpec:
    return msgspec.convert({kind: rule}, FaultSpec)


async def new_group(connection: Connection, name: str = "shop") -> str:
    made = await connection.control.create_dataset_group(name=name)
    arn = made["datasetGroupArn"]

    async def describe() -> TrackerState:
        return TrackerState((await describe_dataset_group(connection, arn)).status)

    await wait_for_active(connection, describe, what=name, timeout_s=10)
    return arn


async def test_a_tracker_is_made_with_its_tags_and_becomes_active(
    connection: Connection, emulator: RunningEmulator
) -> None:
    group = await new_group(connection)
    seen: list[str] = []
    made = await create_tracker(connection, name="web", dataset_group_arn=group, tags={"team": "shop", "empty": ""})
    assert made.status.startswith("CREATE")
    active = await wait_until_active(
        connection, made.event_tracker_arn, timeout_s=10, on_status=lambda status, _: seen.append(status)
    )
    assert (active.name, active.status, active.dataset_group_arn) == ("web", "ACTIVE", group)
    assert active.tracking_id == made.tracking_id
    assert active.creation_date_time is not None
    assert seen[0].startswith("CREATE ")
    assert seen[-1] == "ACTIVE"
    body = emulator.bodies("CreateEventTracker")[0]
    assert body["tags"] == [{"tagKey": "team", "tagValue": "shop"}, {"tagKey": "empty", "tagValue": ""}]


async def test_a_second_tracker_of_a_group_is_refused_with_the_first_one_named(connection: Connection) -> None:
    group = await new_group(connection)
    first = await create_tracker(connection, name="web", dataset_group_arn=group)
    await wait_until_active(connection, first.event_tracker_arn, timeout_s=10)
    with pytest.raises(TrackerExistsError) as refused:
        await create_tracker(connection, name="other", dataset_group_arn=group)
    assert refused.value.tracker.tracking_id == first.tracking_id
    assert first.tracking_id in str(refused.value)
    assert "'web'" in str(refused.value)


async def test_a_name_taken_by_another_group_is_told_as_such(connection: Connection) -> None:
    group = await new_group(connection)
    with pytest.raises(errors.ResourceAlreadyExistsError) as refused:
        await create_tracker(connection, name="demo", dataset_group_arn=group)
    assert not isinstance(refused.value, TrackerExistsError)


async def test_a_tracker_is_found_by_its_tracking_id_alone(connection: Connection, emulator: RunningEmulator) -> None:
    found = await find_tracker(connection, emulator.tracking_id)
    assert found is not None
    assert found.name == "demo"
    assert await find_tracker(connection, "99999999-2222-4333-8444-555555555555") is None


async def test_the_list_has_tracking_ids_and_can_be_of_one_group(
    connection: Connection, emulator: RunningEmulator
) -> None:
    group = await new_group(connection)
    made = await create_tracker(connection, name="web", dataset_group_arn=group)
    assert {t.tracking_id for t in await list_trackers(connection)} == {made.tracking_id, emulator.tracking_id}
    assert [t.tracking_id for t in await list_trackers(connection, group)] == [made.tracking_id]


async def test_a_long_list_is_read_page_by_page(connection: Connection, emulator: RunningEmulator) -> None:
    emulator.emulator.max_dataset_groups = 1000
    groups = [await connection.control.create_dataset_group(name=f"g{n}") for n in range(105)]

    async def describe() -> TrackerState:
        return TrackerState((await describe_dataset_group(connection, groups[-1]["datasetGroupArn"])).status)

    await wait_for_active(connection, describe, what="groups", timeout_s=10)
    for n, group in enumerate(groups):
        await connection.control.create_event_tracker(name=f"t{n}", datasetGroupArn=group["datasetGroupArn"])
    assert len(await list_trackers(connection)) == 106
    assert len(emulator.bodies("ListEventTrackers")) == 2


async def test_a_deleted_tracker_goes_and_leaves_room_for_another(connection: Connection) -> None:
    group = await new_group(connection)
    first = await create_tracker(connection, name="web", dataset_group_arn=group)
    await wait_until_active(connection, first.event_tracker_arn, timeout_s=10)
    await delete_tracker(connection, first.event_tracker_arn)
    await delete_tracker(connection, first.event_tracker_arn)  # being deleted already: nothing to do
    with pytest.raises(BeingDeletedError):
        await wait_until_active(connection, first.event_tracker_arn, timeout_s=10)
    seen: list[str] = []
    await wait_until_gone(
        connection, first.event_tracker_arn, timeout_s=10, on_status=lambda status, _: seen.append(status)
    )
    assert seen[-1] == "GONE"
    assert seen[0].startswith("DELETE ")
    second = await create_tracker(connection, name="web", dataset_group_arn=group)
    assert second.tracking_id != first.tracking_id


async def test_a_tracker_that_cannot_be_made_ends_the_wait(connection: Connection) -> None:
    group = await new_group(connection)
    made = await create_tracker(connection, name="create-failed", dataset_group_arn=group)
    with pytest.raises(CreationFailedError, match="CREATE FAILED"):
        await wait_until_active(connection, made.event_tracker_arn, timeout_s=10)


async def test_a_wait_has_an_end(connection: Connection) -> None:
    group = await new_group(connection)
    made = await create_tracker(connection, name="web", dataset_group_arn=group)
    with pytest.raises(WaitTimeoutError, match="still CREATE"):
        await wait_until_active(connection, made.event_tracker_arn, timeout_s=0)


MODELLED = [
    ("InvalidInputException", errors.InvalidInputError),
    ("LimitExceededException", errors.LimitExceededError),
    ("ResourceAlreadyExistsException", errors.ResourceAlreadyExistsError),
    ("ResourceInUseException", errors.ResourceInUseError),
    ("ResourceNotFoundException", errors.ResourceNotFoundError),
    ("TooManyTagsException", errors.TooManyTagsError),
    ("AccessDeniedException", errors.AccessDeniedError),
    ("ExpiredTokenException", errors.CredentialsError),
    ("ThrottlingException", errors.ThrottledError),
]


@pytest.fixture
async def impatient(emulator: RunningEmulator) -> AsyncGenerator[Connection]:
    async def at_once(pause_s: float) -> None:
        del pause_s

    async with connect(sleep=at_once) as opened:
        yield opened


@pytest.mark.parametrize(("name", "kind"), MODELLED)
async def test_each_refusal_of_a_create_has_a_type_and_one_line(
    impatient: Connection, emulator: RunningEmulator, name: str, kind: type[errors.PersonalizeError]
) -> None:
    group = await new_group(impatient)
    emulator.emulator.faults.apply(code(name, "CreateEventTracker"))
    with pytest.raises(kind) as refused:
        await create_tracker(impatient, name="web", dataset_group_arn=group)
    line = str(refused.value)
    assert line.startswith("CreateEventTracker: ")
    assert "\n" not in line
    assert len(line) > len("CreateEventTracker: Refused on purpose by a fault.") + 10
    assert refused.value.code == name


@pytest.mark.parametrize(("name", "kind"), [MODELLED[0], MODELLED[4]])
async def test_each_refusal_of_a_describe_has_a_type(
    impatient: Connection, emulator: RunningEmulator, name: str, kind: type[errors.PersonalizeError]
) -> None:
    emulator.emulator.faults.apply(code(name, "DescribeEventTracker"))
    with pytest.raises(kind, match=r"^DescribeEventTracker: "):
        await describe_tracker(impatient, emulator.emulator.arn("event-tracker/demo"))


@pytest.mark.parametrize(("name", "kind"), [MODELLED[0], ("InvalidNextTokenException", errors.InvalidNextTokenError)])
async def test_each_refusal_of_a_list_has_a_type(
    impatient: Connection, emulator: RunningEmulator, name: str, kind: type[errors.PersonalizeError]
) -> None:
    emulator.emulator.faults.apply(code(name, "ListEventTrackers"))
    with pytest.raises(kind, match=r"^ListEventTrackers: "):
        await list_trackers(impatient)


@pytest.mark.parametrize(("name", "kind"), [MODELLED[0], MODELLED[3], MODELLED[4]])
async def test_each_refusal_of_a_delete_has_a_type(
    impatient: Connection, emulator: RunningEmulator, name: str, kind: type[errors.PersonalizeError]
) -> None:
    emulator.emulator.faults.apply(code(name, "DeleteEventTracker"))
    with pytest.raises(kind, match=r"^DeleteEventTracker: "):
        await delete_tracker(impatient, emulator.emulator.arn("event-tracker/demo"))


async def test_what_the_service_refuses_by_itself_is_told_the_same_way(connection: Connection) -> None:
    nowhere = "arn:aws:personalize:us-east-1:123456789012:dataset-group/nowhere"
    with pytest.raises(errors.ResourceNotFoundError, match="nowhere"):
        await create_tracker(connection, name="web", dataset_group_arn=nowhere)
    with pytest.raises(errors.ResourceNotFoundError):
        await describe_tracker(connection, nowhere.replace("dataset-group", "event-tracker"))
    with pytest.raises(errors.ResourceNotFoundError):
        await delete_tracker(connection, nowhere.replace("dataset-group", "event-tracker"))
    fresh = (await connection.control.create_dataset_group(name="fresh"))["datasetGroupArn"]
    with pytest.raises(errors.ResourceInUseError):
        await create_tracker(connection, name="web", dataset_group_arn=fresh)


async def test_input_the_service_would_refuse_makes_no_call(connection: Connection, emulator: RunningEmulator) -> None:
    group = emulator.emulator.arn("dataset-group/demo")
    for name in ("", "-web", "a" * 64, "ä"):
        with pytest.raises(errors.InvalidInputError, match="is no name"):
            await create_tracker(connection, name=name, dataset_group_arn=group)
    with pytest.raises(errors.InvalidInputError, match="dataset-group"):
        await create_tracker(connection, name="web", dataset_group_arn=emulator.emulator.arn("event-tracker/demo"))
    with pytest.raises(errors.InvalidInputError, match="event-tracker"):
        await describe_tracker(connection, emulator.tracking_id)
    with pytest.raises(errors.TooManyTagsError, match="201"):
        await create_tracker(connection, name="web", dataset_group_arn=group, tags={f"tag{n}": "" for n in range(201)})
    assert emulator.bodies("CreateEventTracker", taken=False) == []


@pytest.mark.parametrize("kind", ["throttling", "server_error", "reset", "html"])
async def test_a_fault_that_passes_is_waited_out(impatient: Connection, emulator: RunningEmulator, kind: str) -> None:
    emulator.emulator.faults.apply(fault(kind, limit=3, operations=["*"]))
    found = await find_tracker(impatient, emulator.tracking_id)
    assert found is not None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("throttling", errors.ThrottledError),
        ("server_error", errors.ServiceFailedError),
        ("reset", errors.UnreachableError),
        ("html", errors.UnreachableError),
        ("redirect", errors.UnreachableError),
    ],
)
async def test_a_fault_that_stays_is_told(
    impatient: Connection, emulator: RunningEmulator, kind: str, expected: type[errors.PersonalizeError]
) -> None:
    emulator.emulator.faults.apply(fault(kind, operations=["*"]))
    with pytest.raises(expected) as told:
        await describe_tracker(impatient, emulator.emulator.arn("event-tracker/demo"))
    assert "\n" not in str(told.value)


async def test_a_create_whose_answer_got_lost_still_names_the_tracker(
    impatient: Connection, emulator: RunningEmulator
) -> None:
    group = await new_group(impatient)
    emulator.emulator.faults.apply(FaultSpec(reset=Rule(limit=1, operations=["CreateEventTracker"], taken=True)))
    with pytest.raises(TrackerExistsError) as exists:
        await create_tracker(impatient, name="web", dataset_group_arn=group)
    assert exists.value.tracker.name == "web"


async def test_wrong_credentials_and_endpoints_are_told_in_one_line(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    arn = emulator.emulator.arn("event-tracker/demo")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrong")
    async with connect() as opened:
        with pytest.raises(errors.CredentialsError, match="AWS_PROFILE"):
            await describe_tracker(opened, arn)
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    async with connect() as opened:
        with pytest.raises(errors.CredentialsError, match="AWS_PROFILE"):
            await describe_tracker(opened, arn)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    with pytest.raises(errors.CredentialsError, match="nobody"):
        async with connect():
            pass
    monkeypatch.delenv("AWS_PROFILE")
    monkeypatch.setenv("AWS_ENDPOINT_URL_PERSONALIZE", "no address")
    with pytest.raises(errors.EndpointError, match="AWS_ENDPOINT_URL"):
        async with connect():
            pass
    monkeypatch.delenv("AWS_REGION")
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    with pytest.raises(errors.RegionError, match="AWS_REGION"):
        async with connect():
            pass
