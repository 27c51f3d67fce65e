"""`/lists`: what came of each list: seen, clicked, in the cart, bought; last hour and day."""

from collections import Counter
from typing import Any, Final

from starlette.requests import Request

from relay.insight.minute_rows import CountKey
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import counted_by
from relay.web.routes.edge import Edge

_MEASURES: Final = ("events", "seen", "clicked", "carts", "purchases")
_MOST: Final = 200
"""Rows of one table."""
_PER_SPAN: Final = ("seen", "clicked", "click_through", "carts", "purchases")
_COLUMNS: Final[tuple[str | html.Counted, ...]] = (
    "List",
    *(
        html.Counted(f"{name.replace('_', '-').capitalize()}, {span}", name)
        for span in ("hour", "day")
        for name in _PER_SPAN
    ),
)


async def lists(edge: Edge, _request: Request) -> View:
    """Two tables: by source, and by recommendation id."""
    hour, day = await edge.insight.last_hour(), await edge.insight.last_day()
    counted, whose = await counted_by(edge)
    data: dict[str, list[dict[str, Any]]] = {
        "sources": _rows("source", hour, day),
        "recommendations": _rows("recommendation", hour, day),
    }
    lead = html.joined(
        "Of what Amazon Personalize took, counted as its metric attribution does. Seen: items of a list that a session"
        " saw, each once, as they came with its events; lists nobody acted on count only with ",
        html.code("RELAY_FORWARD_IMPRESSIONS=1"),
        ".",
    )
    sections = [
        html.Section("By source", [_table("Lists by source (data-relay-source)", data["sources"])]),
        html.Section("By recommendation id", [_table("Lists by recommendation id", data["recommendations"])]),
        html.Section(
            "Nothing here?",
            [
                html.words(
                    "Lists are counted by data-relay-source and data-relay-recommendation-id of the page's list, or"
                    " metricAttribution and recommendationId of an event, once it is delivered. ",
                    html.link("/events", "Do events come?"),
                    " ",
                    html.link("/", "Are they delivered?"),
                )
            ],
        ),
        *whose,
    ]
    return View("Lists", lead, data | counted, sections)


def _rows(table: str, hour: Counter[CountKey], day: Counter[CountKey]) -> list[dict[str, Any]]:
    names = {key[2] for counts in (hour, day) for key in counts if key[:2] == ("list", table)}
    most = sorted(names, key=lambda name: (-day["list", table, name, "events"], name))[:_MOST]
    return [{"name": name, "hour": _measures(table, name, hour), "day": _measures(table, name, day)} for name in most]


def _measures(table: str, name: str, counts: Counter[CountKey]) -> dict[str, Any]:
    found: dict[str, Any] = {measure: counts["list", table, name, measure] for measure in _MEASURES}
    found["clickThrough"] = round(found["clicked"] / found["seen"], 4) if found["seen"] else None
    return found


def _table(caption: str, rows: list[dict[str, Any]]) -> html.Table:
    cells = [(html.name(row["name"]), *_shown(row["hour"]), *_shown(row["day"])) for row in rows]
    return html.Table(caption, _COLUMNS, cells, "No delivered event of the last day named a list.")


def _shown(one: dict[str, Any]) -> tuple[object, ...]:
    through = "\N{EN DASH}" if one["clickThrough"] is None else f"{one['clickThrough']:.1%}"
    return one["seen"], one["clicked"], through, one["carts"], one["purchases"]
