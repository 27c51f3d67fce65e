"""`/properties` and `check`: what Amazon Personalize has a use for, by its schema and by what is trained."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.insight.datasets import AGAIN_AFTER_MS, GOOD_FOR_MS, Behind, Datasets
from relay.personalize import Learner, connect, judged_type, learners_of
from tests.cli.test_serve import run
from tests.support.clock import FakeClock
from tests.support.emulator import RunningEmulator, running_emulator
from tests.support.relay import RunningRelay, relay_environ, running_edge, running_relay

JSON = {"accept": "application/json"}
RECIPE = "arn:aws:personalize:::recipe/"
COLUMNS = [
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
    {"name": "PAGE_SECTION", "type": ["null", "string"]},
]


@pytest.fixture
async def emulator() -> AsyncGenerator[RunningEmulator]:
    async with running_emulator(state_seconds=0) as running:
        yield running


async def shop(emulator: RunningEmulator, *recipes: str, **solution: Any) -> str:
    """A dataset group of a shop with a column of its own, these recommenders and a solution; the tracking id."""
    return await asyncio.to_thread(_shop, emulator, recipes, solution)


def _shop(emulator: RunningEmulator, recipes: tuple[str, ...], solution: dict[str, Any]) -> str:
    personalize: Any = boto3.client("personalize", **emulator.client_options)
    group = personalize.create_dataset_group(name="shop", domain="ECOMMERCE")["datasetGroupArn"]
    avro = {
        "type": "record",
        "name": "Interactions",
        "namespace": "com.amazonaws.personalize.schema",
        "version": "1.0",
        "fields": COLUMNS,
    }
    schema = personalize.create_schema(name="shop", schema=json.dumps(avro), domain="ECOMMERCE")["schemaArn"]
    personalize.create_dataset(name="shop", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions")
    for recipe in recipes:
        personalize.create_recommender(name=recipe, datasetGroupArn=group, recipeArn=f"{RECIPE}aws-ecomm-{recipe}")
    if solution:
        solution.setdefault("recipeArn", f"{RECIPE}aws-user-personalization-v2")
        personalize.create_solution(name="own", datasetGroupArn=group, **solution)
    return str(personalize.create_event_tracker(name="shop", datasetGroupArn=group)["trackingId"])


async def page(relay: RunningRelay) -> Any:
    """`/properties` once the schema was read, or could not be."""
    async with asyncio.timeout(30):
        while not (found := (await relay.http.get(f"{relay.admin_url}/properties", headers=JSON)).json())["datasets"]:
            pass
    return found


async def send_some(relay: RunningRelay) -> None:
    """A property that has a column and two that have none; types that are used and not; one event without an item."""
    event = {"itemId": "p1", "properties": {"pageSection": "top", "colour": "red", "page_section": "x"}}
    await relay.send({"eventType": "View", **event}, {"eventType": "Scroll", "itemId": "p1"}, {"eventType": "view"})
    await relay.delivered()


async def test_the_page_says_what_of_the_events_has_a_column_and_what_is_trained_on(emulator: RunningEmulator) -> None:
    tracking_id = await shop(emulator, "popular-items-by-views", "popular-items-by-purchases")
    async with running_relay(env=emulator.env, tracking_id=tracking_id) as relay:
        await send_some(relay)
        found = await page(relay)
        said = {one["name"]: (one["events"], one["used"], one["says"]) for one in found["properties"]}
        assert said == {
            "pageSection": (1, True, "column PAGE_SECTION"),
            "colour": (1, False, "no column takes it; the schema would need COLOUR"),
            "page_section": (1, False, "column PAGE_SECTION is filled by pageSection"),
        }
        types = {one["type"]: (one["events"], one["withoutItem"], one["used"]) for one in found["eventTypes"]}
        assert types == {"View": (1, 0, True), "Scroll": (1, 0, False), "view": (1, 1, False)}
        text = (await relay.http.get(f"{relay.admin_url}/properties")).text
        assert "View is spelled differently" in text
        assert "trains popular-items-by-views" in text
        assert "popular-items-by-purchases on Purchase" in text
        assert tracking_id not in text


async def test_what_may_not_be_read_is_said_with_who_may(emulator: RunningEmulator) -> None:
    refused = Rule(code="AccessDeniedException", operations=["ListEventTrackers"], status=400)
    emulator.emulator.faults.apply(FaultSpec(error=refused))
    async with running_relay(env=emulator.env) as relay:
        await send_some(relay)
        found = await page(relay)
        assert {one["used"] for one in found["properties"]} == {None}
        assert found["datasets"][0]["problem"].startswith("ListEventTrackers: ")
        text = (await relay.http.get(f"{relay.admin_url}/properties")).text
        assert "not read" in text
        assert "personalize-relay check" in text


async def test_solutions_are_read_where_the_schema_is_though_recommenders_may_not_be(emulator: RunningEmulator) -> None:
    tracking_id = await shop(emulator)
    refused = Rule(code="AccessDeniedException", operations=["ListRecommenders"], status=400)
    emulator.emulator.faults.apply(FaultSpec(error=refused))
    async with running_relay(env=emulator.env, tracking_id=tracking_id) as relay:
        await send_some(relay)
        found = await page(relay)
        assert [one["used"] for one in found["eventTypes"]] == [None] * 3
        assert {one["name"]: one["used"] for one in found["properties"]}["pageSection"] is True
        assert "ListRecommenders" in found["datasets"][0]["problem"]


async def test_events_that_go_to_a_file_have_no_schema() -> None:
    async with running_edge(sink="jsonl:/dev/null") as relay:
        assert "to a file" in (await relay.http.get(f"{relay.admin_url}/properties")).text


async def test_times_that_are_too_old_are_told_with_since_when() -> None:
    async with running_edge(sink="jsonl:/dev/null") as relay:
        await relay.send({"eventType": "View", "itemId": "p1", "sentAt": 1_000_000_000_000})
        found = (await relay.http.get(f"{relay.admin_url}/properties", headers=JSON)).json()["tooOld"]
        assert found["events"] == 1
        assert found["sinceMs"] >= relay.clock.now_ms() - 60_000


@pytest.mark.parametrize(
    ("solution", "types"),
    [
        ({}, None),
        ({"eventType": "Buy"}, ("Buy",)),
        ({"solutionConfig": {"eventsConfig": {"eventParametersList": [
            {"eventType": "Buy", "weight": 1.0}, {"eventType": "View", "weight": 0.0}]}}}, ("Buy",)),
    ],
)  # fmt: skip
async def test_a_solution_learns_from_the_types_it_names_or_all(
    emulator: RunningEmulator, monkeypatch: pytest.MonkeyPatch, solution: dict[str, Any], types: tuple[str, ...] | None
) -> None:
    for name, value in emulator.env.items():
        monkeypatch.setenv(name, value)
    await shop(emulator, recipeArn=f"{RECIPE}aws-user-personalization-v2", **solution)
    async with connect() as connection:
        group = await asyncio.to_thread(boto3.client("personalize", **emulator.client_options).list_dataset_groups)
        arn = next(one["datasetGroupArn"] for one in group["datasetGroups"] if one["name"] == "shop")
        assert await learners_of(connection, arn) == (Learner("own", types),)


def test_a_type_is_used_if_one_of_many_uses_it_and_a_group_without_any_says_so() -> None:
    learners = (Learner("a", ("View",)), Learner("b", ("Buy",)))
    assert judged_type(learners, "View") == (True, "trains a")
    assert judged_type((*learners, Learner("c", None)), "Scroll") == (True, "trains c")
    assert judged_type(learners, "Scroll").says.endswith("they are on Buy, View")
    assert "no recommender and no solution yet" in judged_type((), "View").says


@pytest.mark.process
async def test_check_compares_what_the_running_relay_has_delivered(emulator: RunningEmulator, tmp_path: Path) -> None:
    tracking_id = await shop(emulator, "popular-items-by-views")
    async with running_relay(env=emulator.env, tracking_id=tracking_id) as relay:
        await send_some(relay)
        port = relay.admin_url.rpartition(":")[2]
        environ = relay_environ(tracking_id=tracking_id, admin_port=port, spool_url=f"sqlite:///{tmp_path / 'none.db'}")
        code, out, err = await run("check", **emulator.env, **environ)
    assert code == 0, err
    assert "trained: 'popular-items-by-views' on View" in out
    assert "warning: site default: property colour: no column takes it" in err
    assert "warning: site default: event type Scroll: no recommender or solution is trained on it" in err
    assert "event type view: no recommender or solution is trained on it; View is spelled differently" in err
    assert "1 events of type view without an item" in err
    assert "event type View" not in err


async def test_it_is_read_when_somebody_looks_and_not_again_for_a_while() -> None:
    clock, read = FakeClock(), list[Mapping[str, str | None]]()
    answers = [{"t": Behind("not now")}, {"t": Behind(learners=())}, {"t": Behind("not now")}]

    def reading(regions: Mapping[str, str | None]) -> dict[str, Behind]:
        read.append(regions)
        return answers[len(read) - 1]

    datasets = Datasets({"t": None}, clock=clock, read=reading)
    assert [(await datasets.known())["t"].problem for _ in range(3)] == ["not now"] * 3
    assert (len(read), datasets.read_at_ms) == (1, None)
    clock.advance(AGAIN_AFTER_MS / 1000)
    assert [(await datasets.known())["t"].problem for _ in range(3)] == [""] * 3
    assert (len(read), datasets.read_at_ms) == (2, clock.now_ms())
    clock.advance(GOOD_FOR_MS / 1000)
    assert (await datasets.known())["t"].learners == (), "what was known is not forgotten"
    assert len(read) == 3


async def test_a_failure_of_the_sdk_is_told_and_breaks_nothing() -> None:
    def failing(_: Mapping[str, str | None]) -> dict[str, Behind]:
        raise ImportError("no such data")

    datasets = Datasets({"t": None}, clock=FakeClock(), read=failing)
    assert (await datasets.known())["t"].problem == "ImportError: no such data"
