"""A lease in numbers."""

from typing import NamedTuple


class Claim(NamedTuple):
    """A lease as the index sees it."""

    session: int
    attempt: int
    seqs: tuple[int, ...]


class Out(NamedTuple):
    """A claim that is out: how it may be ended, and when it ends by itself."""

    head: int
    last: int
    attempt: int
    size: int
    until_s: float
