"""The bytes of a file in their order, counted and digested as they are used up."""

import hashlib
from collections import deque
from collections.abc import Callable
from typing import BinaryIO, Final, cast

from relay.personalize.put.rows.plain import DAMAGE, damage
from relay.personalize.put.rows.row import MAX_ROW_BYTES

_CHUNK_BYTES: Final = 65_536


class Source:
    """A stream that can be looked into ahead; only what is used up counts."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._ahead: deque[bytes] = deque()
        self._digest = hashlib.sha256()
        self.offset = 0
        """Bytes used up."""

    @property
    def sha256(self) -> str:
        """Of the bytes used up."""
        return self._digest.hexdigest()

    def look(self, position: int) -> bytes:
        """A line that is still to come, 0 for the next; empty behind the end."""
        while len(self._ahead) <= position:
            line = self._checked(lambda: self._stream.readline(MAX_ROW_BYTES))
            if not line:
                return b""
            self._ahead.append(line)
        return self._ahead[position]

    def line(self) -> bytes:
        """The next line, used up; of one without an end, `MAX_ROW_BYTES` of it."""
        line = self._ahead.popleft() if self._ahead else self._checked(lambda: self._stream.readline(MAX_ROW_BYTES))
        self.use(line)
        return line

    def piece(self) -> bytes:
        """The next bytes, as many as are at hand; `use` says how many of them were used up."""
        if self._ahead:
            return self._ahead.popleft()
        return self._checked(lambda: cast("bytes", self._stream.read1(_CHUNK_BYTES)))  # type: ignore[attr-defined] # a buffered stream # pyright: ignore[reportAttributeAccessIssue, reportUnknownMemberType]

    def use(self, data: bytes | bytearray) -> None:
        """These bytes are used up."""
        self._digest.update(data)
        self.offset += len(data)

    def skip_to(self, offset: int, expected_sha256: str) -> bool:
        """Use up what an earlier run used; False when it is not the same any more."""
        while self.offset < offset:
            wanted = min(1 << 20, offset - self.offset)
            data = self._ahead.popleft() if self._ahead else self._checked(lambda: self._stream.read(wanted))  # noqa: B023 - called at once
            if not data:
                return False
            if len(data) > wanted:
                self._ahead.appendleft(data[wanted:])
            self.use(data[:wanted])
        return self.offset == offset and self.sha256 == expected_sha256

    def _checked(self, read: Callable[[], bytes]) -> bytes:
        try:
            return read()
        except DAMAGE as error:
            raise damage(error, self.offset) from error
