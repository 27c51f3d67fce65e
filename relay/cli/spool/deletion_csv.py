"""The file that CreateDataDeletionJob reads: one user id a line, below the name of the column."""

import csv
import os
from pathlib import Path
from typing import Final

from relay.core.errors import RelayError

COLUMN: Final = "USER_ID"


def add_user(file: Path, user_id: str) -> bool:
    """Write a user into it, which is made if it is not there; False if the user is in it already.

    It is for the owner only. Whole days of erasures go into one file, and with one job.

    Raises:
        RelayError: it cannot be written, or is another file than this.
    """
    try:
        with open(
            os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+", newline="", encoding="utf-8"
        ) as out:
            there = list(csv.reader(out))
            if there and there[0] != [COLUMN]:
                raise RelayError(f"{file} is there already, and its first line is not {COLUMN}")
            if [user_id] in there[1:]:
                return False
            rows = csv.writer(out, lineterminator="\n")
            rows.writerows([[user_id]] if there else [[COLUMN], [user_id]])
            return True
    except (OSError, UnicodeError, csv.Error) as error:
        raise RelayError(f"{file} cannot be written: {getattr(error, 'strerror', None) or error}") from None
