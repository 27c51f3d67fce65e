"""What visitors like, learned from events as they come: enough to recommend items that react to clicks.

The rule is simple on purpose. An item scores for being popular; for being seen in the same sessions as the visitor's
latest items; and for sharing values of its properties (a category, say) with them. Ties go by item id.
"""

import heapq
from collections import Counter, deque
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

MAX_VISITORS: Final = 200_000
"""Visitors whose latest items are kept; past it the one who came first is forgotten."""

MAX_ITEMS: Final = 200_000
"""Items that are counted; others are as if nobody had seen them."""

_LATEST: Final = 10
_FADE: Final = 0.8
_TOGETHER_WEIGHT: Final = 2.0
_LIKENESS_WEIGHT: Final = 1.0

_decode_properties = msgspec.json.Decoder(dict[str, object]).decode


class Taste:
    """Counts of what was seen, by whom, and together with what."""

    def __init__(self) -> None:
        self._seen: Counter[str] = Counter()
        self._latest: dict[str, deque[str]] = {}
        self._together: dict[str, Counter[str]] = {}
        self._likeness = _Likeness()

    def learn(self, item_id: str, session_id: str, user_id: str | None) -> None:
        """Somebody did something with an item."""
        if item_id not in self._seen and len(self._seen) >= MAX_ITEMS:
            return
        self._seen[item_id] += 1
        in_session = self._of(session_id)
        for other in set(in_session):
            if other != item_id:
                self._together.setdefault(item_id, Counter())[other] += 1
                self._together.setdefault(other, Counter())[item_id] += 1
        in_session.append(item_id)
        if user_id is not None and user_id != session_id:
            self._of(user_id).append(item_id)

    def recommend(
        self, *, catalogue: Iterable[str], visitor: str | None, item_id: str | None, count: int
    ) -> list[tuple[str, float]]:
        """Item ids and scores, best first; the scores of all candidates add up to 1.

        Args:
            catalogue: Ids of the items there are; those seen in events are added.
            visitor: A user id, or the session id of somebody anonymous.
            item_id: For items related to this one, which is left out itself.
            count: How many.
        """
        most = max(self._seen.values(), default=1)
        scores = dict.fromkeys(catalogue, 0.0)
        for item, times in self._seen.items():
            scores[item] = times / most
        latest = [item_id] if item_id is not None else reversed(self._latest.get(visitor or "", ()))
        weight = 1.0
        for one in dict.fromkeys(latest):
            self._add_neighbours(scores, one, weight)
            weight *= _FADE
        if item_id is not None:
            scores.pop(item_id, None)
        total = sum(scores.values()) or 1.0
        best = heapq.nsmallest(count, scores.items(), key=lambda scored: (-scored[1], scored[0]))
        return [(item, round(score / total, 7)) for item, score in best]

    def know_items(self, properties: Mapping[tuple[str, str], str], version: int) -> None:
        """Use these properties of items; `version` changes whenever they do."""
        self._likeness.know(properties, version)

    def _of(self, visitor: str) -> deque[str]:
        latest = self._latest.get(visitor)
        if latest is None:
            if len(self._latest) >= MAX_VISITORS:
                del self._latest[next(iter(self._latest))]
            latest = self._latest[visitor] = deque(maxlen=_LATEST)
        return latest

    def _add_neighbours(self, scores: dict[str, float], item: str, weight: float) -> None:
        together = self._together.get(item, Counter())
        most = max(together.values(), default=1)
        for other, times in together.items():
            scores[other] = scores.get(other, 0.0) + weight * _TOGETHER_WEIGHT * times / most
        for other, share in self._likeness.like(item):
            if other in scores:
                scores[other] += weight * _LIKENESS_WEIGHT * share


class _Likeness:
    """Which items share values of their properties."""

    def __init__(self) -> None:
        self._version = -1
        self._values: dict[str, frozenset[tuple[str, str]]] = {}
        self._items: dict[tuple[str, str], list[str]] = {}

    def know(self, properties: Mapping[tuple[str, str], str], version: int) -> None:
        if version == self._version:
            return
        self._version = version
        self._values = {item: _values(text) for (_, item), text in properties.items()}
        self._items = {}
        for item, values in self._values.items():
            for value in values:
                self._items.setdefault(value, []).append(item)
        common = len(self._values) / 2
        self._items = {value: items for value, items in self._items.items() if 1 < len(items) <= common}

    def like(self, item: str) -> Iterable[tuple[str, float]]:
        """Other items and the share of the item's telling values that they have too."""
        telling = [value for value in self._values.get(item, ()) if value in self._items]
        shared = Counter(other for value in telling for other in self._items[value] if other != item)
        return ((other, times / len(telling)) for other, times in shared.items())


def _values(text: str) -> frozenset[tuple[str, str]]:
    """The categories in the properties of an item: every string value, split at `|`."""
    properties = _decode_properties(text) if text else {}
    return frozenset(
        (key, part) for key, value in properties.items() if isinstance(value, str) for part in value.split("|")
    )
