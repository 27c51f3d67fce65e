"""Which operation a request asks for, and who does it."""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from relay.emulator.control.plane import CONTROL_OPERATIONS
from relay.emulator.data import put
from relay.emulator.runtime.recommendations import get_recommendations
from relay.emulator.state import Emulator

Handler = Callable[[Emulator, bytes], bytes]
"""Takes the body of the request and gives that of the answer; raises `AwsError` to refuse."""


class Operation(NamedTuple):
    """An operation of one of the three APIs."""

    name: str
    handler: Handler
    control_plane: bool = False
    """JSON 1.1 by target instead of REST by path."""


_BY_PATH: Final[Mapping[str, Operation]] = {
    "/events": Operation("PutEvents", put.put_events),
    "/users": Operation("PutUsers", put.put_users),
    "/items": Operation("PutItems", put.put_items),
    "/actions": Operation("PutActions", put.put_actions),
    "/action-interactions": Operation("PutActionInteractions", put.put_action_interactions),
    "/recommendations": Operation("GetRecommendations", get_recommendations),
}

_TARGET_PREFIX: Final = b"AmazonPersonalize."
_BY_TARGET: Final[Mapping[bytes, Operation]] = {
    name.encode(): Operation(name, handler, control_plane=True) for name, handler in CONTROL_OPERATIONS.items()
}

PATHS: Final = tuple(_BY_PATH)
"""Paths of the REST operations."""


def find_operation(method: str, path: str, headers: Mapping[bytes, bytes]) -> Operation | None:
    """The operation of a request; None when it is none of ours."""
    if method != "POST":
        return None
    if path == "/":
        target = headers.get(b"x-amz-target", b"")
        return _BY_TARGET.get(target.removeprefix(_TARGET_PREFIX)) if target.startswith(_TARGET_PREFIX) else None
    return _BY_PATH.get(path)
