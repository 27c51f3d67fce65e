"""`/buried`: events that are kept and no longer tried; sent again or discarded by a POST that was confirmed."""

from typing import Any, Final
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from relay.core.errors import SpoolError
from relay.core.service_message import without_values
from relay.spool.administration import Buried
from relay.web.admin.access import may_change
from relay.web.admin.views import html
from relay.web.admin.views.answering import HEADERS, View, shown, wants_json
from relay.web.admin.views.happened import site_of, user_shown
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge, edge_of
from relay.web.routes.request_body import read_body

_SHOWN: Final = 100
_MOST_FORM_BYTES: Final = 65_536
_VERBS: Final = {"replay": "send again", "discard": "discard for good"}


async def buried(edge: Edge, request: Request) -> View:
    """The first hundred, with what can be done."""
    after = request.query_params.get("after", "0")
    number = int(after) if after.isdecimal() and len(after) < 19 else 0
    rows: list[dict[str, Any]] = []
    problem = ""
    if edge.administration is None:
        problem = "This spool is in memory: what is buried cannot be listed."
    else:
        try:
            rows = [_as_data(edge, one) for one in await edge.administration.buried(limit=_SHOWN, after=number)]
        except SpoolError:
            problem = "The spool cannot be read now; the log says why."
    kept = edge.spool.stats().kept.records
    lead = html.joined(
        f"{kept:,} ", word("buried"), ": kept, and no longer tried, for Amazon Personalize refused them."
        " Repair what its message names, then send them again; or discard them.",
    )  # fmt: skip
    done = request.query_params.get("done", "")
    notes: list[object] = []
    if done.isdecimal():
        notes.append(html.words(html.tone("good", "Done:"), f" {int(done):,} that were ", word("buried"), "."))
    if problem:
        notes.append(html.words(problem))
    if rows:
        notes.append(_form(rows) if may_change(request.scope) else _how_to_change())
        if not may_change(request.scope):
            notes.append(_table(rows, boxes=False))
    elif not problem:
        notes.append(html.Markup('<p class="nothing">Nothing is buried.</p>'))
    if len(rows) == _SHOWN:
        notes.append(html.words(html.link(f"/buried?after={rows[-1]['number']}", "The next hundred")))
    return View("Buried", lead, {"kept": kept, "buried": rows}, [html.Section("Events", notes)])


async def change(request: Request) -> Response:
    """`POST /buried`: first asks whether it is meant, then does it."""
    edge = edge_of(request.scope)
    body = await read_body(request.receive, dict(request.scope["headers"]), max_bytes=_MOST_FORM_BYTES)
    form = parse_qs(body.decode("latin-1"))
    verb = form.get("verb", [""])[0]
    numbers = [int(one) for one in form.get("number", []) if one.isdecimal() and len(one) < 19]
    if verb not in _VERBS or not numbers or edge.administration is None:
        section = html.Section("Nothing chosen", [html.words(html.link("/buried", "Back: choose some of them."))])
        view = View("Buried", "Choose events first.", {"error": "empty"}, [section], 400)
        return shown(edge, request, "/buried", view)
    if form.get("confirmed") != ["yes"]:
        return shown(edge, request, "/buried", _confirm(verb, numbers))
    try:
        done = await (edge.administration.replay(numbers) if verb == "replay" else edge.administration.discard(numbers))
    except SpoolError as error:
        section = html.Section("Not done", [html.words(html.link("/buried", "Back"))])
        return shown(edge, request, "/buried", View("Buried", str(error), {"error": "spool"}, [section], 503))
    if wants_json(request):
        return shown(edge, request, "/buried", View("Buried", "", {"done": done}, []))
    return RedirectResponse(f"/buried?done={done}", 303, HEADERS)


def _confirm(verb: str, numbers: list[int]) -> View:
    hidden = "".join(f'<input type="hidden" name="number" value="{number}">' for number in numbers)
    form = html.Markup(
        f'<form method="post" action="/buried" class="bar">{hidden}<input type="hidden" name="verb" value="{verb}">'
        f'<button name="confirmed" value="yes">Yes, {_VERBS[verb]}</button> <a href="/buried">No, go back</a></form>'
    )
    then = "They are tried anew, at the end of their sessions." if verb == "replay" else "They cannot be brought back."
    lead = html.joined(f"{len(numbers):,} that are ", word("buried"), f". {then}")
    title = f"{_VERBS[verb].capitalize()}?"
    return View(title, lead, {"confirm": verb, "numbers": numbers}, [html.Section("Sure?", [form])])


def _form(rows: list[dict[str, Any]]) -> html.Markup:
    buttons = "".join(
        f'<button name="verb" value="{verb}">{text.capitalize()} …</button> ' for verb, text in _VERBS.items()
    )
    return html.Markup(
        f'<form method="post" action="/buried">{html.table(_table(rows, boxes=True))}'
        f'<p class="bar">{buttons}</p></form>'
    )


def _how_to_change() -> html.Markup:
    return html.words(
        "To send again or discard: ",
        html.link("/login", "log in"),
        " with a server token that has the scope admin, or use personalize-relay spool replay and spool discard.",
    )


def _table(rows: list[dict[str, Any]], *, boxes: bool) -> html.Table:
    columns = ("Buried", "Why", "What the service said", "Session", "Site", "Type and id")
    cells = [
        (
            html.moment(row["buriedAtMs"]),
            html.name(row["reason"]),
            html.name(row["message"]),
            html.link(html.path("sessions", row["session"]), html.name(row["session"]))
            if row["session"]
            else "\N{EN DASH}",
            html.name(row["site"]),
            html.Markup(f"{html.text(row['operation'])} {html.name(row['eventId'])}"),
        )
        for row in rows
    ]
    if not boxes:
        return html.Table("Buried events", columns, cells)
    chosen = [
        html.Markup(
            f'<input type="checkbox" name="number" value="{row["number"]}" checked'
            f' aria-label="Choose event {row["number"]}">'
        )
        for row in rows
    ]
    ticked = [(box, *row) for box, row in zip(chosen, cells, strict=True)]
    return html.Table("Buried events", ("Choose", *columns), ticked)


def _as_data(edge: Edge, one: Buried) -> dict[str, Any]:
    return {
        "number": one.number,
        "operation": one.operation,
        "site": site_of(edge.sites, one.target),
        "session": one.session_id,
        "user": user_shown(edge, one.user_id),
        "eventId": one.event_id,
        "acceptedAtMs": one.accepted_at_ms,
        "buriedAtMs": one.buried_at_ms,
        "reason": one.reason,
        "message": without_values(one.message),
    }
