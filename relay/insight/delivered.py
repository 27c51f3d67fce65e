"""Counts what the service took: by list, by type, by name of property. As the service's metric attribution counts.

An item of a list is seen once by a session, however many of its events carry the impression; every event of a type
counts, as SAMPLECOUNT() does.
"""

import re
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import msgspec

from relay.core.model import Batch
from relay.insight.minute_rows import OTHER, CountKey

MOST_NAMES: Final = {"source": 1000, "recommendation": 200, "property": 1000, "type": 1000}
"""What is told apart in an hour, of each; the rest is `(others)`. Every answer of the service has a recommendation id
of its own, so that of those it is a sample."""
_MOST_SEEN: Final = 200_000
_MOST_ALIKE: Final = 3000
"""Sorts of events that wait for their counts to be made: of a thousand sites some at least, and some milliseconds."""
_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")
KINDS: Final = {
    "click": "clicked",
    **dict.fromkeys(("addtocart", "addedtocart", "cart", "addtobasket", "productadded"), "carts"),
    **dict.fromkeys(("purchase", "purchased", "order", "ordercompleted", "checkout", "buy"), "purchases"),
}
"""What an event type counts as, its letters alone in lower case."""
UNNAMED: Final = "(no source)"

_Alike = tuple[str, str, bool, str, str, tuple[str, ...]]
"""Target, type, whether there is an item, source and recommendation (empty: none), names of properties."""


class _Tally:
    """Of events that count alike."""

    __slots__ = ("events", "seen")

    def __init__(self) -> None:
        self.events = 0
        self.seen = 0
        """Items of their lists, by sessions that had not seen them."""


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


class _ToldApart(dict[str, str]):
    """What is counted by itself, as it is shown. Most of what comes is here already, and costs one look-up."""

    def __init__(self, most: int, is_name: Callable[[str], object] = bool) -> None:
        super().__init__()
        self._most = most
        self._is_name = is_name

    def __missing__(self, name: str) -> str:
        if len(self) >= self._most or not self._is_name(name):
            return OTHER
        self[name] = name
        return name


@lru_cache(maxsize=MOST_NAMES["type"])
def _kind_of(event_type: str) -> str | None:
    return KINDS.get("".join(filter(str.isalpha, event_type)).lower())


class DeliveredCounts:
    """Takes batches; `write_out` adds what they count. Events of one sort are counted together, written out once."""

    def __init__(self, counts: Counter[CountKey]) -> None:
        self._counts = counts
        self._types = _ToldApart(MOST_NAMES["type"])
        self._property_names = _ToldApart(MOST_NAMES["property"], _NAME.fullmatch)
        self._sources = _ToldApart(MOST_NAMES["source"])
        self._recommendations = _ToldApart(MOST_NAMES["recommendation"])
        self._alike: dict[_Alike, _Tally] = {}
        self._young: set[int] = set()
        self._old: set[int] = set()

    def new_hour(self) -> None:
        """What is told apart may be others from now on."""
        for known in (self._types, self._property_names, self._sources, self._recommendations):
            known.clear()

    def add(self, batch: Batch) -> None:
        """A batch of PutEvents was taken."""
        _, target, session_id = batch.key
        alike = self._alike
        for one in entries_of(batch):
            source = one.metricAttribution.eventAttributionSource if one.metricAttribution is not None else ""
            recommendation, impression = one.recommendationId, one.impression
            if not source and (recommendation or impression):
                source = UNNAMED
            names = _names_in(one.properties) if one.properties else ()
            sort = (target, one.eventType, one.itemId != "", source, recommendation, names)
            tally = alike.get(sort)
            if tally is None:
                tally = alike[sort] = _Tally()
            tally.events += 1
            if impression:
                tally.seen += self._newly_seen(impression, session_id, recommendation or source)
        if len(alike) > _MOST_ALIKE:
            self.write_out()

    def write_out(self) -> None:
        """Make the counts of all that was added."""
        counts = self._counts
        for (target, raw_type, has_item, source, recommendation, names), tally in self._alike.items():
            event_type = self._types[raw_type]
            counts["type", target, event_type] += tally.events
            if not has_item:
                counts["no_item", target, event_type] += tally.events
            for name in names:
                counts["property", target, self._property_names[name]] += tally.events
            if source:
                self._count_list("source", self._sources[source], _kind_of(raw_type), tally)
            if recommendation:
                self._count_list("recommendation", self._recommendations[recommendation], _kind_of(raw_type), tally)
        self._alike.clear()

    def _count_list(self, table: str, name: str, kind: str | None, tally: _Tally) -> None:
        self._counts["list", table, name, "events"] += tally.events
        if kind is not None:
            self._counts["list", table, name, kind] += tally.events
        if tally.seen:
            self._counts["list", table, name, "seen"] += tally.seen

    def _newly_seen(self, impression: list[str], session_id: str, named: str) -> int:
        young, old = self._young, self._old
        whole = hash((session_id, named, *impression))
        if whole in young or whole in old:  # nearly all of a list's events say the same of it
            return 0
        before = len(young)
        for item in impression:
            mark = hash((session_id, named, item))
            if mark not in old:
                young.add(mark)
        new = len(young) - before
        young.add(whole)
        if len(young) > _MOST_SEEN // 2:
            self._old, self._young = young, set()
        return new


def _names_in(properties: str) -> tuple[str, ...]:
    try:
        return tuple(_names(properties))
    except (msgspec.DecodeError, RecursionError):
        return ()


def entries_of(batch: Batch) -> list[_Entry]:
    """The events of a batch; none of one that is damaged."""
    try:
        return _entries(b"[" + batch.body + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return []
