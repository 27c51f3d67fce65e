"""The operations of `personalize`, each with the reader of its input: Describe, List and Delete here."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from relay.emulator.control import create, create_jobs, create_solutions, inputs, job_inputs, solution_inputs, tags
from relay.emulator.control.deleting import delete_resource
from relay.emulator.control.inputs import listing, naming
from relay.emulator.control.kinds import NAMES, Kind
from relay.emulator.control.paging import page
from relay.emulator.control.views import described, summarized
from relay.emulator.runtime.recipes import (
    RECIPES,
    described_algorithm,
    described_recipe,
    described_transformation,
    find_recipe,
    summarized_recipe,
)
from relay.emulator.state import Emulator
from relay.emulator.wire.decoding import BodyDecoder, Input
from relay.emulator.wire.errors import AwsError, not_found

Handler = Callable[[Emulator, Any], bytes]
Entry = tuple[BodyDecoder[Any], Handler]


def _describe(kind: Kind) -> Entry:
    def describe(emulator: Emulator, call: Any) -> bytes:
        resource = emulator.registry.get(kind, call.arn)
        return msgspec.json.encode({NAMES[kind].one: described(emulator, resource)})

    return naming(NAMES[kind].arn), describe


def _delete(kind: Kind) -> Entry:
    def delete(emulator: Emulator, call: Any) -> bytes:
        delete_resource(emulator, emulator.registry.get(kind, call.arn))
        return b""

    return naming(NAMES[kind].arn), delete


def _list(kind: Kind) -> Entry:
    names = NAMES[kind]

    def list_resources(emulator: Emulator, call: Any) -> bytes:
        of = (call.of or None) if names.listed_by else None
        by_group = names.listed_by == "datasetGroupArn"
        resources = emulator.registry.all(
            kind, dataset_group_arn=of if by_group else None, parent_arn=None if by_group else of
        )
        listed = f"{kind} {of or ''}"
        shown, next_token = page(resources, listing=listed, next_token=call.next_token, max_results=call.max_results)
        return _page(names.many, [summarized(emulator, resource) for resource in shown], next_token)

    return listing(names.listed_by), list_resources


def _list_recipes(_: Emulator, call: inputs.ListRecipes) -> bytes:
    found = [recipe for recipe in RECIPES if not call.domain or recipe.domain == call.domain]
    return _numbered_page("recipes", list(map(summarized_recipe, found)), call)


def _list_metrics(emulator: Emulator, call: Any) -> bytes:
    if not call.of:
        return _page("metrics", [], None)
    attribution = emulator.registry.find(call.of)
    if attribution is None or attribution.kind is not Kind.METRIC_ATTRIBUTION:
        return _page("metrics", [], None)
    return _numbered_page("metrics", emulator.registry.details(attribution)["metrics"], call)


def _numbered_page(field: str, everything: list[Any], call: inputs.ListEverywhere) -> bytes:
    """A page of what has no dates: the token is a place in the list."""
    start = 0
    if call.next_token:
        if not (call.next_token.isdecimal() and len(call.next_token) < 6 and int(call.next_token) < len(everything)):
            raise AwsError("InvalidNextTokenException", "The token is not valid.")
        start = int(call.next_token)
    end = start + call.max_results
    return _page(field, everything[start:end], str(end) if end < len(everything) else None)


def _page(field: str, shown: list[Any], next_token: str | None) -> bytes:
    return msgspec.json.encode({field: shown} | ({"nextToken": next_token} if next_token else {}))


def _fixed(wrapper: str, find: Callable[[str], dict[str, Any] | None]) -> Entry:
    """Describe for what the service brings along."""

    def describe(_: Emulator, call: Any) -> bytes:
        view = find(call.arn)
        if view is None:
            raise not_found(f"Resource Arn {call.arn} does not exist.")
        return msgspec.json.encode({wrapper: view})

    return naming(f"{wrapper}Arn"), describe


def _recipe_view(arn: str) -> dict[str, Any] | None:
    recipe = find_recipe(arn)
    return described_recipe(recipe) if recipe else None


def _tags_first(handler: Handler) -> Handler:
    """What is wrong with the tags is said before anything is looked for: they are part of the input's shape."""

    def handle(emulator: Emulator, call: Any) -> bytes:
        tags.checked_tags(getattr(call, "tags", []))
        return handler(emulator, call)

    return handle


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


