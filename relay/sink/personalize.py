"""Amazon Personalize: one HTTP request a batch, one attempt a request.

Sessions, credentials, regions and endpoints are aioboto3's. The call itself is not: `client.put_events` costs over a
millisecond of CPU, decodes what is stored to encode it again, follows redirects, and takes any 200 for a success. Here
the stored bytes are joined, signed and sent.
"""

import asyncio
import ssl
from collections.abc import Mapping
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aioboto3
import aiohttp
from botocore.exceptions import BotoCoreError
from botocore.httpsession import get_cert_path
from yarl import URL

from relay import __version__
from relay.clock import Clock, SystemClock
from relay.errors import RelayError
from relay.model import Batch, Operation
from relay.sink.aws import SIGNING_NAME, Account, Place, fault
from relay.sink.base import Outcome, Unreachable
from relay.sink.sigv4 import Keys, Signer
from relay.sink.verdict import judge
from relay.sink.wire import body_of, path_of

MAX_ANSWER_BYTES: Final = 64 * 1024
"""Of an answer's body; an answer of the service is empty or one short message."""
_MAX_HEADER_BYTES: Final = 16 * 1024
_KEEP_ALIVE_S: Final = 20.0
_USER_AGENT: Final = f"personalize-relay/{__version__}"


class _Route:
    """How to call one region."""

    def __init__(self, place: Place) -> None:
        base = urlsplit(place.url)
        self.signer = Signer(host=base.netloc, region=place.region, service=SIGNING_NAME)
        self.paths = {operation: base.path + path_of(operation) for operation in Operation}
        self.urls = {operation: URL(place.url + path_of(operation)) for operation in Operation}
        self.proxy = place.proxy


class PersonalizeSink:
    """See `relay.sink.base.Sink`. All five operations; a region for each target.

    Args:
        session: Where region and credentials come from; None for the environment's, read anew after they failed.
        regions: Region by tracking id, where it is not the account's own. A dataset's ARN names its region itself.
        max_in_flight: Connections at most.
        deadline_s: Seconds a call may take, from name lookup to the answer's last byte.
        clock: For the time in signatures.
        endpoint_url: Instead of the service's own.
    """

    def __init__(
        self,
        *,
        session: aioboto3.Session | None = None,
        regions: Mapping[str, str] | None = None,
        max_in_flight: int = 32,
        deadline_s: float = 10.0,
        clock: Clock | None = None,
        endpoint_url: str | None = None,
    ) -> None:
        self._account = Account(session, endpoint_url)
        self._regions = dict(regions or {})
        self._max_in_flight = max_in_flight
        self._deadline_s = deadline_s
        self._clock = clock or SystemClock()
        self._routes: dict[str | None, _Route] = {}
        self._resolving = asyncio.Lock()
        self._http: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        """Find the endpoints: of the regions that are named, else of the account's own.

        Raises:
            RelayError: no region is set, or the profile or an endpoint is not usable.
        """
        bundle: str | None = None
        regions: set[str | None] = set(self._regions.values())
        for region in regions or {None}:
            try:
                place = await self._account.place(region)
            except (BotoCoreError, ValueError) as error:
                raise RelayError(f"AWS: {error}") from error
            self._routes[region], bundle = _Route(place), place.ca_bundle
        connector = aiohttp.TCPConnector(
            limit=self._max_in_flight,
            keepalive_timeout=_KEEP_ALIVE_S,
            ssl=ssl.create_default_context(cafile=bundle or get_cert_path(True)),  # botocore's own list
        )
        self._http = aiohttp.ClientSession(
            connector=connector,
            timeout=aiohttp.ClientTimeout(total=None),  # `deliver` has the one deadline
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            max_line_size=_MAX_HEADER_BYTES,
            max_field_size=_MAX_HEADER_BYTES,
            headers={"user-agent": _USER_AGENT, "accept-encoding": "identity"},
        )
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._http is not None:
            await self._http.close()

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`. Used before it is entered, it raises `RuntimeError`."""
        return await self.call(batch.key.operation, batch.key.target, body_of(batch))

    async def call(self, operation: Operation, target: str, body: bytes) -> Outcome:
        """The same, of a call whose body is made already; `target` says the region."""
        try:
            async with asyncio.timeout(self._deadline_s):
                route = await self._route(self._region_of(target))
                outcome = await self._post(route, operation, body, await self._account.keys())
        except TimeoutError:
            return Unreachable("Timeout", f"no answer within {self._deadline_s:g} s", "network")
        except (BotoCoreError, ValueError) as error:
            outcome = fault(error)
        except (aiohttp.ClientError, OSError) as error:
            return Unreachable(type(error).__name__, str(error)[:200], "network")
        if isinstance(outcome, Unreachable) and outcome.cause == "credentials":
            self._account.reload()
        return outcome

    async def _post(self, route: _Route, operation: Operation, body: bytes, keys: Keys) -> Outcome:
        if self._http is None:
            raise RuntimeError("the sink is not open")
        headers = route.signer.headers(route.paths[operation], body, keys, self._clock.now_ms())
        async with self._http.post(
            route.urls[operation], data=body, headers=headers, allow_redirects=False, proxy=route.proxy
        ) as answer:
            said = bytearray()
            while len(said) < MAX_ANSWER_BYTES:
                chunk = await answer.content.read(MAX_ANSWER_BYTES - len(said))
                if not chunk:
                    break
                said += chunk
            return judge(answer.status, answer.headers, bytes(said))

    def _region_of(self, target: str) -> str | None:
        if target.startswith("arn:"):
            return target.split(":", 4)[3] or None
        return self._regions.get(target)

    async def _route(self, region: str | None) -> _Route:
        route = self._routes.get(region)
        if route is None:
            async with self._resolving:
                route = self._routes.get(region)
                if route is None:
                    route = self._routes[region] = _Route(await self._account.place(region))
        return route
