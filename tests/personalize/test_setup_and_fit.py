"""Set-up cut short anywhere is gone on with; and what does not fit the dataset behind a tracker is told."""

import msgspec
import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize import errors
from relay.personalize.connection import Connection
from relay.personalize.metric_attributions import COUNTS, MetricPlan, metrics_of, parse_metric
from relay.personalize.schema.columns import parse_schema
from relay.personalize.schema.datasets import Dataset, DatasetGroup
from relay.personalize.schema.fit import Target, misfits, target_of
from relay.personalize.schema.ready_made import interactions_schema, items_schema
from relay.personalize.setup import SetupPlan, set_up
from relay.personalize.trackers.event_trackers import find_tracker
from relay.personalize.trackers.states import CreationFailedError
from tests.support.emulator import RunningEmulator

pytestmark = pytest.mark.process

PLAN = SetupPlan(
    name="shop",
    domain="e-commerce",
    schemas={"Interactions": interactions_schema(), "Items": items_schema("e-commerce")},
)
CREATES = ("CreateDatasetGroup", "CreateSchema", "CreateDataset", "CreateEventTracker")


def target(*, domain: str = "", fields: str = "", status: str = "ACTIVE") -> Target:
    columns = parse_schema(interactions_schema()).columns
    own = parse_schema(f'{{"type":"record","fields":[{fields}]}}').columns if fields else ()
    group = DatasetGroup(name="shop", dataset_group_arn="arn", status="ACTIVE", domain=domain)
    dataset = Dataset(
        name="shop-interactions",
        dataset_arn="arn",
        dataset_group_arn="arn",
        dataset_type="INTERACTIONS",
        schema_arn="arn",
        status=status,
    )
    return Target(group, dataset, (*columns, *own))


@pytest.mark.parametrize("operation", CREATES)
@pytest.mark.parametrize("taken", [False, True])
async def test_a_setup_cut_short_at_any_step_makes_only_what_is_missing_the_next_time(
    connection: Connection, emulator: RunningEmulator, operation: str, taken: bool
) -> None:
    emulator.emulator.faults.apply(
        FaultSpec(error=Rule(code="AccessDeniedException", operations=[operation], status=400, limit=1, taken=taken))
    )
    with pytest.raises(errors.AccessDeniedError, match=f"^{operation}: "):
        await set_up(connection, PLAN, timeout_s=10)
    report = await set_up(connection, PLAN, timeout_s=10)
    assert report.event_tracker is not None
    assert report.event_tracker.status == "ACTIVE"
    assert await find_tracker(connection, report.event_tracker.tracking_id) == report.event_tracker
    registry = emulator.emulator.registry
    kinds = [resource.kind for resource in registry.everything() if resource.name.startswith("shop")]
    assert sorted(kinds) == ["dataset", "dataset", "dataset-group", "event-tracker", "schema", "schema"]
    third = await set_up(connection, PLAN, timeout_s=10)
    assert third.made == []
    assert third.event_tracker == report.event_tracker


async def test_a_dry_run_makes_nothing_and_says_what_it_would(
    connection: Connection, emulator: RunningEmulator
) -> None:
    report = await set_up(connection, PLAN, dry_run=True)
    assert report.made == [
        "dataset group shop",
        "schema shop-interactions",
        "dataset shop-interactions",
        "schema shop-items",
        "dataset shop-items",
        "event tracker shop",
    ]
    assert [name for name in CREATES if emulator.bodies(name)] == []


async def test_a_setup_uses_the_tracker_a_group_has_whatever_its_name(
    connection: Connection, emulator: RunningEmulator
) -> None:
    plan = SetupPlan(name="demo", domain="custom", schemas={"Interactions": interactions_schema()})
    report = await set_up(connection, plan)
    assert report.made == []
    assert report.event_tracker is not None
    assert report.event_tracker.tracking_id == emulator.tracking_id


async def test_a_resource_that_cannot_be_made_ends_the_setup(connection: Connection) -> None:
    plan = SetupPlan(name="create-failed", domain="custom", schemas={"Interactions": interactions_schema()})
    with pytest.raises(CreationFailedError, match="dataset group create-failed is CREATE FAILED"):
        await set_up(connection, plan, timeout_s=10)


@pytest.mark.parametrize("taken", [False, True])
async def test_a_metric_attribution_is_made_once_however_often_the_setup_is_cut_short(
    connection: Connection, emulator: RunningEmulator, taken: bool
) -> None:
    measured = parse_metric("Purchase=SUM(Interactions.EVENT_VALUE)")
    plan = msgspec.structs.replace(PLAN, metrics=MetricPlan(metrics=(*COUNTS, measured)))
    dry = await set_up(connection, plan, dry_run=True)
    assert dry.made[-1] == "metric attribution shop"
    fault = Rule(code="AccessDeniedException", operations=["CreateMetricAttribution"], status=400, limit=1, taken=taken)
    emulator.emulator.faults.apply(FaultSpec(error=fault))
    with pytest.raises(errors.AccessDeniedError, match=r"^CreateMetricAttribution: "):
        await set_up(connection, plan, timeout_s=10)
    report = await set_up(connection, plan, timeout_s=10)
    assert await metrics_of(connection, report.metric_attribution_arn) == [*COUNTS, measured]
    [body] = emulator.bodies("CreateMetricAttribution")[-1:]
    assert body["metricsOutputConfig"] == {"roleArn": "arn:aws:iam::123456789012:role/shop-metrics"}
    again = await set_up(connection, plan, timeout_s=10)
    assert (again.made, again.metric_attribution_arn) == ([], report.metric_attribution_arn)


