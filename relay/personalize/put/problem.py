"""Why a row is not sent: a value, since it is expected."""

import msgspec


class RowProblem(msgspec.Struct, frozen=True):
    """One row's fault."""

    reason: str
    """A `relay.core.model.Reason`, `bad_row`, `unknown_column`, or the service's error code."""
    detail: str
    """One line for the person who mends the file."""
