"""Whose counts a page shows: of all relays of a shared spool, or, without its database, of this one."""

from typing import Any

from relay.insight.minute_rows import Coverage
from relay.web.admin.views import html
from relay.web.routes.edge import Edge

Covered = tuple[dict[str, Any], list[html.Section]]
"""For a page's data, and for the page; there is no section where there is only one relay."""


async def counted_by(edge: Edge) -> Covered:
    """Of a page of counts."""
    coverage = await edge.insight.coverage()
    return _shown("Whose counts", coverage, _counts(coverage))


async def held_by(edge: Edge, remembered: str) -> Covered:
    """Of a page of what lies in the spool, beside what this relay alone remembers, which has a name."""
    coverage = await edge.insight.coverage()
    held = f"cannot be looked into now, {coverage.away}" if coverage.away else f"are those of {_relays(coverage)}"
    said = f"{remembered} is what this relay remembers. The spool and the archive {held}."
    return _shown("Whose", coverage, said)


def _shown(title: str, coverage: Coverage, said: str) -> Covered:
    data = {
        "relays": coverage.relays,
        "uncounted": coverage.uncounted,
        "complete": not coverage.away and not coverage.uncounted,
        "away": coverage.away,
        "says": said if coverage.is_shared else "",
    }
    shown = html.words(html.tone("bad", said) if coverage.away else said, " ", html.link("/words#relays", "Why?"))
    return {"counted": data}, [html.Section(title, [shown])] if coverage.is_shared else []


def _counts(coverage: Coverage) -> str:
    if coverage.away:
        return f"Counts of this relay alone, since it started: those of the others cannot be had now, {coverage.away}."
    said = f"Counts of {_relays(coverage)}, and of those that were; of the others as of some seconds ago."
    if coverage.uncounted:
        some = "1 relay" if coverage.uncounted == 1 else f"{coverage.uncounted} relays"
        said += f" Not of {some} of an earlier version, which count for themselves until they are updated."
    return said


def _relays(coverage: Coverage) -> str:
    if coverage.relays == 1:
        return "the one relay that is at work on this spool"
    return f"all {coverage.relays} relays that are at work on this spool"
