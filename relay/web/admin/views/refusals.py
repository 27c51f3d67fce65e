"""`/refusals`: why something was not taken, by cause, the latest first."""

from typing import Any, Final

from starlette.requests import Request

from relay.insight.minute_rows import RefusalRow
from relay.insight.remedies import remedy_of
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import counted_by
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge

WHAT: Final = {
    "beacon": "whole beacon refused",
    "ignored": "beacon not wanted",
    "event": "event rejected",
    "field": "field dropped",
    "unknown": "field ignored",
    "identity": "user not used",
    "snippet": "snippet not found",
    "api": "server call refused",
}


async def refusals(edge: Edge, _request: Request) -> View:
    """The table."""
    rows = [as_data(one) for one in await edge.insight.causes()]
    counted, whose = await counted_by(edge)
    table = html.Table(
        "Refusals, the latest first",
        (
            "What",
            "Why",
            "Field",
            "Origin",
            "Site",
            "Event type",
            html.Counted("Times", "times"),
            "First",
            "Last",
            "What to do",
        ),
        [
            (
                WHAT.get(row["what"], row["what"]),
                word(row["reason"]),
                html.name(row["field"]),
                html.name(row["origin"]),
                html.name(row["site"]),
                html.name(row["eventType"]),
                row["count"],
                html.moment(row["firstMs"]),
                html.moment(row["lastMs"]),
                row["do"],
            )
            for row in rows
        ],
        "Nothing was refused.",
    )
    lead = (
        "Everything that was not taken as it came, by cause; half of the room is kept for allowed origins and valid"
        " tokens. Never a token, a user id or a property's value."
    )
    return View("Refusals", lead, {"refusals": rows} | counted, [html.Section("By cause", [table]), *whose])


def as_data(one: RefusalRow) -> dict[str, Any]:
    """One cause as JSON has it."""
    kind, reason, field, origin, site, event_type = one.key
    explained = remedy_of(reason)
    return {
        "what": kind,
        "reason": reason,
        "field": field,
        "origin": origin,
        "site": site,
        "eventType": event_type,
        "trusted": one.trusted,
        "count": one.times,
        "firstMs": one.first_ms,
        "lastMs": one.last_ms,
        "means": explained.means,
        "do": explained.do,
    }
