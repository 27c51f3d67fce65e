"""An ACTIVE event tracker from the first moment, for whoever only wants to send events."""

from collections.abc import Callable
from typing import Final

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Registry, Resource

SEED_NAME: Final = "demo"

INTERACTIONS_SCHEMA: Final = (
    '{"type":"record","name":"Interactions","namespace":"com.amazonaws.personalize.schema","fields":['
    '{"name":"USER_ID","type":"string"},{"name":"ITEM_ID","type":"string"},{"name":"TIMESTAMP","type":"long"},'
    '{"name":"EVENT_TYPE","type":"string"},{"name":"EVENT_VALUE","type":["null","float"]},'
    '{"name":"IMPRESSION","type":["null","string"]},{"name":"RECOMMENDATION_ID","type":["null","string"]}],'
    '"version":"1.0"}'
)


ITEMS_SCHEMA: Final = (
    '{"type":"record","name":"Items","namespace":"com.amazonaws.personalize.schema","fields":['
    '{"name":"ITEM_ID","type":"string"},{"name":"CATEGORY","type":["null","string"],"categorical":true},'
    '{"name":"PRICE","type":["null","float"]}],"version":"1.0"}'
)


def seed_tracker(registry: Registry, arn: Callable[[str], str], tracking_id: str, *, created_ms: int) -> None:
    """Dataset group, schemas, datasets of interactions and items, and event tracker, each named `demo`.

    What is there already, by its ARN, stays as it is; only a tracker with another tracking id is replaced.

    Args:
        registry: Where they go.
        arn: Makes an ARN from its last part.
        tracking_id: The tracker's.
        created_ms: When they count as made; one `state_seconds` ago makes them ACTIVE at once.
    """
    group = arn(f"dataset-group/{SEED_NAME}")
    schema = arn(f"schema/{SEED_NAME}-interactions")
    items_schema = arn(f"schema/{SEED_NAME}-items")
    for resource in (
        Resource(kind=Kind.DATASET_GROUP, arn=group, name=SEED_NAME, created_ms=created_ms),
        Resource(
            kind=Kind.SCHEMA,
            arn=schema,
            name=f"{SEED_NAME}-interactions",
            created_ms=created_ms,
            schema=INTERACTIONS_SCHEMA,
        ),
        Resource(
            kind=Kind.SCHEMA,
            arn=items_schema,
            name=f"{SEED_NAME}-items",
            created_ms=created_ms,
            schema=ITEMS_SCHEMA,
        ),
        Resource(
            kind=Kind.DATASET,
            arn=arn(f"dataset/{SEED_NAME}/INTERACTIONS"),
            name=f"{SEED_NAME}-interactions",
            created_ms=created_ms,
            dataset_group_arn=group,
            dataset_type="INTERACTIONS",
            schema_arn=schema,
        ),
        Resource(
            kind=Kind.DATASET,
            arn=arn(f"dataset/{SEED_NAME}/ITEMS"),
            name=f"{SEED_NAME}-items",
            created_ms=created_ms,
            dataset_group_arn=group,
            dataset_type="ITEMS",
            schema_arn=items_schema,
        ),
        Resource(
            kind=Kind.EVENT_TRACKER,
            arn=arn(f"event-tracker/{SEED_NAME}"),
            name=SEED_NAME,
            created_ms=created_ms,
            dataset_group_arn=group,
            tracking_id=tracking_id,
        ),
    ):
        there = registry.find(resource.arn)
        if there is None:
            registry.add(resource)
        elif there.tracking_id != resource.tracking_id:
            registry.put(resource)
