"""How long events are held back to fill calls: not at all while the quota is far, longer the nearer it is."""

from typing import Final

from relay.delivery.token_bucket import Pace

NEAR: Final = 0.95
"""Above this part of the quota, hold back longer."""
FAR: Final = 0.85
"""Below this one, shorter."""
_STEP_S: Final = 0.25
_FIRST_S: Final = 0.5
_GROWTH: Final = 1.6
_LEAST_USED: Final = 0.02


class Linger:
    """Follows a pace. It grows from nothing to 30 s within three seconds of pressure.

    It gives way only as fast as the calls it releases find room below `NEAR`: shorter by x seconds in one second, it
    releases 1 + x seconds' worth of calls. Faster would bring the pressure back at once.
    """

    def __init__(self, pace: Pace, *, least_s: float, most_s: float) -> None:
        self._pace = pace
        self._least_s = least_s
        self._most_s = max(least_s, most_s)
        self._extra_s = 0.0
        self._as_of_s: float | None = None

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is held back beyond the least."""
        return self._extra_s == 0.0

    def now(self, now_s: float) -> float:
        """Seconds a session's oldest event should have waited; `now_s` is monotonic time."""
        if self._as_of_s is None:
            self._as_of_s = now_s
        while now_s - self._as_of_s >= _STEP_S:
            self._as_of_s += _STEP_S
            self._step()
            if self._extra_s == 0.0 and now_s - self._as_of_s > 1.0:
                self._as_of_s = now_s  # long idle: nothing to catch up with
        return min(self._most_s, self._least_s + self._extra_s)

    def _step(self) -> None:
        used = self._pace.used
        if used > NEAR:
            self._extra_s = min(self._most_s, max(_FIRST_S, self._extra_s * _GROWTH))
        elif used < FAR:
            room = NEAR / max(used, _LEAST_USED) - 1
            self._extra_s = max(0.0, self._extra_s - _STEP_S * room)
