"""Why something was not taken, by cause: a bounded table of distinct causes, half of it for those who may send."""

import logging
import re
from collections import OrderedDict
from typing import Final

from relay.core.clock import Clock
from relay.insight.minute_rows import CountKey, RefusalRow

MOST_CAUSES: Final = 1000
"""Distinct causes that are remembered; a half of them for allowed origins and valid tokens, a half for the rest."""
MOST_TYPES: Final = 50
"""Event types that are told apart at one cause; the rest are `(others)`."""
LOG_EVERY_S: Final = 60.0

_ORIGIN: Final = re.compile(r"[a-z][a-z0-9+.-]{1,20}://[A-Za-z0-9.\[\]:_-]{1,100}|null")
_logger = logging.getLogger("relay")


class Refusals:
    """Causes and how often they were met, since they were last taken away to be kept."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tables: dict[bool, OrderedDict[CountKey, RefusalRow]] = {True: OrderedDict(), False: OrderedDict()}
        self._types: dict[CountKey, set[str]] = {}
        self._said_s: dict[str, float] = {}
        self._held_back: dict[str, int] = {}

    def add(  # noqa: PLR0917 - the columns
        self,
        kind: str,
        reason: str,
        field: str = "",
        origin: str = "",
        site: str = "",
        event_type: str = "",
        *,
        trusted: bool,
        at_ms: int,
        count: int = 1,
    ) -> None:
        """Count one. What a stranger chose (origin, event type) is cut, and left out where it is not what it says."""
        cause = (kind, reason, field, origin_shown(origin), site)
        key = (*cause, self._type(cause, event_type[:64]))
        table = self._tables[trusted]
        before = table.pop(key, None)
        if before is None:
            table[key] = RefusalRow(key, trusted, count, at_ms, at_ms)
            if len(table) > MOST_CAUSES // 2:
                table.popitem(last=False)
        else:
            table[key] = before._replace(times=before.times + count, last_ms=max(at_ms, before.last_ms))
        self._say(kind, reason, field, count)

    def taken_away(self) -> list[RefusalRow]:
        """All that was counted since the last time."""
        rows = [row for table in self._tables.values() for row in table.values()]
        for table in self._tables.values():
            table.clear()
        if len(self._types) > MOST_CAUSES:
            self._types.clear()
        return rows

    def _type(self, cause: CountKey, event_type: str) -> str:
        if not event_type:
            return ""
        known = self._types.setdefault(cause, set())
        if event_type not in known:
            if len(known) >= MOST_TYPES:
                return "(others)"
            known.add(event_type)
        return event_type

    def _say(self, kind: str, reason: str, field: str, count: int) -> None:
        """One line a cause a minute; the words are from closed lists."""
        cause = f"{kind} {reason}"
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s.get(cause, -LOG_EVERY_S) < LOG_EVERY_S:
            self._held_back[cause] = self._held_back.get(cause, 0) + count
            return
        more = self._held_back.pop(cause, 0)
        self._said_s[cause] = now_s
        extra = {"kind": kind, "reason": reason, "field": field or None, "count": count + more}
        _logger.info("not taken: %s; the admin listener's /refusals says what to do", cause, extra=extra)


def origin_shown(origin: str) -> str:
    """An origin as it may be shown: nothing but an origin."""
    if not origin:
        return ""
    return origin if _ORIGIN.fullmatch(origin) else "(no origin)"
