"""`/events`: the live tail, and the same as server-sent events.

A tail shows two hundred lines a second at most, and says how many it left out.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from functools import partial
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from relay.insight.event_ring import Happened
from relay.web.admin.views import html
from relay.web.admin.views.answering import HEADERS, View
from relay.web.admin.views.happened import as_data, newest_first
from relay.web.admin.views.timeline import rows_of, tail_table
from relay.web.admin.views.words import word
from relay.web.routes.answer import Problem
from relay.web.routes.edge import Edge, edge_of

FILTERS: Final = ("session", "user", "item", "type", "site", "verdict", "event")
_SHOWN: Final = 200
_EVERY_S: Final = 0.5
_MOST_AT_ONCE: Final = 100
MOST_TAILS: Final = 20
"""Streams open at once."""
_ALIVE_EVERY: Final = 8
"""Looks in vain after which the stream says that the relay still is there: four seconds, half of what a page calls old.
"""

_tails: set[int] = set()


def wanted(edge: Edge, asked: Callable[[str], str]) -> Callable[[dict[str, Any]], bool]:
    """Whether a line is one of those asked for."""
    filters = {name: asked(name) for name in FILTERS if asked(name)}
    if not edge.show_users:
        filters.pop("user", None)

    def matches(line: dict[str, Any]) -> bool:
        return all(_has(line, name, value) for name, value in filters.items())

    return matches


def _has(line: dict[str, Any], name: str, value: str) -> bool:
    events: list[dict[str, Any]] = line.get("events", [])
    if name in ("session", "site"):
        return value in (line.get(name), line.get("sentAs"))
    if name == "user":
        return line.get("user") == value
    if name == "verdict":
        drops = [*line.get("dropped", ()), *(drop for one in events for drop in one["dropped"])]
        return (
            value in (line.get("reason"), line.get("outcome"), line.get("identity"))
            or any(value == one["verdict"] for one in events)
            or any(value in (drop["reason"], "dropped") for drop in drops)
        )
    if name == "event":
        return value in line.get("eventIds", ()) or any(one["eventId"] == value for one in events)
    return any(one[name] == value for one in events)


async def events(edge: Edge, request: Request) -> View:
    """The last of them, newest first."""
    asked = request.query_params.get
    matches = wanted(edge, lambda name: (asked(name) or "").strip())
    ring = edge.insight.caught_up()
    lines: list[dict[str, Any]] = []
    async for one in newest_first(edge):
        line = as_data(edge, one)
        if matches(line):
            lines.append(line)
            if len(lines) >= _SHOWN:
                break
    data = {
        "events": lines,
        "leftOut": ring.left_out,
        "notCounted": edge.insight.not_looked_at,
        "kept": len(ring),
        "sinceMs": ring.since_ms(),
        "lastNumber": ring.number,
    }
    sections = [
        html.Section("Show", [_form(edge, asked)]),
        html.Section("The last of them, newest first", [_honest(data), tail_table(rows_of(lines))]),
    ]
    lead = "Beacons, what became of their events, and calls, as they happen: of this relay, if there are several."
    return View("Events", lead, data, sections, script="/tail.js")


def _honest(data: dict[str, Any]) -> html.Markup:
    since: object = html.moment(data["sinceMs"]) if data["sinceMs"] else "now"
    left_out = data["leftOut"] + data["notCounted"]
    more = (f" {left_out:,} events were left out: it is ", word("sampled"), ".") if left_out else ()
    return html.words(f"{data['kept']:,} beacons and calls are ", word("remembered"), ", since ", since, ".", *more)


def _form(edge: Edge, asked: Callable[[str], str | None]) -> html.Markup:
    fields = "".join(
        f'<label>{name.capitalize()} <input name="{name}" value={html.quoted(asked(name) or "")} autocomplete="off"'
        ' spellcheck="false" dir="auto"></label>'
        for name in FILTERS
        if name != "user" or edge.show_users
    )
    buttons = '<button>Filter</button> <button type="button" id="pause" aria-pressed="false" hidden>Pause</button>'
    return html.Markup(f'<form class="bar" method="get" action="/events" role="search">{fields}{buttons}</form>')


async def stream(request: Request) -> Response:
    """The tail as server-sent events, from now on or from `after`; with `bell`, only that there is more."""
    edge = edge_of(request.scope)
    if len(_tails) >= MOST_TAILS:
        problem = Problem("busy", f"{MOST_TAILS} tails are open already; close one")
        return Response(msgspec.json.encode(problem), 503, HEADERS, media_type="application/json")
    asked = request.query_params.get
    after = asked("after") or request.headers.get("last-event-id") or ""
    number = int(after) if after.isdecimal() and len(after) < 16 else edge.insight.caught_up().number
    matches = wanted(edge, lambda name: (asked(name) or "").strip())
    lines = _tail(edge, number, _rung if "bell" in request.query_params else partial(_shown_lines, edge, matches))
    return StreamingResponse(lines, headers=HEADERS, media_type="text/event-stream")


def _rung(fresh: Sequence[Happened]) -> list[bytes]:
    return [b"data: {}\n\n"] if fresh else []


def _shown_lines(edge: Edge, matches: Callable[[dict[str, Any]], bool], fresh: Sequence[Happened]) -> list[bytes]:
    shown: list[bytes] = []
    left_out = 0
    for one in fresh:
        line = as_data(edge, one)
        if not matches(line):
            continue
        if len(shown) < _MOST_AT_ONCE:
            shown.append(b"id: %d\ndata: %s\n\n" % (one.number, msgspec.json.encode(line)))
        else:
            left_out += 1
    if left_out:
        shown.append(b'event: sampled\ndata: {"leftOut":%d}\n\n' % left_out)
    return shown


async def _tail(edge: Edge, number: int, say: Callable[[Sequence[Happened]], list[bytes]]) -> AsyncGenerator[bytes]:
    me = id(object())
    _tails.add(me)
    quiet = 0
    try:
        yield b": here\n\n"
        while not edge.readiness.draining:
            fresh = edge.insight.caught_up().after(number)
            shown = say(fresh)
            if fresh:
                number = fresh[-1].number
            quiet = 0 if shown else quiet + 1
            if shown:
                yield b"".join(shown)
            elif quiet % _ALIVE_EVERY == 0:
                yield b"event: alive\ndata: {}\n\n"
            await asyncio.sleep(_EVERY_S)
    finally:
        _tails.discard(me)
