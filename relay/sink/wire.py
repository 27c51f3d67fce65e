"""A batch as the service's call: path and body, joined from what is stored without decoding any of it."""

from typing import Final

import msgspec

from relay.core.model import Batch, Operation

_encode: Final = msgspec.json.Encoder().encode

_CALLS: Final = {
    Operation.PUT_EVENTS: ("/events", b"trackingId", b"eventList"),
    Operation.PUT_USERS: ("/users", b"datasetArn", b"users"),
    Operation.PUT_ITEMS: ("/items", b"datasetArn", b"items"),
    Operation.PUT_ACTIONS: ("/actions", b"datasetArn", b"actions"),
    Operation.PUT_ACTION_INTERACTIONS: ("/action-interactions", b"trackingId", b"actionInteractions"),
}
"""Path, name of the target's field, name of the list (service model `personalize-events` 2018-03-22)."""


def path_of(operation: Operation) -> str:
    """Path of a call."""
    return _CALLS[operation][0]


def body_of(batch: Batch) -> bytes:
    """The call's JSON. Session and user stand on the call for PutEvents only; there is no user where there is none."""
    _, target_field, list_field = _CALLS[batch.key.operation]
    parts = [b'{"', target_field, b'":', _encode(batch.key.target)]
    if batch.key.operation is Operation.PUT_EVENTS:
        parts += [b',"sessionId":', _encode(batch.key.session_id)]
        if batch.user_id is not None:
            parts += [b',"userId":', _encode(batch.user_id)]
    parts += [b',"', list_field, b'":[', batch.body, b"]}"]
    return b"".join(parts)
