"""Solutions, their versions, campaigns, recommenders and filters: made, changed, stopped and started."""

from typing import Any, Final

import msgspec

from relay.emulator.control.create import added, check_count, told
from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.control.schemas import columns_of
from relay.emulator.control.solution_inputs import (
    CreateCampaign,
    CreateFilter,
    CreateRecommender,
    CreateSolution,
    CreateSolutionVersion,
    UpdateCampaign,
    UpdateRecommender,
    UpdateSolution,
)
from relay.emulator.data.properties import folded
from relay.emulator.filters.parser import parse_filter
from relay.emulator.runtime.recipes import Recipe, find_recipe
from relay.emulator.runtime.sources import find_version, recipe_of_version
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import invalid, not_found

MAX_SOLUTIONS: Final = 10
MAX_CAMPAIGNS: Final = 5
MAX_RECOMMENDERS: Final = 5
MAX_FILTERS: Final = 10
"""Of a dataset group, each [the quotas page of the developer guide]."""

_AUTO_ML: Final = "arn:aws:personalize:::recipe/aws-user-personalization"
"""What AutoML finds to be best: the emulator has one model."""


def create_solution(emulator: Emulator, call: CreateSolution) -> bytes:
    """CreateSolution."""
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    if call.recipe_arn:
        _recipe(call.recipe_arn)
    elif call.perform_auto_ml is not True:
        raise invalid("recipeArn must be given, or performAutoML.")
    check_count(emulator, Kind.SOLUTION, MAX_SOLUTIONS, group_arn=group.arn)
    more: dict[str, Any] = {} if call.recipe_arn else {"autoMLResult": {"bestRecipeArn": _AUTO_ML}}
    more |= {
        "performAutoTraining": call.perform_auto_training is True,
        "performAutoML": call.perform_auto_ml is True,
        "performHPO": call.perform_hpo is True,
    }
    solution = added(
        emulator, Kind.SOLUTION, f"solution/{call.name}", call, group_arn=group.arn, tags=call.tags, **more
    )
    return told(solution)


def update_solution(emulator: Emulator, call: UpdateSolution) -> bytes:
    """UpdateSolution."""
    solution = emulator.registry.get_active(Kind.SOLUTION, call.solution_arn)
    given = msgspec.to_builtins(call)
    given.pop("solutionArn")
    if not given:
        raise invalid("There is nothing to update.")
    changed = given.get("solutionUpdateConfig", {})
    config = emulator.registry.details(solution).get("solutionConfig", {}) | changed
    emulator.registry.change(solution, given | ({"solutionConfig": config} if changed else {}))
    return told(solution)


def create_solution_version(emulator: Emulator, call: CreateSolutionVersion) -> bytes:
    """CreateSolutionVersion: its training takes as long as everything else, then its metrics are there."""
    solution = emulator.registry.get_active(Kind.SOLUTION, call.solution_arn)
    if emulator.dataset_of(solution.dataset_group_arn or "", "INTERACTIONS") is None:
        raise invalid("The dataset group has no dataset of interactions to train on.")
    details = emulator.registry.details(solution)
    copied = ("performHPO", "performAutoML", "recipeArn", "eventType", "solutionConfig")
    more = {member: details[member] for member in copied if member in details}
    more.setdefault("recipeArn", _AUTO_ML)
    version = added(
        emulator,
        Kind.SOLUTION_VERSION,
        f"solution/{solution.name}/{emulator.uuid()[:8]}",
        call,
        group_arn=solution.dataset_group_arn,
        parent_arn=solution.arn,
        tags=call.tags,
        **more,
        trainingMode=call.training_mode,
        trainingType="MANUAL",
    )
    return told(version)


def stop_solution_version_creation(emulator: Emulator, call: Any) -> bytes:
    """StopSolutionVersionCreation."""
    version = emulator.registry.get(Kind.SOLUTION_VERSION, call.arn)
    emulator.registry.turn(version, "CREATE STOP", only=frozenset({"CREATE PENDING", "CREATE IN_PROGRESS"}))
    return b""


def get_solution_metrics(emulator: Emulator, call: Any) -> bytes:
    """GetSolutionMetrics."""
    version = emulator.registry.get_active(Kind.SOLUTION_VERSION, call.arn)
    return told(version, metrics=version.details.get("modelMetrics", {}))


