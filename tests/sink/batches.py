"""Batches for the sinks' tests."""

import msgspec

from relay.model import Batch, Operation, Record, SessionKey

SESSION = "0b6e7f0a3d7e4c389a6e"


def event(number: int = 1, **fields: object) -> dict[str, object]:
    """One entry of PutEvents, as the intake makes it."""
    return {"eventId": f"event-{number}", "eventType": "Click", "sentAt": 1795312345, "itemId": "p1", **fields}


def batch(
    *entries: dict[str, object],
    target: str,
    operation: Operation = Operation.PUT_EVENTS,
    user_id: str | None = None,
) -> Batch:
    """A batch of the entries."""
    key = SessionKey(operation, target, SESSION if operation is Operation.PUT_EVENTS else "")
    records = tuple(
        Record(
            seq=number,
            key=key,
            user_id=user_id,
            event_id=str(entry.get("eventId", number)),
            body=msgspec.json.encode(entry),
            accepted_at_ms=0,
        )
        for number, entry in enumerate(entries, 1)
    )
    return Batch(key=key, user_id=user_id, records=records)
