"""From nothing to a running event tracker: dataset group, schemas, datasets, tracker, each waited for.

Each step looks first and makes only what is missing, so that a run that was cut short is simply run again.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Final, Literal

import msgspec

from relay.core.limits import RESOURCE_NAME_PATTERN
from relay.personalize.connection import Connection, described
from relay.personalize.errors import InvalidInputError
from relay.personalize.metric_attributions import (
    MetricPlan,
    checked_metrics,
    create_metric_attribution,
    describe_metric_attribution,
    metric_attribution_of,
)
from relay.personalize.schema.columns import parse_schema
from relay.personalize.schema.datasets import (
    Dataset,
    DatasetGroup,
    datasets_of_group,
    describe_dataset,
    describe_dataset_group,
)
from relay.personalize.schema.ready_made import SERVICE_DOMAIN, Domain
from relay.personalize.schema.schemas import make_schema, schema_by_name
from relay.personalize.trackers.event_trackers import (
    EventTracker,
    TrackerExistsError,
    create_tracker,
    list_trackers,
    wait_until_active,
)
from relay.personalize.trackers.states import DEFAULT_TIMEOUT_S, TrackerState, wait_for_active

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize.type_defs import ListDatasetGroupsRequestTypeDef

DatasetType = Literal["Interactions", "Items", "Users", "Actions", "Action_Interactions"]

NEEDED_COLUMNS: Final[Mapping[DatasetType, tuple[str, ...]]] = {
    "Interactions": ("USER_ID", "ITEM_ID", "TIMESTAMP"),
    "Items": ("ITEM_ID",),
    "Users": ("USER_ID",),
    "Actions": ("ACTION_ID",),
    "Action_Interactions": ("USER_ID", "ACTION_ID", "EVENT_TYPE", "TIMESTAMP"),
}


_MAX_NAME_CHARS: Final = 63


class SetupPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be there in the end."""

    name: str
    """Of the dataset group and the tracker; schemas and datasets are called NAME-interactions and so on."""
    domain: Domain
    schemas: Mapping[DatasetType, str]
    """Dataset type to Avro JSON; a dataset for each."""
    metrics: MetricPlan | None = None
    """Also a metric attribution."""


class SetupReport(msgspec.Struct, rename="camel"):
    """What is there, or would be. An ARN is empty where the thing would first have to be made."""

    dataset_group_arn: str = ""
    dataset_arns: dict[str, str] = {}
    """Dataset type, as in the plan, to ARN."""
    event_tracker: EventTracker | None = None
    action_interactions_tracking_id: str = ""
    """Where action interactions go, if there is a dataset for them: not the event tracker's."""
    metric_attribution_arn: str = ""
    made: list[str] = []
    """What was missing, in words."""


class Watch:
    """Told what a set-up does; does nothing."""

    def found(self, what: str) -> None:
        """It was there already."""

    def making(self, what: str) -> None:
        """It is missing and is made now, or would be."""

    def status(self, what: str, status: str, waited_s: float) -> None:
        """How far it is."""


def checked_plan(plan: SetupPlan) -> SetupPlan:
    """The plan, if it can work, said before anything is made.

    Raises:
        InvalidInputError: a name or a schema the service would not take.
    """
    most = _MAX_NAME_CHARS - max((len(_suffix(dataset_type)) for dataset_type in plan.schemas), default=0)
    if not RESOURCE_NAME_PATTERN.fullmatch(plan.name) or len(plan.name) > most:
        message = f"{plan.name!r} is no name: 1 to {most} of A-Z a-z 0-9 - _, the first a letter or digit"
        raise InvalidInputError(message)
    if plan.metrics is not None:
        checked_metrics(plan.metrics)
    for dataset_type, text in plan.schemas.items():
        try:
            schema = parse_schema(text)
        except InvalidInputError as error:
            message = f"{dataset_type}: {error.said}"
            raise InvalidInputError(message) from error
        missing = [name for name in NEEDED_COLUMNS[dataset_type] if schema.column(name) is None]
        if plan.domain != "custom" and dataset_type == "Interactions" and schema.column("EVENT_TYPE") is None:
            missing.append("EVENT_TYPE")
        if missing:
            message = f"the schema for {dataset_type} has no {', '.join(missing)}"
            raise InvalidInputError(message)
    return plan


async def set_up(
    connection: Connection,
    plan: SetupPlan,
    *,
    dry_run: bool = False,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    watch: Watch | None = None,
) -> SetupReport:
    """Make what is missing and wait until all of it is ACTIVE.

    Args:
        connection: The way to the service.
        plan: What is to be there.
        dry_run: Look, but make nothing.
        timeout_s: How long to wait for each resource.
        watch: Told each step.

    Raises:
        InvalidInputError: the plan cannot work, or something of this name is there that is not what is planned.
        PersonalizeError: see `relay.personalize.errors` and `relay.personalize.trackers.states`.
    """
    return await _Setup(connection, checked_plan(plan), dry_run, timeout_s, watch or Watch()).run()


def _suffix(dataset_type: DatasetType) -> str:
    return "-" + dataset_type.lower().replace("_", "-")


