"""GetRecommendations: popular items, and items that go with what the visitor did, at once."""

import heapq
from collections.abc import Mapping
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.data.properties import folded
from relay.emulator.filters.apply import Asked
from relay.emulator.runtime.knowledge import Knowledge
from relay.emulator.runtime.recommendation_id import new_recommendation_id
from relay.emulator.runtime.sources import Source, find_source
from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import Arn, BodyDecoder, Input, Name
from relay.emulator.wire.errors import invalid

DEFAULT_RESULTS: Final = 25
MAX_RESULTS: Final = 500
MAX_RESULTS_WITH_METADATA: Final = 50

Id = Annotated[str, Meta(max_length=256)]
Value = Annotated[str, Meta(max_length=1000)]
ContextKey = Annotated[str, Meta(max_length=150, pattern=r"^[A-Za-z\d_]+\Z")]
FilterKey = Annotated[str, Meta(max_length=50, pattern=r"^[A-Za-z0-9_]+\Z")]
Context = Annotated[dict[ContextKey, Value], Meta(max_length=150)]
FilterValues = Annotated[dict[FilterKey, Value], Meta(max_length=25)]
ColumnName = Annotated[str, Meta(max_length=150)]
MetadataColumns = Annotated[dict[Id, Annotated[list[ColumnName], Meta(max_length=99)]], Meta(max_length=1)]


class Promotion(Input):
    """Items that are to have a share of the places."""

    name: Name | UnsetType = UNSET
    percent_promoted_items: Annotated[int, Meta(ge=1, le=100)] | UnsetType = UNSET
    filter_arn: Arn | UnsetType = UNSET
    filter_values: FilterValues = msgspec.field(default_factory=dict[str, str])


class GetRecommendations(Input):
    """Input of GetRecommendations."""

    campaign_arn: Arn | UnsetType = UNSET
    recommender_arn: Arn | UnsetType = UNSET
    item_id: Id | UnsetType = UNSET
    user_id: Id | UnsetType = UNSET
    num_results: Annotated[int, Meta(ge=0)] = DEFAULT_RESULTS
    context: Context = msgspec.field(default_factory=dict[str, str])
    filter_arn: Arn | UnsetType = UNSET
    filter_values: FilterValues = msgspec.field(default_factory=dict[str, str])
    promotions: Annotated[list[Promotion], Meta(max_length=1)] = msgspec.field(default_factory=list[Promotion])
    metadata_columns: MetadataColumns = msgspec.field(default_factory=dict[str, list[str]])


decode_get_recommendations = BodyDecoder(GetRecommendations)


def get_recommendations(emulator: Emulator, call: GetRecommendations) -> bytes:
    """GetRecommendations. A visitor who is anonymous is asked for by the session id as `userId`."""
    source = find_source(emulator, campaign_arn=call.campaign_arn, recommender_arn=call.recommender_arn)
    emulator.quotas.take("GetRecommendations", source.arn)
    _check(source, call)
    knowledge = Knowledge(emulator, source.group_arn)
    visitor, item_id = call.user_id or None, call.item_id or None
    scores = knowledge.items.scores(
        source.recipe, catalogue=knowledge.records("items"), visitor=visitor, item_id=item_id
    )
    asked = Asked(visitor or "", item_id, call.filter_values)
    left = knowledge.filtered(call.filter_arn or None, list(scores), "ItemID", asked)
    total = sum(scores.values()) or 1.0
    best = best_of({item: scores[item] / total for item in left}, call.num_results)
    chosen: list[dict[str, Any]] = [{"itemId": item, "score": round(score, 7)} for item, score in best]
    for promotion in call.promotions:
        promoted = _promoted(knowledge, promotion, scores, asked)
        chosen = _with_promotion(chosen, promoted, promotion, call.num_results)
    for one in chosen if call.metadata_columns else ():
        one["metadata"] = item_metadata(knowledge, one["itemId"], call.metadata_columns)
    return msgspec.json.encode({"itemList": chosen, "recommendationId": new_recommendation_id(emulator, source.arn)})


def best_of(scores: Mapping[str, float], count: int) -> list[tuple[str, float]]:
    """Ids and scores, best first; ties by id."""
    return heapq.nsmallest(count, scores.items(), key=lambda scored: (-scored[1], scored[0]))


def item_metadata(knowledge: Knowledge, item_id: str, columns: Mapping[str, list[str]]) -> dict[str, str]:
    """Column to value, as text, of the columns asked for that the item has."""
    properties = knowledge.properties_of("items", item_id)
    asked = [column for names in columns.values() for column in names]
    return {column: str(properties[folded(column)]) for column in asked if properties.get(folded(column)) is not None}


def check_metadata(source: Source, columns: Mapping[str, list[str]], count: int) -> None:
    """InvalidInputException where metadata is asked for that may not be had, or for too many items."""
    if not columns:
        return
    if not source.with_metadata:
        raise invalid(f"{source.arn} was made without enableMetadataWithRecommendations.")
    if count > MAX_RESULTS_WITH_METADATA:
        raise invalid(f"With metadata, {MAX_RESULTS_WITH_METADATA} items at most.")
    if any(dataset.upper() != "ITEMS" for dataset in columns):
        raise invalid("Metadata is of the dataset ITEMS.")


def _check(source: Source, call: GetRecommendations) -> None:
    recipe = source.recipe
    if call.num_results > MAX_RESULTS:
        raise invalid(f"numResults may be {MAX_RESULTS} at most.")
    check_metadata(source, call.metadata_columns, call.num_results)
    if recipe is None:
        if not call.user_id and not call.item_id:
            raise invalid("Either userId or itemId must be given.")
    elif recipe.style not in {"personal", "popular", "trending", "related"}:
        raise invalid(f"{recipe.name} gives no recommendations of items.")
    elif recipe.style == "personal" and not call.user_id:
        raise invalid(f"userId must be given for {recipe.name}.")
    elif recipe.style == "related" and not call.item_id:
        raise invalid(f"itemId must be given for {recipe.name}.")


def _promoted(knowledge: Knowledge, promotion: Promotion, scores: Mapping[str, float], asked: Asked) -> list[str]:
    own = asked._replace(values=promotion.filter_values)
    left = knowledge.filtered(promotion.filter_arn or None, list(scores), "ItemID", own)
    return [item for item, _ in best_of({item: scores[item] for item in left}, len(left))]


def _with_promotion(
    chosen: list[dict[str, Any]], promoted: list[str], promotion: Promotion, count: int
) -> list[dict[str, Any]]:
    """The promoted items take their share of the places, spread evenly from the first on; the others close up."""
    share = promotion.percent_promoted_items if isinstance(promotion.percent_promoted_items, int) else 100
    places = min(count * share // 100, len(promoted))
    name = {"promotionName": promotion.name} if promotion.name else {}
    taken = {item: {"itemId": item, **name} for item in promoted[:places]}
    rest = [one for one in chosen if one["itemId"] not in taken][: count - places]
    whole: list[dict[str, Any]] = list(rest)
    step = count / places if places else 1
    for number, one in enumerate(taken.values()):
        whole.insert(min(round(number * step), len(whole)), one)
    return whole[:count]
