"""What is readable behind the end of a long row: the rest of its last overflow page.

A row of more than a page goes on in a chain of pages, and SQLite fills of the last one only as much as it needs. If
that page held another row before, and was taken anew in the same transaction, the rest still says what it said.

Nothing is believed that the pointer map does not say, too: a page that once was a leaf, and is free now, names pages
that have become somebody else's.
"""

import os
from collections.abc import Iterator, Sequence
from typing import Final

from relay.spool.sqlite.file.page_layout import (
    MORE_OVERFLOW,
    OVERFLOW,
    RESERVED_AT,
    ROOT,
    TREE,
    local_bytes,
    map_entry,
    map_place,
    number_at,
    varint,
)

_LINK_BYTES: Final = 4
"""At the front of an overflow page: the number of the next one, 0 in the last."""
_GOES_ON: Final = 0x80
"""This bit of a byte says that a number of several bytes goes on behind it."""


class OverflowEnds:
    """Of a file that nobody writes meanwhile, and whose WAL is empty."""

    def __init__(self, fd: int, page_bytes: int) -> None:
        self._fd = fd
        self._page_bytes = page_bytes
        self._long = _GOES_ON | (page_bytes - 34) >> 7
        self._maps: dict[int, bytes] = {}
        self._is_known = os.pread(fd, 1, RESERVED_AT) == b"\0"
        self.looked_at = 0
        """Overflow pages."""

    def of(self, number: int, leaf: bytes, pointers: Sequence[int]) -> Iterator[tuple[int, int]]:
        """Where in the file something can be read that belongs to none of these rows of a page: begin and end."""
        # Most are short, which the first byte or two of their length say; those that may be long are looked at closely.
        pointers = [at for at in pointers if leaf[at] >= self._long or leaf[at + 1] >= _GOES_ON]
        if not pointers or not self._is_known:
            return
        kind, parent = self._mapped(number)
        if kind not in (ROOT, TREE) or (kind == ROOT) != (parent == 0):
            return
        for pointer in pointers:
            payload, at = varint(leaf, pointer)
            _, at = varint(leaf, at)
            local = local_bytes(payload, self._page_bytes)
            if local < payload and at + local + _LINK_BYTES <= len(leaf):
                first = number_at(leaf, at + local, _LINK_BYTES)
                yield from self._end(number, first, payload - local)

    def _end(self, leaf: int, first: int, left: int) -> Iterator[tuple[int, int]]:
        """The rest of the last page of a chain that holds so many bytes."""
        kind, parent, number, filled = OVERFLOW, leaf, first, self._page_bytes - _LINK_BYTES
        while self._mapped(number) == (kind, parent):
            self.looked_at += 1
            at = (number - 1) * self._page_bytes
            if left <= filled:
                page = os.pread(self._fd, self._page_bytes, at)
                end = _LINK_BYTES + left
                if len(page) == self._page_bytes and not any(page[:_LINK_BYTES]) and any(page[end:]):
                    yield at + end, at + len(page)
                return
            left -= filled
            kind, parent, number = MORE_OVERFLOW, number, number_at(os.pread(self._fd, _LINK_BYTES, at), 0, _LINK_BYTES)

    def _mapped(self, number: int) -> tuple[int, int]:
        """Kind and parent of a page, as the pointer map has them; zeros where it says nothing."""
        place = map_place(number, self._page_bytes) if number > 1 else None
        if place is None:
            return 0, 0
        page, at = place
        if page not in self._maps:
            self._maps[page] = os.pread(self._fd, self._page_bytes, (page - 1) * self._page_bytes)
        return map_entry(self._maps[page], at)
