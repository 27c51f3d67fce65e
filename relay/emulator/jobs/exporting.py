"""Dataset export jobs: a dataset as a CSV file in the folder, with the columns of its schema."""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.control.schemas import columns_of
from relay.emulator.data.events import decode_put_action_interactions, decode_put_events, item_of, value_of
from relay.emulator.data.properties import folded, folded_properties
from relay.emulator.jobs.folder import write
from relay.emulator.state import Emulator
from relay.emulator.store.bulk import Interaction
from relay.emulator.store.dataset_records import KIND_OF_TYPE

_ID_OF_KIND = {"users": "USER_ID", "items": "ITEM_ID", "actions": "ACTION_ID"}


def export_dataset(emulator: Emulator, job: Resource) -> None:
    """Do one dataset export job; `S3Error` when the file can't be written."""
    dataset = emulator.registry.get(Kind.DATASET, job.parent_arn or "")
    columns = list(columns_of(emulator.schema_of(dataset)))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    for row in _rows(emulator, dataset, job.details["ingestionMode"]):
        writer.writerow([_cell(row.get(folded(column))) for column in columns])
    destination = job.details["jobOutput"]["s3DataDestination"]["path"]
    write(emulator, destination, f"{job.name}.csv", [text.getvalue().encode()])


def _rows(emulator: Emulator, dataset: Resource, mode: str) -> Iterator[Mapping[str, Any]]:
    """Rows by `folded` column: those of imports, those of puts, or both."""
    kind = KIND_OF_TYPE.get(dataset.dataset_type or "")
    if kind is None:
        if mode != "PUT":
            yield from map(_of_import, emulator.bulk.of(dataset.arn))
        if mode != "BULK":
            of_actions = dataset.dataset_type == "ACTION_INTERACTIONS"
            yield from _action_events(emulator, dataset) if of_actions else _events(emulator, dataset)
        return
    for record_id, properties in emulator.records.of_dataset(kind, dataset.arn).items():
        if mode == "ALL" or (mode == "BULK") is emulator.records.is_bulk(dataset.arn, record_id):
            yield folded_properties(properties) | {folded(_ID_OF_KIND[kind]): record_id}


def _of_import(row: Interaction) -> dict[str, Any]:
    return {folded(column): value for column, value in row.more.items()} | {
        "USERID": row.user_id,
        "ITEMID": row.item_id,
        "ACTIONID": row.item_id,
        "TIMESTAMP": row.timestamp,
        "EVENTTYPE": row.event_type,
        "EVENTVALUE": row.event_value,
        "RECOMMENDATIONID": row.recommendation_id,
        "IMPRESSION": row.impression,
    }


def _events(emulator: Emulator, dataset: Resource) -> Iterator[dict[str, Any]]:
    for call in emulator.calls.after(0, operation="PutEvents"):
        if not call.taken:
            continue
        put = decode_put_events(call.body)
        if emulator.registry.group_of_tracking_id(put.tracking_id) != dataset.dataset_group_arn:
            continue
        for event in put.event_list:
            yield folded_properties(event.properties or "") | {
                "USERID": put.user_id or put.session_id,
                "ITEMID": item_of(event),
                "TIMESTAMP": int(event.sent_at),
                "EVENTTYPE": event.event_type,
                "EVENTVALUE": value_of(event),
                "RECOMMENDATIONID": event.recommendation_id or None,
                "IMPRESSION": "|".join(event.impression) if event.impression else None,
            }


def _action_events(emulator: Emulator, dataset: Resource) -> Iterator[dict[str, Any]]:
    for call in emulator.calls.after(0, operation="PutActionInteractions"):
        if not call.taken:
            continue
        put = decode_put_action_interactions(call.body)
        if put.tracking_id != dataset.tracking_id:
            continue
        for one in put.action_interactions:
            yield folded_properties(one.properties or "") | {
                "USERID": one.user_id or one.session_id,
                "ACTIONID": one.action_id,
                "TIMESTAMP": int(one.timestamp),
                "EVENTTYPE": one.event_type,
                "EVENTID": one.event_id or None,
                "RECOMMENDATIONID": one.recommendation_id or None,
                "IMPRESSION": "|".join(one.impression) if one.impression else None,
            }


def _cell(value: Any) -> Any:
    if value is None:
        return ""
    return value if isinstance(value, str | int | float) else msgspec.json.encode(value).decode()
