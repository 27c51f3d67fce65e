"""Interactions that came by import jobs: rows of datasets, in the order of their file."""

from collections.abc import Iterable, Iterator
from typing import Final

import msgspec

MAX_ROWS: Final = 2_000_000
"""Of all datasets together; an import that would pass it fails."""


class Interaction(msgspec.Struct, gc=False, array_like=True, frozen=True):
    """One row of a dataset of interactions, or of action interactions: then the action stands for the item."""

    user_id: str
    item_id: str
    timestamp: int
    event_type: str = ""
    event_value: float | None = None
    recommendation_id: str = ""
    impression: str = ""
    more: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    """Other columns of the schema that the row has."""


class BulkRows:
    """Dataset ARN to its rows."""

    def __init__(self) -> None:
        self._rows: dict[str, list[Interaction]] = {}
        self.version = 0
        """Changes whenever a row does."""

    def of(self, dataset_arn: str) -> list[Interaction]:
        """Rows of one dataset."""
        return self._rows.get(dataset_arn, [])

    def take(self, dataset_arn: str, rows: Iterable[Interaction], *, replace: bool) -> None:
        """Add rows to a dataset, or put them in the place of those it has."""
        if replace:
            self._rows[dataset_arn] = list(rows)
        else:
            self._rows.setdefault(dataset_arn, []).extend(rows)
        self.version += 1

    def users(self, dataset_arns: Iterable[str], among: frozenset[str]) -> set[str]:
        """Those of some users that have rows."""
        return {row.user_id for arn in dataset_arns for row in self.of(arn)} & among

    def without_users(self, dataset_arns: Iterable[str], users: frozenset[str]) -> None:
        """Drop the rows of some users."""
        for arn in dataset_arns:
            left = [row for row in self.of(arn) if row.user_id not in users]
            if len(left) != len(self.of(arn)):
                self.take(arn, left, replace=True)

    def drop(self, dataset_arn: str) -> None:
        """Forget a dataset."""
        if self._rows.pop(dataset_arn, None) is not None:
            self.version += 1

    def clear(self) -> None:
        """Forget all."""
        self._rows.clear()
        self.version += 1

    def items(self) -> Iterator[tuple[str, list[Interaction]]]:
        """Dataset ARN and rows of each dataset that has some."""
        return iter(list(self._rows.items()))

    def __len__(self) -> int:
        return sum(map(len, self._rows.values()))
