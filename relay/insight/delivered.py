"""Counts what the service took: by list, by type, by name of property. As the service's metric attribution counts.

An item of a list is seen once by a session, however many of its events carry the impression; every event of a type
counts, as SAMPLECOUNT() does.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
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
    """Takes batches, adds to counts."""

    def __init__(self, counts: Counter[CountKey]) -> None:
        self._counts = counts
        self._types = _ToldApart(MOST_NAMES["type"])
        self._property_names = _ToldApart(MOST_NAMES["property"], _NAME.fullmatch)
        self._sources = _ToldApart(MOST_NAMES["source"])
        self._recommendations = _ToldApart(MOST_NAMES["recommendation"])
        self._young: set[int] = set()
        self._old: set[int] = set()

    def new_hour(self) -> None:
        """What is told apart may be others from now on."""
        for known in (self._types, self._property_names, self._sources, self._recommendations):
            known.clear()

    def add(self, batch: Batch) -> None:
        """A batch of PutEvents was taken."""
        keys: list[CountKey] = []
        target = batch.key.target
        for one in entries_of(batch):
            event_type = self._types[one.eventType]
            keys.append(("type", target, event_type))
            if not one.itemId:
                keys.append(("no_item", target, event_type))
            if one.properties:
                keys += [("property", target, self._property_names[name]) for name in _names_in(one.properties)]
            source = one.metricAttribution.eventAttributionSource if one.metricAttribution is not None else ""
            if source or one.recommendationId or one.impression:
                keys += self._list(one, source, batch.key.session_id)
        self._counts.update(keys)  # all at once: half of what each by itself costs

    def _list(self, one: _Entry, source: str, session_id: str) -> list[CountKey]:
        seen = self._newly_seen(one, source, session_id) if one.impression else 0
        kind = _kind_of(one.eventType)
        lists = [("source", self._sources[source or UNNAMED])]
        if one.recommendationId:
            lists.append(("recommendation", self._recommendations[one.recommendationId]))
        keys: list[CountKey] = []
        for table, name in lists:
            keys.append(("list", table, name, "events"))
            if kind is not None:
                keys.append(("list", table, name, kind))
            if seen:
                self._counts["list", table, name, "seen"] += seen
        return keys

    def _newly_seen(self, one: _Entry, source: str, session_id: str) -> int:
        list_mark = hash((session_id, one.recommendationId or source))
        marks = set(map(list_mark.__xor__, map(hash, one.impression)))
        new = marks - self._young - self._old
        if new:
            self._young |= new
            if len(self._young) > _MOST_SEEN // 2:
                self._old, self._young = self._young, set()
        return len(new)


def _names_in(properties: str) -> Iterable[str]:
    try:
        return _names(properties)
    except (msgspec.DecodeError, RecursionError):
        return ()


def entries_of(batch: Batch) -> Iterator[_Entry]:
    """The events of a batch; none of one that is damaged."""
    try:
        yield from _entries(b"[" + batch.body + b"]")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
