"""`personalize-relay demo`: emulator, relay and shop on this machine, and a click stream to send through them."""

import asyncio
import signal
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import aiohttp
import click
from rich.console import Console

from relay.cli.demo_screen import replay_bar, show_figures, show_summary
from relay.core.clock import SystemClock
from relay.core.errors import RelayError
from relay.demo.offer import click_stream
from relay.demo.plan import Plan, make_plan
from relay.demo.processes import running
from relay.demo.replay.replaying import replay
from relay.demo.replay.sender import Target
from relay.demo.replay.streams import Stream, read_stream
from relay.identity.tokens import SiteClaims, Tokens, mint_identity


def _speed(text: str) -> float | None:
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = -1.0
    if not 0 <= speed < float("inf"):
        raise click.BadParameter(f"{text!r} is not a factor such as 1000, nor max")
    return speed or None


def _speed_option(_context: click.Context, _parameter: click.Parameter, text: str) -> float | None:
    return _speed(text)


def _path(_context: click.Context, _parameter: click.Parameter, text: str | None) -> Path | None:
    if text is None:
        return None
    found = click_stream(Path.cwd()) if text == "auto" else Path(text)
    if found is None or not found.is_file():
        raise click.BadParameter(f"there is no file {text!r}" if found else "there is no click stream at hand")
    return found.resolve()


@click.command()
@click.option(
    "--port",
    default=8080,
    show_default=True,
    envvar="DEMO_PORT",
    show_envvar=True,
    type=click.IntRange(1, 65532),
    help="The relay's; its admin page, emulator and shop take the next three.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Keep spool, calls and logs in this folder; else they are gone at the end.",
)
@click.option(
    "--replay",
    "path",
    metavar="FILE",
    callback=_path,
    help="Send this click stream through the relay; `auto` takes the one at hand.",
)
@click.option(
    "--speed",
    default="max",
    show_default=True,
    callback=_speed_option,
    help="Times faster than it happened.",
)
@click.option("--no-replay", is_flag=True, help="Do not offer a replay.")
@click.option("--exit", "is_once", is_flag=True, help="End after the replay; exit code 1 if an event is missing.")
def command(
    *, port: int, data: Path | None, path: Path | None, speed: float | None, no_replay: bool, is_once: bool
) -> None:
    """Run the demo: a local Amazon Personalize, the relay, and a shop that embeds the snippet.

    Ctrl-C stops all of it.
    """
    if is_once and path is None:
        raise click.UsageError("--exit needs --replay")
    offered = None if no_replay or path else click_stream(Path.cwd())
    stream = read_stream(path) if path else None
    with _folder(data) as folder:
        plan = make_plan(port, folder, keep=data is not None)
        demo = _Demo(plan, Console(highlight=False), speed)
        is_fine = asyncio.run(demo.run(stream, offered, is_once=is_once))
    sys.exit(0 if is_fine else 1)


@contextmanager
def _folder(data: Path | None) -> Generator[Path]:
    if data is None:
        with tempfile.TemporaryDirectory(prefix="personalize-relay-demo-", ignore_cleanup_errors=True) as temporary:
            yield Path(temporary)
        return
    try:
        data.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RelayError(f"--data {data}: {error.strerror}") from None
    yield data.resolve()


class _Demo:
    def __init__(self, plan: Plan, console: Console, speed: float | None) -> None:
        self._plan = plan
        self._console = console
        self._speed = speed
        self._clock = SystemClock()
        self._replay: asyncio.Task[bool] | None = None

    async def run(self, stream: Stream | None, offered: Path | None, *, is_once: bool) -> bool:
        """Until a signal, or until the only replay is over; whether that kept its promises."""
        work = asyncio.create_task(self._work(stream, offered, is_once=is_once))
        loop = asyncio.get_running_loop()
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(one, self._stop, work)
        try:
            return await work
        except asyncio.CancelledError:
            self._console.print("Everything has stopped.")
            return True

    def _stop(self, work: asyncio.Task[bool]) -> None:
        if not work.cancelling():
            self._console.print("\nStopping: what the relay holds still reaches the emulator.")
            work.cancel()

    async def _work(self, stream: Stream | None, offered: Path | None, *, is_once: bool) -> bool:
        self._console.print("Starting emulator, relay and shop ...")
        async with running(self._plan, self._clock) as parts:
            if not is_once:
                show_summary(self._console, self._plan, offered=offered)
            ended = asyncio.create_task(parts.until_one_ends())
            try:
                if stream is not None:
                    first = asyncio.create_task(self._send(stream, self._speed))
                    await asyncio.wait((ended, first), return_when=asyncio.FIRST_COMPLETED)
                    if not first.done():
                        first.cancel()
                    elif is_once or first.exception():
                        return first.result()
                elif offered is not None and sys.stdin.isatty():
                    asyncio.get_running_loop().add_reader(sys.stdin, self._typed, offered)
                raise await ended
            finally:
                ended.cancel()
                if self._replay is not None:
                    self._replay.cancel()

    def _typed(self, offered: Path) -> None:
        line = sys.stdin.readline()
        if not line:
            asyncio.get_running_loop().remove_reader(sys.stdin)
            return
        word, _, factor = line.strip().partition(" ")
        if word.lower() != "r":
            return
        if self._replay is not None and not self._replay.done():
            self._console.print("A replay is under way.")
            return
        try:
            speed = _speed(factor.strip()) if factor.strip() else self._speed
        except click.BadParameter as error:
            self._console.print(error.message)
            return
        self._replay = asyncio.create_task(self._send_and_tell(offered, speed))

    async def _send_and_tell(self, path: Path, speed: float | None) -> bool:
        try:
            return await self._send(await asyncio.to_thread(read_stream, path), speed)
        except (RelayError, aiohttp.ClientError) as error:
            self._console.print(f"The replay ended early: {error}")
            return False

    async def _send(self, stream: Stream, speed: float | None) -> bool:
        key = self._plan.secret_key
        target = Target(
            endpoint=f"{self._plan.relay_url}/r/e",
            origin=self._plan.shop_url,
            site_token=Tokens([key], clock=self._clock).mint(SiteClaims("default")),
            identity_token=lambda user, session: mint_identity(
                user, secret_key=key, session_id=session, clock=self._clock
            ),
        )
        with replay_bar(self._console) as bar:
            task = bar.add_task(stream.name, total=len(stream.events))
            replayed = await replay(
                stream,
                target,
                admin_url=self._plan.admin_url,
                emulator_url=self._plan.emulator_url,
                clock=self._clock,
                speed=speed,
                on_progress=lambda events: bar.advance(task, events),
            )
        show_figures(self._console, replayed)
        return not replayed.broken
