"""PutUsers, PutItems, PutActions and PutActionInteractions, with each error their models have."""

import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.emulator.raw_client import SENT_AT, SESSION, RawClient, raw_client
from tests.support.emulator import running_emulator

_NAMESPACE = "com.amazonaws.personalize.schema"


def avro(*columns: str) -> str:
    """A schema with these columns; TIMESTAMP is a long, the rest are strings."""
    fields = [{"name": name, "type": "long" if name == "TIMESTAMP" else "string"} for name in columns]
    return json.dumps({"type": "record", "name": "R", "namespace": _NAMESPACE, "fields": fields, "version": "1.0"})


@dataclass(frozen=True)
class Kind:
    """One of the three operations that put records."""

    path: str
    members: str
    id_field: str
    max_properties: int
    dataset: str


KINDS = [
    Kind("/users", "users", "userId", 24_000, "USERS"),
    Kind("/items", "items", "itemId", 32_000, "ITEMS"),
    Kind("/actions", "actions", "actionId", 32_000, "ACTIONS"),
]


@pytest.fixture(scope="module")
async def raw() -> AsyncGenerator[RawClient]:
    """An emulator whose dataset group `demo` has a dataset of every type."""
    async with running_emulator(state_seconds=0, quotas={}) as running:
        options = running.client_options
        async with SESSION.client("personalize", **options) as client:
            for dataset_type, columns in {
                "Users": ("USER_ID", "AGE"),
                "Actions": ("ACTION_ID", "VALUE"),
                "Action_Interactions": ("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP"),
            }.items():
                name = dataset_type.replace("_", "-")
                schema = await client.create_schema(name=name, schema=avro(*columns))
                await client.create_dataset(
                    name=name,
                    schemaArn=schema["schemaArn"],
                    datasetGroupArn=running.emulator.arn("dataset-group/demo"),
                    datasetType=dataset_type,
                )
        async with raw_client(running) as client:
            yield client


def _body(raw: RawClient, kind: Kind, records: list[Any], *, dataset: str | None = None) -> dict[str, Any]:
    return {"datasetArn": dataset or raw.arn(f"dataset/demo/{kind.dataset}"), kind.members: records}


def _properties(length: int) -> str:
    return json.dumps({"k": "x" * (length - len(json.dumps({"k": ""})))})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.members)
async def test_records_are_kept_and_replaced_whole(raw: RawClient, kind: Kind) -> None:
    first = [{kind.id_field: "one", "properties": '{"a": 1, "b": 2}'}, {kind.id_field: "two"}]
    again = [{kind.id_field: "one", "properties": '{"b":\n 3}'}]
    for records in (first, again):
        answer = await raw.call(kind.path, _body(raw, kind, records))
        assert (answer.status, answer.body) == (200, b"")
    lines = (await raw.get(f"/_emulator/{kind.members}")).text.splitlines()
    shown = {record[kind.id_field]: record["properties"] for record in map(json.loads, lines)}
    assert {name: shown[name] for name in ("one", "two")} == {"one": {"b": 3}, "two": None}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.members)
async def test_limits_of_records_hold_at_the_edge(raw: RawClient, kind: Kind) -> None:
    def one(**members: Any) -> list[dict[str, Any]]:
        return [{kind.id_field: "x"} | members]

    edges = [
        (one(**{kind.id_field: "i" * 256}), one(**{kind.id_field: "i" * 257})),
        (one(**{kind.id_field: "i"}), one(**{kind.id_field: ""})),
        (one(), [{"properties": "{}"}]),
        (one(properties=_properties(kind.max_properties)), one(properties=_properties(kind.max_properties + 1))),
        (one(properties="{}"), one(properties="")),
        (one(properties="{}"), one(properties="[]")),
        (one() * 10, one() * 11),
        (one(), []),
    ]
    for edge, past in edges:
        assert (await raw.call(kind.path, _body(raw, kind, edge))).status == 200
        answer = await raw.call(kind.path, _body(raw, kind, past))
        assert (answer.status, answer.code) == (400, "InvalidInputException"), past
    wrong_type = await raw.call(kind.path, _body(raw, kind, one(properties={"a": 1})))
    assert wrong_type.code == "SerializationException"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.members)
async def test_a_dataset_nobody_has_is_not_found_with_status_404(raw: RawClient, kind: Kind) -> None:
    body = _body(raw, kind, [{kind.id_field: "x"}], dataset=raw.arn("dataset/other/ITEMS"))
    answer = await raw.call(kind.path, body)
    assert (answer.status, answer.code) == (404, "ResourceNotFoundException")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.members)
