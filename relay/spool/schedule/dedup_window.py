"""Event ids lately accepted, so that a repeat is recognised: a bounded memory of about ten minutes."""

from collections.abc import Iterable, Set
from typing import Final

REMEMBERED_S: Final = 600.0
ID_BITS: Final = (1 << 60) - 1  # an int of up to 60 bits takes 32 bytes, a larger one 48


class DedupWindow:
    """Remembers ids for `window_s` to twice `window_s` seconds, or fewer when there are more than `most` of them.

    It keeps 60 bits of each id, hashed with this process's secret: 22 MB at the default bound, and a false match once
    in some million million lookups. Two generations: when the younger is full or old, the older is forgotten.
    """

    def __init__(self, *, window_s: float = REMEMBERED_S, most: int = 300_000) -> None:
        self._window_s = window_s
        self._most_young = most // 2
        self._young: set[int] = set()
        self._old: set[int] = set()
        self._since_s = 0.0

    @staticmethod
    def key(session: int, event_id: str) -> int:
        """What stands for an event id of a session."""
        return hash((session, event_id)) & ID_BITS

    @property
    def generations(self) -> tuple[Set[int], Set[int]]:
        """What is remembered, for who looks for many at once."""
        return self._young, self._old

    def __contains__(self, key: int) -> bool:
        return key in self._young or key in self._old

    def add(self, keys: Iterable[int], now_s: float) -> None:
        """Remember these from now on; `now_s` is monotonic."""
        if now_s - self._since_s >= self._window_s or len(self._young) >= self._most_young:
            self._old, self._young = self._young, set()
            self._since_s = now_s
        self._young.update(keys)
