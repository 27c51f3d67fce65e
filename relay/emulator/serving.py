"""One emulator on one port, under uvicorn: as a process of its own, or in a thread of another's."""

import asyncio
import contextlib
import signal
import socket
import threading
from collections.abc import Callable, Generator, Iterable

import uvicorn

from relay.emulator.app import create_app
from relay.emulator.state import Emulator


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens; port 0 is any free one. `OSError` when it can't."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    listener = socket.socket(family, kind, protocol)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(1024)
    except OSError:
        listener.close()
        raise
    return listener


class EmulatorServer(uvicorn.Server):
    """Serves an emulator, and stops at once, also while it makes clients wait on purpose.

    In the main thread it ends with exit code 0 on SIGINT and SIGTERM; in another it leaves the signals alone.
    """

    def __init__(
        self,
        emulator: Emulator,
        *,
        started: Callable[[], object],
        allow_hosts: Iterable[str] = (),
        allow_origins: Iterable[str] = (),
    ) -> None:
        """A server; `run(sockets=[listen(...)])` serves.

        Args:
            emulator: What to serve.
            started: Called once it takes calls, or has failed to start: `started` says which.
            allow_hosts: See `create_app`.
            allow_origins: The same.
        """
        config = uvicorn.Config(
            create_app(emulator, allow_hosts=allow_hosts, allow_origins=allow_origins),
            log_level="warning",
            access_log=False,
            lifespan="on",
            timeout_graceful_shutdown=2,
            server_header=False,
            proxy_headers=False,
        )
        super().__init__(config)
        self._emulator = emulator
        self._tell_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """See `uvicorn.Server`."""
        try:
            await super().startup(sockets)
        finally:
            self._tell_started()

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """See `uvicorn.Server`."""
        if threading.current_thread() is threading.main_thread():
            loop = asyncio.get_running_loop()
            for number in (signal.SIGINT, signal.SIGTERM):
                loop.add_signal_handler(number, self.stop)
        yield

    def stop(self) -> None:
        """End soon; to be called in the server's own loop."""
        self._emulator.closing.set()
        self.should_exit = True
