"""Fields of a parsed JSON object: what becomes of one that cannot be used, and of one that nobody knows.

`null` is the same as absent everywhere. A field the event cannot do without is refused; any other that cannot be used
is left out and noted, so that the interaction itself survives.
"""

import re
from collections.abc import Callable, Collection, Iterable
from typing import Any, Final, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from relay.core.limits import MAX_IMPRESSION_ITEMS
from relay.core.model import Reason
from relay.core.telemetry import MAX_UNKNOWN_NAMES
from relay.wire.lenient_json import as_list, as_object
from relay.wire.values import Field, RefusedFieldError, identifiers

OTHER_NAME: Final = "other"

_NAME: Final = re.compile(r"[A-Za-z0-9_]{1,64}")

T = TypeVar("T")


class Drop(msgspec.Struct, frozen=True, omit_defaults=True):
    """A field that was left out, in whole or in part, of something that was taken."""

    field: Field
    reason: Reason
    index: int | UnsetType = UNSET
    """Of the event in its list; absent for a field of the beacon itself."""


def in_order(dropped: Iterable[Drop]) -> list[Drop]:
    """Those of the beacon itself, then by event."""
    return sorted(dropped, key=lambda one: -1 if one.index is UNSET else one.index)


class Notes:
    """What is noted while a body is looked at: fields left out, and the names of fields nobody knows."""

    __slots__ = ("dropped", "unknown")

    def __init__(self) -> None:
        self.dropped: list[Drop] = []
        self.unknown: dict[str, int] = {}

    def drop(self, field: Field, reason: Reason, index: int | UnsetType = UNSET) -> None:
        """Note a field that was left out."""
        self.dropped.append(Drop(field, reason, index))

    def count_unknown(self, names: Collection[str], known: frozenset[str]) -> None:
        """Count the names that are not known."""
        for name in names:
            if name in known:
                continue
            kept = name if _NAME.fullmatch(name) else OTHER_NAME
            if kept not in self.unknown and len(self.unknown) >= MAX_UNKNOWN_NAMES:
                kept = OTHER_NAME
            self.unknown[kept] = self.unknown.get(kept, 0) + 1


class Members:
    """The members of one object, each read as what it should be."""

    __slots__ = ("_index", "_members", "_notes")

    def __init__(self, value: object, notes: Notes, index: int | UnsetType = UNSET) -> None:
        """Take a parsed value.

        Args:
            value: As `lenient_json.parse` gave it.
            notes: Where fields that are left out are noted.
            index: Of the object in its list.

        Raises:
            RefusedFieldError: it is no object.
        """
        members = as_object(value)
        if members is None:
            raise RefusedFieldError(Reason.BAD_TYPE)
        self._members: dict[str, Any] = members
        self._notes = notes
        self._index = index

    def names(self) -> Collection[str]:
        """All of them, known or not."""
        return self._members.keys()

    def given(self, field: Field) -> object:
        """A member as it came; None when it is absent."""
        return self._members.get(field)

    def required(self, field: Field, read: Callable[[object], T]) -> T:
        """A field that must be there.

        Raises:
            RefusedFieldError: it is not, or it is something else.
        """
        found = self.optional(field, read)
        if isinstance(found, UnsetType):
            raise RefusedFieldError(Reason.MISSING_FIELD, field)
        return found

    def optional(self, field: Field, read: Callable[[object], T]) -> T | UnsetType:
        """A field that may be absent, and costs the object when it is something else.

        Raises:
            RefusedFieldError: it is there and something else.
        """
        value = self._members.get(field)
        if value is None:
            return UNSET
        try:
            return read(value)
        except RefusedFieldError as refused:
            raise RefusedFieldError(refused.reason, refused.field or field, refused.detail) from None

    def usable(self, field: Field, read: Callable[[object], T]) -> T | UnsetType:
        """A field that may be absent, and is left out and noted when it cannot be used. Nothing in it is absent."""
        value = self._members.get(field)
        if value is None or value in ("", []):
            return UNSET
        try:
            return read(value)
        except RefusedFieldError as refused:
            self._notes.drop(field, refused.reason, self._index)
            return UNSET

    def impression(self) -> list[str] | UnsetType:
        """`impression`: of a longer list the first 25, which is noted."""
        items = as_list(self._members.get("impression"))
        if items is not None and len(present := [item for item in items if item is not None]) > MAX_IMPRESSION_ITEMS:
            self._notes.drop("impression", Reason.TOO_MANY_ITEMS, self._index)
            self._members["impression"] = present[:MAX_IMPRESSION_ITEMS]
        return self.usable("impression", identifiers) or UNSET
