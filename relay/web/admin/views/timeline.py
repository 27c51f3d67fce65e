"""What happened, line by line, for a person: one line a beacon, a refusal or a call."""

from typing import Any, Final

from relay.web.admin.views import html
from relay.web.admin.views.words import word

COLUMNS: Final = (
    "When", html.Counted("What", "beacon"), "Session", html.Counted("Events", "event"),
    html.Counted("Verdict", "status"),
)  # fmt: skip


def tail_table(rows: list[tuple[object, ...]], caption: str = "Beacons and calls") -> html.Table:
    """A table of such lines."""
    return html.Table(caption, COLUMNS, rows, "Nothing of this has happened while this was remembered.")


def rows_of(lines: list[dict[str, Any]]) -> list[tuple[object, ...]]:
    """Cells for each line."""
    return [(html.moment(line["atMs"]), _what(line), _session(line), _events(line), _verdict(line)) for line in lines]


def _what(line: dict[str, Any]) -> object:
    kind = line["kind"]
    if kind == "beacon":
        parts = [f"beacon {line['seq']}" if line["seq"] is not None else "beacon", " of ", html.name(line["site"])]
        if line["user"] is not None:
            parts += [", user ", html.name(line["user"])]
        return html.Markup("".join(map(html.text, parts)))
    if kind == "call":
        return line["operation"]
    return html.Markup(f"{html.text(line['what'])} from {html.name(line['origin'])}")


def _session(line: dict[str, Any]) -> object:
    return html.link(html.path("sessions", line["session"]), html.name(line["session"])) if line["session"] else ""


def _events(line: dict[str, Any]) -> object:
    if line["kind"] == "call":
        count = len(line["eventIds"])
        return "1 event" if count == 1 else f"{count} events"
    return html.Markup("<br>".join(_event(one) for one in line.get("events", ())) or "\N{EN DASH}")


def _event(one: dict[str, Any]) -> str:
    parts = [html.name(one["type"] or "?")]
    if one["item"]:
        parts.append(html.Markup(f" {html.name(one['item'])}"))
    if one["source"] or one["recommendationId"]:
        parts.append(html.Markup(f" of {html.name(one['source'] or one['recommendationId'])}"))
    if one["seen"]:
        parts.append(html.Markup(f", {one['seen']} seen"))
    return "".join(parts)


def _verdict(line: dict[str, Any]) -> object:
    if line["kind"] == "call":
        return _outcome(line)
    if line["kind"] != "beacon":
        kind = "odd" if line["kind"] == "ignored" else "bad"
        return html.Markup(f"{html.tone(kind, line['status'])} {word(line['reason'])}")
    said = [_judged(one) for one in line["events"]]
    if line["identity"] not in ("none", "ok"):
        said.append(html.Markup(f"identity {html.tone('odd', word(line['identity']))}"))
    elif line["identity"] == "ok":
        said.append(html.Markup("identity ok: the session is the user's now"))
    said += [html.Markup(f"dropped {html.name(one['field'])}: {word(one['reason'])}") for one in line["dropped"]]
    return html.Markup("<br>".join(said) or "\N{EN DASH}")


def _judged(one: dict[str, Any]) -> html.Markup:
    if one["verdict"] == "duplicate":  # nothing is wrong: the event is here
        return html.Markup(f"{html.tone('odd', 'here already')} {word(one['verdict'])}")
    if one["verdict"] != "accepted":
        return html.Markup(f"{html.tone('bad', 'rejected')} {word(one['verdict'])} {html.name(one['field'])}")
    drops = ", ".join(f"{html.name(drop['field'])} dropped: {word(drop['reason'])}" for drop in one["dropped"])
    return html.Markup(f"{html.tone('good', 'accepted')} {drops}")


def _outcome(line: dict[str, Any]) -> html.Markup:
    kind = {"delivered": "good", "throttled": "odd"}.get(line["outcome"], "bad")
    parts = [html.tone(kind, word(line["outcome"]))]
    if line["code"]:
        parts.append(html.Markup(f" {html.name(line['code'])}"))
    if line["message"]:
        parts.append(html.Markup(f" {html.name(line['message'])}"))
    if line["requestId"]:
        parts.append(html.Markup(f" request id {html.name(line['requestId'])}"))
    return html.Markup("".join(parts))
