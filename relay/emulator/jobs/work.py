"""What is due is done: the work of jobs and trainings, when somebody looks after its time has come."""

from collections.abc import Callable, Mapping
from typing import Final

from relay.emulator.control.kinds import Kind
from relay.emulator.control.resources import FAILING_NAME, Resource
from relay.emulator.jobs.batch import run_batch
from relay.emulator.jobs.deletion import delete_data
from relay.emulator.jobs.exporting import export_dataset
from relay.emulator.jobs.importing import import_dataset
from relay.emulator.jobs.problem import JobProblem
from relay.emulator.jobs.training import train_recommender, train_version
from relay.emulator.state import Emulator
from relay.emulator.store.s3_folder import S3Error
from relay.emulator.wire.errors import AwsError

_WORK: Final[Mapping[Kind, Callable[[Emulator, Resource], None]]] = {
    Kind.IMPORT_JOB: import_dataset,
    Kind.EXPORT_JOB: export_dataset,
    Kind.DELETION_JOB: delete_data,
    Kind.SOLUTION_VERSION: train_version,
    Kind.RECOMMENDER: train_recommender,
    Kind.BATCH_INFERENCE_JOB: run_batch,
    Kind.BATCH_SEGMENT_JOB: run_batch,
}


def settle(emulator: Emulator) -> None:
    """Do all that is due, in the order in which it was asked for; what fails says why in its `failureReason`."""
    for resource in emulator.registry.due():
        resource.work_done = True
        try:
            if FAILING_NAME in resource.name:
                raise JobProblem("Its name asked for it.")
            _WORK[resource.kind](emulator, resource)
        except (S3Error, JobProblem) as problem:
            resource.failure = str(problem)
        except AwsError as error:  # what it worked on is gone, or was never ready
            resource.failure = error.message
        emulator.registry.put(resource)
