"""Amazon Personalize: one HTTP request a batch, one attempt a request.

Sessions, credentials, regions and endpoints are aioboto3's. The call itself is not: `client.put_events` costs over a
millisecond of CPU, decodes what is stored to encode it again, follows redirects, and takes any 200 for a success. Here
the stored bytes are joined, signed and sent, over connections of our own (`relay.sink.personalize.connections`).
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

from relay.core.clock import Clock, SystemClock
from relay.core.errors import RelayError
from relay.core.model import Batch, Operation
from relay.core.version import VERSION
from relay.sink.base import Outcome, Unreachable
from relay.sink.personalize.account import SIGNING_NAME, Account, Place, fault
from relay.sink.personalize.connections import Connections, Endpoint, HttpError
from relay.sink.personalize.proxied import ProxiedConnections
from relay.sink.personalize.sigv4 import Signer
from relay.sink.verdict import judge
from relay.sink.wire import body_of, path_of

_USER_AGENT: Final = f"personalize-relay/{VERSION}"


class _Route:
    """How to call one region."""

    def __init__(self, place: Place, *, tls: ssl.SSLContext, limit: int) -> None:
        base = urlsplit(place.url)
        self.signer = Signer(host=base.netloc, region=place.region, service=SIGNING_NAME)
        self.paths = {operation: base.path + path_of(operation) for operation in Operation}
        self.endpoint: Endpoint
        if place.proxy:
            self.endpoint = ProxiedConnections(
                f"{base.scheme}://{base.netloc}", proxy=place.proxy, tls=tls, limit=limit
            )
        else:
            is_tls = base.scheme == "https"
            port = base.port or (443 if is_tls else 80)
            self.endpoint = Connections(base.hostname or "", port, tls=tls if is_tls else None, limit=limit)


class PersonalizeSink:
    """See `relay.sink.base.Sink`. All five operations; a region for each target.

    Args:
        session: Where region and credentials come from; None for the environment's, read anew after they failed.
        regions: Region by tracking id, where it is not the account's own. A dataset's ARN names its region itself.
        max_in_flight: Connections at most, to each region.
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
        self._tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        """Find the endpoints: of the regions that are named, else of the account's own.

        Raises:
            RelayError: no region is set, or the profile or an endpoint is not usable.
        """
        places: dict[str | None, Place] = {}
        regions: set[str | None] = set(self._regions.values())
        for region in regions or {None}:
            try:
                places[region] = await self._account.place(region)
            except (BotoCoreError, ValueError) as error:
                raise RelayError(f"AWS: {error}") from error
        bundle = next((place.ca_bundle for place in places.values() if place.ca_bundle), None)
        # Created once: it reads a hundred certificates. The list is botocore's own.
        self._tls = ssl.create_default_context(cafile=bundle or get_cert_path(True))
        for region, place in places.items():
            self._routes[region] = self._as_route(place)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for route in self._routes.values():
            await route.endpoint.close()

    async def deliver(self, batch: Batch) -> Outcome:
        """See `Sink.deliver`. Used before it is entered, it raises `RuntimeError`."""
        return await self.call(batch.key.operation, batch.key.target, body_of(batch))

    async def call(self, operation: Operation, target: str, body: bytes) -> Outcome:
        """The same, of a call whose body is made already; `target` says the region."""
        now_s = asyncio.get_running_loop().time()
        until_s = now_s + self._deadline_s
        try:
            region = self._region_of(target)
            route, keys = self._routes.get(region), self._account.keys_at_hand(now_s)
            if route is None or keys is None:
                async with asyncio.timeout_at(until_s):
                    route, keys = await self._route(region), await self._account.keys(now_s)
            path = route.paths[operation]
            headers = route.signer.headers(path, body, keys, self._clock.now_ms())
            headers["user-agent"] = _USER_AGENT
            answered = await route.endpoint.post(path, headers, body, until_s=until_s)
            outcome = judge(answered.status, answered.headers, answered.body)
        except TimeoutError:
            return Unreachable("Timeout", f"no answer within {self._deadline_s:g} s", "network")
        except (BotoCoreError, ValueError) as error:
            outcome = fault(error)
        except (HttpError, aiohttp.ClientError, OSError) as error:
            return Unreachable(type(error).__name__, str(error)[:200], "network")
        if isinstance(outcome, Unreachable) and outcome.cause == "credentials":
            self._account.reload()
        return outcome

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
                    route = self._routes[region] = self._as_route(await self._account.place(region))
        return route

    def _as_route(self, place: Place) -> _Route:
        if self._tls is None:
            raise RuntimeError("the sink is not open")
        return _Route(place, tls=self._tls, limit=self._max_in_flight)
