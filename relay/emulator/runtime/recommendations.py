"""GetRecommendations: popular items, and items that go with what the visitor did, at once."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import Arn, BodyDecoder, Input
from relay.emulator.wire.errors import invalid, not_found

_DEFAULT_RESULTS: Final = 25
_MAX_RESULTS: Final = 500

Id = Annotated[str, Meta(max_length=256)]


class GetRecommendations(Input):
    """Input of GetRecommendations."""

    campaign_arn: Arn | UnsetType = UNSET
    recommender_arn: Arn | UnsetType = UNSET
    item_id: Id | UnsetType = UNSET
    user_id: Id | UnsetType = UNSET
    num_results: Annotated[int, Meta(ge=0, le=_MAX_RESULTS)] = _DEFAULT_RESULTS
    context: Annotated[dict[str, str], Meta(max_length=150)] = msgspec.field(default_factory=dict[str, str])
    filter_arn: Arn | UnsetType = UNSET
    filter_values: Annotated[dict[str, str], Meta(max_length=25)] = msgspec.field(default_factory=dict[str, str])
    promotions: Annotated[list[Any], Meta(max_length=1)] = msgspec.field(default_factory=list[Any])
    metadata_columns: Annotated[dict[str, list[str]], Meta(max_length=1)] = msgspec.field(
        default_factory=dict[str, list[str]]
    )


_decode = BodyDecoder(GetRecommendations)


def get_recommendations(emulator: Emulator, body: bytes) -> bytes:
    """GetRecommendations of any campaign or recommender: `arn:aws:personalize:REGION:ACCOUNT:campaign/ANY-NAME`.

    `ACCOUNT` is the emulator's; all of them recommend from all events and items that came. A visitor who is
    anonymous is asked for by the session id as `userId`.
    """
    call = _decode(body)
    source = _source(emulator, call)
    emulator.quotas.take("GetRecommendations", source)
    if call.filter_arn:
        raise not_found(f"Resource Arn {call.filter_arn} does not exist.")
    if call.promotions or call.metadata_columns:
        raise invalid("The emulator has neither promotions nor metadata in recommendations.")
    if not call.user_id and not call.item_id:
        raise invalid("Either userId or itemId must be given.")
    emulator.digest.catch_up(emulator.calls)
    taste = emulator.digest.taste
    taste.know_items(emulator.records.of("items"), emulator.records.version)
    items = taste.recommend(
        catalogue=emulator.records.ids("items"),
        visitor=call.user_id or None,
        item_id=call.item_id or None,
        count=call.num_results,
    )
    return msgspec.json.encode(
        {
            "itemList": [{"itemId": item, "score": score} for item, score in items],
            "recommendationId": f"RID-{emulator.uuid()}",
        }
    )


def _source(emulator: Emulator, call: GetRecommendations) -> str:
    if bool(call.campaign_arn) == bool(call.recommender_arn):
        raise invalid("Either campaignArn or recommenderArn must be given.")
    arn, kind = (call.campaign_arn, "campaign") if call.campaign_arn else (call.recommender_arn, "recommender")
    parts = str(arn).split(":", 5)
    if parts[1] != "aws" or parts[4] != emulator.account_id or not parts[5].startswith(f"{kind}/"):
        raise not_found(f"Resource Arn {arn} does not exist.")
    return str(arn)
