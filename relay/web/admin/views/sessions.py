"""`/sessions`: found by session, user, item or event; `/sessions/ID`: what one did, and which calls it became."""

from typing import Any, Final

from starlette.requests import Request

from relay.insight.told import sessions_of
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import held_by
from relay.web.admin.views.happened import as_data, newest_first
from relay.web.admin.views.holdings import held_counts, held_in_spool, held_table
from relay.web.admin.views.timeline import rows_of, tail_table
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge

_MOST: Final = 50
_MOST_LINES: Final = 500


async def sessions(edge: Edge, request: Request) -> View:
    """Sessions of what is remembered, the latest first; those that have to do with `q`, if it is given."""
    wanted = (request.query_params.get("q") or "").strip()
    found: dict[str, dict[str, Any]] = {}
    async for one in newest_first(edge):
        line = as_data(edge, one)
        session = line.get("session", "")
        if not session or not _has_to_do(line, wanted):
            continue
        row = found.setdefault(
            session, {"session": session, "lastMs": one.at_ms, "beacons": 0, "events": 0, "calls": 0}
        )
        row["calls" if line["kind"] == "call" else "beacons"] += 1
        row["events"] += len(line.get("events", ()))
        if len(found) >= _MOST:
            break
    rows = list(found.values())
    users = ", user" if edge.show_users else ""
    form = html.Markup(
        '<form class="bar" method="get" action="/sessions" role="search"><label>Session, event, item'
        f'{users} <input name="q" value={html.quoted(wanted)} autocomplete="off" spellcheck="false" dir="auto"></label>'
        "<button>Find</button></form>"
    )
    table = html.Table(
        "Sessions, the latest first",
        (
            "Session",
            "Last",
            html.Counted("Beacons", "beacon"),
            html.Counted("Events", "event"),
            html.Counted("Calls", "call"),
        ),
        [
            (_linked(row["session"]), html.moment(row["lastMs"]), row["beacons"], row["events"], row["calls"])
            for row in rows
        ],
        "No session that is remembered has to do with that.",
    )
    more: list[object] = [form, table]
    if wanted and not rows:
        more.append(html.words("Look for the session ", _linked(wanted), " in the spool and the archive."))
    lead = "Sessions of the beacons and calls this relay remembers, an hour at most."
    return View("Sessions", lead, {"sessions": rows}, [html.Section("Find", more)])


def _linked(session: str) -> html.Markup:
    return html.link(html.path("sessions", session), html.name(session))


def _has_to_do(line: dict[str, Any], wanted: str) -> bool:
    if not wanted or wanted in (line.get("session"), line.get("sentAs"), line.get("user")):
        return True
    if wanted in line.get("eventIds", ()):
        return True
    return any(wanted in (one["eventId"], one["item"]) for one in line.get("events", ()))


async def session(edge: Edge, request: Request) -> View:
    """One session."""
    wanted = str(request.path_params["session"])
    mine = [one async for one in newest_first(edge) if wanted in sessions_of(one.what)]
    lines = [as_data(edge, one) for one in reversed(mine[:_MOST_LINES])]
    calls = [line for line in lines if line["kind"] == "call"]
    for line in lines:
        for event in line.get("events", ()):
            event["calls"] = [_call(call) for call in calls if event["eventId"] in call["eventIds"]]
    kept = await held_in_spool(edge, session_id=wanted)
    counted, whose = await held_by(edge, "The time line")
    data = {"session": wanted, "timeline": lines, "held": kept.data} | counted
    there = bool(lines or kept.data["events"])
    sections = [
        html.Section("Time line", [tail_table(rows_of(lines), "What happened, oldest first")]),
        html.Section("Its events, and the calls they left in", [_events_table(lines)]),
        html.Section("In the spool and the archive", [held_counts(kept), *kept.notes, held_table(kept)]),
        *whose,
    ]
    lead = (
        html.joined("Session ", html.name(wanted), ": from what was seen through clicks and login to each call.")
        if there
        else html.joined(
            "Nothing is known of the session ", html.name(wanted), ": in the last hour it sent nothing that was taken",
            ", or another relay took it." if whose else ".",
        )
    )  # fmt: skip
    return View("Session", lead, data, sections, status=200 if there else 404)


def _call(call: dict[str, Any]) -> dict[str, Any]:
    return {name: call[name] for name in ("atMs", "outcome", "code", "requestId")}


def _events_table(lines: list[dict[str, Any]]) -> html.Table:
    rows = [
        (
            html.moment(line["atMs"]),
            html.name(one["type"]),
            html.name(one["item"]),
            html.name(one["eventId"]),
            "" if line["seq"] is None else line["seq"],
            word(one["verdict"]) if one["verdict"] != "accepted" else html.tone("good", "accepted"),
            _left_in(one),
        )
        for line in lines
        for one in line.get("events", ())
    ]
    columns = ("Accepted", "Type", "Item", "Event id", html.Counted("Beacon", "beacon"), "Verdict", "Left in")
    return html.Table("Events", columns, rows, "No event of it is remembered.")


def _left_in(one: dict[str, Any]) -> object:
    if one["verdict"] != "accepted":
        return "\N{EN DASH}"
    if not one["calls"]:
        return html.tone("odd", "no call is remembered")
    parts = [
        f"{html.moment(call['atMs'])} {word(call['outcome'])}"
        + (f" {html.name(call['requestId'] or call['code'])}" if call["requestId"] or call["code"] else "")
        for call in one["calls"]
    ]
    return html.Markup("<br>".join(parts))
