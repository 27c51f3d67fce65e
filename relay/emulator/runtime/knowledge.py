"""What is known of one dataset group when something is recommended: its taste, its records, its filters."""

from collections.abc import Mapping
from typing import Final

from relay.emulator.control.kinds import Kind
from relay.emulator.data.properties import folded_properties
from relay.emulator.filters.apply import Asked, Properties, kept
from relay.emulator.filters.expression import Subject
from relay.emulator.filters.parser import parse_filter
from relay.emulator.runtime.taste import Taste
from relay.emulator.state import Emulator
from relay.emulator.store.dataset_records import KIND_OF_TYPE, RecordKind
from relay.emulator.wire.errors import invalid, not_found

_TYPES: Final[Mapping[str, str]] = {"items": "ITEMS", "users": "USERS", "actions": "ACTIONS"}


class Knowledge:
    """A dataset group, as it is now."""

    def __init__(self, emulator: Emulator, group_arn: str) -> None:
        self._emulator = emulator
        self._group_arn = group_arn
        digest = emulator.caught_up()
        self._dataset_arns = {
            name: dataset.arn
            for name, dataset_type in _TYPES.items()
            if (dataset := emulator.dataset_of(group_arn, dataset_type)) is not None
        }
        self.items: Taste = digest.taste_of(group_arn)
        self.actions: Taste = digest.actions_of(group_arn)
        self.items.know_items(self.records("items"), emulator.records.version)
        self.actions.know_items(self.records("actions"), emulator.records.version)

    def records(self, dataset: str) -> dict[str, str]:
        """Id → `properties` of its items, users or actions."""
        arn = self._dataset_arns.get(dataset)
        return {} if arn is None else self._emulator.records.of_dataset(_kind(dataset), arn)

    def properties_of(self, dataset: str, record_id: str) -> Properties:
        """See `filters.apply.Known`."""
        arn = self._dataset_arns.get(dataset)
        return {} if arn is None else folded_properties(self._emulator.records.get(_kind(dataset), arn, record_id))

    def touched(self, dataset: str, user: str, event_type: str | None) -> frozenset[str]:
        """See `filters.apply.Known`."""
        return (self.actions if dataset == "action_interactions" else self.items).touched(user, event_type)

    def filtered(self, filter_arn: str | None, candidates: list[str], subject: Subject, asked: Asked) -> list[str]:
        """The candidates a filter leaves, in their order; all of them without one.

        Raises:
            AwsError: ResourceNotFoundException, or InvalidInputException where it is of another dataset group, not
                ACTIVE, filters something else, or misses a value.
        """
        if not filter_arn:
            return candidates
        resource = self._emulator.registry.get(Kind.FILTER, filter_arn)
        if resource.dataset_group_arn != self._group_arn:
            raise not_found(f"Resource Arn {filter_arn} does not exist in this dataset group.")
        if not self._emulator.registry.is_active(resource):
            raise invalid(f"The filter {filter_arn} is not ACTIVE but {self._emulator.registry.status(resource)}.")
        expression = parse_filter(resource.details["filterExpression"])
        if expression.subject != subject:
            raise invalid(f"The filter {filter_arn} filters {expression.subject}, not {subject}.")
        return kept(expression, candidates, self, asked)


def _kind(dataset: str) -> RecordKind:
    return KIND_OF_TYPE[_TYPES[dataset]]
