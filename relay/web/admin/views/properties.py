"""`/properties`: names of properties and event types that went out, and what of them is of no use."""

from starlette.requests import Request

from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge


async def properties(edge: Edge, _request: Request) -> View:
    """Three tables, of the last day."""
    day = await edge.insight.last_day()
    names = {key[1]: count for key, count in day.items() if key[0] == "property"}
    types = {key[1]: count for key, count in day.items() if key[0] == "type"}
    no_item = {key[1]: count for key, count in day.items() if key[0] == "no_item"}
    causes = [one for one in await edge.insight.causes() if one.key[1] == "bad_time"]
    data = {
        "properties": [{"name": name, "events": count, "column": None} for name, count in names.items()],
        "eventTypes": [{"type": name, "events": count} for name, count in types.items()],
        "withoutItem": [{"type": name, "events": count} for name, count in no_item.items()],
        "tooOld": sum(one.times for one in causes),
    }
    most = sorted(names.items(), key=lambda one: -one[1])
    sections = [
        html.Section(
            "Properties",
            [
                html.words(
                    "Amazon Personalize uses only properties that are columns of the schema of the interactions"
                    " dataset. `personalize-relay check` reads the schema and says which of these are not; a name that"
                    " is none (letters, digits, _; 64 at most) is counted under (others)."
                ),
                html.Table(
                    "Properties of delivered events, last day",
                    ("Property", "Events", "In the schema"),
                    [(html.name(name), count, "not known yet: run check") for name, count in most],
                    "No delivered event of the last day had properties.",
                ),
            ],
        ),
        html.Section(
            "Event types",
            [
                html.words(
                    "A recommender learns from the event types of its recipe, a solution from the one it names."
                ),
                html.Table(
                    "Types of delivered events, last day",
                    ("Event type", "Events", "Without an item"),
                    [
                        (html.name(name), count, no_item.get(name, 0))
                        for name, count in sorted(types.items(), key=lambda one: -one[1])
                    ],
                    "No event was delivered in the last day.",
                ),
                html.words("Without an item nothing is learned: ", word("no_item"), "."),
            ],
        ),
        html.Section(
            "Too old, or from the future",
            [html.words(f"{data['tooOld']:,} events were rejected as ", word("bad_time"), ".")],
        ),
    ]
    lead = "What Amazon Personalize got and can or cannot use, counted while it was delivered."
    return View("Properties", lead, data, sections)
