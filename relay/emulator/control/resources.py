"""Dataset groups, schemas, datasets and event trackers, and the states they pass through.

A state is worked out from the clock whenever somebody looks; nothing runs in the background. Creating takes
`state_ms`, half of it CREATE PENDING, half CREATE IN_PROGRESS; deleting the same, then the resource is gone.
"""

from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final

import msgspec

from relay.emulator.clock import Clock
from relay.emulator.wire.errors import AwsError, in_use, not_found

FAILING_NAME: Final = "create-failed"
"""A resource with this in its name ends in CREATE FAILED."""


class Kind(StrEnum):
    """What a resource is; the value stands in its ARN."""

    DATASET_GROUP = "dataset-group"
    SCHEMA = "schema"
    DATASET = "dataset"
    EVENT_TRACKER = "event-tracker"


class Resource(msgspec.Struct, omit_defaults=True):
    """One resource. Which of the optional fields are set follows from its kind."""

    kind: Kind
    arn: str
    name: str
    created_ms: int
    deleted_ms: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    dataset_group_arn: str | None = None
    dataset_type: str | None = None
    schema_arn: str | None = None
    schema: str | None = None
    domain: str | None = None
    role_arn: str | None = None
    kms_key_arn: str | None = None
    tracking_id: str | None = None
    """Of an event tracker, or of a dataset of action interactions."""


class Registry:
    """Every resource, by ARN; `changed` hears of each that was made, deleted or tagged."""

    def __init__(self, *, clock: Clock, state_ms: int, changed: Callable[[Resource], None]) -> None:
        self._clock = clock
        self._state_ms = state_ms
        self._changed = changed
        self._by_arn: dict[str, Resource] = {}
        self._by_tracking_id: dict[str, Resource] = {}

    def restore(self, resource: Resource) -> None:
        """Put back what `changed` once heard of."""
        self._by_arn[resource.arn] = resource
        if resource.tracking_id is not None:
            self._by_tracking_id[resource.tracking_id] = resource

    def add(self, resource: Resource) -> None:
        """A new one; ResourceAlreadyExistsException when its ARN is taken."""
        if self.find(resource.arn) is not None:
            raise AwsError(
                "ResourceAlreadyExistsException", f"Another resource with Arn {resource.arn} already exists."
            )
        self.restore(resource)
        self._changed(resource)

    def replace(self, resource: Resource) -> None:
        """Put it where another of the same ARN is."""
        self.restore(resource)
        self._changed(resource)

    def find(self, arn: str) -> Resource | None:
        """The resource of that ARN, unless there never was one or it is gone."""
        resource = self._by_arn.get(arn)
        if resource is None or not self._is_gone(resource):
            return resource
        del self._by_arn[arn]
        return None

    def get(self, kind: Kind, arn: str) -> Resource:
        """The resource of that ARN; ResourceNotFoundException when there is none of that kind."""
        resource = self.find(arn)
        if resource is None or resource.kind is not kind:
            raise not_found(f"Resource Arn {arn} does not exist.")
        return resource

    def get_active(self, kind: Kind, arn: str) -> Resource:
        """The same, and ResourceInUseException unless it is ACTIVE."""
        resource = self.get(kind, arn)
        if self.status(resource) != "ACTIVE":
            raise in_use(f"Resource {arn} is not ACTIVE but {self.status(resource)}.")
        return resource

    def of_tracking_id(self, tracking_id: str, kind: Kind) -> Resource | None:
        """The event tracker, or the dataset of action interactions, with that tracking id."""
        resource = self._by_tracking_id.get(tracking_id)
        if resource is None or resource.kind is not kind or self.find(resource.arn) is not resource:
            return None
        return resource

    def all(self, kind: Kind, *, dataset_group_arn: str | None = None) -> Iterator[Resource]:
        """Those of a kind, of one dataset group if it is given, oldest first."""
        for arn in tuple(self._by_arn):
            resource = self.find(arn)
            if (
                resource is not None
                and resource.kind is kind
                and dataset_group_arn in (None, resource.dataset_group_arn)
            ):
                yield resource

    def everything(self) -> Iterator[Resource]:
        """All that exist, oldest first."""
        for kind in Kind:
            yield from self.all(kind)

    def delete(self, resource: Resource) -> None:
        """Begin deleting; ResourceInUseException while it is being made or deleted."""
        status = self.status(resource)
        if status not in {"ACTIVE", "CREATE FAILED"}:
            raise in_use(f"Resource {resource.arn} can't be deleted while it is {status}.")
        resource.deleted_ms = self._clock.now_ms()
        self._changed(resource)

    def tag(self, resource: Resource, tags: dict[str, str]) -> None:
        """Give it these tags instead of the ones it had."""
        resource.tags = tags
        self._changed(resource)

    def is_active(self, resource: Resource) -> bool:
        """Whether its state is ACTIVE; the fast way to ask."""
        return resource.deleted_ms is None and self.status(resource) == "ACTIVE"

    def status(self, resource: Resource) -> str:
        """Its state, now."""
        if resource.deleted_ms is not None:
            return "DELETE PENDING" if self._age_ms(resource.deleted_ms) * 2 < self._state_ms else "DELETE IN_PROGRESS"
        age_ms = self._age_ms(resource.created_ms)
        if age_ms < self._lasts_ms(resource):
            return "CREATE PENDING" if age_ms * 2 < self._state_ms else "CREATE IN_PROGRESS"
        return "CREATE FAILED" if FAILING_NAME in resource.name else "ACTIVE"

    def updated_ms(self, resource: Resource) -> int:
        """When it came to the state it is in."""
        begun_ms = resource.created_ms if resource.deleted_ms is None else resource.deleted_ms
        age_ms, lasts_ms = self._age_ms(begun_ms), self._lasts_ms(resource)
        if age_ms >= lasts_ms:
            return begun_ms + lasts_ms
        return begun_ms if age_ms * 2 < lasts_ms else begun_ms + lasts_ms // 2

    def _is_gone(self, resource: Resource) -> bool:
        return resource.deleted_ms is not None and self._age_ms(resource.deleted_ms) >= self._lasts_ms(resource)

    def _lasts_ms(self, resource: Resource) -> int:
        return 0 if resource.kind is Kind.SCHEMA else self._state_ms

    def _age_ms(self, since_ms: int) -> int:
        return max(0, self._clock.now_ms() - since_ms)
