"""What visitors of one dataset group like, learned from events as they come: enough to recommend, and to react.

The rule is simple on purpose. An item scores for being popular; for being seen by the same visitors as the one's
latest items; and for sharing values of its properties (a category, say) with them. Ties go by item id, so that the
same events always give the same recommendations.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from relay.emulator.runtime.counts import Counts
from relay.emulator.runtime.likeness import Likeness
from relay.emulator.runtime.recipes import Recipe

MAX_VISITORS: Final = 200_000
"""Visitors whose latest items are kept; past it the one who came first is forgotten."""

MAX_EVENT_TYPES: Final = 100
"""Event types that are counted on their own; the service has 10 at most."""

FILTERED_EVENTS: Final = 100
"""Latest events of a visitor and type that filters look at [the quotas page of the developer guide]."""

_LATEST: Final = 10
_TRENDING: Final = 1000
"""How many of the latest events make a trend."""
_FADE: Final = 0.8
_TOGETHER_WEIGHT: Final = 2.0
_LIKENESS_WEIGHT: Final = 1.0
_FALLBACK_WEIGHT: Final = 0.001
"""Of what is popular at all, where only one event type counts: it orders what that type says nothing about."""


class _Visitor:
    """What one session, or one user, did last."""

    __slots__ = ("by_type", "is_user", "latest")

    def __init__(self) -> None:
        self.latest: deque[str] = deque(maxlen=_LATEST)
        self.by_type: dict[str, deque[str]] = {}
        self.is_user = False

    def note(self, item_id: str, event_type: str) -> None:
        self.latest.append(item_id)
        of_type = self.by_type.get(event_type)
        if of_type is None:
            if len(self.by_type) >= MAX_EVENT_TYPES:
                return
            of_type = self.by_type[event_type] = deque(maxlen=FILTERED_EVENTS)
        of_type.append(item_id)


class Taste:
    """Counts of what was seen, by whom, and together with what."""

    def __init__(self) -> None:
        self.events = 0
        """How many were learned."""
        self._all = Counts()
        self._by_type: dict[str, Counts] = {}
        self._visitors: dict[str, _Visitor] = {}
        self._latest: deque[str] = deque(maxlen=_TRENDING)
        self._likeness = Likeness()

    def learn(self, item_id: str, session_id: str, user_id: str | None, event_type: str) -> None:
        """Somebody did something with an item; a user without a session is given as both."""
        kind = event_type.lower()
        session = self._of(session_id)
        if not self._all.learn(item_id, session.latest):
            return
        self.events += 1
        if kind not in self._by_type and len(self._by_type) < MAX_EVENT_TYPES:
            self._by_type[kind] = Counts()
        if kind in self._by_type:
            self._by_type[kind].learn(item_id, tuple(session.by_type.get(kind, ()))[-_LATEST:])
        self._latest.append(item_id)
        session.note(item_id, kind)
        if user_id == session_id:
            session.is_user = True
        elif user_id is not None:
            user = self._of(user_id)
            user.is_user = True
            user.note(item_id, kind)

    def know_items(self, properties: Mapping[str, str], version: int) -> None:
        """Use these properties of items; `version` changes whenever they do."""
        self._likeness.know(properties, version)

    def scores(
        self, recipe: Recipe | None, *, catalogue: Iterable[str], visitor: str | None, item_id: str | None
    ) -> dict[str, float]:
        """Every item there is, to what the recipe makes of it: more is better.

        Args:
            recipe: None for items related to `item_id` where it is given, else for what the visitor may like.
            catalogue: Ids of the items there are; those seen in events are added.
            visitor: A user id, or the session id of somebody anonymous.
            item_id: For items related to this one, which is left out itself.
        """
        scores = dict.fromkeys(catalogue, 0.0)
        style = recipe.style if recipe else ("related" if item_id is not None else "personal")
        counts = self._counts(recipe)
        if style == "trending":
            for seen in self._latest:
                scores[seen] = scores.get(seen, 0.0) + 1 / len(self._latest)
        else:
            scores |= counts.popularity()
        if counts is not self._all or style == "trending":
            for item, share in self._all.popularity().items():
                scores[item] = scores.get(item, 0.0) + _FALLBACK_WEIGHT * share
        for item, weight in self._starting_points(style, visitor, item_id):
            self._add_neighbours(scores, counts, item, weight)
        if style == "related" and item_id is not None:
            scores.pop(item_id, None)
        if recipe is not None and recipe.hides and visitor:
            for hidden in self.touched(visitor, recipe.hides):
                scores.pop(hidden, None)
        return scores

    def touched(self, visitor: str, event_type: str | None) -> frozenset[str]:
        """Items of a visitor's latest events of a type, in lower case; None is every type."""
        known = self._visitors.get(visitor)
        if known is None:
            return frozenset()
        if event_type is not None:
            return frozenset(known.by_type.get(event_type, ()))
        return frozenset(item for items in known.by_type.values() for item in items)

    def users(self) -> Iterator[tuple[str, frozenset[str]]]:
        """Each user (sessions are none) and the items of the latest events."""
        return ((name, self.touched(name, None)) for name, visitor in self._visitors.items() if visitor.is_user)

    def likeness(self, item_id: str) -> dict[str, float]:
        """Items that share values of their properties with one, to how much: (0, 1]."""
        return dict(self._likeness.like(item_id))

    def beside(self, item_id: str) -> dict[str, float]:
        """Items seen together with one, to how often: (0, 1]."""
        return self._all.beside(item_id)

    def _starting_points(self, style: str, visitor: str | None, item_id: str | None) -> Iterator[tuple[str, float]]:
        if style == "related":
            yield from [(item_id, 1.0)] if item_id is not None else []
        elif style in {"personal", "ranking"}:
            known = self._visitors.get(visitor or "")
            weight = 1.0
            for one in dict.fromkeys(reversed(known.latest if known else ())):
                yield one, weight
                weight *= _FADE

    def _counts(self, recipe: Recipe | None) -> Counts:
        if recipe is None or recipe.event_type is None:
            return self._all
        return self._by_type.get(recipe.event_type, Counts())

    def _add_neighbours(self, scores: dict[str, float], counts: Counts, item: str, weight: float) -> None:
        for other, share in counts.beside(item).items():
            scores[other] = scores.get(other, 0.0) + weight * _TOGETHER_WEIGHT * share
        for other, share in self._likeness.like(item):
            if other in scores:
                scores[other] += weight * _LIKENESS_WEIGHT * share

    def _of(self, visitor: str) -> _Visitor:
        known = self._visitors.get(visitor)
        if known is None:
            if len(self._visitors) >= MAX_VISITORS:
                del self._visitors[next(iter(self._visitors))]
            known = self._visitors[visitor] = _Visitor()
        return known
