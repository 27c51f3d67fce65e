"""Reads a page of the admin listener as a person does who asks of each number: what is that?"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

_BLOCKS = {"p", "li", "td", "th", "h1", "h2", "dt", "dd", "summary"}
_NOT_MEASURED = {"time", "bdi", "code", "noscript", "svg"}
"""Times, what others have named, and commands: no numbers of ours. `noscript` holds a text of its own."""
_EMPTY = {"input", "br", "meta", "link", "img"}


@dataclass
class Block:
    """A piece of text that is read as one: a paragraph, a cell."""

    kind: str
    row: int
    column: int
    figure: int
    text: str = ""
    links: list[str] = field(default_factory=list)


class Page(HTMLParser):
    """The blocks of a page's main part, and the anchors there."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.blocks: list[Block] = []
        self.anchors: set[str] = set()
        self._open: list[tuple[str, bool]] = []
        self._rows = self._columns = self._figures = self._tables = 0
        self._headers: dict[tuple[int, int], Block] = {}
        self._of_table: dict[int, int] = {}
        self.feed(page.partition("<main")[2].partition("</main>")[0].partition(">")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        if anchor := named.get("id"):
            self.anchors.add(anchor)
        if tag in _EMPTY:
            return
        self._tables += tag == "table"
        if tag == "tr":
            self._rows, self._columns = self._rows + 1, 0
            self._of_table[self._rows] = self._tables
        self._figures += named.get("class") == "figure"
        if tag in _BLOCKS:
            block = Block(tag, self._rows, self._columns, self._figures)
            if tag == "th":
                self._headers[self._tables, self._columns] = block
            self._columns += tag in {"td", "th"}
            self.blocks.append(block)
        if tag == "a" and self.blocks:
            self.blocks[-1].links.append(named.get("href") or "")
        self._open.append((tag, tag in _NOT_MEASURED))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if self.blocks and not any(hidden for _, hidden in self._open):
            self.blocks[-1].text += data

    def numbers(self) -> Iterator[tuple[Block, list[str]]]:
        """Every block that has a number, and the links that stand with it: its own, of its column, row or figure."""
        for block in self.blocks:
            if not any(char.isdecimal() for char in block.text):
                continue
            links = [*block.links]
            if block.kind == "td":
                links += self._headers[self._of_table[block.row], block.column].links
                if block.text.strip().replace(",", "").rstrip("%").replace(".", "").isdecimal():
                    yield block, links  # nothing but a number: what its row is about says not what it counts
                    continue
                links += [
                    one for cell in self.blocks if cell.kind == "td" and cell.row == block.row for one in cell.links
                ]
            elif block.kind in {"dt", "dd"}:
                links += [
                    one for dt in self.blocks if dt.kind == "dt" and dt.figure == block.figure for one in dt.links
                ]
            yield block, links
