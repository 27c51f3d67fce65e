"""Which items share values of their properties."""

from collections import Counter
from collections.abc import Iterable, Mapping

from relay.emulator.data.properties import folded_properties


class Likeness:
    """What items have in common, by what their properties say."""

    def __init__(self) -> None:
        self._version = -1
        self._values: dict[str, frozenset[tuple[str, str]]] = {}
        self._items: dict[tuple[str, str], list[str]] = {}

    def know(self, properties: Mapping[str, str], version: int) -> None:
        """Use these `properties` of items; `version` changes whenever they do."""
        if version == self._version:
            return
        self._version = version
        self._values = {item: _values(text) for item, text in properties.items()}
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
    return frozenset(
        (key, part)
        for key, value in folded_properties(text).items()
        if isinstance(value, str)
        for part in value.split("|")
    )
