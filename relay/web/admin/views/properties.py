"""`/properties`: names of properties and event types that went out, beside the schema: what is of no use."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from starlette.requests import Request

from relay.insight.datasets import Behind, Datasets
from relay.insight.minute_rows import OTHER, CountKey
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import counted_by
from relay.web.admin.views.happened import site_of
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge

if TYPE_CHECKING:  # the SDK is read when it is needed
    from relay.personalize import Judged

_MOST: Final = 200
"""Rows of one table."""
_NOTHING: Final = Behind()


async def properties(edge: Edge, _request: Request) -> View:
    """Three tables, of the last day."""
    day = await edge.insight.last_day()
    behind = {} if edge.datasets is None else await edge.datasets.known()
    causes = [one for one in await edge.insight.causes() if one.key[1] == "bad_time"]
    names = _rows(edge, day, "property", "name", lambda target, name: _of(behind, target).judged_property(name))
    types = _rows(edge, day, "type", "type", lambda target, name: _of(behind, target).judged_type(name))
    for row, key in types:
        row["withoutItem"] = day["no_item", key[1], key[2]]
    datasets = [_dataset(edge, target, one) for target, one in sorted(behind.items())]
    data: dict[str, Any] = {
        "properties": [row for row, _ in names],
        "eventTypes": [row for row, _ in types],
        "tooOld": {
            "events": sum(one.times for one in causes),
            "sinceMs": min((one.first_ms for one in causes), default=None),
        },
        "datasets": datasets,
        "readAtMs": None if edge.datasets is None else edge.datasets.read_at_ms,
    }
    lead = "What Amazon Personalize got and can or cannot use, counted while it was delivered."
    counted, whose = await counted_by(edge)
    several = len(edge.sites) > 1
    sections = [
        html.Section("The datasets", [*_about(edge.datasets, datasets)]),
        html.Section("Properties", _properties(data["properties"], several=several)),
        html.Section("Event types", _types(data["eventTypes"], several=several)),
        html.Section("Too old, or from the future", [_too_old(data["tooOld"])]),
        *whose,
    ]
    return View("Properties", lead, data | counted, sections)


def _of(behind: Mapping[str, Behind], target: str) -> Behind:
    return behind.get(target, _NOTHING)


def _rows(
    edge: Edge, day: Counter[CountKey], kind: str, column: str, judge: "Callable[[str, str], Judged | None]"
) -> list[tuple[dict[str, Any], CountKey]]:
    found = sorted(
        ((key, count) for key, count in day.items() if key[0] == kind and len(key) == 3),
        key=lambda one: (-one[1], one[0]),
    )
    rows: list[tuple[dict[str, Any], CountKey]] = []
    for key, count in found[:_MOST]:
        judged = None if key[2] == OTHER else judge(key[1], key[2])
        said = {"used": None, "says": ""} if judged is None else {"used": judged.is_used, "says": judged.says}
        rows.append(({column: key[2], "site": site_of(edge.sites, key[1]), "events": count, **said}, key))
    return rows


def _dataset(edge: Edge, target: str, behind: Behind) -> dict[str, Any]:
    found = behind.target
    learners = behind.learners or ()
    return {
        "site": site_of(edge.sites, target),
        "problem": behind.problem or behind.unread,
        "datasetGroup": None if found is None else found.dataset_group.name,
        "columns": None if found is None else [one.name for one in found.columns],
        "trained": None
        if behind.learners is None
        else [
            {"name": one.name, "eventTypes": None if one.event_types is None else [*one.event_types]}
            for one in learners
        ],
    }


def _about(datasets: Datasets | None, rows: list[dict[str, Any]]) -> list[object]:
    if datasets is None:
        return [html.words("Events go to a file, not to Amazon Personalize: there is no schema to compare with.")]
    parts: list[object] = []
    for row in rows:
        site = [html.name(row["site"]), ": "]
        if row["columns"] is not None:
            trained = _trained(row["trained"])
            columns = html.name(", ".join(row["columns"]))
            group = html.name(row["datasetGroup"])
            parts.append(html.words(*site, "dataset group ", group, "; columns ", columns, trained, "."))
        if row["problem"]:
            parts.append(
                html.words(
                    *site, html.tone("odd", "not read"), " ", html.name(row["problem"]), ". `personalize-relay check`"
                    " compares with rights of its own; docs/aws.md has those this page needs.",
                )
            )  # fmt: skip
    if datasets.read_at_ms is not None:
        parts.append(html.words("Read ", html.moment(datasets.read_at_ms), "; every ten minutes while somebody looks."))
    elif datasets.is_reading:
        parts.append(html.words("Being read from Amazon Personalize, a few seconds."))
    return parts


def _trained(learners: list[dict[str, Any]] | None) -> html.Markup:
    if learners is None:
        return html.joined()
    if not learners:
        return html.joined("; no recommender and no solution yet")
    each = [f"{one['name']} on {', '.join(one['eventTypes'] or ['every type'])}" for one in learners]
    return html.joined("; trained: ", html.name("; ".join(each)))


def _judged(row: Mapping[str, Any]) -> object:
    if row["used"] is None:
        return "not known"
    return html.Markup(
        f"{html.tone('good', 'used') if row['used'] else html.tone('odd', 'not used')} {html.text(row['says'])}"
    )


def _site(row: Mapping[str, Any], *, several: bool) -> tuple[object, ...]:
    return (html.name(row["site"]),) if several else ()


def _properties(rows: list[dict[str, Any]], *, several: bool) -> list[object]:
    return [
        html.words(
            "Amazon Personalize uses only properties that are columns of the schema of the interactions dataset. A name"
            " that is none (letters, digits, _) is counted under (others)."
        ),
        html.Table(
            "Properties of delivered events, last day",
            (*(("Site",) if several else ()), "Property", html.Counted("Events", "delivered"), "In the schema"),
            [(*_site(row, several=several), html.name(row["name"]), row["events"], _judged(row)) for row in rows],
            "No delivered event of the last day had properties.",
        ),
    ]


def _types(rows: list[dict[str, Any]], *, several: bool) -> list[object]:
    return [
        html.words("A recommender learns from the event types of its recipe, a solution from those it names, or all."),
        html.Table(
            "Types of delivered events, last day",
            (
                *(("Site",) if several else ()),
                "Event type",
                html.Counted("Events", "delivered"),
                html.Counted("Without an item", "no_item"),
                "Learned from",
            ),
            [
                (*_site(row, several=several), html.name(row["type"]), row["events"], row["withoutItem"], _judged(row))
                for row in rows
            ],
            "No event was delivered in the last day.",
        ),
        html.words("Without an item nothing is learned: ", word("no_item"), "."),
    ]


def _too_old(found: Mapping[str, Any]) -> html.Markup:
    if not found["events"]:
        return html.words("No event was rejected for its time.")
    return html.words(
        f"{found['events']:,} events were rejected as ", word("bad_time"), " since ", html.moment(found["sinceMs"]), "."
    )
