"""Counts what the service took: by list, by type, by name of property. As the service's metric attribution counts.

An item of a list is seen once by a session, however many of its events carry the impression; every event of a type
counts, as SAMPLECOUNT() does.
"""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from relay.core.model import Batch
from relay.insight.minute_rows import OTHER, CountKey

MOST_NAMES: Final = {"source": 1000, "recommendation": 200, "property": 1000, "type": 1000}
"""What is told apart in an hour, of each; the rest is `(others)`. Every answer of the service has a recommendation id
of its own, so that of those it is a sample."""
_MOST_SEEN: Final = 200_000
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
KINDS: Final = {
    "click": "clicked",
    **dict.fromkeys(("addtocart", "addedtocart", "cart", "addtobasket", "productadded"), "carts"),
    **dict.fromkeys(("purchase", "purchased", "order", "ordercompleted", "checkout", "buy"), "purchases"),
}
"""What an event type counts as, its letters alone in lower case."""
UNNAMED: Final = "(no source)"


class _Attribution(msgspec.Struct, gc=False):
    eventAttributionSource: str = ""  # noqa: N815 - as in the entry


class _Entry(msgspec.Struct, gc=False):
    eventType: str = ""  # noqa: N815 - as in the entry
    eventId: str = ""  # noqa: N815
    itemId: str = ""  # noqa: N815
    recommendationId: str = ""  # noqa: N815
    properties: str = ""
    impression: list[str] = []
    metricAttribution: _Attribution | None = None  # noqa: N815


_entries: Final = msgspec.json.Decoder(list[_Entry]).decode
_names: Final = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


class DeliveredCounts:
    """Takes batches, adds to counts."""

    def __init__(self, counts: Counter[CountKey]) -> None:
        self._counts = counts
        self._told_apart: dict[str, set[str]] = {table: set() for table in MOST_NAMES}
        self._young: set[int] = set()
        self._old: set[int] = set()

    def new_hour(self) -> None:
        """What is told apart may be others from now on."""
        for known in self._told_apart.values():
            known.clear()

    def add(self, batch: Batch) -> None:
        """A batch of PutEvents was taken."""
        counts = self._counts
        target = batch.key.target
        for one in entries_of(batch):
            event_type = self._bounded("type", one.eventType)
            counts["type", target, event_type] += 1
            if not one.itemId:
                counts["no_item", target, event_type] += 1
            if one.properties:
                self._properties(one.properties, target)
            source = one.metricAttribution.eventAttributionSource if one.metricAttribution is not None else ""
            if source or one.recommendationId or one.impression:
                self._list(one, source, batch.key.session_id)

    def _list(self, one: _Entry, source: str, session_id: str) -> None:
        seen = self._newly_seen(one, source, session_id) if one.impression else 0
        kind = KINDS.get("".join(filter(str.isalpha, one.eventType)).lower())
        for table, given in (("source", source or UNNAMED), ("recommendation", one.recommendationId)):
            if not given:
                continue
            name = self._bounded(table, given)
            self._counts["list", table, name, "events"] += 1
            if kind is not None:
                self._counts["list", table, name, kind] += 1
            if seen:
                self._counts["list", table, name, "seen"] += seen

    def _newly_seen(self, one: _Entry, source: str, session_id: str) -> int:
        list_id = one.recommendationId or source
        count = 0
        for item in one.impression:
            mark = hash((session_id, list_id, item))
            if mark not in self._young and mark not in self._old:
                count += 1
                self._young.add(mark)
        if len(self._young) > _MOST_SEEN // 2:
            self._old, self._young = self._young, set()
        return count

    def _properties(self, text: str, target: str) -> None:
        try:
            names = _names(text)
        except (msgspec.DecodeError, RecursionError):
            return
        for name in names:
            shown = name if _NAME.fullmatch(name) else OTHER
            self._counts["property", target, self._bounded("property", shown)] += 1

    def _bounded(self, table: str, name: str) -> str:
        known = self._told_apart[table]
        if name not in known:
            if len(known) >= MOST_NAMES[table]:
                return OTHER
            known.add(name)
        return name


def entries_of(batch: Batch) -> Iterator[_Entry]:
    """The events of a batch; none of one that is damaged."""
    try:
        yield from _entries(b"[" + batch.body + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
