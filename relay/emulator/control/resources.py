"""Every resource of the control plane, and the states they pass through.

A state is worked out from the clock whenever somebody looks; nothing runs in the background. Creating takes
`state_ms`, half of it CREATE PENDING, half CREATE IN_PROGRESS; deleting the same, then the resource is gone. So does
an update, while which the resource stays as it was, and stopping or starting a recommender.
"""

from collections.abc import Callable, Iterator
from typing import Any, Final, Literal

import msgspec

from relay.emulator.clock import Clock
from relay.emulator.control.kinds import INSTANT, WITH_WORK, Kind
from relay.emulator.wire.errors import AwsError, in_use, not_found

FAILING_NAME: Final = "create-failed"
"""A resource with this in its name ends in CREATE FAILED."""

Turn = Literal["STOP", "START", "CREATE STOP"]
"""Stopping and starting a recommender, or stopping the creation of a solution version."""

_TURNED: Final = {"STOP": "INACTIVE", "START": "ACTIVE", "CREATE STOP": "CREATE STOPPED"}


class Change(msgspec.Struct, frozen=True):
    """An update: what Describe shows anew once it is done."""

    at_ms: int
    details: dict[str, Any]


class Resource(msgspec.Struct, omit_defaults=True):
    """One resource. Which of the optional fields are set follows from its kind."""

    kind: Kind
    arn: str
    name: str
    created_ms: int
    deleted_ms: int | None = None
    tags: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    dataset_group_arn: str | None = None
    parent_arn: str | None = None
    """What its list may be asked for by, where that is not the dataset group: a dataset, a solution, its version."""
    dataset_type: str | None = None
    schema_arn: str | None = None
    schema: str | None = None
    domain: str | None = None
    role_arn: str | None = None
    kms_key_arn: str | None = None
    tracking_id: str | None = None
    """Of an event tracker, or of a dataset of action interactions."""
    details: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])
    """What else Create was given and Describe shows, under the names of the wire."""
    work_done: bool = False
    """Whether the work of a job or a training was done (or failed), once its time had come."""
    failure: str | None = None
    """Why it ended in CREATE FAILED."""
    turn: Turn | None = None
    turned_ms: int = 0
    update: Change | None = None


