"""Which operation a request asks for, and who does it."""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from relay.emulator.control.plane import CONTROL_OPERATIONS
from relay.emulator.data import events, put, records
from relay.emulator.runtime import actions, ranking, recommendations
from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import BodyDecoder

Handler = Callable[[Emulator, Any], bytes]
"""Takes the input of the operation and gives the body of the answer; raises `AwsError` to refuse."""


class Operation(NamedTuple):
    """An operation of one of the three APIs."""

    name: str
    decoder: BodyDecoder[Any]
    handler: Handler
    control_plane: bool = False
    """JSON 1.1 by target instead of REST by path."""


_BY_PATH: Final[Mapping[str, Operation]] = {
    "/events": Operation("PutEvents", events.decode_put_events, put.put_events),
    "/users": Operation("PutUsers", records.decode_put_users, put.put_users),
    "/items": Operation("PutItems", records.decode_put_items, put.put_items),
    "/actions": Operation("PutActions", records.decode_put_actions, put.put_actions),
    "/action-interactions": Operation(
        "PutActionInteractions", events.decode_put_action_interactions, put.put_action_interactions
    ),
    "/recommendations": Operation(
        "GetRecommendations", recommendations.decode_get_recommendations, recommendations.get_recommendations
    ),
    "/personalize-ranking": Operation(
        "GetPersonalizedRanking", ranking.decode_get_personalized_ranking, ranking.get_personalized_ranking
    ),
    "/action-recommendations": Operation(
        "GetActionRecommendations", actions.decode_get_action_recommendations, actions.get_action_recommendations
    ),
}

_TARGET_PREFIX: Final = b"AmazonPersonalize."
_BY_TARGET: Final[Mapping[bytes, Operation]] = {
    name.encode(): Operation(name, decoder, handler, control_plane=True)
    for name, (decoder, handler) in CONTROL_OPERATIONS.items()
}

PATHS: Final = tuple(_BY_PATH)
"""Paths of the REST operations."""

NAMES: Final = tuple(operation.name for operation in (*_BY_PATH.values(), *_BY_TARGET.values()))
"""Every operation there is."""


def find_operation(method: str, path: str, headers: Mapping[bytes, bytes]) -> Operation | None:
    """The operation of a request; None when it is none of ours."""
    if method != "POST":
        return None
    if path == "/":
        target = headers.get(b"x-amz-target", b"")
        return _BY_TARGET.get(target.removeprefix(_TARGET_PREFIX)) if target.startswith(_TARGET_PREFIX) else None
    return _BY_PATH.get(path)
