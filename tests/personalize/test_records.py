"""PutUsers, PutItems and PutActions through the wire: what they do, and each error the service models for them."""

from collections.abc import Mapping

import pytest

from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize import errors
from relay.personalize.connection import Connection
from relay.personalize.put.catalog import CATALOG_KINDS, CatalogKind, CatalogRecord
from relay.personalize.put.records import put_records
from relay.personalize.schema.ready_made import interactions_schema, items_schema
from relay.personalize.setup import DatasetType, SetupPlan, set_up
from tests.support.emulator import RunningEmulator

KINDS = list(CATALOG_KINDS.values())


def avro(name: str, key: str) -> str:
    return (
        f'{{"type":"record","name":"{name}","namespace":"com.amazonaws.personalize.schema","version":"1.0","fields":['
        f'{{"name":"{key}","type":"string"}},{{"name":"N","type":["null","int"]}}]}}'
    )


@pytest.fixture
async def arns(connection: Connection) -> Mapping[str, str]:
    schemas: dict[DatasetType, str] = {
        "Interactions": interactions_schema(),
        "Users": avro("Users", "USER_ID"),
        "Items": items_schema("custom"),
        "Actions": avro("Actions", "ACTION_ID"),
    }
    plan = SetupPlan(name="all", domain="custom", schemas=schemas)
    return (await set_up(connection, plan, timeout_s=10)).dataset_arns


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
async def test_ten_records_go_in_one_call(
    connection: Connection, emulator: RunningEmulator, arns: Mapping[str, str], kind: CatalogKind
) -> None:
    arn = arns[kind.dataset_type]
    await put_records(connection, kind, arn, [CatalogRecord(f"id{n}", "{}") for n in range(10)])
    (body,) = emulator.bodies(kind.operation)
    assert body == {"datasetArn": arn, kind.plural: [{kind.id_name: f"id{n}"} for n in range(10)]}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
@pytest.mark.parametrize(
    "refusal",
    [
        ("InvalidInputException", 400, errors.InvalidInputError),
        ("ResourceNotFoundException", 404, errors.ResourceNotFoundError),
        ("ResourceInUseException", 409, errors.ResourceInUseError),
    ],
)
async def test_each_modelled_error_has_a_type_and_one_line(
    connection: Connection,
    emulator: RunningEmulator,
    kind: CatalogKind,
    refusal: tuple[str, int, type[errors.PersonalizeError]],
) -> None:
    code, status, expected = refusal
    emulator.emulator.faults.apply(FaultSpec(error=Rule(code=code, status=status, operations=[kind.operation])))
    arn = emulator.emulator.arn("dataset/demo/ITEMS")
    with pytest.raises(expected, match=rf"^{kind.operation}: .+") as refused:
        await put_records(connection, kind, arn, [CatalogRecord("id", "{}")])
    assert "\n" not in str(refused.value)
    assert not refused.value.transient


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
async def test_what_the_service_refuses_by_itself_is_told_the_same_way(
    connection: Connection, emulator: RunningEmulator, kind: CatalogKind
) -> None:
    nowhere = emulator.emulator.arn(f"dataset/nowhere/{kind.plural.upper()}")
    with pytest.raises(errors.ResourceNotFoundError):
        await put_records(connection, kind, nowhere, [CatalogRecord("id", "{}")])
    with pytest.raises(errors.InvalidInputError):
        await put_records(connection, kind, nowhere, [CatalogRecord("x" * 257, "{}")])
    with pytest.raises(errors.InvalidInputError):
        await put_records(connection, kind, nowhere, [CatalogRecord(f"id{n}", "{}") for n in range(11)])


async def test_a_page_of_a_proxy_with_status_200_is_no_success(
    connection: Connection, emulator: RunningEmulator
) -> None:
    emulator.emulator.faults.apply(FaultSpec(html=1.0))
    arn = emulator.emulator.arn("dataset/demo/ITEMS")
    with pytest.raises(errors.UnreachableError) as told:
        await put_records(connection, CATALOG_KINDS["items"], arn, [CatalogRecord("id", "{}")])
    assert told.value.transient
