"""Data deletion jobs: the users of a CSV file leave the dataset group, all of them, for good."""

import csv
import io

from relay.emulator.control.resources import Resource
from relay.emulator.jobs.folder import read_all
from relay.emulator.jobs.problem import JobProblem
from relay.emulator.state import Emulator

_COLUMN = "USER_ID"


def delete_data(emulator: Emulator, job: Resource) -> None:
    """Do one data deletion job: records, imported rows, events and their copies in calls and journal.

    Raises:
        S3Error: A file can't be read.
        JobProblem: A file is no CSV with a column USER_ID; nothing was deleted.
    """
    users: set[str] = set()
    for name, content in read_all(emulator, job.details["dataSource"]["dataLocation"]):
        users.update(_users(name, content))
    job.details["numDeleted"] = emulator.delete_users(job.dataset_group_arn or "", frozenset(users))


def _users(name: str, content: bytes) -> set[str]:
    try:
        text = content.decode("utf-8")
        rows = list(csv.DictReader(io.StringIO(text, newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise JobProblem(f"{name} is no CSV file in UTF-8: {error}.") from None
    if rows and _COLUMN not in rows[0]:
        raise JobProblem(f"Input csv is missing the following headers: [{_COLUMN}]. {name} has {list(rows[0])}.")
    return {row[_COLUMN] for row in rows if row[_COLUMN]}
