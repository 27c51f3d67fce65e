"""PutUsers, PutItems and PutActions through the wire: what they do, and each error the service models for them."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from relay.core.clock import SystemClock
from relay.emulator.wire.faults import FaultSpec, Rule
from relay.personalize import errors
from relay.personalize.connection import Connection
from relay.personalize.put.catalog import CATALOG_KINDS, CatalogKind, CatalogRecord
from relay.personalize.put.chunks import Chunk
from relay.personalize.put.journal import Journal, Progress
from relay.personalize.put.rows import Row
from relay.personalize.put.upload import Uploader
from relay.personalize.schema.ready_made import interactions_schema, items_schema
from relay.personalize.setup import DatasetType, SetupPlan, set_up
from relay.sink.base import Throttled, Unreachable
from relay.sink.personalize.sink import PersonalizeSink
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


async def put(kind: CatalogKind, arn: str, records: Sequence[CatalogRecord], folder: Path) -> Progress:
    """Records as one chunk; the service is given up at the first fault that passes."""
    rows = [Row(n, n, {}, b"raw", "") for n in range(1, len(records) + 1)]
    chunks = iter([Chunk(tuple(zip(rows, records, strict=True)), (), rows[-1])])

    async def read() -> Chunk | None:
        return next(chunks, None)

    start = Progress(operation=kind.operation, target=arn)
    async with PersonalizeSink() as sink:
        uploader = Uploader(
            sink=sink, kind=kind, dataset_arn=arn, clock=SystemClock(), chance=random.Random(1), give_up_s=-1
        )
        with Journal(state_path=None, rejected_path=folder / "rejected.jsonl", start=start) as journal:
            await uploader.run(read, journal)
            return journal.progress


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
async def test_ten_records_go_in_one_call(
    emulator: RunningEmulator, arns: Mapping[str, str], kind: CatalogKind, tmp_path: Path
) -> None:
    arn = arns[kind.dataset_type]
    records = [CatalogRecord(f"id{n}", '{"n":1}' if n else "{}") for n in range(10)]
    assert (await put(kind, arn, records, tmp_path)).sent == 10
    (body,) = emulator.bodies(kind.operation)
    entries = [{kind.id_name: f"id{n}"} | ({"properties": '{"n":1}'} if n else {}) for n in range(10)]
    assert body == {"datasetArn": arn, kind.plural: entries}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
@pytest.mark.parametrize(
    ("code", "status", "expected"),
    [
        ("ResourceNotFoundException", 404, errors.ResourceNotFoundError),
        ("ResourceInUseException", 409, errors.ResourceInUseError),
        ("AccessDeniedException", 400, errors.AccessDeniedError),
        ("OptInRequired", 403, errors.NotSubscribedError),
        ("ExpiredTokenException", 400, errors.CredentialsError),
        ("ThrottlingException", 400, errors.ThrottledError),
        ("InternalFailure", 500, errors.ServiceFailedError),
    ],
)
async def test_each_error_has_a_type_and_one_line(
    *,
    connection: Connection,
    emulator: RunningEmulator,
    kind: CatalogKind,
    code: str,
    status: int,
    expected: type[errors.PersonalizeError],
    tmp_path: Path,
) -> None:
    emulator.emulator.faults.apply(FaultSpec(error=Rule(code=code, status=status, operations=[kind.operation])))
    arn = emulator.emulator.arn("dataset/demo/ITEMS")
    with pytest.raises(expected, match=rf"^{kind.operation}: .+") as refused:
        await put(kind, arn, [CatalogRecord("id", "{}")], tmp_path)
    assert "\n" not in str(refused.value)
    assert emulator.emulator.calls.last_n == 1, "one attempt a call"


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.plural)
async def test_what_the_service_refuses_by_itself_is_told_the_same_way(
    connection: Connection, emulator: RunningEmulator, kind: CatalogKind, tmp_path: Path
) -> None:
    nowhere = emulator.emulator.arn(f"dataset/nowhere/{kind.plural.upper()}")
    with pytest.raises(errors.ResourceNotFoundError):
        await put(kind, nowhere, [CatalogRecord("id", "{}")], tmp_path)
    settled = await put(kind, nowhere, [CatalogRecord("x" * 257, "{}")], tmp_path)
    assert (settled.sent, settled.rejected) == (0, 1)


async def test_a_page_of_a_proxy_with_status_200_is_no_success(
    connection: Connection, emulator: RunningEmulator, tmp_path: Path
) -> None:
    emulator.emulator.faults.apply(FaultSpec(html=1.0))
    arn = emulator.emulator.arn("dataset/demo/ITEMS")
    with pytest.raises(errors.UnreachableError) as told:
        await put(CATALOG_KINDS["items"], arn, [CatalogRecord("id", "{}")], tmp_path)
    assert told.value.transient


def test_what_a_sink_says_of_this_machine_has_its_remedy() -> None:
    for outcome, kind in (
        (Unreachable("SSLCertVerificationError", "self-signed", "network"), errors.CertificateError),
        (Unreachable("SSOTokenLoadError", "Token for x does not exist", "credentials"), errors.LoginError),
        (Unreachable("NoCredentialsError", "Unable to locate credentials", "credentials"), errors.CredentialsError),
        (Unreachable("NoRegionError", "You must specify a region.", "target"), errors.RegionError),
        (Unreachable("SomethingNew", "", "service"), errors.ServiceFailedError),
        (Throttled("SlowDown"), errors.ThrottledError),
    ):
        error = errors.error_of(outcome, "PutItems")
        assert type(error) is kind
        assert str(error).startswith("PutItems: ")
