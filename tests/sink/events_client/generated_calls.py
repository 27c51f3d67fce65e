"""Calls as people make them, and as they make them wrong: from a seed, so that a failure can be had again."""

import math
import random
import string
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType
from typing import Any, Final, NamedTuple

ARN: Final = "arn:aws:personalize:eu-west-1:123456789012:dataset/shop/ITEMS"


class Call(NamedTuple):
    method: str
    arguments: dict[str, Any]


class Colour(StrEnum):
    RED = "red"


class _Text(str):
    __slots__ = ()


_ODD: Final[tuple[Any, ...]] = (
    None, True, False, 0, 7, -1, 1.5, "", " ", b"bytes", [], {}, (), set(), frozenset({"a"}), object, Decimal(1),
    {"a": 1}, ["a", 1], [None], [[]], MappingProxyType({"eventType": "a", "sentAt": 1}), Fraction(1, 2), 10**400,
)  # fmt: skip
"""Stands anywhere in the place of anything."""

_TIMES: Final[tuple[Any, ...]] = (
    0, 1, 1_795_312_345, 1_795_312_345.999_999_9, 1.5, -1, -1.5, True, 2**35, 2**36, 1_795_312_345_678, 10**18,
    math.nan, math.inf, -math.inf, Decimal("1795312345.5"), "1795312345", "1795312345.9", "-3", "nan", "inf", "",
    "2026-11-25", "2026-11-25T10:00:00Z", "2026-11-25T10:00:00.123Z", "2026-11-25T10:00:00.123456+02:00",
    "2026-11-25T10:00:00", "2026-11-25T25:00:00Z", "2026-02-30T10:00:00Z", "Wed, 25 Nov 2026 10:00:00 GMT", "10:30",
    "yesterday", b"1795312345", date(2026, 11, 25), datetime(2026, 11, 25, 10, 0, 0, 999_999),  # noqa: DTZ001 - naive
    datetime(2026, 11, 25, 10, 0, tzinfo=UTC), datetime(2026, 11, 25, 10, 0, tzinfo=timezone(timedelta(hours=-5))),
    datetime(1969, 12, 31, 23, 59, 59, 500_000, tzinfo=UTC), datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=2))),
    datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), datetime(2026, 10, 25, 2, 30, fold=1),  # noqa: DTZ001 - naive
)  # fmt: skip

_NUMBERS: Final[tuple[Any, ...]] = (
    0, 1, -1, 1.5, 19.99, 1e300, 5e-324, math.nan, math.inf, -math.inf, True, Decimal("1.10"), Decimal("NaN"), 10**30,
    10**400, "1.5", None, 0.1 + 0.2,
)  # fmt: skip


