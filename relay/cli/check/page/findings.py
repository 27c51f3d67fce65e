"""What was found on a page: what is well, what is doubtful, what is wrong. One line each."""

from dataclasses import dataclass, field
from typing import Final

from relay.cli.screen import harmless

_MOST_CHARS: Final = 400
_MOST_EXAMPLES: Final = 3
_MOST_EXAMPLE_CHARS: Final = 60


@dataclass(frozen=True, slots=True)
class Findings:
    """Lines in the order in which they were found; what a page wrote in them does nothing to a terminal."""

    good: list[str] = field(default_factory=list[str])
    warnings: list[str] = field(default_factory=list[str])
    """What works, but not as one would think."""
    problems: list[str] = field(default_factory=list[str])
    """What keeps events, or parts of them, from arriving. Each with its remedy."""

    def well(self, line: str) -> None:
        """This is as it should be."""
        self.good.append(_line(line))

    def doubt(self, line: str) -> None:
        """This works, and may not be what was meant."""
        self.warnings.append(_line(line))

    def wrong(self, line: str) -> None:
        """This has to be changed."""
        self.problems.append(_line(line))


def examples(ids: list[str]) -> str:
    """Some of them for a line, and how many there are besides."""
    shown = ", ".join(one[:_MOST_EXAMPLE_CHARS] for one in ids[:_MOST_EXAMPLES])
    return f"{shown} and {len(ids) - _MOST_EXAMPLES} more" if len(ids) > _MOST_EXAMPLES else shown


def plural(count: int, noun: str) -> str:
    """`1 list`, `2 lists`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def _line(text: str) -> str:
    return harmless(" ".join(text.split()))[:_MOST_CHARS]
