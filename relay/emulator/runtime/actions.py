"""GetActionRecommendations: the next best action, by what visitors did with the actions there are."""

from typing import Annotated, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.filters.apply import Asked
from relay.emulator.runtime.knowledge import Knowledge
from relay.emulator.runtime.recommendation_id import new_recommendation_id
from relay.emulator.runtime.recommendations import FilterValues, Id, best_of
from relay.emulator.runtime.sources import find_source
from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import Arn, BodyDecoder, Input
from relay.emulator.wire.errors import invalid

_DEFAULT_RESULTS: Final = 5
_MAX_RESULTS: Final = 100


class GetActionRecommendations(Input):
    """Input of GetActionRecommendations."""

    campaign_arn: Arn | UnsetType = UNSET
    user_id: Id | UnsetType = UNSET
    num_results: Annotated[int, Meta(ge=0)] = _DEFAULT_RESULTS
    filter_arn: Arn | UnsetType = UNSET
    filter_values: FilterValues = msgspec.field(default_factory=dict[str, str])


decode_get_action_recommendations = BodyDecoder(GetActionRecommendations)


def get_action_recommendations(emulator: Emulator, call: GetActionRecommendations) -> bytes:
    """GetActionRecommendations."""
    source = find_source(emulator, campaign_arn=call.campaign_arn)
    emulator.quotas.take("GetActionRecommendations", source.arn)
    if source.recipe is not None and source.recipe.style != "actions":
        raise invalid(f"{source.recipe.name} gives no recommendations of actions.")
    if not call.user_id:
        raise invalid("userId must be given.")
    if call.num_results > _MAX_RESULTS:
        raise invalid(f"numResults may be {_MAX_RESULTS} at most.")
    knowledge = Knowledge(emulator, source.group_arn)
    scores = knowledge.actions.scores(None, catalogue=knowledge.records("actions"), visitor=call.user_id, item_id=None)
    asked = Asked(call.user_id, None, call.filter_values)
    left = knowledge.filtered(call.filter_arn or None, list(scores), "ActionID", asked)
    total = sum(scores.values()) or 1.0
    best = best_of({action: scores[action] / total for action in left}, call.num_results)
    return msgspec.json.encode(
        {
            "actionList": [{"actionId": action, "score": round(score, 7)} for action, score in best],
            "recommendationId": new_recommendation_id(emulator, source.arn),
        }
    )
