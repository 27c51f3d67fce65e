"""Inputs of the control plane about jobs and metric attributions."""

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from relay.emulator.control.inputs import KmsKeyArn, Location, RoleArn, Short, Tag
from relay.emulator.control.solution_inputs import Column, Parameters
from relay.emulator.wire.decoding import Arn, Input, Name


class DataSource(Input):
    """Where data lies."""

    data_location: Location | UnsetType = UNSET


class S3Place(Input):
    """A place in S3."""

    path: Location
    kms_key_arn: KmsKeyArn | UnsetType = UNSET


class JobInput(Input):
    """Where a batch job reads."""

    s3_data_source: S3Place


class JobOutput(Input):
    """Where a job writes."""

    s3_data_destination: S3Place


class CreateDatasetImportJob(Input):
    """Input of CreateDatasetImportJob."""

    job_name: Name
    dataset_arn: Arn
    data_source: DataSource
    role_arn: RoleArn | UnsetType = UNSET
    import_mode: Literal["FULL", "INCREMENTAL"] = "FULL"
    publish_attribution_metrics_to_s3: bool | UnsetType = msgspec.field(
        name="publishAttributionMetricsToS3", default=UNSET
    )
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CreateDatasetExportJob(Input):
    """Input of CreateDatasetExportJob."""

    job_name: Name
    dataset_arn: Arn
    role_arn: RoleArn
    job_output: JobOutput
    ingestion_mode: Literal["BULK", "PUT", "ALL"] = "PUT"
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CreateDataDeletionJob(Input):
    """Input of CreateDataDeletionJob."""

    job_name: Name
    dataset_group_arn: Arn
    data_source: DataSource
    role_arn: RoleArn
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class ExplorationConfig(Input):
    """How a batch inference job explores."""

    item_exploration_config: Parameters | UnsetType = UNSET


class ThemeFields(Input):
    """The column that holds the names of items."""

    item_name: Column


class ThemeConfig(Input):
    """How themes are made."""

    fields_for_theme_generation: ThemeFields


class CreateBatchSegmentJob(Input):
    """Input of CreateBatchSegmentJob."""

    job_name: Name
    solution_version_arn: Arn
    job_input: JobInput
    job_output: JobOutput
    role_arn: RoleArn
    filter_arn: Arn | UnsetType = UNSET
    num_results: int | UnsetType = UNSET
    tags: list[Tag] = msgspec.field(default_factory=list[Tag])


class CreateBatchInferenceJob(CreateBatchSegmentJob):
    """Input of CreateBatchInferenceJob."""

    batch_inference_job_config: ExplorationConfig | UnsetType = UNSET
    batch_inference_job_mode: Literal["BATCH_INFERENCE", "THEME_GENERATION"] = "BATCH_INFERENCE"
    theme_generation_config: ThemeConfig | UnsetType = UNSET


class Metric(Input):
    """A metric of a metric attribution."""

    event_type: Short
    metric_name: Short
    expression: Short


class MetricsOutput(Input):
    """Where the metrics go."""

    role_arn: RoleArn
    s3_data_destination: S3Place | UnsetType = UNSET


class CreateMetricAttribution(Input):
    """Input of CreateMetricAttribution."""

    name: Name
    dataset_group_arn: Arn
    metrics: Annotated[list[Metric], Meta(max_length=10)]
    metrics_output_config: MetricsOutput


class UpdateMetricAttribution(Input):
    """Input of UpdateMetricAttribution."""

    metric_attribution_arn: Arn | UnsetType = UNSET
    add_metrics: Annotated[list[Metric], Meta(max_length=10)] | UnsetType = UNSET
    remove_metrics: Annotated[list[Short], Meta(max_length=10)] | UnsetType = UNSET
    metrics_output_config: MetricsOutput | UnsetType = UNSET