async def test_a_dataset_of_another_type_and_what_is_no_arn_are_invalid(raw: RawClient, kind: Kind) -> None:
    for arn in (raw.arn("dataset/demo/INTERACTIONS"), "demo", "arn:aws:s3:::bucket", raw.arn("d" * 256)):
        answer = await raw.call(kind.path, _body(raw, kind, [{kind.id_field: "x"}], dataset=arn))
        assert (answer.status, answer.code) == (400, "InvalidInputException")


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.members)
async def test_a_dataset_that_is_not_active_is_in_use_with_status_409(kind: Kind) -> None:
    async with running_emulator(state_seconds=600) as running, raw_client(running) as raw:
        schema = await raw.call(
            "/", {"name": "s", "schema": avro("USER_ID", "ITEM_ID", "ACTION_ID")}, target="CreateSchema"
        )
        assert schema.status == 200
        group = raw.arn("dataset-group/demo")
        if kind.dataset == "ITEMS":
            await raw.call("/", {"datasetArn": raw.arn("dataset/demo/ITEMS")}, target="DeleteDataset")
        else:
            body = {
                "name": "d",
                "schemaArn": raw.arn("schema/s"),
                "datasetGroupArn": group,
                "datasetType": kind.dataset,
            }
            assert (await raw.call("/", body, target="CreateDataset")).status == 200
        answer = await raw.call(kind.path, _body(raw, kind, [{kind.id_field: "x"}]))
    assert (answer.status, answer.code) == (409, "ResourceInUseException")


async def test_a_categorical_value_has_a_thousand_characters_at_most(raw: RawClient) -> None:
    item = Kind("/items", "items", "itemId", 32_000, "ITEMS")
    for length, status in ((1000, 200), (1001, 400)):
        properties = json.dumps({"category": "c" * length, "free": "f" * 5000})
        answer = await raw.call("/items", _body(raw, item, [{"itemId": "i", "properties": properties}]))
        assert answer.status == status


async def _action_tracking_id(raw: RawClient) -> str:
    answer = await raw.call("/", {"datasetArn": raw.arn("dataset/demo/ACTION_INTERACTIONS")}, target="DescribeDataset")
    return str(json.loads(answer.body)["dataset"]["trackingId"])


def _interaction(**members: Any) -> dict[str, Any]:
    good = {"actionId": "a", "sessionId": "s", "timestamp": SENT_AT, "eventType": "Taken"}
    return {name: value for name, value in (good | members).items() if value is not None}


@pytest.mark.parametrize(
    ("member", "edge", "past"),
    [
        ("actionId", "a" * 256, "a" * 257),
        ("actionId", "a", None),
        ("sessionId", "s" * 256, "s" * 257),
        ("sessionId", "s", None),
        ("eventType", "Not Taken", ""),
        ("eventType", "Viewed", None),
        ("timestamp", SENT_AT, SENT_AT * 1000),
        ("timestamp", SENT_AT, None),
        ("userId", "u" * 256, "u" * 257),
        ("eventId", "e" * 256, "e" * 257),
        ("recommendationId", "r" * 40, "r" * 41),
        ("impression", ["a"] * 25, ["a"] * 26),
        ("properties", '{"numberOfActions":"12"}', '{"TimeStamp":"12"}'),
        ("properties", "{}", "x"),
    ],
)
async def test_action_interactions_are_taken_at_their_limits(raw: RawClient, member: str, edge: Any, past: Any) -> None:
    tracking_id = await _action_tracking_id(raw)

    async def put(*interactions: dict[str, Any]) -> Any:
        body = {"trackingId": tracking_id, "actionInteractions": list(interactions)}
        return await raw.call("/action-interactions", body)

    assert (await put(*[_interaction(**{member: edge})] * 10)).status == 200
    assert (await put(*[_interaction()] * 11)).code == "InvalidInputException"
    answer = await put(_interaction(**{member: past}))
    assert (answer.status, answer.code) == (400, "InvalidInputException")


async def test_the_tracking_id_of_events_is_not_found_for_actions(raw: RawClient) -> None:
    body = {"trackingId": raw.running.tracking_id, "actionInteractions": [_interaction()]}
    answer = await raw.call("/action-interactions", body)
    assert (answer.status, answer.code) == (404, "ResourceNotFoundException")


async def test_action_interactions_wait_for_their_dataset() -> None:
    async with running_emulator(state_seconds=600) as running, raw_client(running) as raw:
        columns = avro("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP")
        await raw.call("/", {"name": "s", "schema": columns}, target="CreateSchema")
        body = {
            "name": "d",
            "schemaArn": raw.arn("schema/s"),
            "datasetGroupArn": raw.arn("dataset-group/demo"),
            "datasetType": "Action_Interactions",
        }
        assert (await raw.call("/", body, target="CreateDataset")).status == 200
        put = {"trackingId": await _action_tracking_id(raw), "actionInteractions": [_interaction()]}
        answer = await raw.call("/action-interactions", put)
    assert (answer.status, answer.code) == (409, "ResourceInUseException")


async def test_boto_maps_the_errors_of_the_model(raw: RawClient) -> None:
    async with SESSION.client("personalize-events", **raw.running.client_options) as client:
        with pytest.raises(client.exceptions.ResourceNotFoundException):
            await client.put_items(datasetArn=raw.arn("dataset/other/ITEMS"), items=[{"itemId": "x"}])
        with pytest.raises(client.exceptions.InvalidInputException):
            await client.put_items(datasetArn=raw.arn("dataset/demo/ITEMS"), items=[{"itemId": "x" * 257}])
