"""Dataset import jobs: CSV files of the folder into a dataset, or the report of what is wrong with them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.control.schemas import Column, columns_of
from relay.emulator.data.properties import key_of
from relay.emulator.jobs.attribution import publish_to_s3
from relay.emulator.jobs.csv_rows import rows_of
from relay.emulator.jobs.folder import read_all
from relay.emulator.jobs.problem import JobProblem
from relay.emulator.state import Emulator
from relay.emulator.store.bulk import MAX_ROWS, Interaction
from relay.emulator.store.dataset_records import KIND_OF_TYPE

_ID_OF_TYPE = {"USERS": "USER_ID", "ITEMS": "ITEM_ID", "ACTIONS": "ACTION_ID"}
_OWN = frozenset(
    {"USER_ID", "ITEM_ID", "ACTION_ID", "TIMESTAMP", "EVENT_TYPE", "EVENT_VALUE", "RECOMMENDATION_ID", "IMPRESSION"}
)


def import_dataset(emulator: Emulator, job: Resource) -> None:
    """Do one dataset import job.

    Raises:
        S3Error: A file can't be read.
        JobProblem: A file does not fit the schema; nothing of it, or of the files beside it, was taken.
    """
    dataset = emulator.registry.get(Kind.DATASET, job.parent_arn or "")
    schema = emulator.schema_of(dataset)
    replace = job.details.get("importMode") != "INCREMENTAL"
    location = job.details["dataSource"]["dataLocation"]
    rows = [row for name, content in read_all(emulator, location) for row in rows_of(name, content, schema)]
    dataset_type = dataset.dataset_type or ""
    if dataset_type in KIND_OF_TYPE:
        columns = columns_of(schema)
        id_column = _ID_OF_TYPE[dataset_type]
        records = [(row[id_column], _properties(row, columns, id_column)) for row in rows]
        emulator.import_records(KIND_OF_TYPE[dataset_type], dataset.arn, records, replace=replace)
        return
    if len(rows) < emulator.min_interactions:
        raise JobProblem(
            f"There are {len(rows)} interactions in {location}; at least {emulator.min_interactions} are needed."
        )
    if len(emulator.bulk) + len(rows) > MAX_ROWS:
        raise JobProblem(f"The emulator holds {MAX_ROWS} interactions of imports at most.")
    interactions = list(map(_interaction, rows))
    emulator.import_rows(dataset.arn, interactions, replace=replace)
    if job.details.get("publishAttributionMetricsToS3"):
        publish_to_s3(emulator, dataset.dataset_group_arn or "", job.name, interactions)


def _interaction(row: dict[str, str]) -> Interaction:
    value = row.get("EVENT_VALUE")
    return Interaction(
        user_id=row["USER_ID"],
        item_id=row.get("ITEM_ID") or row.get("ACTION_ID", ""),
        timestamp=int(row["TIMESTAMP"]),
        event_type=row.get("EVENT_TYPE", ""),
        event_value=None if value is None else float(value),
        recommendation_id=row.get("RECOMMENDATION_ID", ""),
        impression=row.get("IMPRESSION", ""),
        more={column: text for column, text in row.items() if column not in _OWN},
    )


def _properties(row: dict[str, str], columns: Mapping[str, Column], id_column: str) -> str:
    values = {key_of(name): _typed(text, columns[name]) for name, text in row.items() if name != id_column}
    return msgspec.json.encode(values).decode() if values else ""


def _typed(text: str, column: Column) -> Any:
    match column.type:
        case "int" | "long":
            return int(text)
        case "float" | "double":
            return float(text)
        case "boolean":
            return text.lower() == "true"
        case _:
            return text
