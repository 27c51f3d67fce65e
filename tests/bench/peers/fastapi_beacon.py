"""What both FastAPI peers share: the body as a pydantic model, and the entries of PutEvents made from it."""

import json
from typing import Any

from pydantic import BaseModel


class Event(BaseModel):
    eventId: str
    eventType: str
    itemId: str
    sentAt: int
    recommendationId: str | None = None
    impression: list[str] | None = None
    properties: dict[str, float | str] | None = None


class Beacon(BaseModel):
    sessionId: str
    eventList: list[Event]


def entries(beacon: Beacon) -> list[Any]:
    """The beacon's events as boto3 wants them."""
    made = []
    for event in beacon.eventList:
        entry = event.model_dump(exclude_none=True)
        entry["sentAt"] = event.sentAt // 1000
        if event.properties is not None:
            entry["properties"] = json.dumps(event.properties)
        made.append(entry)
    return made
