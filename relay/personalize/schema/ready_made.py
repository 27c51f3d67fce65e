"""Ready-made schemas of the interactions dataset, holding every field the relay sends.

Properties of one's own need columns of their own: give `setup` a schema file then.
"""

from typing import Final, Literal

import msgspec

Domain = Literal["e-commerce", "video", "custom"]

SERVICE_DOMAIN: Final[dict[Domain, Literal["ECOMMERCE", "VIDEO_ON_DEMAND"] | None]] = {
    "e-commerce": "ECOMMERCE",
    "video": "VIDEO_ON_DEMAND",
    "custom": None,
}
"""What the service calls them; a custom dataset group has no domain."""

NEEDED_EVENT_TYPES: Final[dict[str, tuple[str, ...]]] = {
    "ECOMMERCE": ("View", "Purchase"),
    "VIDEO_ON_DEMAND": ("Watch", "Click"),
}
"""Event types the recommenders of a domain are trained on [D: use cases of the domains]."""

_REQUIRED: Final[list[dict[str, object]]] = [
    {"name": "USER_ID", "type": "string"},
    {"name": "ITEM_ID", "type": "string"},
    {"name": "EVENT_TYPE", "type": "string"},
    {"name": "TIMESTAMP", "type": "long"},
]
_OF_ACTIONS: Final = {"ITEM_ID": "ACTION_ID"}
_OPTIONAL: Final[list[dict[str, object]]] = [
    {"name": "EVENT_VALUE", "type": ["null", "float"]},
    {"name": "IMPRESSION", "type": ["null", "string"]},
    {"name": "RECOMMENDATION_ID", "type": ["null", "string"]},
    {"name": "EVENT_ATTRIBUTION_SOURCE", "type": ["null", "string"]},
]


_ITEMS: Final[dict[Domain, list[dict[str, object]]]] = {
    "e-commerce": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "PRICE", "type": "float"},
        {"name": "CATEGORY_L1", "type": "string", "categorical": True},
        {"name": "CATEGORY_L2", "type": ["null", "string"], "categorical": True},
        {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]},
    ],
    "video": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "GENRES", "type": "string", "categorical": True},
        {"name": "CREATION_TIMESTAMP", "type": "long"},
    ],
    "custom": [
        {"name": "ITEM_ID", "type": "string"},
        {"name": "CATEGORY", "type": ["null", "string"], "categorical": True},
        {"name": "CREATION_TIMESTAMP", "type": ["null", "long"]},
    ],
}


def interactions_schema() -> str:
    """The Avro JSON of an interactions dataset; the same for every domain and for custom.

    All columns but the four required ones are reserved by the service: they need no place among the metadata
    columns. EVENT_TYPE is required in the domains and by metric attribution, so custom has it too.
    """
    return _avro("Interactions", [*_REQUIRED, *_OPTIONAL])


def action_interactions_schema() -> str:
    """The Avro JSON of an action interactions dataset; what it must have."""
    return _avro(
        "ActionInteractions",
        [{**field, "name": _OF_ACTIONS.get(str(field["name"]), field["name"])} for field in _REQUIRED],
    )


def items_schema(domain: Domain) -> str:
    """The Avro JSON of an items dataset with the columns the domain requires."""
    return _avro("Items", _ITEMS[domain])


def _avro(name: str, fields: list[dict[str, object]]) -> str:
    return msgspec.json.encode(
        {
            "type": "record",
            "name": name,
            "namespace": "com.amazonaws.personalize.schema",
            "fields": fields,
            "version": "1.0",
        }
    ).decode()
