"""Recommendation ids that tell whose they are: their last twelve digits are a mark of the campaign or recommender.

So that events can be attributed after a restart too, with nothing kept but the resources.
"""

import hashlib
from typing import NamedTuple

from relay.emulator.control.kinds import Kind
from relay.emulator.state import Emulator


class Sources(NamedTuple):
    """Marks of the campaigns and recommenders of a dataset group."""

    by_mark: dict[str, str]

    def of(self, recommendation_id: str) -> str | None:
        """The ARN of the one that gave this id; None when it is none of them."""
        return self.by_mark.get(recommendation_id[-12:]) if recommendation_id else None


def new_recommendation_id(emulator: Emulator, source_arn: str) -> str:
    """An id of 40 characters, of the shape of the service's."""
    return f"RID-{emulator.uuid()[:-12]}{_mark(source_arn)}"


def sources_by_mark(emulator: Emulator, group_arn: str) -> Sources:
    """The marks that count in a dataset group."""
    found = [
        resource.arn
        for kind in (Kind.CAMPAIGN, Kind.RECOMMENDER)
        for resource in emulator.registry.all(kind, dataset_group_arn=group_arn)
    ]
    return Sources({_mark(arn): arn for arn in found})


def _mark(arn: str) -> str:
    return hashlib.sha256(arn.encode()).hexdigest()[:12]
