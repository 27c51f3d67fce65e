"""A whole relay on its two listeners, and the order in which it goes down."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Coroutine
from contextlib import asynccontextmanager, nullcontext
from dataclasses import dataclass
from typing import Any, Final

from relay.compose.impressions import refused_impressions
from relay.compose.relay import Relay, open_relay
from relay.core.errors import SpoolError
from relay.core.settings import Settings
from relay.web.app import create_admin_app
from relay.web.listener import Listener, bind, listening
from relay.web.listener.open_files import raise_limit, room
from relay.web.public import listening_for_beacons

NOTICE_S: Final = 0.5
"""Between "not ready" and the last accepted connection, for load balancers that ask; at most a tenth of the drain."""

CLIENTS_SHARE: Final = 0.4
"""Of the time left for shutting down, what clients in flight may take; the rest is for delivering."""

ADMIN_GRACE_S: Final = 0.2

_log = logging.getLogger("relay")


BROKEN_S: Final = 5.0
"""How long a relay whose spool is broken answers 503, not ready and still delivering, before it ends."""


class Stop:
    """Asked once, a relay shuts down in order; asked again, it hurries."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.hurried = asyncio.Event()

    def ask(self) -> None:
        """Shut down; the second time: now."""
        (self.hurried if self.asked.is_set() else self.asked).set()


@dataclass(frozen=True, slots=True)
class Running:
    """A relay that takes requests."""

    url: str
    admin_url: str
    relay: Relay


async def until_stopped(running: Running, stop: Stop) -> SpoolError | None:
    """Wait until somebody asks for the end: None.

    Or until the disk has failed to write or sync: why. Only a new start reads what is really on it, so whoever
    supervises the process has to start it again. Then the end is hurried, for no delivery can be noted any more.
    """
    asked = asyncio.ensure_future(stop.asked.wait())
    broken = asyncio.ensure_future(running.relay.until_broken())
    try:
        await asyncio.wait((asked, broken), return_when=asyncio.FIRST_COMPLETED)
        if broken.done():
            why = broken.result()
            _log.critical("the spool is broken, ending in %.0f s to be started again: %s", BROKEN_S, why)
            await asyncio.wait((asked,), timeout=BROKEN_S)
            stop.ask()
            stop.ask()
            return SpoolError(f"the spool is broken: {why}")
        return None
    finally:
        asked.cancel()
        broken.cancel()


@asynccontextmanager
async def running(settings: Settings, *, stop: Stop) -> AsyncGenerator[Running]:
    """Serve until the block is left, then shut down within `RELAY_DRAIN_S`; `stop.hurried` cuts that short.

    Down goes, in this order: readiness, and with it what other relays of the spool can deliver; the public listener
    once what is in flight is answered; delivery once nothing is left to do or time is up; the admin listener; the
    spool. What is not delivered stays in the spool.

    Raises:
        RelayError: an address is in use, the spool cannot be opened.
    """
    loop = asyncio.get_running_loop()
    files = raise_limit()
    with (
        bind(settings.host, settings.port, variable="RELAY_HOST and RELAY_PORT") as public_socket,
        bind(
            settings.admin_host, settings.admin_port, variable="RELAY_ADMIN_HOST and RELAY_ADMIN_PORT"
        ) as admin_socket,
    ):
        for line in refused_impressions(settings):
            _log.warning(line)
        async with open_relay(settings) as relay:
            edge = relay.edge
            admin_app = create_admin_app(lambda: nullcontext(edge), hosts=settings.admin_hosts)
            async with listening(admin_app, admin_socket, grace_s=ADMIN_GRACE_S) as admin:
                async with listening_for_beacons(
                    lambda: nullcontext(edge),
                    public_socket,
                    prefix=settings.prefix,
                    grace_s=settings.drain_s * CLIENTS_SHARE,
                    room=lambda: room(files, others=settings.max_in_flight),
                ) as public:
                    yield Running(public.url, admin.url, relay)
                    deadline_s = loop.time() + settings.drain_s
                    relay.step_aside()
                    _log.info("shutting down", extra={"pending": edge.spool.stats().pending})
                    await _unless_hurried(stop, asyncio.sleep(min(NOTICE_S, settings.drain_s / 10)))
                    hurrying = asyncio.create_task(_hurry(stop, public))
                # Here every request in flight is answered, and no other can come.
                hurrying.cancel()
                await _unless_hurried(stop, relay.dispatcher.drain(max(0.0, deadline_s - loop.time())))
                _say_what_is_left(settings, edge.spool.stranded())


def _say_what_is_left(settings: Settings, pending: int) -> None:
    if not pending:
        _log.info("drained", extra={"pending": 0})
    elif settings.spool_url == "memory:":
        _log.error("%d events could not be delivered in time and are lost: the spool is in memory", pending)
    else:
        _log.warning(
            "%d events could not be delivered in time and are left on disk: the next start delivers them",
            pending,
            extra={"pending": pending},
        )


async def _unless_hurried(stop: Stop, work: Coroutine[Any, Any, object]) -> None:
    task = asyncio.ensure_future(work)
    hurried = asyncio.ensure_future(stop.hurried.wait())
    try:
        await asyncio.wait((task, hurried), return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in (task, hurried):
            one.cancel()
        await asyncio.gather(task, hurried, return_exceptions=True)


async def _hurry(stop: Stop, listener: Listener) -> None:
    await stop.hurried.wait()
    listener.hurry()
