"""The admin listener's first page: what comes in, what goes out, what is wrong. Counts only, nothing about anybody."""

import re
from collections import Counter
from collections.abc import Mapping
from itertools import pairwise
from typing import Any, Final

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from relay.core.version import VERSION
from relay.insight.minute_rows import CountKey
from relay.insight.remedies import REMEDIES
from relay.web.admin.views import html
from relay.web.admin.views.answering import HEADERS, View
from relay.web.admin.views.coverage import counted_by
from relay.web.admin.views.words import remedy, word
from relay.web.routes.edge import Edge, edge_of

_LEDGER: Final = ("accepted", "delivered", "buried", "erased")
_CAUSE: Final = re.compile(r"\((credentials|target|network|service): ")
_WORDS: Final = (
    ("spool full", "spool_full"),
    ("spool not writable", "spool_unwritable"),
    ("buried: ", "buried"),
    ("answers again, and throttles", "throttled"),
    ("snippet that is not here", "unknown_snippet"),
    ("RELAY_PROXY_SECRET", "not_through_proxy"),
    ("RELAY_JWT_JWKS", "key_unread"),
)
"""What a line of a problem says, and the word that explains it."""
_WIDTH, _HEIGHT = 600, 120


async def live(edge: Edge, _request: Request) -> View:
    """Totals, problems, the last hour and the last two minutes."""
    data = status_of(edge)
    hour = await edge.insight.last_hour()
    data["lastHour"] = _hour(hour)
    counted, whose = await counted_by(edge)
    sections = [
        html.Section("Problems", [_problems(data)]),
        html.Section("Events", [_figures(edge, data, hour)]),
        html.Section("Events a second, last two minutes", [chart(list(edge.insight.samples))]),
        html.Section("Not taken, last hour", [_not_taken(hour)]),
        html.Section("Calls, last hour", [_calls(hour)]),
        *whose,
    ]
    lead = f"What this relay takes and delivers, {_sites(data)}."
    return View("Live", lead, data | counted, sections)


def status_of(edge: Edge) -> dict[str, Any]:
    """The figures as of now; those of the spool since it was made, the others since this process started."""
    stats = edge.spool.stats()
    now_ms = edge.clock.now_ms()
    oldest_ms = stats.oldest_accepted_at_ms
    spool = {
        "accepted": stats.accepted,
        "delivered": stats.delivered,
        "buried": sum(stats.buried.values()),
        "erased": stats.erased,
        "pending": stats.pending,
        "sizeBytes": stats.size_bytes,
        "oldestS": 0 if oldest_ms is None else max(0, now_ms - oldest_ms) / 1000,
    }
    return {
        "version": VERSION,
        "nowMs": now_ms,
        "startedMs": edge.insight.started_ms,
        "readiness": edge.readiness.report(),
        "sites": sorted(edge.sites),
        "spool": spool,
        "sinceStart": {name: spool[name] - edge.insight.at_start[name] for name in _LEDGER},
        "buried": dict(stats.buried),
        "rejected": edge.metrics.events_rejected,
        "beacons": edge.metrics.beacons.by_status(),
        "ignored": edge.metrics.beacons_ignored,
        "identities": edge.metrics.identities,
        "calls": edge.metrics.put_events_calls,
        "lost": edge.metrics.events_lost,
    }


async def status_json(request: Request) -> Response:
    """The figures alone, for programs that ask often."""
    body = msgspec.json.encode(status_of(edge_of(request.scope)))
    return Response(body, headers=HEADERS, media_type="application/json")


def _hour(hour: Counter[CountKey]) -> dict[str, Any]:
    return {
        "ledger": {name: hour["ledger", name] for name in _LEDGER},
        "refused": {key[2]: count for key, count in hour.items() if key[0] == "beacon" and key[2]},
        "ignored": {key[2]: count for key, count in hour.items() if key[0] == "ignored"},
        "calls": {key[1]: count for key, count in _outcomes(hour).items()},
    }


def _outcomes(hour: Counter[CountKey]) -> Counter[CountKey]:
    sums: Counter[CountKey] = Counter()
    for key, count in hour.items():
        if key[0] == "call":
            sums["call", key[1]] += count
    return sums


def _sites(data: Mapping[str, Any]) -> str:
    names: list[str] = data["sites"]
    return f"site {names[0]}" if len(names) == 1 else f"{len(names)} sites"


def _problems(data: Mapping[str, Any]) -> html.Markup:
    report = data["readiness"]
    lines = [*report.reasons, *report.problems]
    if not lines:
        return html.words(html.tone("good", "None:"), " beacons are taken, and calls get through.")
    items = "".join(f"<li>{html.text(line)}{_remedy_of(line)}</li>" for line in lines)
    return html.Markup(f'<ul class="problems">{items}</ul>')


