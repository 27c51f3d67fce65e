"""Which buried records a command is about: by ID, by reason, or all of them."""

import functools
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Final, NamedTuple

import click

from relay.spool.administration import Buried, SpoolAdministration

_AT_ONCE: Final = 1000
"""Records in one step: so the relay at work is never kept from its own for long."""

with_reasons: Final = click.option(
    "--reason",
    "reasons",
    multiple=True,
    metavar="R",
    help="Those buried for this, as `spool status` names it; may be given again.",
)


async def first_buried(spool: SpoolAdministration, *, limit: int, after: int, reasons: Collection[str]) -> list[Buried]:
    """The first buried records above the ID `after`; of any reason where none is named."""
    found: list[Buried] = []
    async for page in _pages(spool, after=after, reasons=reasons, size=_AT_ONCE if reasons else limit):
        found += page
        if len(found) >= limit:
            break
    return found[:limit]


class Choice(NamedTuple):
    """Some IDs, or some reasons, or all; `check` makes sure that it is one of these."""

    ids: tuple[int, ...]
    everything: bool
    reasons: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """Whether nothing was named."""
        return not (self.ids or self.everything or self.reasons)

    @property
    def for_reasons(self) -> str:
        """For a sentence: empty where no reason was named."""
        return for_reasons(self.reasons)

    def check(self) -> None:
        """Raise `click.UsageError` unless it is exactly one of the three."""
        if [bool(self.ids), self.everything, bool(self.reasons)].count(True) != 1:
            message = "name the IDs that `spool buried` lists, or --reason, or --all"
            raise click.UsageError(message)

    async def each_chunk(self, spool: SpoolAdministration, act: Callable[[Sequence[int]], Awaitable[int]]) -> int:
        """Do something with all of them; how many it was done with.

        What is buried meanwhile is left alone, so that it ends.
        """
        numbers = list(self.ids)
        if not numbers:
            pages = _pages(spool, after=0, reasons=self.reasons, size=_AT_ONCE)
            numbers = [one.number async for page in pages for one in page]
        return sum([await act(numbers[start : start + _AT_ONCE]) for start in range(0, len(numbers), _AT_ONCE)])


def with_choice(command: Callable[..., None]) -> Callable[..., None]:
    """Adds IDs, `--all` and `--reason`; the command gets them as `choice`."""

    @click.argument("ids", nargs=-1, type=click.IntRange(1, 2**63 - 1), metavar="[ID]...")
    @click.option("--all", "everything", is_flag=True, help="Whatever is buried.")
    @with_reasons
    @functools.wraps(command)
    def chosen(*, ids: tuple[int, ...], everything: bool, reasons: tuple[str, ...], **others: object) -> None:
        command(choice=Choice(ids, everything, reasons), **others)

    return chosen


def for_reasons(reasons: Collection[str]) -> str:
    """For a sentence: ` for this or that`; empty without any."""
    return f" for {' or '.join(reasons)}" if reasons else ""


async def _pages(
    spool: SpoolAdministration, *, after: int, reasons: Collection[str], size: int
) -> AsyncIterator[list[Buried]]:
    while page := await spool.buried(limit=size, after=after):
        yield [one for one in page if not reasons or one.reason in reasons]
        after = page[-1].number
