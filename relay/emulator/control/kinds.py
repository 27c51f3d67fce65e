"""What the resources are called on the wire, kind by kind: one table for Describe, List, Delete and tags."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple


class Kind(StrEnum):
    """What a resource is; the value stands in its ARN, but for a solution version: `solution/NAME/ID`."""

    DATASET_GROUP = "dataset-group"
    SCHEMA = "schema"
    DATASET = "dataset"
    EVENT_TRACKER = "event-tracker"
    IMPORT_JOB = "dataset-import-job"
    EXPORT_JOB = "dataset-export-job"
    DELETION_JOB = "data-deletion-job"
    SOLUTION = "solution"
    SOLUTION_VERSION = "solution-version"
    CAMPAIGN = "campaign"
    RECOMMENDER = "recommender"
    FILTER = "filter"
    BATCH_INFERENCE_JOB = "batch-inference-job"
    BATCH_SEGMENT_JOB = "batch-segment-job"
    METRIC_ATTRIBUTION = "metric-attribution"


INSTANT: Final = frozenset({Kind.SCHEMA})
"""Kinds that are there, and gone, at once."""

WITH_WORK: Final = frozenset(
    {
        Kind.IMPORT_JOB,
        Kind.EXPORT_JOB,
        Kind.DELETION_JOB,
        Kind.SOLUTION_VERSION,
        Kind.RECOMMENDER,
        Kind.BATCH_INFERENCE_JOB,
        Kind.BATCH_SEGMENT_JOB,
    }
)
"""Kinds with something to do when their time to be made is over."""

UNTAGGED: Final = frozenset({Kind.SCHEMA, Kind.METRIC_ATTRIBUTION})
"""Kinds whose Create takes no tags."""


class Names(NamedTuple):
    """What a kind is called on the wire."""

    arn: str
    """Its ARN, wherever it stands."""
    one: str
    """What Describe wraps it in."""
    many: str
    """What List gives."""
    listed: tuple[str, ...] = ()
    """What List shows beside name, ARN, status and dates."""
    listed_by: str | None = "datasetGroupArn"
    """What a list may be asked for by."""
    name: str | None = "name"
    failure: bool = True
    """Whether it shows a failureReason."""
    group: bool = True
    """Whether Describe shows the dataset group."""


NAMES: Final[Mapping[Kind, Names]] = {
    Kind.DATASET_GROUP: Names(
        "datasetGroupArn", "datasetGroup", "datasetGroups", ("domain",), listed_by=None, group=False
    ),
    Kind.SCHEMA: Names("schemaArn", "schema", "schemas", ("domain",), listed_by=None, failure=False, group=False),
    Kind.DATASET: Names("datasetArn", "dataset", "datasets", ("datasetType",), failure=False),
    Kind.EVENT_TRACKER: Names("eventTrackerArn", "eventTracker", "eventTrackers", failure=False),
    Kind.IMPORT_JOB: Names(
        "datasetImportJobArn",
        "datasetImportJob",
        "datasetImportJobs",
        ("importMode",),
        listed_by="datasetArn",
        name="jobName",
        group=False,
    ),
    Kind.EXPORT_JOB: Names(
        "datasetExportJobArn",
        "datasetExportJob",
        "datasetExportJobs",
        listed_by="datasetArn",
        name="jobName",
        group=False,
    ),
    Kind.DELETION_JOB: Names(
        "dataDeletionJobArn", "dataDeletionJob", "dataDeletionJobs", ("datasetGroupArn",), name="jobName"
    ),
    Kind.SOLUTION: Names("solutionArn", "solution", "solutions", ("recipeArn",), failure=False),
    Kind.SOLUTION_VERSION: Names(
        "solutionVersionArn",
        "solutionVersion",
        "solutionVersions",
        ("trainingMode", "trainingType"),
        listed_by="solutionArn",
    ),
    Kind.CAMPAIGN: Names("campaignArn", "campaign", "campaigns", listed_by="solutionArn", group=False),
    Kind.RECOMMENDER: Names(
        "recommenderArn", "recommender", "recommenders", ("datasetGroupArn", "recipeArn", "recommenderConfig")
    ),
    Kind.FILTER: Names("filterArn", "filter", "Filters", ("datasetGroupArn",)),
    Kind.BATCH_INFERENCE_JOB: Names(
        "batchInferenceJobArn",
        "batchInferenceJob",
        "batchInferenceJobs",
        ("solutionVersionArn", "batchInferenceJobMode"),
        listed_by="solutionVersionArn",
        name="jobName",
        group=False,
    ),
    Kind.BATCH_SEGMENT_JOB: Names(
        "batchSegmentJobArn",
        "batchSegmentJob",
        "batchSegmentJobs",
        ("solutionVersionArn",),
        listed_by="solutionVersionArn",
        name="jobName",
        group=False,
    ),
    Kind.METRIC_ATTRIBUTION: Names("metricAttributionArn", "metricAttribution", "metricAttributions"),
}
