"""Whether events suit the dataset they go to, which the service itself never tells at the time.

`target_of` reads what stands behind an event tracker; `misfits` compares it with what is sent, `judged_property` and
`judged_type` one name with it. They are for `check` and the page `/properties`: the service takes an event that fits
nothing, answers 200, and it is of no use.
"""

from collections.abc import Collection, Sequence
from typing import Final, NamedTuple

import msgspec

from relay.core.limits import MAX_EVENT_TYPES_AND_METADATA, RESERVED_PROPERTY_KEYS
from relay.personalize.connection import Connection
from relay.personalize.schema.columns import Column, Schema, column_case, guesses
from relay.personalize.schema.datasets import (
    Dataset,
    DatasetGroup,
    datasets_of_group,
    describe_dataset_group,
    describe_schema,
)
from relay.personalize.schema.learners import Learner
from relay.personalize.schema.ready_made import NEEDED_EVENT_TYPES
from relay.personalize.trackers.event_trackers import EventTracker

MAX_METADATA_COLUMNS: Final = 5
"""Columns of one's own in an interactions dataset [Q]."""

_FILLED_BY_FIELDS: Final = {
    "USER_ID": "userId",
    "ITEM_ID": "itemId",
    "TIMESTAMP": "sentAt",
    "EVENT_TYPE": "eventType",
    "EVENT_VALUE": "eventValue",
    "IMPRESSION": "impression",
    "RECOMMENDATION_ID": "recommendationId",
    "EVENT_ATTRIBUTION_SOURCE": "metricAttribution",
}
"""Columns the service knows and the field of an event that fills each; the rest is filled by `properties`."""

_COUNTED_WITH_METADATA: Final = ("EVENT_TYPE", "EVENT_VALUE")
"""Known columns that count toward `MAX_EVENT_TYPES_AND_METADATA` [Q]."""


class Target(msgspec.Struct, frozen=True):
    """What stands behind an event tracker."""

    dataset_group: DatasetGroup
    interactions: Dataset | None
    """The dataset the events go to; None when the group has none yet."""
    columns: tuple[Column, ...] = ()
    """Of the interactions dataset."""
    action_interactions: Dataset | None = None
    """The dataset interactions with actions go to, by a tracking id of its own."""

    @property
    def own_columns(self) -> tuple[Column, ...]:
        """Columns filled by properties of an event."""
        return tuple(column for column in self.columns if column.name not in _FILLED_BY_FIELDS)


class Judged(NamedTuple):
    """Whether the service has a use for something that is sent."""

    is_used: bool
    says: str
    """By what it is used, or why not."""


async def target_of(connection: Connection, tracker: EventTracker) -> Target:
    """What stands behind an event tracker: dataset group, interactions dataset, its columns.

    Raises:
        PersonalizeError: one of them may not be described, or is gone.
    """
    group = await describe_dataset_group(connection, tracker.dataset_group_arn)
    datasets = await datasets_of_group(connection, tracker.dataset_group_arn)
    by_type = {dataset.dataset_type.lower(): dataset for dataset in datasets}
    interactions, actions = by_type.get("interactions"), by_type.get("action_interactions")
    if interactions is None:
        return Target(group, None, action_interactions=actions)
    schema = await describe_schema(connection, interactions.schema_arn)
    return Target(group, interactions, schema.columns, actions)


def misfits(target: Target, *, event_types: Collection[str] = (), property_names: Collection[str] = ()) -> list[str]:
    """What does not fit, one line each; nothing when all is well.

    Args:
        target: See `target_of`.
        event_types: Types of event that are sent; empty when it is not known, and then nothing is said of them.
        property_names: Names in `properties` that are sent.
    """
    if target.interactions is None:
        return [f"dataset group {target.dataset_group.name!r} has no interactions dataset: events go nowhere"]
    problems: list[str] = []
    if target.dataset_group.status != "ACTIVE":
        problems.append(f"dataset group {target.dataset_group.name!r} is {target.dataset_group.status}, not ACTIVE")
    if target.interactions.status != "ACTIVE":
        problems.append(f"dataset {target.interactions.name!r} is {target.interactions.status}, not ACTIVE")
    problems += _misfit_columns(target)
    problems += _misfit_properties(target, property_names)
    problems += _misfit_types(target, event_types)
    return problems


def _misfit_columns(target: Target) -> list[str]:
    names = {column.name for column in target.columns}
    problems = [
        f"the schema has no column {name}: {field} of an event is not kept"
        for name, field in _FILLED_BY_FIELDS.items()
        if name in {"EVENT_TYPE", "EVENT_VALUE", "IMPRESSION", "RECOMMENDATION_ID"} and name not in names
    ]
    required = [column for column in target.own_columns if not column.nullable]
    problems += [
        f"column {column.name} allows no null: every event needs the property {column.property_name}"
        for column in required
    ]
    problems += guesses(target.own_columns)
    if len(target.own_columns) > MAX_METADATA_COLUMNS:
        problems.append(f"{len(target.own_columns)} metadata columns, at most {MAX_METADATA_COLUMNS}")
    return problems


def judged_property(target: Target, name: str) -> Judged:
    """Whether a column takes a property of this name."""
    if name.lower() in RESERVED_PROPERTY_KEYS:
        return Judged(False, "the name is reserved, the service refuses the event")
    column = Schema(target.columns).column(name)
    if column is None:
        return Judged(False, f"no column takes it; the schema would need {column_case(name)}")
    if column.property_name != name:
        return Judged(False, f"column {column.name} is filled by {column.property_name}")
    return Judged(True, f"column {column.name}")


def judged_type(learners: Sequence[Learner], event_type: str) -> Judged:
    """Whether a recommender or a solution is trained on events of this type."""
    if not learners:
        return Judged(False, "the dataset group has no recommender and no solution yet")
    users = [one.name for one in learners if one.uses(event_type)]
    if users:
        return Judged(True, f"trains {', '.join(users)}")
    known = {one for learner in learners for one in learner.event_types or ()}
    near = next((one for one in sorted(known) if one.lower() == event_type.lower()), None)
    but = f"; {near} is spelled differently" if near else f"; they are on {', '.join(sorted(known))}" if known else ""
    return Judged(False, f"no recommender or solution is trained on it{but}")


def _misfit_properties(target: Target, property_names: Collection[str]) -> list[str]:
    judged = {name: judged_property(target, name) for name in sorted(property_names)}
    return [f"property {name}: {one.says}" for name, one in judged.items() if not one.is_used]


def _misfit_types(target: Target, event_types: Collection[str]) -> list[str]:
    if not event_types:
        return []
    problems: list[str] = []
    counted = [c.name for c in target.columns if c.name in _COUNTED_WITH_METADATA]
    metadata = len(target.own_columns) + len(counted)
    if len(event_types) + metadata > MAX_EVENT_TYPES_AND_METADATA:
        problems.append(
            f"{len(event_types)} event types and {metadata} metadata columns (own ones, {', '.join(counted)}) "
            f"are {len(event_types) + metadata}, at most {MAX_EVENT_TYPES_AND_METADATA} together"
        )
    needed = NEEDED_EVENT_TYPES.get(target.dataset_group.domain, ())
    for name in needed:
        if name not in event_types:
            near = next((known for known in event_types if known.lower() == name.lower()), None)
            but = f"; {near} is spelled differently" if near else ""
            problems.append(
                f"event type {name} never comes, and recommenders of {target.dataset_group.domain} need it{but}"
            )
    return problems