class _Setup:
    def __init__(self, connection: Connection, plan: SetupPlan, dry_run: bool, timeout_s: float, watch: Watch) -> None:
        self._connection = connection
        self._plan = plan
        self._dry_run = dry_run
        self._timeout_s = timeout_s
        self._watch = watch
        self._report = SetupReport()

    async def run(self) -> SetupReport:
        group_arn = await self._group()
        there = await datasets_of_group(self._connection, group_arn) if group_arn else []
        by_type = {dataset.dataset_type.lower(): dataset for dataset in there}
        for dataset_type, schema in self._plan.schemas.items():
            self._report.dataset_arns[dataset_type] = await self._dataset(
                group_arn, dataset_type, schema, by_type.get(dataset_type.lower())
            )
        action_interactions = self._report.dataset_arns.get("Action_Interactions")
        if action_interactions:
            dataset = await describe_dataset(self._connection, action_interactions)
            self._report.action_interactions_tracking_id = dataset.tracking_id
        self._report.event_tracker = await self._tracker(group_arn)
        if self._plan.metrics is not None:
            self._report.metric_attribution_arn = await self._attribution(group_arn, self._plan.metrics)
        return self._report

    async def _group(self) -> str:
        what = f"dataset group {self._plan.name}"
        domain = SERVICE_DOMAIN[self._plan.domain]
        found = await self._group_by_name()
        if found is not None:
            if found.domain != (domain or ""):
                message = (
                    f"{what} exists and is {found.domain or 'custom'}, not {domain or 'custom'}; choose another name"
                )
                raise InvalidInputError(message)
            self._watch.found(what)
            arn = found.dataset_group_arn
        elif self._missing(what):
            return ""
        else:
            made = await self._connection.ask(
                "CreateDatasetGroup",
                lambda control: (
                    control.create_dataset_group(name=self._plan.name, domain=domain)
                    if domain
                    else control.create_dataset_group(name=self._plan.name)
                ),
            )
            arn = made["datasetGroupArn"]
        self._report.dataset_group_arn = arn

        async def describe() -> TrackerState:
            group = await describe_dataset_group(self._connection, arn)
            return TrackerState(group.status, group.failure_reason)

        await self._wait(what, describe)
        return arn

    async def _group_by_name(self) -> DatasetGroup | None:
        arguments: ListDatasetGroupsRequestTypeDef = {"maxResults": 100}
        while True:
            page = await self._connection.ask(
                "ListDatasetGroups", lambda control: control.list_dataset_groups(**arguments)
            )
            for summary in page["datasetGroups"]:
                if summary.get("name") == self._plan.name and not summary.get("status", "").startswith("DELETE"):
                    return described(summary, DatasetGroup, "ListDatasetGroups")
            token = page.get("nextToken")
            if not token:
                return None
            arguments["nextToken"] = token

    async def _dataset(self, group_arn: str, dataset_type: DatasetType, schema: str, there: Dataset | None) -> str:
        name = self._plan.name + _suffix(dataset_type)
        what = f"dataset {name}"
        if there is not None:
            self._watch.found(f"dataset {there.name}")
            arn = there.dataset_arn
        else:
            schema_arn = await self._schema(name, schema)
            if self._missing(what):
                return ""
            made = await self._connection.ask(
                "CreateDataset",
                lambda control: control.create_dataset(
                    name=name, schemaArn=schema_arn, datasetGroupArn=group_arn, datasetType=dataset_type
                ),
            )
            arn = made["datasetArn"]

        async def describe() -> TrackerState:
            return TrackerState((await describe_dataset(self._connection, arn)).status)

        await self._wait(what, describe)
        return arn

    async def _schema(self, name: str, schema: str) -> str:
        what = f"schema {name}"
        found = await schema_by_name(self._connection, name)
        if found is not None:
            if parse_schema(found.text).columns != parse_schema(schema).columns:
                message = f"{what} exists with other columns; choose another --name"
                raise InvalidInputError(message)
            self._watch.found(what)
            return found.arn
        if self._missing(what):
            return ""
        return await make_schema(self._connection, name, schema, SERVICE_DOMAIN[self._plan.domain])

    async def _tracker(self, group_arn: str) -> EventTracker | None:
        there = await list_trackers(self._connection, group_arn) if group_arn else []
        what = f"event tracker {self._plan.name}"
        if there:
            tracker = there[0]
            what = f"event tracker {tracker.name}"
            self._watch.found(what)
        elif self._missing(what):
            return None
        else:
            try:
                tracker = await create_tracker(self._connection, name=self._plan.name, dataset_group_arn=group_arn)
            except TrackerExistsError as exists:  # the answer to a first try got lost
                tracker = exists.tracker
        if self._dry_run:
            return tracker
        return await wait_until_active(
            self._connection, tracker.event_tracker_arn, timeout_s=self._timeout_s, on_status=self._on_status(what)
        )

    async def _attribution(self, group_arn: str, plan: MetricPlan) -> str:
        there = await metric_attribution_of(self._connection, group_arn) if group_arn else None
        what = f"metric attribution {there.name if there else self._plan.name}"
        if there is not None:
            self._watch.found(what)
            arn = there.metric_attribution_arn
        elif self._missing(what):
            return ""
        else:
            arn = await create_metric_attribution(
                self._connection, name=self._plan.name, dataset_group_arn=group_arn, plan=plan
            )

        async def describe() -> TrackerState:
            found = await describe_metric_attribution(self._connection, arn)
            return TrackerState(found.status, found.failure_reason)

        await self._wait(what, describe)
        return arn

    def _missing(self, what: str) -> bool:
        """Note that it has to be made; whether it must not be, because it is a dry run."""
        self._report.made.append(what)
        self._watch.making(what)
        return self._dry_run

    async def _wait(self, what: str, describe: Callable[[], Awaitable[TrackerState]]) -> None:
        if not self._dry_run:
            await wait_for_active(
                self._connection,
                describe,
                what=what,
                timeout_s=self._timeout_s,
                on_status=self._on_status(what),
            )

    def _on_status(self, what: str) -> Callable[[str, float], None]:
        return lambda status, waited_s: self._watch.status(what, status, waited_s)
