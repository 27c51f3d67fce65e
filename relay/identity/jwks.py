"""The public keys of the site's identity provider: from a file or a URL, kept fresh, read at a bounded rate."""

import asyncio
import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import aiohttp
import msgspec
from jwt import PyJWK
from jwt.exceptions import PyJWTError

from relay.core.background import Background
from relay.core.clock import Clock
from relay.core.errors import RelayError

ALGORITHMS: Final = ("RS256", "ES256", "EdDSA")
"""Of the keys that are taken. All are asymmetric: no public key can be used as a shared secret."""

REFRESH_S: Final = 600.0
"""After this long the keys are read again, so that one taken back does not live on."""

AGAIN_S: Final = 10.0
"""Least time between two readings, however many unknown keys are named."""

PATIENCE_S: Final = 600.0
"""For so long, while the keys cannot be read, nobody is told that a key is none."""

_WAIT_S: Final = 2.0
_READ_TIMEOUT_S: Final = 5.0
_MAX_BYTES: Final = 256 * 1024
_MAX_KEYS: Final = 100

_log = logging.getLogger("relay.identity.jwks")


class Jwks(Background):
    """Keys by their id. Enter it to keep them fresh; what was read last stays good while reading fails."""

    def __init__(self, source: str, *, clock: Clock) -> None:
        """Take the source.

        Args:
            source: A path, or an http(s) URL.
            clock: For the spacing of readings.
        """
        self._source = source
        self._clock = clock
        self._keys: dict[str | None, PyJWK] = {}
        self._tried_s = -math.inf
        self._tried_at_s = self._read_at_s = 0.0
        self._failing_s: float | None = None
        """Since when reading fails, monotonic."""
        self._wanted = asyncio.Event()
        self._read = asyncio.Condition()
        self._failure: str | None = None

    async def __aenter__(self) -> Self:
        """Read the keys.

        Raises:
            RelayError: a file that is not there or holds no key. A URL that does not answer is tried again instead.
        """
        await self._refresh()
        if self._failure and not self._is_url:
            raise RelayError(f"RELAY_JWT_JWKS: {self._failure}")
        return await super().__aenter__()

    def find(self, key_id: str | None) -> PyJWK | None:
        """The key of that id; without an id, the only key there is."""
        if key_id is None and len(self._keys) == 1:
            return next(iter(self._keys.values()))
        return self._keys.get(key_id)

    async def look_for(self, key_id: str | None) -> None:
        """Wait, for a moment at most, until an unknown key has been looked for, if it may be looked for again yet."""
        if self.find(key_id) is not None or self.again_in_s > 0:
            return
        async with self._read:
            self._wanted.set()
            try:
                async with asyncio.timeout(_WAIT_S):
                    await self._read.wait()
            except TimeoutError:
                return

    def problems(self) -> list[str]:
        """Why the keys could not be read the last time; nothing when they could."""
        return [f"RELAY_JWT_JWKS: {self._failure}"] if self._failure else []

    @property
    def again_in_s(self) -> float:
        """Seconds until the keys may be read again for the sake of an unknown one."""
        return max(0.0, AGAIN_S - (self._clock.monotonic_s() - self._tried_s))

    @property
    def known_at_s(self) -> float:
        """Unix time of the last reading that succeeded; after `PATIENCE_S` of failures that of the last one."""
        waits = self._failing_s is None or self._clock.monotonic_s() - self._failing_s < PATIENCE_S
        return self._read_at_s if waits else self._tried_at_s

    @property
    def _is_url(self) -> bool:
        return self._source.startswith(("https://", "http://"))

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(REFRESH_S if self._failure is None else AGAIN_S):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            await self._refresh()
            async with self._read:
                self._wanted.clear()
                self._read.notify_all()

    async def _refresh(self) -> None:
        self._tried_s, self._tried_at_s = self._clock.monotonic_s(), self._clock.now_ms() / 1000
        try:
            keys = _keys_of(await self._bytes())
        except (OSError, TimeoutError, ValueError, aiohttp.ClientError, PyJWTError) as error:
            self._fail(f"the keys cannot be read ({type(error).__name__})")
            return
        if not keys:
            self._fail(f"holds no key for {', '.join(ALGORITHMS)}")
            return
        self._keys, self._failure, self._failing_s, self._read_at_s = keys, None, None, self._tried_at_s

    def _fail(self, why: str) -> None:
        self._failure = why
        if self._failing_s is None:
            self._failing_s = self._tried_s
        _log.warning(why)

    async def _bytes(self) -> bytes:
        if not self._is_url:
            return await asyncio.to_thread(Path(self._source).read_bytes)
        timeout = aiohttp.ClientTimeout(total=_READ_TIMEOUT_S)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(self._source, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise ValueError("not 200")
            body = await answer.content.read(_MAX_BYTES + 1)
            while len(body) <= _MAX_BYTES and (more := await answer.content.read(_MAX_BYTES)):
                body += more
            if len(body) > _MAX_BYTES:
                raise ValueError("too large")
            return body


def _keys_of(body: bytes) -> dict[str | None, PyJWK]:
    table = msgspec.json.decode(body, type=dict[str, Any])
    listed = table.get("keys")
    if not isinstance(listed, list):
        raise ValueError("no list of keys")
    found: dict[str | None, PyJWK] = {}
    entries: list[Mapping[str, Any]] = [one for one in listed[:_MAX_KEYS] if isinstance(one, dict)]  # pyright: ignore[reportUnknownVariableType] - any JSON
    for entry in entries:
        if entry.get("use", "sig") != "sig" or entry.get("kty") == "oct":
            continue
        try:
            key = PyJWK.from_dict(dict(entry))
        except PyJWTError:
            continue  # a key of a kind we do not know is no reason to refuse the others
        if key.algorithm_name in ALGORITHMS:
            found[key.key_id] = key
    return found
