"""A call as it came to the emulator."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """One call of an AWS client."""

    n: int
    """1, 2, 3, ... in the order of the answers."""
    operation: str | None
    """`PutEvents`, `GetRecommendations`, ...; None: no operation of the service."""
    status: int | None
    """The HTTP status the client got; None where a fault kept it from getting any."""
    taken: bool
    """Whether the emulator acted on it."""
    body: Any
    """The request, decoded from JSON; None when it is none."""
    error: str | None
    """The error code, if it was refused."""
    message: str | None
    """What the refusal said."""
    time_ms: int
    """When it came, in milliseconds since the Unix epoch."""
