"""Dataset groups, schemas, datasets, event trackers and tags: each operation, and each error its model has."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.emulator.raw_client import SESSION, RawClient, raw_client
from tests.emulator.test_records import avro
from tests.support.emulator import running_emulator

INTERACTIONS = avro("USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE")
MISSING = "arn:aws:personalize:us-east-1:123456789012:{}/missing"


@pytest.fixture
async def raw() -> AsyncGenerator[RawClient]:
    async with running_emulator(state_seconds=0) as running, raw_client(running) as client:
        yield client


@pytest.fixture
async def personalize(raw: RawClient) -> AsyncGenerator[Any]:
    async with SESSION.client("personalize", **raw.running.client_options) as client:
        yield client


async def _group(personalize: Any, name: str = "shop", **more: Any) -> str:
    return str((await personalize.create_dataset_group(name=name, **more))["datasetGroupArn"])


async def _schema(personalize: Any, name: str = "clicks", schema: str = INTERACTIONS, **more: Any) -> str:
    return str((await personalize.create_schema(name=name, schema=schema, **more))["schemaArn"])


async def _refused(call: Any, code: str) -> str:
    with pytest.raises(ClientError) as caught:
        await call
    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return caught.value.response["Error"]["Message"]


async def test_from_nothing_to_a_tracker_that_takes_events_and_back(raw: RawClient, personalize: Any) -> None:
    group = await _group(personalize, domain="ECOMMERCE")
    schema = await _schema(personalize, domain="ECOMMERCE")
    dataset = (
        await personalize.create_dataset(
            name="clicks", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
        )
    )["datasetArn"]
    made = await personalize.create_event_tracker(name="web", datasetGroupArn=group)
    tracker = (await personalize.describe_event_tracker(eventTrackerArn=made["eventTrackerArn"]))["eventTracker"]
    assert tracker["trackingId"] == made["trackingId"]
    assert (tracker["status"], tracker["accountId"], tracker["datasetGroupArn"]) == ("ACTIVE", "123456789012", group)
    assert (await raw.put_event(call={"trackingId": made["trackingId"]})).status == 200

    await _refused(personalize.delete_dataset_group(datasetGroupArn=group), "ResourceInUseException")
    await _refused(personalize.delete_schema(schemaArn=schema), "ResourceInUseException")
    await personalize.delete_event_tracker(eventTrackerArn=made["eventTrackerArn"])
    assert (await raw.put_event(call={"trackingId": made["trackingId"]})).code == "InvalidInputException"
    await _refused(personalize.delete_dataset_group(datasetGroupArn=group), "ResourceInUseException")
    await personalize.delete_dataset(datasetArn=dataset)
    await personalize.delete_schema(schemaArn=schema)
    await personalize.delete_dataset_group(datasetGroupArn=group)
    await _refused(personalize.describe_dataset_group(datasetGroupArn=group), "ResourceNotFoundException")


async def test_describe_shows_what_create_was_given(personalize: Any) -> None:
    role, key = "arn:aws:iam::123456789012:role/Reader", "arn:aws:kms:us-east-1:123456789012:key/k"
    group = await _group(personalize, domain="VIDEO_ON_DEMAND", roleArn=role, kmsKeyArn=key)
    schema = await _schema(personalize, domain="VIDEO_ON_DEMAND")
    made = await personalize.create_dataset(
        name="watched", schemaArn=schema, datasetGroupArn=group, datasetType="INTERACTIONS"
    )
    shown = (await personalize.describe_dataset_group(datasetGroupArn=group))["datasetGroup"]
    assert (shown["name"], shown["status"], shown["domain"]) == ("shop", "ACTIVE", "VIDEO_ON_DEMAND")
    assert (shown["roleArn"], shown["kmsKeyArn"]) == (role, key)
    described = (await personalize.describe_schema(schemaArn=schema))["schema"]
    assert (described["schema"], described["domain"]) == (INTERACTIONS, "VIDEO_ON_DEMAND")
    dataset = (await personalize.describe_dataset(datasetArn=made["datasetArn"]))["dataset"]
    assert dataset["datasetArn"].endswith(":dataset/shop/INTERACTIONS")
    assert (dataset["datasetType"], dataset["schemaArn"]) == ("INTERACTIONS", schema)
    assert dataset["creationDateTime"] <= dataset["lastUpdatedDateTime"]


@pytest.mark.parametrize(
    ("operation", "argument", "kind"),
    [
        (verb + name, argument, kind)
        for verb in ("describe_", "delete_")
        for name, argument, kind in [
            ("dataset_group", "datasetGroupArn", "dataset-group"),
            ("schema", "schemaArn", "schema"),
            ("dataset", "datasetArn", "dataset"),
            ("event_tracker", "eventTrackerArn", "event-tracker"),
        ]
    ],
)
async def test_what_is_not_there_is_not_found_and_what_is_no_arn_is_invalid(
    personalize: Any, operation: str, argument: str, kind: str
) -> None:
    call = getattr(personalize, operation)
    await _refused(call(**{argument: MISSING.format(kind)}), "ResourceNotFoundException")
    await _refused(call(**{argument: "shop"}), "InvalidInputException")
    await _refused(call(**{argument: MISSING.format(kind) + "x" * 256}), "InvalidInputException")


async def test_an_arn_of_another_kind_is_not_found(raw: RawClient, personalize: Any) -> None:
    call = personalize.describe_event_tracker(eventTrackerArn=raw.arn("dataset-group/demo"))
    await _refused(call, "ResourceNotFoundException")


@pytest.mark.parametrize("name", ["-shop", "sh op", "shöp", "s" * 64, "shop\n"])
async def test_names_that_are_none_are_invalid(raw: RawClient, personalize: Any, name: str) -> None:
    group = raw.arn("dataset-group/demo")
    await _refused(personalize.create_dataset_group(name=name), "InvalidInputException")
    await _refused(personalize.create_schema(name=name, schema=INTERACTIONS), "InvalidInputException")
    await _refused(personalize.create_event_tracker(name=name, datasetGroupArn=group), "InvalidInputException")
    dataset = {"schemaArn": raw.arn("schema/demo-items"), "datasetGroupArn": group, "datasetType": "USERS"}
    await _refused(personalize.create_dataset(name=name, **dataset), "InvalidInputException")


async def test_a_name_of_sixty_three_characters_is_one(personalize: Any) -> None:
    await _group(personalize, name="s" * 63)


async def test_what_is_there_already_is_said_to_exist(raw: RawClient, personalize: Any) -> None:
    group = await _group(personalize)
    schema = await _schema(personalize)
    dataset = {"schemaArn": schema, "datasetGroupArn": group, "datasetType": "Interactions"}
    await personalize.create_dataset(name="one", **dataset)
    await _refused(personalize.create_dataset_group(name="shop"), "ResourceAlreadyExistsException")
    await _refused(personalize.create_schema(name="clicks", schema=INTERACTIONS), "ResourceAlreadyExistsException")
    await _refused(personalize.create_dataset(name="two", **dataset), "ResourceAlreadyExistsException")


async def test_a_dataset_group_has_one_event_tracker_and_names_it(raw: RawClient, personalize: Any) -> None:
    call = personalize.create_event_tracker(name="another", datasetGroupArn=raw.arn("dataset-group/demo"))
    assert raw.arn("event-tracker/demo") in await _refused(call, "ResourceAlreadyExistsException")
    group = await _group(personalize)
    await _refused(
        personalize.create_event_tracker(name="demo", datasetGroupArn=group), "ResourceAlreadyExistsException"
    )


async def test_a_tracker_or_dataset_needs_a_dataset_group_that_is_there(personalize: Any, raw: RawClient) -> None:
    group = MISSING.format("dataset-group")
    await _refused(personalize.create_event_tracker(name="t", datasetGroupArn=group), "ResourceNotFoundException")
    dataset = {"name": "d", "datasetType": "Users"}
    schema = raw.arn("schema/demo-items")
    await _refused(
        personalize.create_dataset(schemaArn=schema, datasetGroupArn=group, **dataset), "ResourceNotFoundException"
    )
    there, missing = raw.arn("dataset-group/demo"), MISSING.format("schema")
    await _refused(
        personalize.create_dataset(schemaArn=missing, datasetGroupArn=there, **dataset), "ResourceNotFoundException"
    )


async def test_the_account_has_five_dataset_groups_at_most(personalize: Any) -> None:
    for number in range(4):
        await _group(personalize, name=f"shop-{number}")
    await _refused(personalize.create_dataset_group(name="one-more"), "LimitExceededException")


async def test_the_account_has_five_hundred_schemas_at_most(raw: RawClient, personalize: Any) -> None:
    for number in range(498):
        answer = await raw.call("/", {"name": f"s{number}", "schema": INTERACTIONS}, target="CreateSchema")
        assert answer.status == 200
    await _refused(personalize.create_schema(name="one-more", schema=INTERACTIONS), "LimitExceededException")


@pytest.mark.parametrize(
    "schema",
    [
        "{",
        "[]",
        INTERACTIONS.replace('"record"', '"map"'),
        INTERACTIONS.replace("com.amazonaws", "com.example"),
        INTERACTIONS.replace("ITEM_ID", "USER_ID"),
        INTERACTIONS.replace('"long"', '"date"'),
        avro(),
        "x" * 20_001,
    ],
)
async def test_a_schema_that_is_none_is_invalid(personalize: Any, schema: str) -> None:
    await _refused(personalize.create_schema(name="bad", schema=schema), "InvalidInputException")


@pytest.mark.parametrize(
    ("dataset_type", "columns"),
    [
        ("Interactions", ["USER_ID", "ITEM_ID"]),
        ("Items", ["ITEM_ID"]),
        ("Users", ["USER_ID"]),
        ("Actions", ["USER_ID", "AGE"]),
        ("Action_Interactions", ["USER_ID", "ACTION_ID", "TIMESTAMP"]),
        ("Clicks", ["USER_ID", "ITEM_ID", "TIMESTAMP"]),
    ],
)
async def test_a_schema_must_fit_the_type_of_its_dataset(
    personalize: Any, dataset_type: str, columns: list[str]
) -> None:
    group = await _group(personalize)
    schema = await _schema(personalize, schema=avro(*columns))
    call = personalize.create_dataset(name="d", schemaArn=schema, datasetGroupArn=group, datasetType=dataset_type)
    await _refused(call, "InvalidInputException")


@pytest.mark.parametrize("version", ['"version":"2.0"', '"version":1.0', '"version":null', '"doc":"none"'])
async def test_a_schema_may_have_any_version_or_none(personalize: Any, version: str) -> None:
    await _schema(personalize, schema=INTERACTIONS.replace('"version": "1.0"', version))


@pytest.mark.parametrize(
    ("dataset_type", "ids", "most"),
    [
        ("Interactions", ["USER_ID", "ITEM_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "IMPRESSION"], 5),
        ("Users", ["USER_ID"], 25),
        ("Items", ["ITEM_ID", "CREATION_TIMESTAMP"], 100),
    ],
)
async def test_a_dataset_has_so_many_metadata_columns_and_no_more(
    raw: RawClient, personalize: Any, dataset_type: str, ids: list[str], most: int
) -> None:
    dataset = {"datasetGroupArn": await _group(personalize), "datasetType": dataset_type}
    for name, count in (("more", most + 1), ("most", most)):
        schema = await _schema(personalize, name=name, schema=avro(*ids, *(f"M{n}" for n in range(count))))
        call = personalize.create_dataset(name="d", schemaArn=schema, **dataset)
        if count > most:
            assert "metadata columns" in await _refused(call, "InvalidInputException")
        else:
            await call


async def test_a_schema_must_be_of_the_domain_of_its_group(personalize: Any) -> None:
    group = await _group(personalize, domain="ECOMMERCE")
    schema = await _schema(personalize)
    call = personalize.create_dataset(name="d", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions")
    await _refused(call, "InvalidInputException")


async def test_interactions_of_a_domain_need_an_event_type(personalize: Any) -> None:
    group = await _group(personalize, domain="ECOMMERCE")
    schema = await _schema(personalize, schema=avro("USER_ID", "ITEM_ID", "TIMESTAMP"), domain="ECOMMERCE")
    call = personalize.create_dataset(name="d", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions")
    assert "EVENT_TYPE" in await _refused(call, "InvalidInputException")


async def test_a_key_without_a_role_and_an_unknown_domain_are_invalid(raw: RawClient, personalize: Any) -> None:
    key = "arn:aws:kms:us-east-1:123456789012:key/k"
    await _refused(personalize.create_dataset_group(name="g", kmsKeyArn=key), "InvalidInputException")
    answer = await raw.call("/", {"name": "g", "domain": "TRAVEL"}, target="CreateDatasetGroup")
    assert answer.status == 400


@pytest.mark.parametrize(
    ("operation", "field"),
    [
        ("list_dataset_groups", "datasetGroups"),
        ("list_schemas", "schemas"),
        ("list_datasets", "datasets"),
        ("list_event_trackers", "eventTrackers"),
    ],
)
async def test_lists_come_in_pages(raw: RawClient, personalize: Any, operation: str, field: str) -> None:
    for number in range(3):
        group = await _group(personalize, name=f"shop-{number}")
        schema = await _schema(personalize, name=f"schema-{number}")
        await personalize.create_dataset(
            name=f"d{number}", schemaArn=schema, datasetGroupArn=group, datasetType="Interactions"
        )
        await personalize.create_event_tracker(name=f"tracker-{number}", datasetGroupArn=group)
    whole = (await getattr(personalize, operation)())[field]
    paged: list[Any] = []
    paginator = personalize.get_paginator(operation)
    async for page in paginator.paginate(PaginationConfig={"PageSize": 2}):
        assert len(page[field]) <= 2
        paged.extend(page[field])
    assert paged == whole
    assert len(whole) >= 4
    if operation in {"list_datasets", "list_event_trackers"}:
        [one] = (await getattr(personalize, operation)(datasetGroupArn=raw.arn("dataset-group/shop-1")))[field]
        assert one["name"] in {"d1", "tracker-1"}
        assert "trackingId" not in one


async def test_a_token_of_another_list_or_none_at_all_is_refused(raw: RawClient, personalize: Any) -> None:
    await _group(personalize)
    token = (await personalize.list_dataset_groups(maxResults=1))["nextToken"]
    group = raw.arn("dataset-group/demo")
    await _refused(personalize.list_schemas(nextToken=token), "InvalidNextTokenException")
    await _refused(personalize.list_dataset_groups(nextToken="bm8="), "InvalidNextTokenException")
    await _refused(personalize.list_datasets(nextToken="é", datasetGroupArn=group), "InvalidInputException")
    await _refused(personalize.list_event_trackers(nextToken=token), "InvalidNextTokenException")


async def test_sizes_of_pages_have_bounds(raw: RawClient) -> None:
    for size, status in ((1, 200), (100, 200), (0, 400), (101, 400)):
        answer = await raw.call("/", {"maxResults": size}, target="ListEventTrackers")
        assert answer.status == status
    answer = await raw.call("/", {"datasetGroupArn": "shop"}, target="ListEventTrackers")
    assert answer.code == "InvalidInputException"


async def test_errors_of_the_control_plane_name_their_type_in_the_body_too(raw: RawClient) -> None:
    answer = await raw.call("/", {"name": "-"}, target="CreateDatasetGroup")
    assert b'"__type":"InvalidInputException"' in answer.body
    assert answer.headers["content-type"] == "application/x-amz-json-1.1"


async def test_tags_are_kept_changed_and_listed(personalize: Any) -> None:
    group = await _group(personalize, tags=[{"tagKey": "team", "tagValue": "shop"}])
    await personalize.tag_resource(resourceArn=group, tags=[{"tagKey": "Stufe/1", "tagValue": "größer als @ 1"}])
    await personalize.tag_resource(resourceArn=group, tags=[{"tagKey": "team", "tagValue": ""}])
    tags = (await personalize.list_tags_for_resource(resourceArn=group))["tags"]
    assert {tag["tagKey"]: tag["tagValue"] for tag in tags} == {"team": "", "Stufe/1": "größer als @ 1"}
    await personalize.untag_resource(resourceArn=group, tagKeys=["team", "never"])
    assert len((await personalize.list_tags_for_resource(resourceArn=group))["tags"]) == 1


async def test_tags_have_limits(raw: RawClient, personalize: Any) -> None:
    def tags(count: int) -> list[dict[str, str]]:
        return [{"tagKey": f"k{number}", "tagValue": "v"} for number in range(count)]

    group = await _group(personalize, tags=tags(200))
    one_more = [{"tagKey": "one-more", "tagValue": "v"}]
    await _refused(personalize.tag_resource(resourceArn=group, tags=one_more), "TooManyTagsException")
    await _refused(personalize.create_dataset_group(name="g", tags=tags(201)), "TooManyTagsException")
    await _refused(
        personalize.create_event_tracker(name="t", datasetGroupArn=group, tags=tags(201)), "TooManyTagsException"
    )
    keys = [f"k{number}" for number in range(201)]
    await _refused(personalize.untag_resource(resourceArn=group, tagKeys=keys), "TooManyTagKeysException")
    for bad in ({"tagKey": "aws:mine"}, {"tagKey": "a*b"}, {"tagKey": "k" * 129}, {"tagValue": "v" * 257}):
        tag = {"tagKey": "k", "tagValue": "v"} | bad
        await _refused(personalize.tag_resource(resourceArn=group, tags=[tag]), "InvalidInputException")
    missing = MISSING.format("dataset-group")
    await _refused(personalize.list_tags_for_resource(resourceArn=missing), "ResourceNotFoundException")
    await _refused(personalize.tag_resource(resourceArn=raw.arn("schema/demo-items"), tags=[]), "InvalidInputException")
