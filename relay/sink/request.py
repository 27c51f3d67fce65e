"""A batch as the request the service wants. Bodies are joined, not decoded: records hold the JSON it gets."""

from typing import Final, NamedTuple

import msgspec

from relay.model import Batch, Operation


class _Shape(NamedTuple):
    path: str
    target: str
    entries: str


_SHAPES: Final = {
    Operation.PUT_EVENTS: _Shape("/events", "trackingId", "eventList"),
    Operation.PUT_ACTION_INTERACTIONS: _Shape("/action-interactions", "trackingId", "actionInteractions"),
    Operation.PUT_USERS: _Shape("/users", "datasetArn", "users"),
    Operation.PUT_ITEMS: _Shape("/items", "datasetArn", "items"),
    Operation.PUT_ACTIONS: _Shape("/actions", "datasetArn", "actions"),
}
"""Paths and member names of botocore's service model `personalize-events` 2018-03-22."""


def request_of(batch: Batch) -> tuple[str, bytes]:
    """Path and body of the call for a batch; only PutEvents names session and user on the call itself."""
    operation, target, session_id = batch.key
    shape = _SHAPES[operation]
    call = {shape.target: target}
    if operation is Operation.PUT_EVENTS:
        call["sessionId"] = session_id
        if batch.user_id is not None:
            call["userId"] = batch.user_id
    head = msgspec.json.encode(call)
    entries = b",".join([record.body for record in batch.records])
    return shape.path, b'%b,"%b":[%b]}' % (head[:-1], shape.entries.encode(), entries)