def _remedy_of(line: str) -> str:
    """What to do: a reason is a word itself, a line of what keeps calls from being made names its cause."""
    cause = _CAUSE.search(line)
    reason = cause[1] if cause else next((one for said, one in _WORDS if said in line), line)
    return f": {word(reason)}. {html.text(remedy(reason))}" if reason in REMEDIES else ""


def _figures(edge: Edge, data: Mapping[str, Any], hour: Counter[CountKey]) -> html.Markup:
    spool, since = data["spool"], data["sinceStart"]
    oldest = f"the oldest for {spool['oldestS']:.1f} s" if spool["pending"] else "nothing waits"
    pairs: list[tuple[object, object, object]] = [
        (_linked(name), spool[name], _note(name, since[name], hour["ledger", name])) for name in _LEDGER
    ]
    pairs.insert(2, (_linked("pending"), spool["pending"], oldest))
    signs = {"accepted": "", "delivered": " = ", "buried": " + ", "erased": " + ", "pending": " + "}
    balance = [part for name, sign in signs.items() for part in (f"{sign}{spool[name]:,} ", word(name))]
    said = html.words(
        *balance,
        ". The large numbers are since the spool was made; this process started at ",
        html.moment(edge.insight.started_ms),
        f". The spool takes {spool['sizeBytes']:,} ",
        html.link("/words#spool_bytes", "bytes"),
        ".",
    )
    return html.Markup(html.figures(pairs, "Events since the spool was made") + said)


def _linked(name: str) -> html.Markup:
    return html.link(f"/words#{name}", name.capitalize())


def _note(name: str, since: int, hour: int) -> html.Markup:
    note = f"{since:,} since the start, {hour:,} in the last hour"
    return html.Markup(f"{note}: {html.link('/buried', 'see them')}") if name == "buried" else html.text(note)


def chart(samples: list[tuple[int, int, int]]) -> html.Markup:
    """Events a second between samples (time in ms, accepted, delivered), drawn and in words."""
    accepted, delivered = _rates(samples, 1), _rates(samples, 2)
    if not accepted:
        return html.words("There is nothing to draw yet.")
    peak = max(1.0, *accepted, *delivered)
    lines = "".join(
        f'<polyline class="{name}" points="{_points(rates, peak)}"></polyline>'
        for name, rates in (("accepted", accepted), ("delivered", delivered))
    )
    svg = f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" aria-hidden="true">{lines}</svg>'
    legend = html.words(
        _key("accepted"), f" {accepted[-1]:.0f} a second now. ", _key("delivered"),
        f" {delivered[-1]:.0f} a second now. At most {peak:.0f} a second in the last two minutes.",
    )  # fmt: skip
    return html.Markup(f'<div class="chart">{svg}</div><div class="legend">{legend}</div>')


def _key(name: str) -> html.Markup:
    return html.Markup(f'<span class="key {name}">{_linked(name)}</span>')


def _rates(samples: list[tuple[int, int, int]], place: int) -> list[float]:
    """A second, between neighbours; a counter that begins anew is no negative rate."""
    pairs = pairwise(samples)
    return [max(0, after[place] - before[place]) * 1000 / max(1, after[0] - before[0]) for before, after in pairs]


def _points(rates: list[float], peak: float) -> str:
    step = _WIDTH / 119
    first = _WIDTH - (len(rates) - 1) * step
    return " ".join(
        f"{first + number * step:.1f},{_HEIGHT - 2 - rate / peak * (_HEIGHT - 6):.1f}"
        for number, rate in enumerate(rates)
    )


def _not_taken(hour: Counter[CountKey]) -> html.Markup:
    causes = [
        (key[0], key[2], count)
        for key, count in hour.items()
        if key[0] in ("beacon", "api", "snippet", "ignored") and key[2]
    ]
    causes += [("identity", key[1], count) for key, count in hour.items() if key[0] == "identity" and key[1] != "ok"]
    rows = [
        (what, word(reason), count, remedy(reason)) for what, reason, count in sorted(causes, key=lambda one: -one[2])
    ]
    more = html.words(
        html.link("/refusals", "All refusals, rejected events and dropped fields by cause"), ". ",
        html.link("/losses", "What never arrived"), ".",
    )  # fmt: skip
    table = html.Table(
        "Not taken, last hour",
        ("What", "Why", html.Counted("Times", "times"), "What to do"),
        rows,
        "Nothing was refused.",
    )
    return html.Markup(html.table(table) + more)


def _calls(hour: Counter[CountKey]) -> html.Markup:
    found = [(key[1], key[2], count) for key, count in hour.items() if key[0] == "call"]
    rows = [
        (word(outcome), html.name(code), count, remedy(outcome))
        for outcome, code, count in sorted(found, key=lambda one: -one[2])
    ]
    columns = ("Outcome", "Code", html.Counted("Calls", "call"), "What to do")
    return html.table(html.Table("PutEvents calls, last hour", columns, rows, "No call was made."))
