"""Calls a second the service takes, for each operation and dataset group: a full second's worth at once, no more."""

from collections.abc import Mapping
from typing import Final

from relay.core import limits
from relay.emulator.clock import Clock
from relay.emulator.wire.errors import AwsError

RECOMMENDATIONS_PER_S: Final = 500
"""GetRecommendations calls a second and campaign [the quotas page of the developer guide]."""

DEFAULT_QUOTAS: Final[Mapping[str, float]] = {
    "PutEvents": limits.PUT_EVENTS_PER_S,
    "PutUsers": limits.PUT_RECORDS_CALLS_PER_S,
    "PutItems": limits.PUT_RECORDS_CALLS_PER_S,
    "GetRecommendations": RECOMMENDATIONS_PER_S,
    "GetPersonalizedRanking": RECOMMENDATIONS_PER_S,
}
"""Operation → calls a second. None is documented for PutActions and PutActionInteractions: there is none."""

_ROUNDING: Final = 1e-6
"""A client that waits exactly long enough must not fail for the last digit of a float."""


class Quotas:
    """One bucket of tokens for each operation and dataset group (or campaign)."""

    def __init__(self, *, clock: Clock, per_s: Mapping[str, float]) -> None:
        self._clock = clock
        self._per_s = dict(per_s)
        self._buckets: dict[tuple[str, str], tuple[float, float]] = {}

    def take(self, operation: str, group: str) -> None:
        """Count one call; ThrottlingException when the second's worth is used up."""
        rate = self._per_s.get(operation)
        if rate is None:
            return
        now_s = self._clock.monotonic_s()
        tokens, since_s = self._buckets.get((operation, group), (rate, now_s))
        tokens = min(rate, tokens + (now_s - since_s) * rate)
        if tokens < 1 - _ROUNDING:
            self._buckets[operation, group] = (tokens, now_s)
            raise AwsError("ThrottlingException", "Rate exceeded")
        self._buckets[operation, group] = (tokens - 1, now_s)
