"""Who writes the archive: off the loop, a moment late, without a sync, and never more than allowed."""

import asyncio
import logging
import math
import os
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from relay.archive.segments import (
    Forgotten,
    ToForget,
    folder_of,
    forget,
    lines_of,
    number_of,
    private,
    segment,
    segments,
)
from relay.core.clock import Clock
from relay.core.errors import SpoolError
from relay.core.model import Batch, Operation

WRITE_AFTER_S: Final = 0.5
"""How long an event waits at most until it is written: what a crash may cost the archive."""
MAX_WAITING_BYTES: Final = 4 * 1024 * 1024
"""What may wait to be written; over it, on a disk that stands still, the oldest of them are given up."""
FORGOTTEN_S: Final = 120.0
"""How long after an erasure nothing of them is archived: longer than a call in flight then can last."""
_PARTS: Final = 8
"""Segments of a full archive, about: removing the oldest frees so much of it."""
_LARGEST_BYTES: Final = 16 * 1024 * 1024
_SAY_EVERY_S: Final = 60.0
_logger = logging.getLogger(__name__)


class _Waiting(NamedTuple):
    session_id: str
    user_id: str | None
    lines: bytes


class Archive:
    """Keeps delivered events of PutEvents, the newest `max_bytes` of them, and forgets who asks for it.

    Args:
        spool: The spool's file; the archive is beside it.
        max_bytes: Most bytes on disk; 0 for an archive that is only ever erased from.
        clock: What time it is.
    """

    def __init__(self, spool: Path, *, max_bytes: int, clock: Clock) -> None:
        self._folder = folder_of(spool)
        self._max_bytes = max_bytes
        self._segment_bytes = min(_LARGEST_BYTES, max_bytes // _PARTS)
        self._most_waiting = min(MAX_WAITING_BYTES, max_bytes)
        self._clock = clock
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="relay-archive")
        self._waiting: deque[_Waiting] = deque()
        self._given_up = 0
        self._waiting_bytes = 0
        self._timer: asyncio.TimerHandle | None = None
        self._writing: asyncio.Future[None] | None = None
        self._erasing = 0
        self._forgotten: dict[ToForget, float] = {}
        self._said_s = -math.inf
        # Of the thread.
        self._fd = -1
        self._sizes: dict[Path, int] | None = None
        self._current = Path()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._timer is not None:
            self._timer.cancel()
        while self._waiting or self._writing is not None:
            self._write_soon()
            if self._writing is not None:
                await asyncio.wait([self._writing])
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    def add(self, batch: Batch) -> None:
        """A batch was delivered. Costs some microseconds; never raises, never waits."""
        if not self._max_bytes or batch.key.operation is not Operation.PUT_EVENTS:
            return
        if self._is_forgotten(batch.key.session_id, batch.user_id):
            return
        lines = lines_of(batch, self._clock.now_ms())
        self._waiting.append(_Waiting(batch.key.session_id, batch.user_id, lines))
        self._waiting_bytes += len(lines)
        if self._waiting_bytes > self._most_waiting // 2:
            self._write_soon()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(WRITE_AFTER_S, self._write_soon)
        while self._waiting_bytes > self._most_waiting:
            self._give_up(self._waiting.popleft().lines)

    async def erase(self, *, user_id: str | None = None, session_id: str | None = None) -> int:
        """Remove a user's or a session's events; how many. On disk on return.

        Raises:
            SpoolError: the disk refused: erase again.
        """
        whom = ToForget(user_id, session_id)
        theirs = frozenset({one.session_id for one in self._waiting if user_id is not None and one.user_id == user_id})
        count = self._forget({whom, *[ToForget(session_id=session) for session in theirs]})
        self._erasing += 1
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._thread, self._erase, whom, theirs)
            count += self._forget({ToForget(session_id=session) for session in found.sessions})
            return count + found.events
        except OSError as error:
            raise SpoolError(f"the archive {self._folder} cannot be erased from: {error.strerror}") from error
        finally:
            self._erasing -= 1
            if not self._erasing and self._waiting:
                self._write_soon()

    # ── on the loop ─────────────────────────────────────────────────────────────────────────────────────────

    def _is_forgotten(self, session_id: str, user_id: str | None) -> bool:
        if not self._forgotten:
            return False
        now_s = self._clock.monotonic_s()
        self._forgotten = {whom: until_s for whom, until_s in self._forgotten.items() if until_s > now_s}
        return ToForget(session_id=session_id) in self._forgotten or ToForget(user_id=user_id) in self._forgotten

    def _forget(self, those: set[ToForget]) -> int:
        """What waits goes, and what comes is not taken; how many events went."""
        until_s = self._clock.monotonic_s() + FORGOTTEN_S
        self._forgotten |= dict.fromkeys(those, until_s)
        before, self._waiting = self._waiting, deque()
        gone = 0
        for one in before:
            if self._is_forgotten(one.session_id, one.user_id):
                gone += one.lines.count(b"\n")
                self._waiting_bytes -= len(one.lines)
            else:
                self._waiting.append(one)
        return gone

    def _give_up(self, lines: bytes) -> None:
        self._waiting_bytes -= len(lines)
        self._given_up += lines.count(b"\n")
        if self._say(
            f"the archive cannot keep up, or holds less than came at once (RELAY_ARCHIVE_BYTES): {self._given_up}"
            " delivered events are not in it, the oldest that waited"
        ):
            self._given_up = 0

    def _write_soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if self._writing is not None or self._erasing or not self._waiting:
            return  # whoever is busy looks again when done
        parts = [one.lines for one in self._waiting]
        self._waiting, self._waiting_bytes = deque(), 0
        self._writing = asyncio.get_running_loop().run_in_executor(self._thread, self._write, parts)
        self._writing.add_done_callback(self._written)

    def _written(self, done: asyncio.Future[None]) -> None:
        self._writing = None
        error = None if done.cancelled() else done.exception()
        if error is not None:
            self._say(f"the archive cannot be written, events are delivered, but not archived: {error}")
        if self._waiting:
            self._write_soon()

    def _say(self, message: str) -> bool:
        now_s = self._clock.monotonic_s()
        if now_s - self._said_s < _SAY_EVERY_S:
            return False
        self._said_s = now_s
        _logger.error("%s", message)
        return True

    # ── on the thread ───────────────────────────────────────────────────────────────────────────────────────

    def _write(self, parts: list[bytes]) -> None:
        """In pieces of a segment's size: what is removed for the newest is then as little as can be."""
        some: list[bytes] = []
        size = 0
        for part in parts:
            if some and size + len(part) > self._segment_bytes:
                self._append(b"".join(some))
                some, size = [], 0
            some.append(part)
            size += len(part)
        self._append(b"".join(some))

    def _append(self, data: bytes) -> None:
        if self._sizes is None:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            self._sizes = {path: path.stat().st_size for path in segments(self._folder)}
        self._make_room(len(data), self._sizes)
        if self._fd < 0:
            number = max(map(number_of, self._sizes), default=0) + 1
            self._current = segment(self._folder, number)
            self._fd = private(str(self._current), os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            self._sizes[self._current] = 0
        before = self._sizes[self._current]
        try:
            rest = memoryview(data)
            while rest:
                rest = rest[os.write(self._fd, rest) :]
        except OSError:
            os.ftruncate(self._fd, before)  # no half a line
            self._close()
            raise
        self._sizes[self._current] = before + len(data)
        if before + len(data) >= self._segment_bytes:
            self._close()

    def _make_room(self, size: int, sizes: dict[Path, int]) -> None:
        """Remove the oldest segments."""
        for path in sorted(sizes):
            if sum(sizes.values()) + size <= self._max_bytes:
                return
            if path == self._current:
                self._close()
            path.unlink(missing_ok=True)
            del sizes[path]

    def _close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def _erase(self, whom: ToForget, sessions: frozenset[str]) -> Forgotten:
        self._close()
        self._sizes = None  # some may be smaller, or gone
        return forget(self._folder, whom, sessions)
