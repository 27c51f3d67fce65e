"""What the spool and the archive hold of a session, or of a person who asks; no property's value."""

import asyncio
from typing import Any, Final, NamedTuple

import msgspec
from starlette.requests import Request

from relay.core.errors import SpoolError
from relay.spool.administration import Kept, Place
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import held_by
from relay.web.admin.views.happened import site_of, user_shown
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge
from relay.web.routes.request_body import read_body

MOST: Final = 500
"""Events that are listed; all are counted."""
PATIENCE_S: Final = 10.0
_PLACES: Final[tuple[Place, ...]] = ("pending", "buried", "archived")


class _Seen(msgspec.Struct):
    eventType: str = ""  # noqa: N815 - as in the entry
    itemId: str = ""  # noqa: N815


_seen: Final = msgspec.json.Decoder(_Seen).decode


class Holdings(NamedTuple):
    """What was found."""

    data: dict[str, Any]
    notes: list[html.Markup]


async def held_in_spool(edge: Edge, *, session_id: str | None = None, user_id: str | None = None) -> Holdings:
    """Events of a session or of a user, and the sessions bound to the user."""
    data: dict[str, Any] = {"events": [], "counts": dict.fromkeys(_PLACES, 0), "sessions": [], "complete": True}
    notes: list[html.Markup] = []
    if edge.administration is None:
        data["complete"] = False
        notes.append(html.words("This spool is in memory: it cannot be looked into."))
        return Holdings(data, notes)
    try:
        async with asyncio.timeout(PATIENCE_S):
            await _look(edge, data, session_id, user_id)
    except (TimeoutError, SpoolError):
        data["complete"] = False
        notes.append(html.words("Not all of it could be looked at in time: there may be more."))
    if len(data["events"]) < sum(data["counts"].values()):
        notes.append(html.words(f"The first {MOST} of these ", html.link("/words#event", "events"), " are listed."))
    return Holdings(data, notes)


async def _look(edge: Edge, data: dict[str, Any], session_id: str | None, user_id: str | None) -> None:
    administration = edge.administration
    if administration is None:
        return
    if user_id is not None:
        data["sessions"] = await administration.sessions_of(user_id)
    for place in _PLACES:
        async for some in administration.events_of(place, session_id=session_id, user_id=user_id):
            for one in some:
                _note(edge, data, place, one)


def _note(edge: Edge, data: dict[str, Any], place: Place, one: Kept) -> None:
    data["counts"][place] += 1
    if len(data["events"]) >= MOST:
        return
    try:
        seen = _seen(one.body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        seen = _Seen()
    data["events"].append(
        {
            "place": place,
            "site": site_of(edge.sites, one.target),
            "session": one.session_id,
            "user": user_shown(edge, one.user_id),
            "eventId": one.event_id,
            "type": seen.eventType,
            "item": seen.itemId,
        }
    )


def held_counts(held: Holdings) -> html.Markup:
    """How many events, by where they lie."""
    counts = held.data["counts"]
    return html.words(*[part for place in _PLACES for part in (f"{counts[place]:,} ", word(place), ". ")])


def held_table(held: Holdings) -> html.Table:
    """The events."""
    rows = [
        (
            one["place"],
            html.name(one["type"]),
            html.name(one["item"]),
            html.name(one["eventId"]),
            html.name(one["user"] or ""),
        )
        for one in held.data["events"]
    ]
    return html.Table("Events that are held", ("Where", "Type", "Item", "Event id", "User"), rows, "Nothing is held.")


async def held(edge: Edge, request: Request) -> View:
    """`POST /held`: what is held of a person, for an access request. The user id is never in a URL."""
    body = await read_body(request.receive, dict(request.scope["headers"]), max_bytes=4096)
    try:
        user_id = msgspec.json.decode(body, type=dict[str, str])["userId"]
    except (msgspec.DecodeError, UnicodeDecodeError, KeyError):
        return View("Held", 'Send {"userId": …}.', {"error": "bad_type", "detail": 'send {"userId": …}'}, [], 400)
    found = await held_in_spool(edge, user_id=user_id)
    remembered = edge.insight.count_of(user_id)
    data = found.data | {"remembered": remembered, "refused": user_id in edge.spool.erased}
    counted, whose = await held_by(edge, "What is remembered for the pages")
    sections = [html.Section("Events", [held_counts(found), *found.notes, held_table(found)]), *whose]
    return View("Held", "What is held of this person here.", data | counted, sections)
