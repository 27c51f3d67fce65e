"""Amazon Personalize as a sink: one attempt a call, a hard deadline, success only with a request id."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aioboto3
import aiohttp
from botocore.exceptions import BotoCoreError

from relay.clock import Clock, SystemClock
from relay.errors import RelayError
from relay.model import Batch
from relay.sink.aws import Aws, Endpoint
from relay.sink.base import Outcome, Unreachable
from relay.sink.outcomes import MAX_ANSWER_BYTES, outcome_of
from relay.sink.request import request_of
from relay.sink.signing import Signer

_MAX_HEADER_BYTES: Final = 16 * 1024


class PersonalizeSink:
    """Signs and sends batches to personalize-events.

    Sessions, credentials, regions and endpoints are aioboto3's, from the ordinary AWS variables and files;
    connections are kept and reused. Enter it before use.
    """

    def __init__(
        self,
        *,
        session: aioboto3.Session | None = None,
        regions: Mapping[str, str] | None = None,
        max_in_flight: int = 32,
        deadline_s: float = 10.0,
        clock: Clock | None = None,
    ) -> None:
        """Store; nothing is opened.

        Args:
            session: Instead of one made from the environment; it is then not renewed when credentials fail.
            regions: Tracking id → region, where that is not the session's; a dataset ARN names its own.
            max_in_flight: Connections kept.
            deadline_s: The most one call may take, answer and all.
            clock: Instead of the machine's.
        """
        self._clock = clock or SystemClock()
        self._aws = Aws((lambda: session) if session else aioboto3.Session, clock=self._clock)
        self._regions = dict(regions or {})
        self._max_in_flight = max_in_flight
        self._deadline_s = deadline_s
        self._routes: dict[str | None, _Route] = {}
        self._opening = asyncio.Lock()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        """Find the endpoints of the regions named, or else of the session's.

        Raises:
            RelayError: no region is set anywhere, or the AWS settings are not usable.
        """
        for region in set(self._regions.values()):
            await self._route(region)
        if not self._regions:
            await self._route(None)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._stack.aclose()

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`."""
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._deliver(batch)
        except TimeoutError:
            return Unreachable("Timeout", f"no answer within {self._deadline_s:g} s", "network")
        except BotoCoreError as error:
            return Unreachable("CredentialsUnavailable", str(error), "credentials")
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Unreachable(type(error).__name__, str(error), "network")

    async def _deliver(self, batch: Batch) -> Outcome:
        credentials = await self._aws.credentials()
        if credentials is None:
            return Unreachable("NoCredentials", "no AWS credentials found", "credentials")
        target = batch.key.target
        try:
            route = await self._route(self._regions.get(target) or _region_in(target))
        except RelayError as error:
            return Unreachable("NoRegion", str(error), "target")
        path, body = request_of(batch)
        headers = route.signer.headers(path, body, credentials=credentials, now_ms=self._clock.now_ms())
        async with route.http.post(
            route.endpoint.url + path, data=body, headers=headers, allow_redirects=False, proxy=route.endpoint.proxy
        ) as answer:
            outcome = outcome_of(answer.status, answer.headers, await _beginning(answer))
        if isinstance(outcome, Unreachable) and outcome.cause == "credentials":
            self._aws.renew()
        return outcome

    async def _route(self, region: str | None) -> "_Route":
        if region not in self._routes:
            async with self._opening:
                if region not in self._routes:
                    endpoint = await self._aws.endpoint(region)
                    http = await self._stack.enter_async_context(_http(endpoint, self._max_in_flight))
                    self._routes[region] = _Route(endpoint, http)
        return self._routes[region]


class _Route:
    """Endpoint, connections and signer of one region."""

    def __init__(self, endpoint: Endpoint, http: aiohttp.ClientSession) -> None:
        self.endpoint = endpoint
        self.http = http
        self.signer = Signer(host=urlsplit(endpoint.url).netloc, region=endpoint.region)


def _http(endpoint: Endpoint, max_in_flight: int) -> aiohttp.ClientSession:
    verify: ssl.SSLContext | bool = True
    if endpoint.ca_bundle:
        verify = ssl.create_default_context(cafile=endpoint.ca_bundle)
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=max_in_flight, ssl=verify, keepalive_timeout=30),
        timeout=aiohttp.ClientTimeout(total=None),  # the deadline is `deliver`'s
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        max_field_size=_MAX_HEADER_BYTES,
        max_line_size=_MAX_HEADER_BYTES,
        skip_auto_headers=("User-Agent", "Accept-Encoding"),
    )


async def _beginning(answer: aiohttp.ClientResponse) -> bytes:
    """The answer's body, or as much of it as is of interest; then the connection is not used again."""
    parts: list[bytes] = []
    size = 0
    while size < MAX_ANSWER_BYTES:
        part = await answer.content.read(MAX_ANSWER_BYTES - size)
        if not part:
            return b"".join(parts)
        parts.append(part)
        size += len(part)
    answer.close()
    return b"".join(parts)


def _region_in(target: str) -> str | None:
    parts = target.split(":")
    return parts[3] if len(parts) > 5 and parts[0] == "arn" else None
