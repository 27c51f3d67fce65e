"""Rows of CSV, JSON Lines and JSON, one at a time from a stream of any size, each with the offset where it ends.

The offset is what makes a file resumable: a row begins where the one before it ended. Memory stays flat: a line
has a bound, and a quoted field that is never closed gives up at that bound instead of swallowing the file.

`plain` makes UTF-8 of gzip and UTF-16, `source` counts bytes, `csv_rows` and `json_rows` find rows, `reader` chooses.
"""

from relay.personalize.put.rows.plain import known_size
from relay.personalize.put.rows.reader import RowReader
from relay.personalize.put.rows.row import MAX_ROW_BYTES, Format, Row

__all__ = ["MAX_ROW_BYTES", "Format", "Row", "RowReader", "known_size"]
