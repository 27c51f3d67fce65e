"""How long to wait before the next try: pure."""

import random
from typing import Final

BASE_S: Final = 0.5
CAP_S: Final = 60.0


def full_jitter(attempt: int, rng: random.Random, *, base_s: float = BASE_S, cap_s: float = CAP_S) -> float:
    """Seconds, anywhere between 0 and `base_s` doubled with every attempt, at most `cap_s`.

    All of the interval, because tries that failed together would otherwise come back together.

    Args:
        attempt: 1 after the first failure.
        rng: Where the jitter comes from.
        base_s: Longest wait after the first failure.
        cap_s: Longest wait ever.
    """
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt - 1, 30)))
