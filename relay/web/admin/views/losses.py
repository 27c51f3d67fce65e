"""`/losses`: what did not arrive, by the numbers pages give their beacons and by what they say they gave up."""

from collections import Counter
from typing import Any

from starlette.requests import Request

from relay.insight.browser_family import FAMILIES
from relay.insight.minute_rows import CountKey
from relay.web.admin.views import html
from relay.web.admin.views.answering import View
from relay.web.admin.views.coverage import counted_by
from relay.web.admin.views.words import word
from relay.web.routes.edge import Edge

_STATES = ("arrived", "late", "repeated", "missing")


async def losses(edge: Edge, _request: Request) -> View:
    """The ledger of beacons, by family of browsers."""
    hour, day = await edge.insight.last_hour(), await edge.insight.last_day()
    counted, whose = await counted_by(edge)
    data = {"hour": _ledger(hour), "day": _ledger(day)}
    lead = (
        "Every page numbers the beacons of its session. A number that is skipped is missing until it comes late. What a"
        " page gave up it says itself, with the next beacon."
    )
    if whose:
        lead += (
            " With several relays they are counted as they leave, by the relay that delivers the session. It does not"
            " know what went on before it had the session, after a restart for example, and sees no gap there;"
            " and it hears a moment later of a beacon that brought no event, a login say, which may count as late."
        )
    sections = [_section("The last hour", data["hour"]), _section("The last day", data["day"]), *whose]
    return View("Losses", lead, data | counted, sections)


def _ledger(counts: Counter[CountKey]) -> dict[str, Any]:
    browsers: dict[str, dict[str, int]] = {}
    for family in FAMILIES:
        found = {state: counts["numbered", state, family] for state in _STATES}
        if any(found.values()):
            found["missing"] = max(0, found["missing"] - found["late"])
            browsers[family] = found
    lost = [{"reason": key[1], "browser": key[2], "events": count} for key, count in counts.items() if key[0] == "lost"]
    return {
        "beacons": {state: sum(one[state] for one in browsers.values()) for state in _STATES},
        "browsers": browsers,
        "lost": sorted(lost, key=lambda one: -int(str(one["events"]))),
    }


def _section(title: str, ledger: dict[str, Any]) -> html.Section:
    beacons = ledger["beacons"]
    sent = beacons["arrived"] + beacons["late"] + beacons["missing"]
    share = f"{beacons['missing'] / sent:.2%} of what was sent" if sent else "nothing numbered came"
    by_browser = html.Table(
        f"Beacons by browser, {title.lower()}",
        ("Browser", *(html.Counted(state.capitalize(), state) for state in _STATES)),
        [(family, *(one[state] for state in _STATES)) for family, one in ledger["browsers"].items()],
        "No numbered beacon came.",
    )
    lost = html.Table(
        f"Events given up by pages, {title.lower()}",
        ("Why", "Browser", html.Counted("Events", "given_up")),
        [(_cause(one["reason"]), one["browser"], one["events"]) for one in ledger["lost"]],
        "No page gave an event up.",
    )
    parts = [
        html.words(
            f"{beacons['arrived']:,} ", word("arrived"), f", {beacons['late']:,} ", word("late"),
            f", {beacons['repeated']:,} ", word("repeated"), f", {beacons['missing']:,} ", word("missing"),
            f" ({share}).",
        ),
        by_browser,
        lost,
    ]  # fmt: skip
    return html.Section(title, parts)


def _cause(reason: str) -> html.Markup:
    return html.link("/words#refused_by_relay", "refused") if reason == "refused" else word(reason)
