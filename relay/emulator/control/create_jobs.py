"""Jobs and metric attributions: made and changed. What a job does is in `jobs/`, once its time has come."""

from typing import Any, Final

import msgspec

from relay.emulator.control.create import added, check_count, told
from relay.emulator.control.job_inputs import (
    CreateBatchInferenceJob,
    CreateBatchSegmentJob,
    CreateDataDeletionJob,
    CreateDatasetExportJob,
    CreateDatasetImportJob,
    CreateMetricAttribution,
    DataSource,
    UpdateMetricAttribution,
)
from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import Resource
from relay.emulator.jobs.attribution import check_metrics
from relay.emulator.jobs.folder import check_s3
from relay.emulator.runtime.sources import find_version, recipe_of_version
from relay.emulator.state import Emulator
from relay.emulator.wire.errors import AwsError, invalid

MAX_RUNNING: Final = 5
"""Import, batch inference and batch segment jobs that are pending or in progress, each [the quotas page]."""

MAX_METRICS: Final = 10
_SEGMENTS: Final = frozenset({"item-affinity", "attributes"})


def create_dataset_import_job(emulator: Emulator, call: CreateDatasetImportJob) -> bytes:
    """CreateDatasetImportJob."""
    _check_source(emulator, call.data_source)
    dataset = emulator.registry.get_active(Kind.DATASET, call.dataset_arn)
    _check_running(emulator, Kind.IMPORT_JOB)
    job = added(
        emulator,
        Kind.IMPORT_JOB,
        f"dataset-import-job/{call.job_name}",
        call,
        group_arn=dataset.dataset_group_arn,
        parent_arn=dataset.arn,
        tags=call.tags,
        importMode=call.import_mode,
    )
    return told(job)


def create_dataset_export_job(emulator: Emulator, call: CreateDatasetExportJob) -> bytes:
    """CreateDatasetExportJob."""
    check_s3(emulator)
    dataset = emulator.registry.get_active(Kind.DATASET, call.dataset_arn)
    job = added(
        emulator,
        Kind.EXPORT_JOB,
        f"dataset-export-job/{call.job_name}",
        call,
        group_arn=dataset.dataset_group_arn,
        parent_arn=dataset.arn,
        tags=call.tags,
        ingestionMode=call.ingestion_mode,
    )
    return told(job)


def create_data_deletion_job(emulator: Emulator, call: CreateDataDeletionJob) -> bytes:
    """CreateDataDeletionJob."""
    _check_source(emulator, call.data_source)
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    path = f"data-deletion-job/{call.job_name}"
    return told(added(emulator, Kind.DELETION_JOB, path, call, group_arn=group.arn, tags=call.tags))


def create_batch_inference_job(emulator: Emulator, call: CreateBatchInferenceJob) -> bytes:
    """CreateBatchInferenceJob."""
    if call.batch_inference_job_mode == "THEME_GENERATION" and not call.theme_generation_config:
        raise invalid("THEME_GENERATION needs a themeGenerationConfig.")
    more = {"batchInferenceJobMode": call.batch_inference_job_mode}
    return _batch(emulator, Kind.BATCH_INFERENCE_JOB, call, for_segments=False, **more)


def create_batch_segment_job(emulator: Emulator, call: CreateBatchSegmentJob) -> bytes:
    """CreateBatchSegmentJob."""
    return _batch(emulator, Kind.BATCH_SEGMENT_JOB, call, for_segments=True)


def create_metric_attribution(emulator: Emulator, call: CreateMetricAttribution) -> bytes:
    """CreateMetricAttribution: one a dataset group."""
    group = emulator.registry.get_active(Kind.DATASET_GROUP, call.dataset_group_arn)
    if not call.metrics:
        raise invalid("At least one metric must be given.")
    check_metrics(msgspec.to_builtins(call.metrics))
    check_count(emulator, Kind.METRIC_ATTRIBUTION, 1, group_arn=group.arn)
    path = f"metric-attribution/{call.name}"
    return told(added(emulator, Kind.METRIC_ATTRIBUTION, path, call, group_arn=group.arn))


def update_metric_attribution(emulator: Emulator, call: UpdateMetricAttribution) -> bytes:
    """UpdateMetricAttribution: metrics go by name, then others come, then the output changes."""
    attribution = _attribution(emulator, call.metric_attribution_arn)
    before = emulator.registry.details(attribution)
    gone = frozenset(call.remove_metrics or ())
    metrics = [metric for metric in before["metrics"] if metric["metricName"] not in gone]
    new = msgspec.to_builtins(call.add_metrics or [])
    taken = {metric["metricName"] for metric in metrics}
    for metric in new:
        if metric["metricName"] in taken:
            raise AwsError("ResourceAlreadyExistsException", f"There is a metric named {metric['metricName']!r}.")
    metrics += new
    if not 1 <= len(metrics) <= MAX_METRICS:
        raise invalid(f"A metric attribution has 1 to {MAX_METRICS} metrics.")
    check_metrics(metrics)
    changed: dict[str, Any] = {"metrics": metrics}
    if call.metrics_output_config:
        changed["metricsOutputConfig"] = msgspec.to_builtins(call.metrics_output_config)
    emulator.registry.change(attribution, changed)
    return told(attribution)


def _batch(emulator: Emulator, kind: Kind, call: CreateBatchSegmentJob, *, for_segments: bool, **more: str) -> bytes:
    check_s3(emulator)
    version = find_version(emulator, call.solution_version_arn)
    recipe = recipe_of_version(emulator, version)
    if recipe is not None and (recipe.style in _SEGMENTS) is not for_segments:
        raise invalid(f"{recipe.name} is not for this kind of job.")
    if call.filter_arn:
        emulator.registry.get_active(Kind.FILTER, call.filter_arn)
    if isinstance(call.num_results, int) and call.num_results < 0:
        raise invalid("numResults must not be negative.")
    _check_running(emulator, kind)
    job = added(
        emulator,
        kind,
        f"{kind}/{call.job_name}",
        call,
        group_arn=version.dataset_group_arn,
        parent_arn=version.arn,
        tags=call.tags,
        **more,
    )
    return told(job)


def _check_source(emulator: Emulator, source: DataSource) -> None:
    check_s3(emulator)
    if not source.data_location:
        raise invalid("dataLocation must be given.")


def _check_running(emulator: Emulator, kind: Kind) -> None:
    running = [job for job in emulator.registry.all(kind) if not job.work_done]
    if len(running) >= MAX_RUNNING:
        raise AwsError("LimitExceededException", f"{MAX_RUNNING} jobs of kind {kind} may run at once.")


def _attribution(emulator: Emulator, arn: Any) -> Resource:
    if not arn:
        raise invalid("metricAttributionArn must be given.")
    return emulator.registry.get(Kind.METRIC_ATTRIBUTION, arn)
