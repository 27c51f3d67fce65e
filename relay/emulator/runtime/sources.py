"""Whom recommendations are asked of: a campaign, a recommender, or in a fresh emulator anything that has a name."""

from typing import Any, NamedTuple

from msgspec import UnsetType

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.runtime.recipes import Recipe, find_recipe
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import invalid, not_found

LATEST = "/$LATEST"
"""Behind a solution's ARN: its newest version, whichever that is."""


class Source(NamedTuple):
    """A campaign or recommender that may be asked."""

    arn: str
    group_arn: str
    recipe: Recipe | None
    """None: of no recipe; it recommends whatever it is asked for."""
    with_metadata: bool = False


def find_source(emulator: Emulator, *, campaign_arn: str | UnsetType, recommender_arn: str | UnsetType = "") -> Source:
    """The one that is asked.

    As long as nobody made a campaign or recommender, and always in an emulator that was started with a tracking id,
    one of any name is there, and recommends from what came to the dataset group: enough to try a page.

    Raises:
        AwsError: InvalidInputException for none, both, or one that is not ACTIVE; ResourceNotFoundException.
    """
    if bool(campaign_arn) == bool(recommender_arn):
        raise invalid("Either campaignArn or recommenderArn must be given.")
    arn, kind = (str(campaign_arn), Kind.CAMPAIGN) if campaign_arn else (str(recommender_arn), Kind.RECOMMENDER)
    resource = emulator.registry.find(arn)
    if resource is None:
        return _unmade(emulator, arn, kind)
    if resource.kind is not kind:
        raise not_found(f"Resource Arn {arn} does not exist.")
    status = emulator.registry.status(resource)
    if status != "ACTIVE":
        raise invalid(f"{arn} is not ACTIVE but {status}.")
    details = emulator.registry.details(resource)
    config: dict[str, Any] = details.get("campaignConfig") or details.get("recommenderConfig") or {}
    return Source(
        arn,
        resource.dataset_group_arn or "",
        _recipe(emulator, resource),
        with_metadata=bool(config.get("enableMetadataWithRecommendations")),
    )


def recipe_of_version(emulator: Emulator, version: Resource) -> Recipe | None:
    """The recipe of a solution version; where its solution wants one event type, with only that counting."""
    recipe = find_recipe(version.details.get("recipeArn", ""))
    event_type = version.details.get("eventType")
    return recipe._replace(event_type=event_type.lower()) if recipe and event_type else recipe


def find_version(emulator: Emulator, arn: str) -> Resource:
    """The solution version of an ARN, also of a solution's ARN with `/$LATEST` behind; ACTIVE ones only.

    Raises:
        AwsError: ResourceNotFoundException, ResourceInUseException.
    """
    if not arn.endswith(LATEST):
        return emulator.registry.get_active(Kind.SOLUTION_VERSION, arn)
    solution = emulator.registry.get(Kind.SOLUTION, arn.removesuffix(LATEST))
    versions = emulator.registry.all(Kind.SOLUTION_VERSION, parent_arn=solution.arn)
    active = [version for version in versions if emulator.registry.is_active(version)]
    if not active:
        raise not_found(f"{solution.arn} has no ACTIVE version.")
    return active[-1]


def _recipe(emulator: Emulator, resource: Resource) -> Recipe | None:
    details = emulator.registry.details(resource)
    if resource.kind is Kind.RECOMMENDER:
        return find_recipe(details["recipeArn"])
    return recipe_of_version(emulator, find_version(emulator, details["solutionVersionArn"]))


def _unmade(emulator: Emulator, arn: str, kind: Kind) -> Source:
    parts = arn.split(":", 5)
    is_ours = parts[1] == "aws" and parts[4] == emulator.account_id and parts[5].startswith(f"{kind}/")
    made = emulator.registry.all(Kind.CAMPAIGN) or emulator.registry.all(Kind.RECOMMENDER)
    if not is_ours or (made and not emulator.is_seeded):
        raise not_found(f"Resource Arn {arn} does not exist.")
    seeded = emulator.arn("dataset-group/demo") if emulator.is_seeded else None
    return Source(arn, seeded or emulator.caught_up().busiest() or "", None)
