"""What an append gives at once: something to await, or to be told by."""

import asyncio
from collections.abc import Callable, Generator
from typing import Final

Repeated = frozenset[tuple[int, int]]
"""Events that were not stored, for they are here already: index of the record, place in it."""
NOTHING_REPEATED: Final[Repeated] = frozenset()


class Receipt:
    """The end of one append, now or later. Belongs to one event loop.

    Lighter than a future, of which each beacon would need one: who asks to be told is called by the one who knows, not
    by the loop some time after.
    """

    __slots__ = ("_error", "_repeated", "_tell")

    def __init__(self) -> None:
        self._repeated: Repeated | None = None
        self._error: Exception | None = None
        self._tell: list[Callable[[Receipt], object]] = []

    def succeed(self, repeated: Repeated) -> None:
        """All is on disk but these events, which were there already."""
        self._repeated = repeated
        self._end()

    def fail(self, error: Exception) -> None:
        """Nothing was stored."""
        self._error = error
        self._end()

    def when_done(self, tell: Callable[["Receipt"], object]) -> None:
        """Call `tell` once it has ended, now if it has. What it raises reaches the loop's handler, and nobody else."""
        if self._is_done():
            tell(self)
        else:
            self._tell.append(tell)

    def result(self) -> Repeated:
        """Events that were there already, once it has ended.

        Raises:
            SpoolError: why nothing was stored.
        """
        if self._error is not None:
            raise self._error
        if self._repeated is None:
            raise asyncio.InvalidStateError("not stored yet")
        return self._repeated

    def __await__(self) -> Generator[object, None, Repeated]:
        """The result; who gives up waiting changes nothing."""
        if not self._is_done():
            done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.when_done(lambda _: _wake(done))
            yield from done
        return self.result()

    def _is_done(self) -> bool:
        return self._repeated is not None or self._error is not None

    def _end(self) -> None:
        for tell in self._tell:
            try:
                tell(self)
            except Exception as error:  # noqa: BLE001  it is this waiter's, and no other's
                asyncio.get_running_loop().call_exception_handler(
                    {"message": "who waited for an append failed", "exception": error}
                )
        self._tell = []


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
