"""The calls that came, in order, taken or refused: what inspection shows and training reads."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final

import msgspec

DEFAULT_MAX_BYTES: Final = 512 * 1024 * 1024
"""Memory for calls. Past it the oldest are forgotten, which the statistics show; a journal keeps them on disk."""

_CALL_OVERHEAD_BYTES: Final = 500
_MAX_CALL_BYTES: Final = 5 * 1024 * 1024


class Call(msgspec.Struct, gc=False, frozen=True):
    """One call of an AWS client."""

    n: int
    """1, 2, 3, ... in the order of the answers."""
    time_ms: int
    operation: str | None
    """None: not an operation the emulator has."""
    status: int | None
    """What the client got; None where a fault kept it from getting any."""
    taken: bool
    """Whether the service acted on it: also true where a fault spoilt the answer."""
    body: bytes
    request_id: str
    error: str | None = None
    """The error code, if it was refused."""
    message: str | None = None
    fault: str | None = None
    """The fault that hit it, if one did."""
    access_key_id: str | None = None
    """Who signed it; None when the signature did not hold."""
    region: str | None = None
    overlooked: tuple[str, ...] = ()
    """Members that were passed over: unknown ones, and with `=null` behind them those that were null."""


class CallLine(msgspec.Struct, omit_defaults=True, rename="camel"):
    """A call as one line of JSON."""

    n: int
    time: str
    operation: str | None
    status: int | None
    taken: bool
    request_id: str
    error: str | None = None
    message: str | None = None
    fault: str | None = None
    access_key_id: str | None = None
    region: str | None = None
    overlooked: tuple[str, ...] = ()
    body: msgspec.Raw | None = None
    """The request body, when it is JSON."""
    body_text: str | None = None
    """The request body, when it is not."""


_encode = msgspec.json.Encoder().encode
_decode_any = msgspec.json.Decoder().decode


def call_line(call: Call) -> bytes:
    """One line of JSON, without its end."""
    body, text = _body_of(call)
    return _encode(
        CallLine(
            n=call.n,
            time=iso_time(call.time_ms),
            operation=call.operation,
            status=call.status,
            taken=call.taken,
            request_id=call.request_id,
            error=call.error,
            message=call.message,
            fault=call.fault,
            access_key_id=call.access_key_id,
            region=call.region,
            overlooked=call.overlooked,
            body=body,
            body_text=text,
        )
    )


def iso_time(time_ms: int) -> str:
    """ISO 8601 with milliseconds, in UTC."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _body_of(call: Call) -> tuple[msgspec.Raw | None, str | None]:
    if not call.body:
        return None, None
    if call.taken and b"\n" not in call.body and b"\r" not in call.body:
        return msgspec.Raw(call.body), None
    try:
        return msgspec.Raw(_encode(_decode_any(call.body))), None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None, call.body.decode("utf-8", "replace")


class CallLog:
    """Calls in memory, within a bound of bytes."""

    def __init__(self, *, max_bytes: int = DEFAULT_MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        self._calls: list[Call] = []
        self._first = 0
        self.last_n = 0
        """Number of the newest call; 0 before the first."""
        self.forgotten = 0
        """Calls given up for memory."""

    def append(self, call: Call) -> None:
        """Keep a call, and forget the oldest if there is no room for it."""
        self._calls.append(call)
        self.last_n = call.n
        self._bytes += len(call.body) + _CALL_OVERHEAD_BYTES
        while self._bytes > self._max_bytes and self._first < len(self._calls) - 1:
            self._bytes -= len(self._calls[self._first].body) + _CALL_OVERHEAD_BYTES
            self._first += 1
            self.forgotten += 1
        if self._first > 1000 and self._first * 2 > len(self._calls):
            del self._calls[: self._first]
            self._first = 0

    @property
    def is_full(self) -> bool:
        """Whether the next call may push out an older one."""
        return self._bytes + _MAX_CALL_BYTES > self._max_bytes

    def clear(self) -> None:
        """Forget all; numbers go on where they were."""
        self._calls, self._first, self._bytes, self.forgotten = [], 0, 0, 0

    def rewrite(self, change: Callable[[Call], Call]) -> None:
        """Put what `change` makes of it in the place of every call; its number stays."""
        for index in range(self._first, len(self._calls)):
            before = self._calls[index]
            self._calls[index] = change(before)
            self._bytes += len(self._calls[index].body) - len(before.body)

    def after(self, n: int, *, operation: str | None = None) -> Iterator[Call]:
        """Calls with a number above `n`, of one operation if it is named; those there are when it is asked."""
        start = self._first
        if start < len(self._calls):
            start = max(start, start + n + 1 - self._calls[start].n)
        for call in self._calls[start:]:
            if operation is None or call.operation == operation:
                yield call

    def latest(self) -> Iterator[Call]:
        """Calls, newest first."""
        return (self._calls[index] for index in range(len(self._calls) - 1, self._first - 1, -1))

    def __len__(self) -> int:
        return len(self._calls) - self._first
