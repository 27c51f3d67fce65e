"""One path of the server API: what it needs, what it is sent, and what does it."""

from collections.abc import Awaitable, Callable

import msgspec

from relay.identity.tokens import Scope
from relay.web.api.handlers import ApiRequest


class ApiCall(msgspec.Struct, frozen=True):
    """One path of the server API."""

    path: str
    scopes: tuple[Scope, ...]
    """Any of which a token needs."""
    status: int
    """Of a success."""
    shape: type[msgspec.Struct]
    """What is sent."""
    run: Callable[[ApiRequest], Awaitable[msgspec.Struct]]