def create_campaign(emulator: Emulator, call: CreateCampaign) -> bytes:
    """CreateCampaign."""
    version = find_version(emulator, call.solution_version_arn)
    recipe = recipe_of_version(emulator, version)
    if recipe is not None and recipe.style in {"item-affinity", "attributes"}:
        raise invalid(f"{recipe.name} is for batch segment jobs only.")
    check_count(emulator, Kind.CAMPAIGN, MAX_CAMPAIGNS, group_arn=version.dataset_group_arn)
    campaign = added(
        emulator,
        Kind.CAMPAIGN,
        f"campaign/{call.name}",
        call,
        group_arn=version.dataset_group_arn,
        parent_arn=version.parent_arn,
        tags=call.tags,
        minProvisionedTPS=call.min_provisioned_tps or 1,
    )
    return told(campaign)


def update_campaign(emulator: Emulator, call: UpdateCampaign) -> bytes:
    """UpdateCampaign: it answers as before until the update is ACTIVE."""
    campaign = emulator.registry.get(Kind.CAMPAIGN, call.campaign_arn)
    given = msgspec.to_builtins(call)
    given.pop("campaignArn")
    if not given:
        raise invalid("There is nothing to update.")
    if call.solution_version_arn:
        version = find_version(emulator, call.solution_version_arn)
        if version.dataset_group_arn != campaign.dataset_group_arn:
            raise invalid("The solution version is of another dataset group.")
        campaign.parent_arn = version.parent_arn
    emulator.registry.change(campaign, given)
    return told(campaign)


def create_recommender(emulator: Emulator, call: CreateRecommender) -> bytes:
    """CreateRecommender: in a dataset group of a domain, of a recipe of that domain."""
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    recipe = _recipe(call.recipe_arn)
    if group.domain is None or recipe.domain != group.domain:
        raise invalid(f"{recipe.name} is of the domain {recipe.domain}, the dataset group of {group.domain}.")
    if emulator.dataset_of(group.arn, "INTERACTIONS") is None:
        raise invalid("The dataset group has no dataset of interactions to train on.")
    check_count(emulator, Kind.RECOMMENDER, MAX_RECOMMENDERS, group_arn=group.arn)
    config = msgspec.to_builtins(call).get("recommenderConfig", {})
    recommender = added(
        emulator,
        Kind.RECOMMENDER,
        f"recommender/{call.name}",
        call,
        group_arn=group.arn,
        tags=call.tags,
        recommenderConfig={"minRecommendationRequestsPerSecond": 1, **config},
    )
    return told(recommender)


def update_recommender(emulator: Emulator, call: UpdateRecommender) -> bytes:
    """UpdateRecommender."""
    recommender = emulator.registry.get(Kind.RECOMMENDER, call.recommender_arn)
    before = emulator.registry.details(recommender)["recommenderConfig"]
    changed = msgspec.to_builtins(call.recommender_config)
    emulator.registry.change(recommender, {"recommenderConfig": before | changed})
    return told(recommender)


def stop_recommender(emulator: Emulator, call: Any) -> bytes:
    """StopRecommender."""
    return _turned(emulator, call.arn, "STOP")


def start_recommender(emulator: Emulator, call: Any) -> bytes:
    """StartRecommender."""
    return _turned(emulator, call.arn, "START")


def create_filter(emulator: Emulator, call: CreateFilter) -> bytes:
    """CreateFilter: the expression is read at once, and its columns looked for in the schemas there are."""
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    expression = parse_filter(call.filter_expression)
    for dataset_type, column in sorted(expression.columns):
        _check_column(emulator, group, dataset_type, column)
    check_count(emulator, Kind.FILTER, MAX_FILTERS, group_arn=group.arn)
    return told(added(emulator, Kind.FILTER, f"filter/{call.name}", call, group_arn=group.arn, tags=call.tags))


def _check_column(emulator: Emulator, group: Resource, dataset_type: str, column: str) -> None:
    dataset = emulator.dataset_of(group.arn, dataset_type.upper())
    if dataset is None:
        raise invalid(f"The dataset group has no dataset of {dataset_type} to filter by.")
    if folded(column) not in {folded(name) for name in columns_of(emulator.schema_of(dataset))}:
        raise invalid(f"The schema of {dataset.arn} has no column {column}.")


def _turned(emulator: Emulator, arn: str, turn: Any) -> bytes:
    recommender = emulator.registry.get(Kind.RECOMMENDER, arn)
    only = frozenset({"ACTIVE"} if turn == "STOP" else {"INACTIVE"})
    emulator.registry.turn(recommender, turn, only=only)
    return told(recommender)


def _recipe(arn: str) -> Recipe:
    recipe = find_recipe(arn)
    if recipe is None:
        raise not_found(f"Resource Arn {arn} does not exist.")
    return recipe
