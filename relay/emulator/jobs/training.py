"""Training: a solution version or a recommender is measured on the data there is. The model itself is always fresh."""

from relay.emulator.control.resources import Resource
from relay.emulator.jobs.evaluation import interactions_of, measured
from relay.emulator.jobs.problem import JobProblem
from relay.emulator.runtime.recipes import Recipe, find_recipe
from relay.emulator.runtime.sources import recipe_of_version
from relay.emulator.state import Emulator


def train_version(emulator: Emulator, version: Resource) -> None:
    """Measure a solution version, for GetSolutionMetrics; `JobProblem` where there is too little to train on."""
    _train(emulator, version, recipe_of_version(emulator, version))


def train_recommender(emulator: Emulator, recommender: Resource) -> None:
    """The same for a recommender, whose Describe shows the metrics."""
    _train(emulator, recommender, find_recipe(recommender.details["recipeArn"]))


def _train(emulator: Emulator, resource: Resource, recipe: Recipe | None) -> None:
    happened = interactions_of(emulator, resource.dataset_group_arn or "")
    if len(happened) < emulator.min_interactions:
        raise JobProblem(f"There are {len(happened)} interactions; at least {emulator.min_interactions} are needed.")
    if recipe is not None:
        resource.details["modelMetrics"] = measured(recipe, happened)
    resource.details["trainingHours"] = 0.001
