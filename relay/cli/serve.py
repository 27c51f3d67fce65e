"""`personalize-relay serve`."""

import asyncio
import ctypes
import gc
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

import click

from relay.compose.lifecycle import Stop, running, until_stopped
from relay.core.event_loop import new_loop
from relay.core.logs import configure_logs
from relay.core.settings import Settings
from relay.core.settings_loading import load_settings

_TURN_S: Final = 0.005
"""How long one thread keeps the interpreter from another that wants it: Python's own figure."""
_TURN_AT_START_S: Final = 0.0005
"""The same while the spool is read beside imports: its threads need the interpreter often, and never for long."""
_M_MMAP_THRESHOLD: Final = -3
"""Of glibc's malloc.h."""
_LARGE_BYTES: Final = 256 * 1024


@click.command()
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Settings file; default relay.toml, if there is one.",
)
@click.option("--host", help="Address of the public listener, in place of RELAY_HOST.")
@click.option("--port", type=click.IntRange(0, 65535), help="Its port, in place of RELAY_PORT; 0: any that is free.")
@click.option(
    "--workers",
    type=click.IntRange(0, 64),
    help="Processes that make the calls to AWS, in place of RELAY_WORKERS; 0: none but this one.",
)
def command(config: Path | None, host: str | None, port: int | None, workers: int | None) -> None:
    """Run the relay.

    Settings come from RELAY_* variables, then from the settings file, then the defaults; `personalize-relay check`
    shows them. SIGTERM or Ctrl-C shuts down in order, a second one at once; the exit code is 0 either way. When the
    disk fails to write or sync, the relay ends with code 1 and wants to be started again.
    """
    settings = load_settings(config=config)
    given = {"host": host or None, "port": port, "workers": workers}
    settings = settings.model_copy(update={name: value for name, value in given.items() if value is not None})
    configure_logs()
    _keep_large_blocks_apart()
    gc.disable()  # until all that the start makes is there
    sys.setswitchinterval(_TURN_AT_START_S)
    try:
        with asyncio.Runner(loop_factory=new_loop) as runner:
            runner.run(_serve(settings))
    finally:
        _end_of_start()


async def _serve(settings: Settings) -> None:
    stop = Stop()
    loop = asyncio.get_running_loop()
    for one in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(one, stop.ask)
    async with running(settings, stop=stop) as relay:
        _end_of_start()
        _leave_the_collector_little()
        click.echo(f"relay on {relay.url}{settings.prefix}, admin on {relay.admin_url}")
        failure = await until_stopped(relay, stop)
    if failure is not None:
        raise failure


def _keep_large_blocks_apart() -> None:
    """What a million waiting events are kept in grows step by step: by itself it grows without leaving holes.

    Left alone, glibc raises the bound from which a block is by itself with each that is freed (mallopt(3)).
    """
    if sys.platform == "linux":
        with suppress(AttributeError):  # another C library
            ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)


def _end_of_start() -> None:
    gc.enable()
    sys.setswitchinterval(_TURN_S)


def _leave_the_collector_little() -> None:
    """What the start made stays for good, and what beacons leave behind holds no cycles: look less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 200, 100)
