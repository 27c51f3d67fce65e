"""Clocks for tests: one that is set by hand, and an event loop in which waiting takes no time."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
START_MS = 1_795_312_345_678
"""2026-11-22, some time."""


class FakeClock:
    """A clock that stands still until it is moved."""

    def __init__(self, now_ms: int = START_MS, monotonic_s: float = 1000.0) -> None:
        self._now_ms = now_ms
        self._monotonic_s = monotonic_s

    def now_ms(self) -> int:
        return self._now_ms

    def monotonic_s(self) -> float:
        return self._monotonic_s

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self._now_ms += round(seconds * 1000)
        self._monotonic_s += seconds

    def step(self, seconds: float) -> None:
        """Somebody sets the wall clock; no time passes."""
        self._now_ms += round(seconds * 1000)


class _JumpingSelector(selectors.DefaultSelector):
    """Instead of sleeping until a timer is due, makes it due."""

    loop: "VirtualTimeLoop"

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0 if timeout is None or timeout > 0 else timeout)
        if not ready and timeout is None:
            return super().select(None)
        if not ready and timeout is not None and timeout > 0:
            self.loop.jump(timeout)
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose time jumps to the next timer when there is nothing to do. Not for threads or sockets."""

    def __init__(self) -> None:
        self._jumped_s = 0.0
        selector = _JumpingSelector()
        super().__init__(selector)
        selector.loop = self

    def time(self) -> float:
        return self._jumped_s

    def jump(self, seconds: float) -> None:
        """Let time pass; a nanosecond more, so that rounding never leaves a timer just not due."""
        self._jumped_s += seconds + 1e-9


class LoopClock:
    """The time of the running `VirtualTimeLoop`."""

    def now_ms(self) -> int:
        return START_MS + int(asyncio.get_running_loop().time() * 1000)

    def monotonic_s(self) -> float:
        return asyncio.get_running_loop().time()


def run_in_virtual_time(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run it to the end; sleeping takes no real time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())
