"""Plain dictionaries into the datasets of an emulator, which get the columns they lack."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from relay.emulator import Emulator
from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.control.schemas import DATASET_TYPES, columns_of
from relay.emulator.data.properties import column_name
from relay.emulator.store.bulk import Interaction
from relay.emulator.store.dataset_records import RecordKind

Row = Mapping[str, Any]

_OWN: Final = frozenset({"userId", "itemId", "timestamp", "eventType", "eventValue", "recommendationId", "impression"})
_RECORDS: Final[Mapping[RecordKind, tuple[str, str]]] = {
    "items": ("ITEMS", "itemId"),
    "users": ("USERS", "userId"),
    "actions": ("ACTIONS", "actionId"),
}


def load_records(emulator: Emulator, group: str, kind: RecordKind, rows: Iterable[Row]) -> None:
    """Items, users or actions: an id and properties each; `ValueError` where the id is missing."""
    dataset_type, id_name = _RECORDS[kind]
    whole = list(rows)
    records = [
        (_text(row, id_name), msgspec.json.encode({key: row[key] for key in row if key != id_name}).decode())
        for row in whole
    ]
    if records:
        dataset = _dataset(emulator, group, dataset_type, _columns(whole, without={id_name}))
        emulator.import_records(kind, dataset.arn, records, replace=False)


def load_interactions(emulator: Emulator, group: str, rows: Iterable[Row]) -> None:
    """Interactions, in the order in which they happened; `ValueError` where an id is missing."""
    whole = list(rows)
    if not whole:
        return
    now_s = emulator.clock.now_ms() // 1000
    interactions = [_interaction(row, now_s) for row in whole]
    dataset = _dataset(emulator, group, "INTERACTIONS", {"EVENT_TYPE": "string"} | _columns(whole, without=_OWN))
    emulator.import_rows(dataset.arn, interactions, replace=False)


def _interaction(row: Row, now_s: int) -> Interaction:
    value, impression = row.get("eventValue"), row.get("impression", "")
    return Interaction(
        user_id=_text(row, "userId"),
        item_id=_text(row, "itemId"),
        timestamp=int(row.get("timestamp", now_s)),
        event_type=str(row.get("eventType", "View")),
        event_value=None if value is None else float(value),
        recommendation_id=str(row.get("recommendationId", "")),
        impression=impression if isinstance(impression, str) else "|".join(map(str, impression)),
        more={column_name(key): str(row[key]) for key in row if key not in _OWN},
    )


def _text(row: Row, name: str) -> str:
    value = row.get(name)
    if not value:
        raise ValueError(f"{name} is missing in {dict(row)}")
    return str(value)


def _columns(rows: Sequence[Row], *, without: Iterable[str]) -> dict[str, str]:
    """Column to its type in a schema, of every key of the rows."""
    types: dict[str, str] = {}
    for row in rows:
        for key, value in row.items():
            if key not in without:
                number = "float" if isinstance(value, int | float) and not isinstance(value, bool) else "string"
                types[column_name(key)] = number if types.get(column_name(key), number) == number else "string"
    return types


def _dataset(emulator: Emulator, group: str, dataset_type: str, columns: Mapping[str, str]) -> Resource:
    """The dataset of a type, made if it is missing, with at least these columns."""
    group_arn = emulator.registry.get_active(Kind.DATASET_GROUP, emulator.arn(f"dataset-group/{group}")).arn
    dataset = emulator.dataset_of(group_arn, dataset_type)
    fields: dict[str, Any] = {}
    if dataset is not None:
        fields = {field["name"]: field for field in json.loads(emulator.schema_of(dataset))["fields"]}
        if columns.keys() <= columns_of(emulator.schema_of(dataset)).keys():
            return dataset
    for name, kind in DATASET_TYPES[dataset_type].items():
        fields.setdefault(name, {"name": name, "type": kind})
    for name, kind in columns.items():
        fields.setdefault(name, {"name": name, "type": ["null", kind]})
    schema = _schema(emulator, dataset_type, list(fields.values()))
    if dataset is None:
        dataset = Resource(
            kind=Kind.DATASET,
            arn=emulator.arn(f"dataset/{group}/{dataset_type}"),
            name=f"{group}-{dataset_type.lower()}",
            created_ms=schema.created_ms,
            dataset_group_arn=group_arn,
            dataset_type=dataset_type,
        )
    dataset.schema_arn = schema.arn
    emulator.registry.put(dataset)
    return dataset


def _schema(emulator: Emulator, dataset_type: str, fields: list[Any]) -> Resource:
    text = {"type": "record", "name": dataset_type, "namespace": "com.amazonaws.personalize.schema", "fields": fields}
    name = f"loaded-{dataset_type.lower()}-{emulator.uuid()[:8]}"
    schema = Resource(
        kind=Kind.SCHEMA,
        arn=emulator.arn(f"schema/{name}"),
        name=name,
        created_ms=emulator.clock.now_ms() - 3_600_000,  # so that a dataset made with it is ACTIVE at once
        schema=json.dumps(text | {"version": "1.0"}),
    )
    emulator.registry.add(schema)
    return schema
