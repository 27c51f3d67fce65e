"""GetPersonalizedRanking: items of the caller's, put into the visitor's order."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.filters.apply import Asked
from relay.emulator.runtime.knowledge import Knowledge
from relay.emulator.runtime.recommendation_id import new_recommendation_id
from relay.emulator.runtime.recommendations import (
    Context,
    FilterValues,
    Id,
    MetadataColumns,
    best_of,
    check_metadata,
    item_metadata,
)
from relay.emulator.runtime.sources import find_source
from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import Arn, BodyDecoder, Input
from relay.emulator.wire.errors import invalid

MAX_ITEMS: Final = 500


class GetPersonalizedRanking(Input):
    """Input of GetPersonalizedRanking."""

    campaign_arn: Arn
    input_list: Annotated[list[Id], Meta(min_length=1)]
    user_id: Id
    context: Context = msgspec.field(default_factory=dict[str, str])
    filter_arn: Arn | UnsetType = UNSET
    filter_values: FilterValues = msgspec.field(default_factory=dict[str, str])
    metadata_columns: MetadataColumns = msgspec.field(default_factory=dict[str, list[str]])


decode_get_personalized_ranking = BodyDecoder(GetPersonalizedRanking)


def get_personalized_ranking(emulator: Emulator, call: GetPersonalizedRanking) -> bytes:
    """GetPersonalizedRanking: an item that is named twice comes once; one nobody knows comes last."""
    source = find_source(emulator, campaign_arn=call.campaign_arn)
    emulator.quotas.take("GetPersonalizedRanking", source.arn)
    if source.recipe is not None and source.recipe.style != "ranking":
        raise invalid(f"{source.recipe.name} ranks nothing.")
    if len(call.input_list) > MAX_ITEMS:
        raise invalid(f"inputList may have {MAX_ITEMS} items at most.")
    check_metadata(source, call.metadata_columns, len(call.input_list))
    knowledge = Knowledge(emulator, source.group_arn)
    asked = Asked(call.user_id, None, call.filter_values)
    items = knowledge.filtered(call.filter_arn or None, list(dict.fromkeys(call.input_list)), "ItemID", asked)
    ranked: list[dict[str, Any]] = [
        {"itemId": item, "score": score} for item, score in rank(knowledge, items, call.user_id)
    ]
    for one in ranked if call.metadata_columns else ():
        one["metadata"] = item_metadata(knowledge, one["itemId"], call.metadata_columns)
    return msgspec.json.encode(
        {"personalizedRanking": ranked, "recommendationId": new_recommendation_id(emulator, source.arn)}
    )


def rank(knowledge: Knowledge, items: list[str], visitor: str) -> list[tuple[str, float]]:
    """Items and scores, best first; the scores add up to 1 where anything is known of any of them."""
    scores = knowledge.items.scores(None, catalogue=items, visitor=visitor, item_id=None)
    total = sum(scores.get(item, 0.0) for item in items) or 1.0
    return [
        (item, round(score, 7)) for item, score in best_of({item: scores[item] / total for item in items}, len(items))
    ]
