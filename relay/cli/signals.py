"""Ctrl-C and SIGTERM for commands that end in order."""

import asyncio
import contextlib
import signal
from typing import Final

_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


def stop_on_signals(stop: asyncio.Event) -> None:
    """The first signal sets `stop`, the second ends the process at once."""
    loop = asyncio.get_running_loop()

    def stopping() -> None:
        stop.set()
        for number in _SIGNALS:
            loop.remove_signal_handler(number)

    with contextlib.suppress(NotImplementedError):  # Windows: Ctrl-C is a KeyboardInterrupt there
        for number in _SIGNALS:
            loop.add_signal_handler(number, stopping)