_CREATE_AND_UPDATE: Final[Mapping[type[Input], Handler]] = {
    inputs.CreateDatasetGroup: create.create_dataset_group,
    inputs.CreateSchema: create.create_schema,
    inputs.CreateDataset: create.create_dataset,
    inputs.UpdateDataset: create.update_dataset,
    inputs.CreateEventTracker: create.create_event_tracker,
    solution_inputs.CreateSolution: create_solutions.create_solution,
    solution_inputs.UpdateSolution: create_solutions.update_solution,
    solution_inputs.CreateSolutionVersion: create_solutions.create_solution_version,
    solution_inputs.CreateCampaign: create_solutions.create_campaign,
    solution_inputs.UpdateCampaign: create_solutions.update_campaign,
    solution_inputs.CreateRecommender: create_solutions.create_recommender,
    solution_inputs.UpdateRecommender: create_solutions.update_recommender,
    solution_inputs.CreateFilter: create_solutions.create_filter,
    job_inputs.CreateDatasetImportJob: create_jobs.create_dataset_import_job,
    job_inputs.CreateDatasetExportJob: create_jobs.create_dataset_export_job,
    job_inputs.CreateDataDeletionJob: create_jobs.create_data_deletion_job,
    job_inputs.CreateBatchInferenceJob: create_jobs.create_batch_inference_job,
    job_inputs.CreateBatchSegmentJob: create_jobs.create_batch_segment_job,
    job_inputs.CreateMetricAttribution: create_jobs.create_metric_attribution,
    job_inputs.UpdateMetricAttribution: create_jobs.update_metric_attribution,
    inputs.TagResource: tags.tag_resource,
    inputs.UntagResource: tags.untag_resource,
    inputs.ListTagsForResource: tags.list_tags_for_resource,
    inputs.ListRecipes: _list_recipes,
}
"""Operations whose input has a type of its own, named as they are."""

_DELETED: Final = (
    Kind.DATASET_GROUP,
    Kind.SCHEMA,
    Kind.DATASET,
    Kind.EVENT_TRACKER,
    Kind.SOLUTION,
    Kind.CAMPAIGN,
    Kind.RECOMMENDER,
    Kind.FILTER,
    Kind.METRIC_ATTRIBUTION,
)
"""Kinds with a Delete; jobs and solution versions have none."""

CONTROL_OPERATIONS: Final[Mapping[str, Entry]] = {
    **{f"Describe{_capital(names.one)}": _describe(kind) for kind, names in NAMES.items()},
    **{f"List{_capital(names.many)}": _list(kind) for kind, names in NAMES.items()},
    **{f"Delete{_capital(NAMES[kind].one)}": _delete(kind) for kind in _DELETED},
    **{form.__name__: (BodyDecoder(form), _tags_first(handler)) for form, handler in _CREATE_AND_UPDATE.items()},
    "ListMetricAttributionMetrics": (listing("metricAttributionArn"), _list_metrics),
    "StopSolutionVersionCreation": (naming("solutionVersionArn"), create_solutions.stop_solution_version_creation),
    "GetSolutionMetrics": (naming("solutionVersionArn"), create_solutions.get_solution_metrics),
    "StopRecommender": (naming("recommenderArn"), create_solutions.stop_recommender),
    "StartRecommender": (naming("recommenderArn"), create_solutions.start_recommender),
    "DescribeRecipe": _fixed("recipe", _recipe_view),
    "DescribeAlgorithm": _fixed("algorithm", described_algorithm),
    "DescribeFeatureTransformation": _fixed("featureTransformation", described_transformation),
}
"""Every operation of `personalize`."""
