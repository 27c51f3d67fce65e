"""Which of the calls that `check` makes are refused, all of them: one that is refused hides those after it."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from relay.personalize.connection import Connection
from relay.personalize.errors import AccessDeniedError, PersonalizeError

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize import PersonalizeClient

_Call = Callable[["PersonalizeClient", str], Awaitable[Mapping[str, Any]]]

_OF_GROUP: Final[Mapping[str, _Call]] = {
    "DescribeDatasetGroup": lambda control, arn: control.describe_dataset_group(datasetGroupArn=arn),
    "ListDatasets": lambda control, arn: control.list_datasets(datasetGroupArn=arn),
    "ListRecommenders": lambda control, arn: control.list_recommenders(datasetGroupArn=arn, maxResults=1),
    "ListSolutions": lambda control, arn: control.list_solutions(datasetGroupArn=arn, maxResults=1),
    "ListMetricAttributions": lambda control, arn: control.list_metric_attributions(datasetGroupArn=arn),
}
_OF_WHAT_IS_LISTED: Final[Mapping[str, tuple[str, str, str, _Call]]] = {
    "ListDatasets": (
        "datasets",
        "datasetArn",
        "DescribeDataset",
        lambda control, arn: control.describe_dataset(datasetArn=arn),
    ),
    "ListSolutions": (
        "solutions",
        "solutionArn",
        "DescribeSolution",
        lambda control, arn: control.describe_solution(solutionArn=arn),
    ),
    "ListMetricAttributions": (
        "metricAttributions",
        "metricAttributionArn",
        "ListMetricAttributionMetrics",
        lambda control, arn: control.list_metric_attribution_metrics(metricAttributionArn=arn),
    ),
}
"""What lists: where the first one is in its answer, and what is asked of it."""


async def denied(connection: Connection, dataset_group_arn: str) -> list[str]:
    """One line for each call that may not be made; what is behind a list that is refused is not known."""
    lines: list[str] = []

    async def asked(operation: str, call: _Call, arn: str) -> Mapping[str, Any]:
        try:
            return await connection.ask(operation, lambda control: call(control, arn))
        except AccessDeniedError as error:
            lines.append(str(error))
        except PersonalizeError:
            pass  # it is allowed; what is wrong with it is told by who needs the answer
        return {}

    for operation, call in _OF_GROUP.items():
        answer = await asked(operation, call, dataset_group_arn)
        if operation in _OF_WHAT_IS_LISTED:
            key, arn, then, what = _OF_WHAT_IS_LISTED[operation]
            for one in answer.get(key, ())[:1]:
                more = await asked(then, what, one[arn])
                if then == "DescribeDataset" and more:
                    schema_arn = more["dataset"]["schemaArn"]
                    await asked(
                        "DescribeSchema", lambda control, arn: control.describe_schema(schemaArn=arn), schema_arn
                    )
    return lines