class Registry:
    """Every resource, by ARN; `changed` hears of each that was made, deleted or changed."""

    def __init__(self, *, clock: Clock, state_ms: int, changed: Callable[[Resource], None]) -> None:
        self._clock = clock
        self._state_ms = state_ms
        self._changed = changed
        self._by_arn: dict[str, Resource] = {}
        self._by_tracking_id: dict[str, Resource] = {}
        self._with_work: dict[str, Resource] = {}

    def restore(self, resource: Resource) -> None:
        """Put back what `changed` once heard of."""
        self._by_arn[resource.arn] = resource
        if resource.tracking_id is not None:
            self._by_tracking_id[resource.tracking_id] = resource
        if resource.kind in WITH_WORK and not resource.work_done:
            self._with_work[resource.arn] = resource
        else:
            self._with_work.pop(resource.arn, None)

    def add(self, resource: Resource) -> None:
        """A new one; ResourceAlreadyExistsException when its ARN is taken."""
        if self.find(resource.arn) is not None:
            raise AwsError(
                "ResourceAlreadyExistsException", f"Another resource with Arn {resource.arn} already exists."
            )
        self.put(resource)

    def put(self, resource: Resource) -> None:
        """Keep it as it is now, in the place of another of the same ARN."""
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

    def group_of_tracking_id(self, tracking_id: str) -> str:
        """The dataset group events of a tracking id belong to, also after the tracker is gone; else the id itself."""
        resource = self._by_tracking_id.get(tracking_id)
        return (resource.dataset_group_arn if resource else None) or tracking_id

    def all(self, kind: Kind, *, dataset_group_arn: str | None = None, parent_arn: str | None = None) -> list[Resource]:
        """Those of a kind, of one dataset group or parent if it is given, oldest first."""
        found = (self.find(arn) for arn in tuple(self._by_arn))
        return [
            resource
            for resource in found
            if resource is not None
            and resource.kind is kind
            and dataset_group_arn in (None, resource.dataset_group_arn)
            and parent_arn in (None, resource.parent_arn)
        ]

    def everything(self) -> Iterator[Resource]:
        """All that exist, oldest first."""
        for kind in Kind:
            yield from self.all(kind)

    def due(self) -> list[Resource]:
        """Those whose time to work has come and that have not worked yet."""
        if not self._with_work:
            return []
        return [
            resource
            for resource in tuple(self._with_work.values())
            if resource.turn != "CREATE STOP" and self._age_ms(resource.created_ms) >= self._state_ms
        ]

    def delete(self, resource: Resource) -> None:
        """Begin deleting; ResourceInUseException while it is being made, changed or deleted."""
        status = self.status(resource)
        if status not in {"ACTIVE", "CREATE FAILED", "CREATE STOPPED", "INACTIVE"}:
            raise in_use(f"Resource {resource.arn} can't be deleted while it is {status}.")
        resource.deleted_ms = self._clock.now_ms()
        self.put(resource)

    def change(self, resource: Resource, details: dict[str, Any]) -> None:
        """Begin an update; ResourceInUseException unless it is ACTIVE and no other update runs."""
        if self.status(resource) not in {"ACTIVE", "INACTIVE"} or self.update_status(resource) not in {None, "ACTIVE"}:
            raise in_use(f"Resource {resource.arn} can't be updated while it is {self.status(resource)}.")
        resource.details = self.details(resource)
        resource.update = Change(self._clock.now_ms(), details)
        self.put(resource)

    def turn(self, resource: Resource, turn: Turn, *, only: frozenset[str]) -> None:
        """Begin to stop or start it; ResourceInUseException unless its status is one of `only`."""
        if self.status(resource) not in only:
            raise in_use(f"Resource {resource.arn} is {self.status(resource)}.")
        resource.turn, resource.turned_ms = turn, self._clock.now_ms()
        self.put(resource)

    def tag(self, resource: Resource, tags: dict[str, str]) -> None:
        """Give it these tags instead of the ones it had."""
        resource.tags = tags
        self.put(resource)

    def is_active(self, resource: Resource) -> bool:
        """Whether its state is ACTIVE; the fast way to ask."""
        return resource.deleted_ms is None and self.status(resource) == "ACTIVE"

    def status(self, resource: Resource) -> str:
        """Its state, now."""
        if resource.deleted_ms is not None:
            return f"DELETE {self._stage(resource.deleted_ms)}"
        if resource.turn == "CREATE STOP":
            over = self._age_ms(resource.turned_ms) >= self._state_ms
            return _TURNED[resource.turn] if over else "CREATE STOPPING"
        if resource.turn is not None:
            over = self._age_ms(resource.turned_ms) >= self._state_ms
            return _TURNED[resource.turn] if over else f"{resource.turn} {self._stage(resource.turned_ms)}"
        if self._age_ms(resource.created_ms) < self._lasts_ms(resource):
            return f"CREATE {self._stage(resource.created_ms)}"
        return "CREATE FAILED" if resource.failure or FAILING_NAME in resource.name else "ACTIVE"

    def update_status(self, resource: Resource) -> str | None:
        """The state of its last update; None when there never was one."""
        if resource.update is None:
            return None
        at_ms = resource.update.at_ms
        return "ACTIVE" if self._age_ms(at_ms) >= self._state_ms else f"CREATE {self._stage(at_ms)}"

    def details(self, resource: Resource) -> dict[str, Any]:
        """What Describe shows of it now: with the last update once that is done."""
        if resource.update is None or self.update_status(resource) != "ACTIVE":
            return resource.details
        return resource.details | resource.update.details

    def updated_ms(self, resource: Resource) -> int:
        """When it came to the state it is in."""
        if resource.deleted_ms is not None:
            return self._moved_ms(resource.deleted_ms, self._lasts_ms(resource))
        if resource.turn is not None:
            return self._moved_ms(resource.turned_ms, self._state_ms)
        if resource.update is not None:
            return self._moved_ms(resource.update.at_ms, self._state_ms)
        return self._moved_ms(resource.created_ms, self._lasts_ms(resource))

    def _moved_ms(self, begun_ms: int, lasts_ms: int) -> int:
        age_ms = self._age_ms(begun_ms)
        if age_ms >= lasts_ms:
            return begun_ms + lasts_ms
        return begun_ms if age_ms * 2 < lasts_ms else begun_ms + lasts_ms // 2

    def _stage(self, begun_ms: int) -> str:
        return "PENDING" if self._age_ms(begun_ms) * 2 < self._state_ms else "IN_PROGRESS"

    def _is_gone(self, resource: Resource) -> bool:
        return resource.deleted_ms is not None and self._age_ms(resource.deleted_ms) >= self._lasts_ms(resource)

    def _lasts_ms(self, resource: Resource) -> int:
        return 0 if resource.kind in INSTANT else self._state_ms

    def _age_ms(self, since_ms: int) -> int:
        return max(0, self._clock.now_ms() - since_ms)
