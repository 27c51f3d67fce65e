"""Calls to one region of the service: signed, sent, answered, once; nothing else in the relay sends any.

Both `EventsClient` and the relay's sink are made of it.
"""

import asyncio
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import quote, urlsplit

from botocore.exceptions import BotoCoreError

from relay.core.clock import Clock
from relay.core.model import Operation
from relay.core.version import VERSION
from relay.sink.personalize.account import SIGNING_NAME, Account, Place
from relay.sink.personalize.connection import Done
from relay.sink.personalize.connections import Connections, Endpoint
from relay.sink.personalize.proxied import ProxiedConnections
from relay.sink.personalize.sigv4 import Keys, Signer
from relay.sink.wire import path_of

_USER_AGENT: Final = f"personalize-relay/{VERSION}"
_ESCAPE: Final = re.compile("%[0-9A-Fa-f]{2}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


class Caller:
    """See above.

    Args:
        account: Where credentials come from.
        place: Which region, and how to get there.
        limit: Connections at most; calls beyond it wait.
        clock: For the time in signatures.
    """

    def __init__(self, account: Account, place: Place, *, limit: int, clock: Clock) -> None:
        base = urlsplit(place.url)
        port = base.port or _DEFAULT_PORTS[base.scheme]
        name = base.hostname or ""
        host = f"[{name}]" if ":" in name else name
        if port != _DEFAULT_PORTS[base.scheme]:
            host = f"{host}:{port}"
        self.place = place
        self._account = account
        self._clock = clock
        self._loop = asyncio.get_running_loop()
        self._tasks: set[asyncio.Task[None]] = set()
        self._origin = f"{base.scheme}://{host}"
        self._paths = {operation: base.path.removesuffix("/") + path_of(operation) for operation in Operation}
        self._signer = Signer(host=host, region=place.region, service=SIGNING_NAME, user_agent=_USER_AGENT)
        self._endpoint: Endpoint
        if place.proxy:
            self._endpoint = ProxiedConnections(self._origin, proxy=place.proxy, tls=account.tls(place), limit=limit)
        else:
            tls = account.tls(place) if base.scheme == "https" else None
            self._endpoint = Connections(name, port, tls=tls, limit=limit)

    def url(self, operation: Operation) -> str:
        """Where its calls go."""
        return self._origin + self._paths[operation]

    def call(self, operation: Operation, body: bytes, done: Done, *, until_s: float, headers: str = "") -> None:
        """Make one call, once.

        Args:
            operation: Which.
            body: Of the call, complete.
            done: Gets the answer, whatever it says; or `TimeoutError`, `OSError`, `HttpError` when there is none,
                `BotoCoreError` when there are no credentials, `ValueError` when they cannot be sent.
            until_s: When, in the loop's time, it is too late.
            headers: More of them, not signed: lines, each with its line end.
        """
        call = _Call(operation, body, done, until_s, headers)
        keys = self._account.keys_at_hand(self._loop.time())
        if keys is not None:
            self._send(call, keys)
            return
        task = self._loop.create_task(self._send_with_new_keys(call))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def presigned(
        self, operation: Operation, method: str, query: Mapping[str, str | list[object]], *, expires_in: object
    ) -> str:
        """A URL of one call, good for `expires_in` seconds; raises `BotoCoreError` when there are no credentials."""
        keys = await self._account.keys(self._loop.time())
        return self._signer.presigned(
            method,
            self._origin,
            self._paths[operation],
            query,
            expires_in=expires_in,
            keys=keys,
            now_ms=self._clock.now_ms(),
        )

    async def close(self) -> None:
        """Close every connection; what is in flight ends with `ConnectionAbortedError`."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._endpoint.close()

    def _send(self, call: "_Call", keys: Keys) -> None:
        path = self._paths[call.operation]
        try:
            lines = self._signer.lines(path, call.body, keys, self._clock.now_ms()) + call.headers
            self._endpoint.post(_as_sent(path), lines, call.body, until_s=call.until_s, done=call.done)
        except ValueError as error:
            call.done(error)

    async def _send_with_new_keys(self, call: "_Call") -> None:
        try:
            async with asyncio.timeout_at(call.until_s):
                keys = await self._account.keys(self._loop.time())
        except (TimeoutError, BotoCoreError, ValueError) as error:
            call.done(error)
        except asyncio.CancelledError:
            call.done(ConnectionAbortedError("the connections are closed"))
            raise
        else:
            self._send(call, keys)


@lru_cache(maxsize=64)
def _as_sent(path: str) -> str:
    """What is signed as it stands goes out encoded; what is encoded already stays as it is."""
    is_encoded = all(_ESCAPE.match(path, place) for place, letter in enumerate(path) if letter == "%")
    return quote(path, safe="/~:@!$&'()*+,;=" + ("%" if is_encoded else ""))


class _Call(NamedTuple):
    operation: Operation
    body: bytes
    done: Done
    until_s: float
    headers: str
