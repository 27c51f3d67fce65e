"""How often items were seen, and together with what: the emulator's whole statistics."""

from collections import Counter
from collections.abc import Iterable
from typing import Final

MAX_ITEMS: Final = 200_000
"""Items that are counted; others are as if nobody had seen them."""


class Counts:
    """Counts of one kind of events."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()
        self._together: dict[str, Counter[str]] = {}

    def learn(self, item_id: str, before: Iterable[str]) -> bool:
        """Somebody did something with an item, after the items `before`; whether there was room to count it."""
        if item_id not in self.seen and len(self.seen) >= MAX_ITEMS:
            return False
        self.seen[item_id] += 1
        for other in set(before):
            if other != item_id:
                self._together.setdefault(item_id, Counter())[other] += 1
                self._together.setdefault(other, Counter())[item_id] += 1
        return True

    def popularity(self) -> dict[str, float]:
        """Item to its share of the most seen one's times: (0, 1]."""
        most = max(self.seen.values(), default=1)
        return {item: times / most for item, times in self.seen.items()}

    def beside(self, item_id: str) -> dict[str, float]:
        """Items seen together with one, to their share of the times of the one seen most often with it: (0, 1]."""
        together = self._together.get(item_id, Counter[str]())
        most = max(together.values(), default=1)
        return {other: times / most for other, times in together.items()}
