"""The code blocks of the papers, each with the place where it stands."""

import re
import textwrap
from pathlib import Path
from typing import NamedTuple

from tests.support.tree import ROOT

_FENCE = re.compile(r"^( *)```(\w*)[^\n]*\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)


class Block(NamedTuple):
    """One fenced block."""

    paper: str
    """Path from the root."""
    line: int
    language: str
    """As the fence says; empty for drawings and settings."""
    text: str

    @property
    def place(self) -> str:
        return f"{self.paper}:{self.line}"


def blocks(paper: str, language: str | None = None) -> list[Block]:
    """All blocks of a paper, or those of one language, in order."""
    text = Path(ROOT / paper).read_text()
    found = [
        Block(paper, text.count("\n", 0, match.start()) + 1, match[2], textwrap.dedent(match[3]))
        for match in _FENCE.finditer(text)
    ]
    return [block for block in found if language in (None, block.language)]
