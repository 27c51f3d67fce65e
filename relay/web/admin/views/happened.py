"""What the ring remembers, as one reads it: no property's value, and no user unless they are shown."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from msgspec import UNSET

from relay.core.service_message import without_values
from relay.insight.event_ring import Happened
from relay.insight.refusals import origin_shown
from relay.insight.told import CallMade, RefusedBeacon, TakenBeacon, outcome_word
from relay.web.routes.edge import Edge

_BETWEEN_TURNS: Final = 200
"""Things looked at before others have their turn: a few milliseconds."""


async def newest_first(edge: Edge) -> AsyncIterator[Happened]:
    """All that is remembered now. Who looks for a needle looks at twenty thousand; others come in between."""
    for looked_at, one in enumerate(list(edge.insight.caught_up().newest_first()), 1):
        yield one
        if looked_at % _BETWEEN_TURNS == 0:
            await asyncio.sleep(0)


def as_data(edge: Edge, one: Happened) -> dict[str, Any]:
    """One thing that happened, as JSON has it."""
    head: dict[str, Any] = {"number": one.number, "atMs": one.at_ms}
    if isinstance(one.what, TakenBeacon):
        return head | _taken(edge, one.what)
    if isinstance(one.what, CallMade):
        return head | _call(edge, one.what)
    if isinstance(one.what, RefusedBeacon):
        return head | _refused(one.what)
    return head


def user_shown(edge: Edge, user_id: str | None) -> str | None:
    """A user id where they are shown, else only that there is one."""
    if user_id is None:
        return None
    return user_id if edge.show_users else "(hidden)"


def _taken(edge: Edge, beacon: TakenBeacon) -> dict[str, Any]:
    begun, taken = beacon
    identity = begun.decision.identity
    rejected = {one.index: one for one in taken.rejected}
    dropped: dict[int, list[dict[str, str]]] = {}
    of_beacon: list[dict[str, str]] = []
    for drop in taken.dropped or ():
        said = {"field": drop.field, "reason": str(drop.reason)}
        (of_beacon if drop.index is UNSET else dropped.setdefault(int(drop.index), [])).append(said)
    ids = dict(zip(begun.places, begun.event_ids, strict=True))
    events: list[dict[str, Any]] = []
    for index, event in enumerate(begun.events):
        refused = rejected.get(index)
        events.append(
            {
                "eventId": ids.get(index) or _text(event, "event_id"),
                "type": _text(event, "event_type"),
                "item": _text(event, "item_id"),
                "source": _source(event),
                "recommendationId": _text(event, "recommendation_id"),
                "seen": len(getattr(event, "impression", None) or ()),
                "verdict": "accepted" if refused is None else str(refused.reason),
                "field": "" if refused is None else str(refused.field),
                "dropped": dropped.get(index, []),
            }
        )
    return {
        "kind": "beacon",
        "status": 202,
        "site": identity.site,
        "session": begun.session_id,
        "sentAs": identity.session_id,
        "user": user_shown(edge, identity.user_id),
        "identity": str(taken.identity),
        "bound": begun.decision.binding is not None,
        "seq": begun.came.seq,
        "origin": origin_shown(begun.came.origin),
        "browser": begun.came.browser,
        "lost": dict(begun.came.lost or {}),
        "dropped": of_beacon,
        "events": events,
    }


def _refused(beacon: RefusedBeacon) -> dict[str, Any]:
    return {
        "kind": "refusal" if beacon.status != 202 else "ignored",
        "what": beacon.kind,
        "status": beacon.status,
        "reason": beacon.error,
        "field": beacon.field,
        "site": beacon.site,
        "session": beacon.session_id,
        "origin": origin_shown(beacon.origin),
    }


def _call(edge: Edge, call: CallMade) -> dict[str, Any]:
    outcome = call.outcome
    return {
        "kind": "call",
        "operation": call.operation,
        "site": site_of(edge.sites, call.target),
        "session": call.session_id,
        "user": user_shown(edge, call.user_id),
        "outcome": outcome_word(outcome),
        "code": getattr(outcome, "code", ""),
        "message": without_values(getattr(outcome, "message", "")),
        "requestId": getattr(outcome, "request_id", ""),
        "eventIds": list(call.event_ids),
    }


def site_of(sites: Mapping[str, Any], target: str) -> str:
    """The sites of a tracking id, which itself stays inside."""
    return ", ".join(sorted(name for name, site in sites.items() if site.destination.tracking_id == target))


def _text(event: object, name: str) -> str:
    value = getattr(event, name, None)
    return value if isinstance(value, str) else ""


def _source(event: object) -> str:
    attribution = getattr(event, "metric_attribution", None)
    return str(getattr(attribution, "event_attribution_source", "") or "")
