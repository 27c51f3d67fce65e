"""Serve any ASGI application on a free port of this machine, from inside a test."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import uvicorn


class _Server(uvicorn.Server):
    """uvicorn that leaves the signals alone and stops the moment it is told to."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = asyncio.Event()
        self.stop = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            await super().startup(sockets)
        except SystemExit:  # uvicorn's way to say that the lifespan failed
            self.should_exit = True
            for listener in sockets or ():
                listener.close()
        finally:
            self.ready.set()

    async def main_loop(self) -> None:
        while not self.stop.is_set():
            await self.on_tick(0)  # the Date of the answers
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1):
                    await self.stop.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in list(self.server_state.connections):
            connection.shutdown()
        try:
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.tasks or self.server_state.connections:  # noqa: ASYNC110  # uvicorn signals none
                    await asyncio.sleep(0.002)
        except TimeoutError:
            tasks = list(self.server_state.tasks)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.lifespan.shutdown()

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def serving(
    app: Any, *, grace_s: int = 2, stopping: Callable[[], None] | None = None, **config: Any
) -> AsyncGenerator[str]:
    """The base URL of `app`, served under uvicorn on a free port of 127.0.0.1.

    The lifespan of the application runs. On leaving, requests in flight get `grace_s` seconds, then are cancelled;
    every task of the server has ended when this returns.

    Args:
        app: An ASGI application.
        grace_s: For requests in flight at the end.
        stopping: Called before the server stops: end here what would hold requests open.
        config: More of `uvicorn.Config`.
    """
    # The protocol is named so that asyncio turns off Nagle on what it accepts: an answer in two writes took 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind(("127.0.0.1", 0))
    listener.listen(1024)
    port = listener.getsockname()[1]
    options = {"log_config": None, "access_log": False, "timeout_graceful_shutdown": grace_s, "lifespan": "on"}
    server = _Server(uvicorn.Config(app, **(options | config)))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    await server.ready.wait()
    try:
        if not server.started:
            raise RuntimeError("the application did not start; its log says why")
        yield f"http://127.0.0.1:{port}"
    finally:
        if stopping is not None:
            stopping()
        server.stop.set()
        await task
