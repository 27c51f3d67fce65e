"""Every bound of a listener in one place: sizes, counts and times, and what happens at each.

What a stranger can make the relay hold is the product of these, never more. They are read when they are needed, so
that a test may move one.
"""

from typing import Final

PIECE_BYTES = 4096
"""Input is parsed in pieces of this size, and a piece only once the request before it is answered. So at most what
fits in one (about 150 of the shortest requests) is queued behind a request; the rest waits unparsed, at most one read
of the loop's (256 KiB), and the socket is not read meanwhile."""

MAX_HEAD_BYTES: Final = 32 * 1024
"""Request line and headers together, give or take a piece. Past it 431, and the connection closes."""

MAX_HEADERS: Final = 128
"""Header lines. Past it 431, and the connection closes."""

MAX_FRAMING_BYTES: Final = 8 * 1024
"""Behind the headers, bytes in a row that are no body: sizes of chunks, their extensions, trailers. Past it 400, and
the connection closes. Trailers are dropped: nothing behind the headers changes them."""

BODY_BUFFER_BYTES: Final = 64 * 1024
"""Of a body that an ASGI application reads itself, so much is read ahead of it."""

WRITE_BUFFER_BYTES: Final = 64 * 1024
"""Of answers, so much is kept for a client that does not read; past it no further request of its is looked at."""

LINGER_BYTES: Final = 256 * 1024
"""What is still read in each sweep, and thrown away, of a request that was answered before its end: else the answer may
be lost to a client that sends all before it reads."""

FREE_READS: int = 16
"""Reads of one network within a sweep, or 16 KiB of them, that are looked at as soon as they are there: some thirty
beacons a second. What goes beyond waits for its turn; see `turns`."""

TURNS_S: float = 0.00025
"""Of each look at the sockets, so much is for those who wait for turns,"""

MOST_TURNS: Final = 4
"""and so many of them are begun: what an application does for one comes behind the look."""

PRESSED_INTERVAL_S: Final = 0.0001
"""How long one thread keeps the interpreter from another while some wait for turns and others do not."""

HEAD_DEADLINE_S: float = 10.0
"""From the first moment of a connection, or the first byte of a further request, to the end of its headers. Past it
the connection closes."""

BODY_DEADLINE_S: float = 10.0
"""From there to the end of the body, however slowly it drips. Past it 408, and the connection closes."""

WRITE_DEADLINE_S: float = 15.0
"""For a client to take an answer, or the next 64 KiB of a long one. Past it the connection is reset."""

LINGER_S: float = 5.0
"""How long a connection that is to close is still read. With `LINGER_BYTES` 2.5 MB at most."""

KEEP_ALIVE_S: float = 65.0
"""Without a request; longer than the 60 s of the usual load balancers, so that they close first."""

MAX_CONNECTIONS: int = 8192
"""Open at once on one listener, or fewer where the process may not open so many files. See `shares`."""

SWEEP_S: float = 0.5
"""How often all connections are looked at; each deadline is late by so much at most."""

SWEEP_PARTS: Final = 10
"""In so many parts."""

LAST_WORDS_S: Final = 0.5
"""At the end, for requests that were given up to say so. Then what is left is reset."""