@pytest.mark.parametrize("text", ["", "=SUM(Items.PRICE)", "Click=AVG(Items.PRICE)", "Click=SUM(Users.AGE)"])
def test_what_is_no_metric_is_said_before_anything_is_made(text: str) -> None:
    with pytest.raises(errors.InvalidInputError, match="is no metric"):
        parse_metric(text)


async def test_metrics_that_are_too_many_or_twice_are_said_before_anything_is_made(connection: Connection) -> None:
    for metrics in ((), COUNTS * 2, tuple(parse_metric(f"Type{number}") for number in range(11))):
        plan = msgspec.structs.replace(PLAN, metrics=MetricPlan(metrics=metrics))
        with pytest.raises(errors.InvalidInputError, match="1 to 10 metrics"):
            await set_up(connection, plan)


async def test_what_stands_behind_a_tracker_is_read(connection: Connection, emulator: RunningEmulator) -> None:
    report = await set_up(connection, PLAN, timeout_s=10)
    assert report.event_tracker is not None
    found = await target_of(connection, report.event_tracker)
    assert (found.dataset_group.name, found.dataset_group.domain) == ("shop", "ECOMMERCE")
    assert found.interactions is not None
    assert "EVENT_VALUE" in {column.name for column in found.columns}
    assert misfits(found, event_types=["View", "Purchase", "AddToCart"]) == []
    assert len(misfits(found, event_types=["view"], property_names=["colour"])) == 3


def test_events_that_fit_raise_no_problem() -> None:
    own = '{"name":"NUM_RATINGS","type":["null","int"]}'
    assert misfits(target(fields=own), event_types=["View"], property_names=["numRatings"]) == []


def test_a_property_no_column_takes_is_told_with_the_column_it_would_need() -> None:
    own = '{"name":"NUM_RATINGS","type":["null","int"]}'
    told = misfits(target(fields=own), property_names=["pageSection", "num_ratings", "timestamp"])
    assert told == [
        "property num_ratings: column NUM_RATINGS is filled by numRatings",
        "property pageSection: no column takes it; the schema would need PAGE_SECTION",
        "property timestamp: the name is reserved, the service refuses the event",
    ]


def test_more_event_types_and_metadata_columns_than_ten_are_told() -> None:
    eight = [f"type{n}" for n in range(8)]
    assert misfits(target(), event_types=eight) == []
    (told,) = misfits(target(), event_types=[*eight, "ninth"])
    assert told.startswith("9 event types and 2 metadata columns")
    own = '{"name":"DEVICE","type":["null","string"]}'
    assert len(misfits(target(fields=own), event_types=eight)) == 1


def test_event_types_the_domain_needs_but_that_never_come_are_told() -> None:
    assert misfits(target(domain="ECOMMERCE"), event_types=["View", "purchase"]) == [
        "event type Purchase never comes, and recommenders of ECOMMERCE need it; purchase is spelled differently"
    ]
    assert misfits(target(domain="VIDEO_ON_DEMAND"), event_types=["Watch", "Click"]) == []
    assert misfits(target(domain="ECOMMERCE")) == []  # nothing is known of the types yet


def test_a_column_every_event_must_fill_and_states_that_are_not_active_are_told() -> None:
    told = misfits(target(fields='{"name":"DEVICE","type":"string"}', status="CREATE IN_PROGRESS"))
    assert told == [
        "dataset 'shop-interactions' is CREATE IN_PROGRESS, not ACTIVE",
        "column DEVICE allows no null: every event needs the property device",
    ]
    group = DatasetGroup(name="shop", dataset_group_arn="arn", status="ACTIVE")
    assert "no interactions dataset" in misfits(Target(group, None))[0]


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (SetupPlan(name="-", domain="custom", schemas={}), "is no name"),
        (SetupPlan(name="a", domain="custom", schemas={"Items": "{}"}), "Items: the schema is not an Avro"),
        (SetupPlan(name="a", domain="custom", schemas={"Users": items_schema("custom")}), "Users has no USER_ID"),
        (
            SetupPlan(
                name="a", domain="video", schemas={"Interactions": interactions_schema().replace("EVENT_TYPE", "KIND")}
            ),
            "no EVENT_TYPE",
        ),
    ],
)
async def test_a_plan_that_cannot_work_makes_no_call(
    connection: Connection, emulator: RunningEmulator, plan: SetupPlan, told: str
) -> None:
    with pytest.raises(errors.InvalidInputError, match=told):
        await set_up(connection, plan)
    assert emulator.emulator.calls.last_n == 0
