"""What of a dataset group learns from events, and from which types: recommenders by recipe, solutions as set up.

Docs: https://docs.aws.amazon.com/personalize/latest/dg/domain-use-cases.html for the recipes of a domain; `eventType`
and `eventsConfig` of a solution in the API reference. With neither, every type counts the same.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec

from relay.personalize.connection import Connection
from relay.personalize.trackers.event_trackers import checked_arn

if TYPE_CHECKING:  # the stubs are a development dependency
    from types_aiobotocore_personalize import PersonalizeClient

_OF_ONE_TYPE: Final = {
    "aws-ecomm-popular-items-by-views": "View",
    "aws-ecomm-customers-who-viewed-x-also-viewed": "View",
    "aws-ecomm-popular-items-by-purchases": "Purchase",
    "aws-ecomm-frequently-bought-together": "Purchase",
    "aws-vod-most-popular": "Watch",
    "aws-vod-because-you-watched-x": "Watch",
}
"""Recipes that are trained on one type of event [D: use cases of the domains]; the others are on all."""
_OF_ACTIONS: Final = "aws-next-best-action"


class Learner(msgspec.Struct, frozen=True):
    """A recommender or a solution."""

    name: str
    event_types: tuple[str, ...] | None
    """What it is trained on; None for every type."""

    def uses(self, event_type: str) -> bool:
        """Whether it is trained on events of this type, spelled just so."""
        return self.event_types is None or event_type in self.event_types


async def learners_of(connection: Connection, dataset_group_arn: str) -> tuple[Learner, ...]:
    """All of a dataset group that are not on their way out.

    Raises:
        PersonalizeError: see `relay.personalize.errors`.
    """
    checked_arn(dataset_group_arn, "dataset-group")
    group: Any = {"datasetGroupArn": dataset_group_arn, "maxResults": 100}
    found = [
        Learner(str(one.get("name", "")), _types_of_recipe(str(one.get("recipeArn", ""))))
        async for one in _each(
            connection, "ListRecommenders", lambda control, more: control.list_recommenders(**group, **more)
        )
    ]
    found += [
        Learner(str(one.get("name", "")), await _types_of_solution(connection, one))
        async for one in _each(
            connection, "ListSolutions", lambda control, more: control.list_solutions(**group, **more)
        )
        if _recipe_name(str(one.get("recipeArn", ""))) != _OF_ACTIONS
    ]
    return tuple(found)


async def _each(
    connection: Connection, operation: str, call: "Callable[[PersonalizeClient, Any], Awaitable[Any]]"
) -> AsyncIterator[Mapping[str, Any]]:
    """Of a list that comes in pages, those that are not on their way out."""
    more: dict[str, str] = {}

    def ask(control: "PersonalizeClient") -> Awaitable[Any]:
        return call(control, more)

    while True:
        page = await connection.ask(operation, ask)
        for one in page[operation.removeprefix("List").lower()]:
            if not str(one.get("status", "")).startswith("DELETE"):
                yield one
        if not page.get("nextToken"):
            return
        more = {"nextToken": page["nextToken"]}


def _types_of_recipe(recipe_arn: str) -> tuple[str, ...] | None:
    only = _OF_ONE_TYPE.get(_recipe_name(recipe_arn))
    return None if only is None else (only,)


def _recipe_name(recipe_arn: str) -> str:
    return recipe_arn.rpartition("/")[2]


async def _types_of_solution(connection: Connection, summary: Mapping[str, Any]) -> tuple[str, ...] | None:
    arn = str(summary.get("solutionArn", ""))
    answer = await connection.ask("DescribeSolution", lambda control: control.describe_solution(solutionArn=arn))
    solution: Any = answer["solution"]
    if solution.get("eventType"):
        return (str(solution["eventType"]),)
    listed = solution.get("solutionConfig", {}).get("eventsConfig", {}).get("eventParametersList", [])
    weighed = [str(one["eventType"]) for one in listed if one.get("eventType") and one.get("weight", 1.0) > 0]
    return tuple(weighed) if listed else _types_of_recipe(str(solution.get("recipeArn", "")))
