"""A job that can't be done."""


class JobProblem(Exception):  # noqa: N818  # what the job reports, not an error of ours
    """The message is its `failureReason`."""
