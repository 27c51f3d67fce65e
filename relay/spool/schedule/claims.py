"""A lease in numbers."""

from typing import NamedTuple


class Claim(NamedTuple):
    """A lease as the index sees it."""

    session: int
    attempt: int
    seqs: tuple[int, ...]
    """Of records, oldest first."""
    waiting: tuple[int, ...]
    """Of each: a bit for every event that is leased."""


class Out(NamedTuple):
    """A claim that is out: how it may be ended, and when it ends by itself."""

    head: int
    last: int
    attempt: int
    size: int
    """Records."""
    until_s: float


class Removed(NamedTuple):
    """Events that have left the index."""

    seq: int
    """Of their record."""
    places: int
    """A bit for each."""
    left: int
    """The same of those that still wait; 0: the record is gone."""
