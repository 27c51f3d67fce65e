"""Resources take their time: states over a clock set by hand."""

import json
import time
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from tests.emulator.raw_client import RawClient, raw_client
from tests.support.clock import FakeClock
from tests.support.emulator import running_emulator


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(now_ms=time.time_ns() // 1_000_000)


@pytest.fixture
async def raw(clock: FakeClock) -> AsyncGenerator[RawClient]:
    async with running_emulator(clock=clock, state_seconds=2) as running, raw_client(running) as client:
        yield client


async def _do(raw: RawClient, target: str, **members: Any) -> dict[str, Any]:
    answer = await raw.call("/", members, target=target)
    assert answer.status == 200, answer.body
    return dict(json.loads(answer.body or b"{}"))


async def _status(raw: RawClient, name: str) -> str:
    answer = await raw.call("/", {"eventTrackerArn": raw.arn(f"event-tracker/{name}")}, target="DescribeEventTracker")
    return str(json.loads(answer.body)["eventTracker"]["status"]) if answer.status == 200 else answer.code or ""


async def test_a_tracker_is_made_and_deleted_step_by_step(raw: RawClient, clock: FakeClock) -> None:
    group = (await _do(raw, "CreateDatasetGroup", name="shop"))["datasetGroupArn"]
    clock.advance(2)
    made = await _do(raw, "CreateEventTracker", name="web", datasetGroupArn=group)
    seen: list[tuple[str, str | None]] = []
    for _ in range(3):
        answer = await raw.put_event(call={"trackingId": made["trackingId"]})
        seen.append((await _status(raw, "web"), answer.code))
        clock.advance(1)
    assert seen == [
        ("CREATE PENDING", "InvalidInputException"),
        ("CREATE IN_PROGRESS", "InvalidInputException"),
        ("ACTIVE", None),
    ]
    await _do(raw, "DeleteEventTracker", eventTrackerArn=made["eventTrackerArn"])
    gone: list[str] = []
    for _ in range(3):
        assert (await raw.put_event(call={"trackingId": made["trackingId"]})).code == "InvalidInputException"
        gone.append(await _status(raw, "web"))
        clock.advance(1)
    assert gone == ["DELETE PENDING", "DELETE IN_PROGRESS", "ResourceNotFoundException"]


async def test_a_name_can_ask_to_fail(raw: RawClient, clock: FakeClock) -> None:
    group = (await _do(raw, "CreateDatasetGroup", name="shop-create-failed"))["datasetGroupArn"]
    clock.advance(2)
    shown = (await _do(raw, "DescribeDatasetGroup", datasetGroupArn=group))["datasetGroup"]
    assert shown["status"] == "CREATE FAILED"
    assert shown["failureReason"]
    await _do(raw, "DeleteDatasetGroup", datasetGroupArn=group)


async def test_nothing_is_deleted_or_used_before_it_is_made(raw: RawClient) -> None:
    group = (await _do(raw, "CreateDatasetGroup", name="shop"))["datasetGroupArn"]
    for target, members in (
        ("DeleteDatasetGroup", {"datasetGroupArn": group}),
        ("CreateEventTracker", {"name": "web", "datasetGroupArn": group}),
        (
            "CreateDataset",
            {
                "name": "d",
                "datasetGroupArn": group,
                "schemaArn": raw.arn("schema/demo-interactions"),
                "datasetType": "Interactions",
            },
        ),
    ):
        answer = await raw.call("/", members, target=target)
        assert (answer.status, answer.code) == (400, "ResourceInUseException")


async def test_a_tracker_on_its_way_out_still_counts(raw: RawClient, clock: FakeClock) -> None:
    tracker, group = raw.arn("event-tracker/demo"), raw.arn("dataset-group/demo")
    await _do(raw, "DeleteEventTracker", eventTrackerArn=tracker)
    again = {"name": "new", "datasetGroupArn": group}
    assert (await raw.call("/", again, target="CreateEventTracker")).code == "ResourceAlreadyExistsException"
    twice = await raw.call("/", {"eventTrackerArn": tracker}, target="DeleteEventTracker")
    assert twice.code == "ResourceInUseException"
    clock.advance(2)
    await _do(raw, "CreateEventTracker", **again)


async def test_the_time_of_the_last_update_is_that_of_the_last_state(raw: RawClient, clock: FakeClock) -> None:
    made = await _do(raw, "CreateDatasetGroup", name="shop")
    clock.advance(60)
    shown = (await _do(raw, "DescribeDatasetGroup", datasetGroupArn=made["datasetGroupArn"]))["datasetGroup"]
    assert shown["lastUpdatedDateTime"] - shown["creationDateTime"] == pytest.approx(2)


async def test_a_training_that_takes_its_time_can_be_stopped_and_a_failing_one_says_why(clock: FakeClock) -> None:
    async with running_emulator(clock=clock, state_seconds=10, min_interactions=1) as running:
        recipe = "arn:aws:personalize:::recipe/aws-sims"
        async with raw_client(running) as raw:

            async def call(target: str, **body: Any) -> Any:
                answer = await raw.call("/", body, target=target)
                assert answer.status == 200, answer.body
                return json.loads(answer.body or b"{}")

            group = raw.arn("dataset-group/demo")
            solution = (await call("CreateSolution", name="s", datasetGroupArn=group, recipeArn=recipe))["solutionArn"]
            clock.advance(10)
            stopped = (await call("CreateSolutionVersion", solutionArn=solution))["solutionVersionArn"]
            failing = (await call("CreateSolutionVersion", solutionArn=solution))["solutionVersionArn"]
            await call("StopSolutionVersionCreation", solutionVersionArn=stopped)

            async def shown(arn: str) -> Any:
                return (await call("DescribeSolutionVersion", solutionVersionArn=arn))["solutionVersion"]

            assert (await shown(stopped))["status"] == "CREATE STOPPING"
            assert (await shown(failing))["status"] == "CREATE PENDING"
            clock.advance(6)
            assert (await shown(failing))["status"] == "CREATE IN_PROGRESS"
            clock.advance(4)
            assert (await shown(stopped))["status"] == "CREATE STOPPED"
            failed = await shown(failing)
            assert failed["status"] == "CREATE FAILED"
            assert "There are 0 interactions; at least 1 are needed" in failed["failureReason"]
