"""Rows of a spool's file, found page by page without SQLite, for when SQLite no longer finds its way in it.

It reads what https://www.sqlite.org/fileformat2.html describes (§1.3 header, §1.5 freelist, §1.6 B-tree pages, §1.8
pointer map, §2.1 records); the WAL is laid over the file by `recovery.wal`. Nothing here says whether a row is what
was once written: its checksum does.

Guarantees, as long as what is damaged is not all of the evidence at once:

1. A cell that is whole is found, however damaged the rest of its page is: header, other cells, their pointers.
2. What was deleted stays deleted. Old copies lie about in free pages and between the pointers and the cells of a page.
   Which pages are free say the pointer map, the freelist and the interior pages, in this order; where cells begin
   says the page.
"""

import struct
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple, Protocol

from relay.spool.sqlite.file.page_layout import (
    FREE,
    INDEX_LEAF,
    LEAF,
    MORE_OVERFLOW,
    OVERFLOW,
    ROOT,
    TREE,
    local_bytes,
    map_entry,
    map_place,
    number_at,
    varint,
)

_INTERIOR: Final = 5
_HEADER: Final = 8
_MOST_PAYLOAD: Final = 1 << 20
"""Bytes of a row; no record comes near."""

Value = int | str | bytes | None


class Pages(Protocol):
    """The newest version of each page."""

    count: int
    page_bytes: int

    def page(self, number: int) -> bytes:
        """The page of this number, from 1; zeros where there is none."""
        ...


class Cell(NamedTuple):
    """A row that could be read."""

    kind: int
    """Of its page, as the page says."""
    rowid: int
    values: list[Value]


def cells(pages: Pages) -> Iterator[Cell]:
    """Every row of every page in use. Any page may turn out to be a leaf, whatever it says it is."""
    use = _Use(pages)
    for number in range(2, pages.count + 1):
        if use.is_tree(number):
            page = pages.page(number)
            for offset in _offsets(page):
                cell = _cell(pages, page, offset)
                if cell is not None:
                    yield cell


# ── which pages are in use ──────────────────────────────────────────────────────────────────────────────────────


class _Use:
    """Which pages belong to a tree."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def is_tree(self, number: int) -> bool:
        place = map_place(number, self._pages.page_bytes)
        if place is None:
            return False
        kind, parent = map_entry(self._pages.page(place[0]), place[1])
        if (kind == TREE and parent) or (kind == ROOT and not parent):
            return True
        if kind == FREE and not parent:
            return False
        first = self._pages.page(number)[0]
        if kind in (OVERFLOW, MORE_OVERFLOW) and parent and first not in (LEAF, INDEX_LEAF):
            return False
        return number in self._children if self._free is None else number not in self._free

    @cached_property
    def _free(self) -> frozenset[int] | None:
        """What the freelist lists, trunks and leaves; None if it does not list as much as the file's header says."""
        header = self._pages.page(1)
        trunk, count = number_at(header, 32, 4), number_at(header, 36, 4)
        found: set[int] = set()
        while 1 < trunk <= self._pages.count and trunk not in found:
            page = self._pages.page(trunk)
            size = min(number_at(page, 4, 4), len(page) // 4 - 2)
            found |= {trunk, *(number_at(page, 8 + 4 * n, 4) for n in range(size))}
            trunk = number_at(page, 0, 4)
        return frozenset(found) if not trunk and len(found) == count else None

    @cached_property
    def _children(self) -> frozenset[int]:
        """What interior pages point to."""
        found: set[int] = set()
        for number in range(2, self._pages.count + 1):
            page = self._pages.page(number)
            if page[0] == _INTERIOR:
                found.add(number_at(page, 8, 4))
                ends = (number_at(page, 12 + 2 * n, 2) for n in range(min(number_at(page, 3, 2), len(page) // 8)))
                found.update(number_at(page, at, 4) for at in ends)
        return frozenset(found)


# ── the cells of a page ─────────────────────────────────────────────────────────────────────────────────────────


def _offsets(page: bytes) -> tuple[int, ...]:
    """Where cells begin.

    From where the page says its cells begin to its end it is full of cells, freed blocks and a few lost bytes: that
    tells how many cells there are, should their number be damaged.
    """
    told, start = number_at(page, 3, 2), number_at(page, 5, 2)
    pointers: tuple[int, ...] = struct.unpack_from(f">{(len(page) - _HEADER) // 2}H", page, _HEADER)
    left = len(page) - start - _freed(page) - page[7]
    count = total = 0
    while total < left and count < len(pointers):
        total += _size(page, pointers[count])
        count += 1
    if total == left:
        return pointers[:count]
    told = told if told <= len(pointers) else 0
    start = start if _HEADER <= start <= len(page) else _HEADER
    return pointers[:told] + tuple(offset for offset in pointers[told:] if offset >= start)


def _freed(page: bytes) -> int:
    """Bytes of the freed blocks."""
    total, at = 0, number_at(page, 1, 2)
    while _HEADER <= at <= len(page) - 4 and total < len(page):
        total += max(4, number_at(page, at + 2, 2))
        at = number_at(page, at, 2) if number_at(page, at, 2) > at else 0
    return total


def _size(page: bytes, offset: int) -> int:
    """Bytes of a cell."""
    payload, at = varint(page, offset)
    if page[0] != INDEX_LEAF:
        _, at = varint(page, at)
    local = local_bytes(payload, len(page))
    return max(4, at - offset + local + (4 if local < payload else 0))


def _cell(pages: Pages, page: bytes, offset: int) -> Cell | None:
    length, at = varint(page, offset)
    rowid = 0
    if page[0] != INDEX_LEAF:
        rowid, at = varint(page, at)
    local = local_bytes(length, len(page))
    if not 0 < length <= _MOST_PAYLOAD or at + local > len(page):
        return None
    payload = page[at : at + local]
    following = number_at(page, at + local, 4)
    while len(payload) < length:
        if not 1 < following <= pages.count:
            return None
        more = pages.page(following)
        payload += more[4 : 4 + length - len(payload)]
        following = number_at(more, 0, 4)
    values = _values(payload)
    return None if values is None else Cell(page[0], rowid, values)


def _values(payload: bytes) -> list[Value] | None:
    """The columns of a row (§2.1); None if it is not one, or holds what no spool holds."""
    header, at = varint(payload, 0)
    start, values = header, list[Value]()
    while at < header <= len(payload):
        kind, at = varint(payload, at)
        size = (0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0)[kind] if kind < 12 else (kind - 12) // 2
        column, start = payload[start : start + size], start + size
        if start > len(payload) or kind in (7, 10, 11):
            return None
        if kind < 12:
            values.append((None, *[int.from_bytes(column, "big", signed=True)] * 7, 0, 1)[kind])
        elif kind % 2:
            try:
                values.append(column.decode())
            except UnicodeDecodeError:
                return None
        else:
            values.append(column)
    return values if at == header and start == len(payload) else None
