"""Figures about the calls that came."""

from collections import Counter
from typing import Any, Final

from relay.emulator.data.events import PutEvents, item_of
from relay.emulator.store.calls import Call

MAX_DISTINCT: Final = 2_000_000
"""Sessions, users and event ids told apart, each; past it the counts of distinct ones stand still."""

MAX_OVERLOOKED: Final = 200
"""Names of members that were passed over, each counted on its own; the rest count as `other`."""


class Statistics:
    """Counts of calls, events, sessions and users since the start or the last reset."""

    def __init__(self) -> None:
        self._calls: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._faults: Counter[str] = Counter()
        self._per_call: Counter[int] = Counter()
        self._types: Counter[str] = Counter()
        self._overlooked: Counter[str] = Counter()
        self._events = 0
        self._repeated = 0
        self._without_item = 0
        self._sessions: set[str] = set()
        self._users: set[str] = set()
        self._event_ids: set[tuple[str, str]] = set()

    def take(self, call: Call, put_events: PutEvents | None) -> None:
        """Count a call; `put_events` is its body where it is a PutEvents that was taken."""
        self._calls[call.operation or "unknown"] += 1
        if call.error is not None:
            self._refused[call.error] += 1
        if call.fault is not None:
            self._faults[call.fault] += 1
        for name in call.overlooked:
            room = name in self._overlooked or len(self._overlooked) < MAX_OVERLOOKED
            self._overlooked[name if room else "other"] += 1
        if put_events is None:
            return
        self._per_call[len(put_events.event_list)] += 1
        _note(self._sessions, put_events.session_id)
        if put_events.user_id:
            _note(self._users, put_events.user_id)
        for event in put_events.event_list:
            self._events += 1
            self._types[event.event_type] += 1
            self._without_item += item_of(event) is None
            if event.event_id:
                known = len(self._event_ids)
                _note(self._event_ids, (put_events.session_id, event.event_id))
                self._repeated += known == len(self._event_ids)

    def as_json(self) -> dict[str, Any]:
        """Everything, ready to be written as JSON."""
        put_events_calls = sum(self._per_call.values())
        return {
            "calls": dict(self._calls),
            "refused": dict(self._refused),
            "faults": dict(self._faults),
            "overlooked": dict(self._overlooked),
            "events": self._events,
            "events_repeated": self._repeated,
            "events_distinct": self._events - self._repeated,
            "events_without_item": self._without_item,
            "events_per_call": {str(size): self._per_call[size] for size in sorted(self._per_call)},
            "events_per_call_mean": round(self._events / put_events_calls, 3) if put_events_calls else 0,
            "event_types": dict(self._types.most_common(100)),
            "sessions": len(self._sessions),
            "users": len(self._users),
        }


def _note(known: set[Any], one: Any) -> None:
    if len(known) < MAX_DISTINCT:
        known.add(one)