class Generator:
    """Calls without end; `wrong` is the share of places where something odd stands."""

    def __init__(self, seed: int, *, wrong: float = 0.02) -> None:
        self._rng = random.Random(seed)
        self._wrong = wrong

    def calls(self, count: int) -> Iterator[Call]:
        """The next of them."""
        for _ in range(count):
            wrong, self._wrong = self._wrong, 0.0 if self._rng.random() < 0.4 else self._wrong
            method = self._rng.choice(tuple(_METHODS))
            arguments = self._fields(_METHODS[method](self))
            self._wrong = wrong
            yield Call(method, arguments)

    def _text(self, most: int) -> Any:
        kind = self._rng.randrange(12)
        if kind == 0:
            return self._rng.choice(("ü", "日本", "😀", "\ud800", "a\u2028b", "\x00", "\\", '"', "\x7f", "é" * 9)) * 3
        if kind == 1:
            return "x" * self._rng.choice((1, most - 1, most, most + 1, 3 * most))
        if kind == 2:
            return self._rng.choice((Colour.RED, _Text("sub"), "null", "undefined", "~", "a/b c&d=e%20"))
        return "".join(self._rng.choices(string.ascii_letters + string.digits + "-_.:#/ ", k=self._rng.randint(1, 40)))

    def _many(self, make: Callable[[], Any], most: int) -> Any:
        count = self._rng.choice((1, 1, 2, 3, 10, most, most + 1)) if self._rng.random() < 0.3 else 2
        listed = [make() for _ in range(count)]
        return tuple(listed) if self._rng.random() < 0.1 else listed

    def _fields(self, members: dict[str, tuple[bool, Callable[[], Any]]]) -> dict[str, Any]:
        """Required ones first or last or between; optional ones half the time."""
        names = [name for name, (required, _) in members.items() if required or self._rng.random() < 0.5]
        self._rng.shuffle(names)
        made = {name: self._odd_or(members[name][1]) for name in names}
        if self._rng.random() < self._wrong and made:
            del made[self._rng.choice(tuple(made))]
        if self._rng.random() < self._wrong:
            made[self._rng.choice(("itemID", "timestamp", "x", "", "é"))] = self._rng.choice(_ODD)
        return made

    def _odd_or(self, make: Callable[[], Any]) -> Any:
        return self._rng.choice(_ODD) if self._rng.random() < self._wrong else make()

    def _time(self) -> Any:
        return self._rng.choice(_TIMES) if self._rng.random() < 0.15 else self._rng.uniform(0, 2e9).__round__(3)

    def _number(self) -> Any:
        return self._rng.choice(_NUMBERS) if self._rng.random() < 0.3 else self._rng.uniform(-9, 99)

    def _id(self) -> Any:
        return self._text(256)

    def _properties(self) -> Any:
        return self._rng.choice(('{"price":19.9}', "{}", '{"a":"\\u00e9"}', self._text(1024)))

    def _impression(self) -> Any:
        return self._many(lambda: self._odd_or(self._id), 25)

    def event(self) -> Any:
        """One of PutEvents."""
        return self._fields(
            {
                "eventId": (False, self._id),
                "eventType": (True, self._id),
                "eventValue": (False, self._number),
                "itemId": (False, self._id),
                "properties": (False, self._properties),
                "sentAt": (True, self._time),
                "recommendationId": (False, lambda: self._text(40)),
                "impression": (False, self._impression),
                "metricAttribution": (
                    False,
                    lambda: self._fields({"eventAttributionSource": (True, lambda: self._text(1024))}),
                ),
            }
        )

    def interaction(self) -> Any:
        """One of PutActionInteractions."""
        return self._fields(
            {
                "actionId": (True, self._id),
                "userId": (False, self._id),
                "sessionId": (True, self._id),
                "timestamp": (True, self._time),
                "eventType": (True, self._id),
                "eventId": (False, self._id),
                "recommendationId": (False, lambda: self._text(40)),
                "impression": (False, self._impression),
                "properties": (False, self._properties),
            }
        )

    def entity(self, name: str) -> Any:
        """A user, item or action."""
        return self._fields({name: (True, self._id), "properties": (False, self._properties)})

    def put_events(self) -> dict[str, tuple[bool, Callable[[], Any]]]:
        """Members of the call."""
        return {
            "trackingId": (True, self._id),
            "userId": (False, self._id),
            "sessionId": (True, self._id),
            "eventList": (True, lambda: self._many(lambda: self._odd_or(self.event), 10)),
        }

    def put_interactions(self) -> dict[str, tuple[bool, Callable[[], Any]]]:
        """Members of the call."""
        return {
            "trackingId": (True, self._id),
            "actionInteractions": (True, lambda: self._many(lambda: self._odd_or(self.interaction), 10)),
        }

    def put_entities(self, entries: str, name: str) -> dict[str, tuple[bool, Callable[[], Any]]]:
        """Members of the call."""
        return {
            "datasetArn": (True, lambda: ARN if self._rng.random() < 0.8 else self._text(256)),
            entries: (True, lambda: self._many(lambda: self._odd_or(lambda: self.entity(name)), 10)),
        }


_METHODS: Final[dict[str, Callable[[Generator], dict[str, tuple[bool, Callable[[], Any]]]]]] = {
    "put_events": Generator.put_events,
    "put_action_interactions": Generator.put_interactions,
    "put_items": lambda generator: generator.put_entities("items", "itemId"),
    "put_users": lambda generator: generator.put_entities("users", "userId"),
    "put_actions": lambda generator: generator.put_entities("actions", "actionId"),
}
