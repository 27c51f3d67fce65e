"""Whose counts a page shows: of all relays of a shared spool, or, without its database, of this one."""

from typing import Any

from relay.insight.minute_rows import Coverage
from relay.web.admin.views import html
from relay.web.routes.edge import Edge


async def counted_by(edge: Edge) -> tuple[dict[str, Any], list[html.Section]]:
    """For a page's data, and for the page; nothing is said where there is only one relay."""
    coverage = await edge.insight.coverage()
    return {"counted": _data(coverage)}, [html.Section("Whose counts", [_said(coverage)])] if coverage.is_shared else []


def _data(coverage: Coverage) -> dict[str, Any]:
    return {
        "relays": coverage.relays,
        "uncounted": coverage.uncounted,
        "complete": not coverage.away and not coverage.uncounted,
        "away": coverage.away,
    }


def _said(coverage: Coverage) -> html.Markup:
    if coverage.away:
        said = html.tone("bad", "This relay alone, since it started:")
        return html.words(said, " what the others count cannot be had now, ", coverage.away, ".")
    relays = "the one relay that is" if coverage.relays == 1 else f"all {coverage.relays} relays that are"
    parts = [f"Of {relays} at work on this spool and of those that were; of the others as of some seconds ago."]
    if coverage.uncounted:
        some = "1 relay" if coverage.uncounted == 1 else f"{coverage.uncounted} relays"
        parts.append(f" Not of {some} of an earlier version, which count for themselves until they are updated.")
    return html.words(*parts)
