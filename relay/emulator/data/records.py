"""PutUsers, PutItems and PutActions: their input, alike but for names."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from relay.core import limits
from relay.emulator.wire.decoding import Arn, BodyDecoder, Input, ItemProperties, Text256, UserProperties

_TEN = Meta(min_length=1, max_length=limits.MAX_EVENTS_PER_CALL)


class User(Input):
    """A user and what is known of them."""

    user_id: Text256
    properties: UserProperties | UnsetType = UNSET


class Item(Input):
    """An item and what is known of it."""

    item_id: Text256
    properties: ItemProperties | UnsetType = UNSET


class Action(Input):
    """An action and what is known of it."""

    action_id: Text256
    properties: ItemProperties | UnsetType = UNSET


class PutUsers(Input):
    """Input of PutUsers."""

    dataset_arn: Arn
    users: Annotated[list[User], _TEN]


class PutItems(Input):
    """Input of PutItems."""

    dataset_arn: Arn
    items: Annotated[list[Item], _TEN]


class PutActions(Input):
    """Input of PutActions."""

    dataset_arn: Arn
    actions: Annotated[list[Action], _TEN]


decode_put_users = BodyDecoder(PutUsers)
decode_put_items = BodyDecoder(PutItems)
decode_put_actions = BodyDecoder(PutActions)
