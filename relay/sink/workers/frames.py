"""What a relay and its sender processes say to each other: MessagePack, each message after its length.

Both ends are ours and of one version. A call's body goes through as the bytes the service gets.
"""

import struct
from typing import Final

import msgspec

from relay.core.errors import RelayError
from relay.core.model import Operation
from relay.sink.base import Outcome

MAX_FRAME_BYTES: Final = 64 * 1024 * 1024
"""Far above any call; more is a fault of ours."""
_LENGTH: Final = struct.Struct("<I")


class Setup(msgspec.Struct, frozen=True, tag=True):
    """The first message to a sender process: of which sink it is."""

    regions: dict[str, str]
    max_in_flight: int
    deadline_s: float


class Ready(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """The sender process takes calls."""


class Failed(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """It cannot, and ends; the message is for a person."""

    message: str


class Call(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One call to the service."""

    number: int
    operation: Operation
    target: str
    body: bytes


class CallEnded(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """How a call went."""

    number: int
    outcome: Outcome


_encode: Final = msgspec.msgpack.Encoder().encode


def frame(message: Setup | Ready | Failed | Call | CallEnded) -> bytes:
    """A message as it travels."""
    data = _encode(message)
    return _LENGTH.pack(len(data)) + data


class Frames:
    """Cuts what arrives into messages."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """The messages that are complete now.

        Raises:
            RelayError: a length that cannot be.
        """
        data = self._rest + data if self._rest else data
        found: list[bytes] = []
        start = 0
        while len(data) - start >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, start)
            if length > MAX_FRAME_BYTES:
                raise RelayError("a sender process and its relay do not understand each other")
            end = start + _LENGTH.size + length
            if end > len(data):
                break
            found.append(data[start + _LENGTH.size : end])
            start = end
        self._rest = data[start:]
        return found
