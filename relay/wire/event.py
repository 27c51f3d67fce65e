"""One event of a beacon: its typed shape, and the entry of a PutEvents call it becomes.

Every limit of the service on an event is enforced here or in `salvage`, with the numbers of `limits`; the service's
own client checks none of the maxima.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.core import limits
from relay.core.model import Reason
from relay.wire.fields import Drop
from relay.wire.properties import ANY_NAME, Packed, PropertyNames, packed_properties
from relay.wire.values import Field, say_something

DAY_MS: Final = 86_400_000
"""How far ahead of the relay's clock a corrected time may be."""

_Id = Annotated[str, Meta(min_length=1, max_length=limits.MAX_ID_CHARS)]


class Attribution(msgspec.Struct, rename="camel", frozen=True, forbid_unknown_fields=True, gc=False):
    """Where a click came from, for metric attribution."""

    event_attribution_source: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=limits.MAX_ATTRIBUTION_SOURCE_CHARS,
            pattern=r"^[\x20-\x7E]*[\x21-\x7E][\x20-\x7E]*\Z",
        ),
    ]


class BeaconEvent(msgspec.Struct, rename="camel", omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """An event as the browser sends it, each field within its limit; times and `properties` still to be looked at.

    Its fields are those of an entry of PutEvents' `eventList`, by the service's names: `entry` turns it into one.
    """

    event_type: _Id
    event_id: _Id = ""
    """Empty, as the other texts: there is none."""
    item_id: _Id = ""
    sent_at: float | UnsetType = UNSET
    """Milliseconds by the browser's clock."""
    event_value: Annotated[float, Meta(ge=-limits.MAX_EVENT_VALUE, le=limits.MAX_EVENT_VALUE)] | UnsetType = UNSET
    properties: dict[str, Any] | str | UnsetType = UNSET
    recommendation_id: Annotated[str, Meta(min_length=1, max_length=limits.MAX_RECOMMENDATION_ID_CHARS)] = ""
    impression: Annotated[list[_Id], Meta(min_length=1, max_length=limits.MAX_IMPRESSION_ITEMS)] | UnsetType = UNSET
    metric_attribution: Attribution | UnsetType = UNSET


class Rejected(msgspec.Struct, frozen=True):
    """An event that is not taken, alone."""

    reason: Reason
    field: Field
    """Which one it is about; `eventList` when the entry is no event at all."""
    event_id: str | None = None
    """As sent, where it is an id at all."""
    detail: str | None = None
    """What was understood, for a backend's developer."""


_encode: Final = msgspec.json.Encoder().encode


def have_saying_ids(events: Sequence[BeaconEvent], *, has_blanks: bool = True) -> bool:
    """Whether every id of the events says something; without `has_blanks` none of them can be blank."""
    ids: list[str] = []
    for event in events:
        ids += (event.event_type, event.event_id, event.item_id, event.recommendation_id)
        if event.impression:
            ids += event.impression
    return say_something(ids, has_blanks=has_blanks)


def entry(
    event: BeaconEvent,
    *,
    event_id: str,
    skew_ms: float,
    now_ms: int,
    max_age_ms: float,
    dropped: list[Drop],
    index: int = 0,
    names: PropertyNames = ANY_NAME,
) -> bytes | None:
    """The event as one entry of a PutEvents call, UTF-8 JSON; None when its time cannot be (`bad_time`).

    Args:
        event: Within the limits of its type. It becomes the entry: afterwards its `sent_at` is in whole seconds, the
            finest the service's clients keep, and its `properties` are a text.
        event_id: The event's own, or one made for it.
        skew_ms: What to add to the browser's times to get the relay's.
        now_ms: The relay's time, used for an event without one.
        max_age_ms: Older events are refused.
        dropped: Gets what is left out of the event: of its properties, or to fit the service's limit.
        index: Of the event in its list.
        names: Which properties may pass.
    """
    sent_at, properties = event.sent_at, event.properties
    at_ms = now_ms if sent_at is UNSET else sent_at + skew_ms
    if not now_ms - max_age_ms <= at_ms <= now_ms + DAY_MS or at_ms < 0:
        return None
    if not properties:
        event.properties = UNSET
    else:
        packed = packed_properties(properties, names=names)
        if isinstance(packed, Packed):  # asked for first: to ask for an enumeration takes ten times as long
            event.properties = packed.text
            if packed.left_out:
                dropped += [Drop("properties", reason, index) for reason in packed.left_out]
        else:
            dropped.append(Drop("properties", packed, index))
            event.properties = UNSET
    event.event_id = event_id
    event.sent_at = int(at_ms) // 1000  # not negative; the same of a float goes through a slow remainder
    body = _encode(event)
    # A shorter entry holds nothing that could be too long together.
    return body if len(body) <= limits.MAX_CATEGORICAL_CHARS else _shortened(event, body, dropped, index)


def _shortened(event: BeaconEvent, body: bytes, dropped: list[Drop], index: int) -> bytes:
    """The entry without what makes it larger than the service takes; its ids alone never do."""
    if event.impression and len("|".join(event.impression)) > limits.MAX_CATEGORICAL_CHARS:
        event.impression = UNSET
        dropped.append(Drop("impression", Reason.TOO_LONG, index))
        body = _encode(event)
    if len(body) > limits.MAX_EVENT_BYTES and event.impression is not UNSET:
        event.impression = UNSET
        dropped.append(Drop("impression", Reason.TOO_LARGE, index))
        body = _encode(event)
    if len(body) > limits.MAX_EVENT_BYTES:
        event.properties = UNSET
        dropped.append(Drop("properties", Reason.TOO_LARGE, index))
        body = _encode(event)
    return body
