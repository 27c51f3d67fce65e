"""How a page of a spool's file is laid out, as far as it is read without SQLite.

https://www.sqlite.org/fileformat2.html: §1.6 pages of a tree and what overflows of them, §1.8 the pointer map. No byte
of a page is reserved.
"""

from typing import Final

LEAF: Final = 13
INDEX_LEAF: Final = 10
"""Kinds of page that hold rows: of a plain table, of one WITHOUT ROWID."""
RESERVED_AT: Final = 20
"""Where in the file it says how many bytes of each page are reserved, in one byte."""
ROOT, FREE, OVERFLOW, MORE_OVERFLOW, TREE = range(1, 6)
"""Kinds of page in the pointer map."""


def map_place(number: int, page_bytes: int) -> tuple[int, int] | None:
    """Which page of the pointer map tells of a page, and where in it; None for a page of the map itself.

    Not for pages of 1,024 bytes, which no spool has: there one of the map's own gives way to the page of the locks.
    """
    mapped = page_bytes // 5 + 1
    group = (number - 2) // mapped * mapped + 2
    return None if number == group else (group, 5 * (number - group - 1))


def map_entry(page: bytes, at: int) -> tuple[int, int]:
    """Kind and parent of a page: five bytes of a page of the map."""
    entry = page[at : at + 5].ljust(5, b"\0")
    return entry[0], number_at(entry, 1, 4)


def local_bytes(payload: int, page_bytes: int) -> int:
    """Bytes of a payload that lie in its cell, those of rows of plain tables; the rest overflows."""
    if payload <= page_bytes - 35:
        return payload
    least = (page_bytes - 12) * 32 // 255 - 23
    most = least + (payload - least) % (page_bytes - 4)
    return most if most <= page_bytes - 35 else least


def varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of one to nine bytes, and where it ends; 0 beyond the end."""
    value = 0
    for n, byte in enumerate(data[at : at + 9], 1):
        if n == 9:
            return value << 8 | byte, at + 9
        value = value << 7 | byte & 0x7F
        if byte < 0x80:
            return value, at + n
    return 0, at


def number_at(data: bytes, at: int, size: int) -> int:
    """A number of so many bytes."""
    return int.from_bytes(data[at : at + size], "big")
